"""What users' files may be called, and how much of them there may be. Pure.

What one interface lets in, every other one can name, list and bring back.
Source: webdav.md sections 4, 6.1 and 6.4.
"""

import re
import unicodedata
from typing import Final

#: Names of what is kept beside the files while they are worked on.
RESERVED: Final = ".evsed-"

MAX_LEVELS: Final = 16
MAX_PATH_BYTES: Final = 1024
MAX_NAME_BYTES: Final = 255

MAX_ENTRIES: Final = 10_000
MAX_TREE_BYTES: Final = 256 * 1024 * 1024
#: Always left on the disk.
SPARE_BYTES: Final = 64 * 1024 * 1024

#: Most names; what is longer or has other letters is looked at more closely.
_PLAIN: Final = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_. -]{0,99}")
#: Control characters, and code points that XML cannot carry.
_UNSPEAKABLE: Final = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


def reachable(name: str) -> bool:
    """Tell whether clients can reach a file of this name; others do not exist for them."""
    if _PLAIN.fullmatch(name):
        return True
    return not unspeakable(name) and composed(name) == name and flaw(name) is None


def unspeakable(name: str) -> bool:
    """Tell whether a name has letters that cannot be sent to every client."""
    return _UNSPEAKABLE.search(name) is not None


def composed(name: str) -> str:
    """Return a name with each letter and its accents as one: the only form that is stored."""
    return unicodedata.normalize("NFC", name)


def flaw(name: str) -> str | None:
    """Return why no file may have a name, composed and speakable; None when one may."""
    if name in {"", ".", ".."} or "/" in name or "\\" in name:
        return "a name that leads elsewhere"
    if len(name.encode()) > MAX_NAME_BYTES:
        return f"a name of more than {MAX_NAME_BYTES} bytes"
    if name.startswith(RESERVED):
        return f"names that begin with {RESERVED} are reserved"
    return None
