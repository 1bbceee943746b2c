"""Who may use the charger: one user and a password, of which only a salted slow hash is kept.

Source: rest.md section 2.
"""

import asyncio
import hashlib
import hmac
import json
import logging
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

from evsed.errors import BadFileError, RejectedError, StorageError
from evsed.settings.files import replace_file, sync_folder

MAX_USER_CHARACTERS: Final = 64
MAX_PASSWORD_CHARACTERS: Final = 128
FILE_NAME: Final = "credentials.json"

#: 16 MiB and a twentieth of a second on a fast machine; kept with the hash, so it may grow.
_COST: Final = 2**14
_BLOCK: Final = 8
_PARALLEL: Final = 1
_MOST_COST: Final = 2**17
_SALT_BYTES: Final = 16
_KEY_BYTES: Final = 32

_log = logging.getLogger(__name__)

#: There is no file; nor can there be one below something that is no folder.
_ABSENT: Final = (FileNotFoundError, NotADirectoryError)

#: Passwords that are looked at at the same time.
_HASHING: Final = 2

_Got = TypeVar("_Got")

#: What tells one version of the file from another; None: there is no file.
_Signature = tuple[int, int, int] | None


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Hashed:
    """User and password as they are kept."""

    user: str
    salt: bytes
    key: bytes
    cost: int = _COST

    @classmethod
    def of(cls, user: str, password: str) -> "Hashed":
        """Hash a password with a fresh salt; takes its time."""
        salt = secrets.token_bytes(_SALT_BYTES)
        return cls(user=user, salt=salt, key=_hash(password, salt, _COST))

    def fits(self, user: str, password: str) -> bool:
        """Compare both parts in constant time, always both; takes its time."""
        user_fits = hmac.compare_digest(_digest(user), _digest(self.user))
        key = _hash(password, self.salt, self.cost)
        return hmac.compare_digest(key, self.key) and user_fits

    def to_bytes(self) -> bytes:
        """Return the file."""
        kept = {
            "user": self.user,
            "scrypt": {"n": self.cost, "salt": self.salt.hex(), "key": self.key.hex()},
        }
        return json.dumps(kept, indent=2).encode() + b"\n"

    @classmethod
    def from_bytes(cls, data: bytes) -> "Hashed":
        """Read the file.

        Raises:
            ValueError: it is not what ``to_bytes`` writes.
        """
        match json.loads(data):
            case {
                "user": str(user),
                "scrypt": {"n": int(cost), "salt": str(salt), "key": str(key)},
            }:
                found = cls(user=user, salt=bytes.fromhex(salt), key=bytes.fromhex(key), cost=cost)
            case _:
                raise ValueError("user and scrypt expected")
        sizes = (len(found.salt), len(found.key), cost.bit_count())
        if sizes != (_SALT_BYTES, _KEY_BYTES, 1) or not 2 <= cost <= _MOST_COST:
            raise ValueError("salt, key or cost have the wrong size")
        return found


