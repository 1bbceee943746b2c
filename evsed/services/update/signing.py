"""Puts a signature into a package: for whoever makes releases, never used by the daemon.

``minisign -S -m evsed.deb`` writes ``evsed.deb.minisig``; then
``python3 -m evsed.services.update.signing evsed.deb evsed.deb.minisig`` appends it. (``ar`` would
write the parts before it anew, and the signature is for their very bytes.)
"""

import sys
from pathlib import Path
from typing import Final

from evsed.services.update.deb import SIGNATURE

_HEADER: Final = "{name:<16}{time:<12}{user:<6}{group:<6}{mode:<8}{size:<10}`\n"


def signed(package: bytes, signature: bytes) -> bytes:
    """Return a package with minisign's signature of it as its last part."""
    header = _HEADER.format(
        name=SIGNATURE, time=0, user=0, group=0, mode=100644, size=len(signature)
    )
    padding = b"\n" * (len(signature) % 2)
    return package + header.encode("ascii") + signature + padding


def main(package: str, signature: str) -> None:
    """Sign the package in place."""
    path = Path(package)
    path.write_bytes(signed(path.read_bytes(), Path(signature).read_bytes()))


if __name__ == "__main__":
    main(*sys.argv[1:3])
