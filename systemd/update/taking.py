"""Takes what the daemon has staged, and believes nothing about it."""

import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from machine import OTHERS_WRITE, Machine, RefusedError, plain, say, settle

PACKAGE: Final = "evsed"
STAGED: Final = "evsed.deb"
SIGNATURE: Final = "evsed.deb.minisig"
_MAX_BYTES: Final = {STAGED: 64 * 1024 * 1024, SIGNATURE: 4096}
_MAX_CONFIG: Final = 1024 * 1024
_VERSION: Final = re.compile(r"[0-9][A-Za-z0-9.+:~-]{0,63}")
_DEFAULT_KEYS: Final = "/etc/evsed/keys.d"


def taken(machine: Machine, staged: Path, own: Path) -> str:
    """Copy and verify the staged package; return its version.

    Args:
        machine: who verifies.
        staged: the daemon's folder.
        own: the folder only root writes; what is in it afterwards is what was verified.

    Raises:
        RefusedError: it is not to be installed.
        OSError: the disk failed.
    """
    if not _copied(staged, own, STAGED):
        raise RefusedError("there is no staged package")
    signed = _copied(staged, own, SIGNATURE)
    _check_signer(machine, own, signed=signed)
    version = _checked_version(machine, own / STAGED)
    machine.run("dpkg-deb", "--contents", str(own / STAGED))  # it is whole
    return version


def _copied(staged: Path, own: Path, name: str) -> bool:
    """Copy a staged file; return whether it was there.

    The folder belongs to the daemon, so everything in it may be replaced at any moment by
    something else: what is opened is looked at, and what was looked at is copied.
    """
    target = own / name
    target.unlink(missing_ok=True)
    try:
        source = _opened(staged, name)
    except FileNotFoundError:
        return False
    except OSError as error:
        raise RefusedError(f"{name}: {error.strerror}") from error
    facts = os.fstat(source)
    if not stat.S_ISREG(facts.st_mode) or facts.st_nlink != 1:
        os.close(source)
        raise RefusedError(f"{name} is not a plain file")
    with os.fdopen(source, "rb") as file:
        data = file.read(_MAX_BYTES[name] + 1)
    if len(data) > _MAX_BYTES[name]:
        raise RefusedError(f"{name} is larger than {_MAX_BYTES[name]} bytes")
    with target.open("xb") as copy:
        copy.write(data)
    settle(target)
    return True


def _opened(staged: Path, name: str) -> int:
    """Return a descriptor of a staged file; no link is followed, no pipe is waited for."""
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC
    folder = os.open(staged, flags | os.O_DIRECTORY)
    try:
        return os.open(name, flags | os.O_NONBLOCK, dir_fd=folder)
    finally:
        os.close(folder)


def _check_signer(machine: Machine, own: Path, *, signed: bool) -> None:
    wishes = administrator(machine.path("/etc/evsed/evsed.yaml"))
    if not signed:
        if not wishes.allow_unsigned:
            raise RefusedError("the package is not signed")
        say("the package is NOT signed, as the administrator permits")
        return
    files = ("-x", str(own / SIGNATURE), "-m", str(own / STAGED))
    folders = [machine.path(one) for one in ("/usr/share/evsed/keys.d", wishes.keys)]
    for key in (key for folder in folders for key in trusted_keys(folder)):
        try:
            machine.run("minisign", "-V", "-H", "-q", "-p", str(key), *files)
        except RefusedError:
            continue
        say(f"the package is signed by {plain(key.name)}")
        return
    raise RefusedError("the package is not signed by a trusted key")


def _checked_version(machine: Machine, package: Path) -> str:
    """Return the version of a package, once name and architecture are ours."""
    fields = _fields(machine.run("dpkg-deb", "--field", str(package)))
    architecture = machine.run("dpkg", "--print-architecture").strip()
    name, version = fields.get("package", ""), fields.get("version", "")
    if name != PACKAGE:
        raise RefusedError(f"the package is {plain(name)!r}, not {PACKAGE}")
    if fields.get("architecture") not in {"all", architecture}:
        raise RefusedError(f"the package is not for {architecture}")
    if not _VERSION.fullmatch(version):
        raise RefusedError(f"the package has no version that could be: {plain(version)!r}")
    return version


@dataclass(frozen=True)
class Administrator:
    """What this program has to know of ``evsed.yaml``."""

    allow_unsigned: bool = False
    keys: str = _DEFAULT_KEYS


def administrator(file: Path) -> Administrator:
    """Return two lines of the block ``update:``; whatever is written otherwise counts as not there.

    The daemon reads the whole of YAML; here less is more, and what is missed means "refuse".
    """
    try:
        if not (_roots_own(file) and _roots_own(file.parent)):
            return Administrator()
        with file.open(encoding="utf-8", errors="replace") as opened:
            text = opened.read(_MAX_CONFIG)
    except OSError:
        return Administrator()
    block = re.search(
        r"^update:[ \t]*(?:#.*)?\n((?:[ \t]+.*\n|[ \t]*#.*\n|[ \t]*\n)*)", text + "\n", re.M
    )
    lines = block[1] if block else ""
    unsigned = re.search(r"^[ \t]+allowUnsigned:[ \t]+true[ \t]*(?:#.*)?$", lines, re.M)
    keys = re.search(r"""^[ \t]+keys:[ \t]+(["']?)(/[^"'#\s]+)\1[ \t]*(?:#.*)?$""", lines, re.M)
    return Administrator(unsigned is not None, keys[2] if keys else _DEFAULT_KEYS)


def trusted_keys(folder: Path) -> list[Path]:
    """Return the keys in a folder that nobody but root can have put there."""
    return [key for key in sorted(folder.glob("*.pub")) if _roots_own(folder) and _roots_own(key)]


def _roots_own(path: Path) -> bool:
    facts = path.lstat()
    plain = stat.S_ISREG(facts.st_mode) or stat.S_ISDIR(facts.st_mode)
    return plain and facts.st_uid == os.geteuid() and not facts.st_mode & OTHERS_WRITE


def _fields(text: str) -> dict[str, str]:
    """Return the one-line fields of a control file; the last of two of a name never wins."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        name, colon, value = line.partition(":")
        if colon and not line.startswith((" ", "\t")):
            found.setdefault(name.lower(), value.strip())
    return found