class CredentialStore:
    """The one user of the charger; all methods are for the event loop.

    A file that cannot be read closes every door: nobody passes until it is removed.
    """

    def __init__(self, state_dir: Path) -> None:
        self._file = state_dir / FILE_NAME
        self._hashed: Hashed | None = None
        self._broken = False
        self._signature: _Signature = None
        self._saving = asyncio.Lock()
        # Of its own, without the priority of the other workers: it computes for long.
        self._hashing = ThreadPoolExecutor(_HASHING, "evsed-passwords")
        self._changed: list[Callable[[], None]] = []

    @property
    def active(self) -> bool:
        """Whether requests need credentials."""
        return self._broken or self._hashed is not None

    def on_change(self, told: Callable[[], None]) -> None:
        """Call ``told`` after every change, also one made by somebody else."""
        self._changed.append(told)

    def load(self) -> None:
        """Read the file; called once at start, before anybody is served."""
        self._take(_signature(self._file), *_read(self._file))

    async def look(self) -> None:
        """Notice that the file was removed or replaced by the administrator."""
        if self._saving.locked():
            return
        async with self._saving:
            signature = await asyncio.to_thread(_signature, self._file)
            if signature != self._signature:
                self._take(signature, *await asyncio.to_thread(_read, self._file))
                _log.warning("credentials: changed outside; %s", self._in_words())
                self._tell()

    async def matches(self, user: str, password: str) -> bool:
        """Tell whether these are the credentials; hashes in a worker thread."""
        hashed = self._hashed
        if hashed is None:
            return False
        fits = await self._hash(hashed.fits, user, password)
        return fits and hashed is self._hashed

    async def save(self, user: str, password: str) -> None:
        """Keep new credentials; both empty: none are needed any more. The same again: no effect.

        Raises:
            RejectedError: too long, or characters no client could send.
            StorageError: the disk refused; the old ones stay.
        """
        check(user, password)
        async with self._saving:
            if await self._are_already(user, password):
                return
            hashed = None
            if user or password:
                hashed = await self._hash(Hashed.of, user, password)
            try:
                signature = await asyncio.to_thread(_write, self._file, hashed)
            except OSError as error:
                raise StorageError(f"credentials could not be saved: {error.strerror}") from error
            self._take(signature, hashed, None)
            _log.warning("credentials: changed; %s", self._in_words())
            self._tell()

    async def _are_already(self, user: str, password: str) -> bool:
        if user or password:
            return await self.matches(user, password)
        return not self.active

    async def _hash(self, work: Callable[[str, str], _Got], user: str, password: str) -> _Got:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._hashing, work, user, password)

    def _take(self, signature: _Signature, hashed: Hashed | None, wrong: str | None) -> None:
        self._signature = signature
        self._hashed = hashed
        self._broken = wrong is not None
        if wrong is not None:
            _log.error(
                "credentials: %s: %s; every request is refused until the file is removed: "
                "evsed credentials clear",
                self._file,
                wrong,
            )

    def _tell(self) -> None:
        for told in self._changed:
            told()

    def _in_words(self) -> str:
        return "they are needed from now on" if self.active else "none are needed from now on"


def check(user: str, password: str) -> None:
    """Refuse credentials that HTTP Basic cannot carry. Source: rest.md section 5.5.

    Raises:
        RejectedError: names the key and what is expected.
    """
    for key, text, most in (
        ("user", user, MAX_USER_CHARACTERS),
        ("password", password, MAX_PASSWORD_CHARACTERS),
    ):
        if len(text) > most:
            raise RejectedError(f"at most {most} characters expected", key=key)
        if any(letter < " " or "\x7f" <= letter <= "\x9f" for letter in text):
            raise RejectedError("no control characters expected", key=key)
    if ":" in user:
        raise RejectedError("no colon expected", key="user")


def clear(state_dir: Path) -> bool:
    """Remove the credentials, whatever state they are in; return whether there were any.

    Raises:
        BadFileError: the file cannot be removed.
    """
    file = state_dir / FILE_NAME
    try:
        return _remove(file)
    except OSError as error:
        raise BadFileError(f"{file}: {error.strerror}") from error


def _hash(password: str, salt: bytes, cost: int) -> bytes:
    return hashlib.scrypt(
        password.encode("utf-8", "surrogatepass"),
        salt=salt,
        n=cost,
        r=_BLOCK,
        p=_PARALLEL,
        maxmem=2 * 128 * _BLOCK * cost,
        dklen=_KEY_BYTES,
    )


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def _signature(file: Path) -> _Signature:
    try:
        found = file.stat()
    except _ABSENT:
        return None
    except OSError as error:
        return (-1, error.errno or 0, 0)
    return (found.st_ino, found.st_mtime_ns, found.st_size)


def _read(file: Path) -> tuple[Hashed | None, str | None]:
    """Return what is kept, or what is wrong with it."""
    try:
        return Hashed.from_bytes(file.read_bytes()), None
    except _ABSENT:
        return None, None
    except OSError as error:
        return None, error.strerror or "cannot be read"
    except (ValueError, RecursionError) as error:
        return None, f"not a credentials file: {error}"


def _write(file: Path, hashed: Hashed | None) -> _Signature:
    if hashed is None:
        _remove(file)
    else:
        file.parent.mkdir(parents=True, exist_ok=True)
        replace_file(file, hashed.to_bytes())
    return _signature(file)


def _remove(file: Path) -> bool:
    for half_written in file.parent.glob(f"{FILE_NAME}.new"):
        half_written.unlink(missing_ok=True)
    try:
        file.unlink()
    except FileNotFoundError:
        return False
    sync_folder(file.parent)
    return True
