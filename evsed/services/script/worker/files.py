"""The tree scripts live in, by the names they use; no way out of it. Source: lua.md section 3."""

import errno
import os
import posixpath
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

MOST_FILE_BYTES: Final = 256 * 1024
MOST_TREE_BYTES: Final = 8 * 1024 * 1024
_TOP: Final = "/usr"
_HOME: Final = "/usr/lua"
_FOLDER: Final = os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC

#: whether it went well; the text (Latin-1) or what went wrong; the system's number for that
Outcome = tuple[bool, str, int]


class Files:
    """Reads and writes whole files below ``/usr/``.

    Args:
        root: the folder that scripts call ``/usr``.
    """

    def __init__(self, root: Path) -> None:
        self._root = root

    def exists(self, name: str) -> bool:
        """Tell whether there is a file of that name."""
        return self.read(name)[0]

    def read(self, name: str) -> Outcome:
        """Return the content of a file."""
        try:
            with self._folder_of(name) as (folder, last):
                file = os.open(last, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
                with os.fdopen(file, "rb") as opened:
                    return _content(opened.fileno(), name)
        except (OSError, ValueError) as error:
            return _told(name, error)

    def write(self, name: str, text: str) -> Outcome:
        """Replace a file, or make it."""
        data = text.encode("latin-1")
        if len(data) > MOST_FILE_BYTES:
            return _refused(name, errno.EFBIG)
        if self._used() + len(data) > MOST_TREE_BYTES:
            return _refused(name, errno.ENOSPC)
        try:
            with self._folder_of(name) as (folder, last):
                _replace(folder, last, data)
        except (OSError, ValueError) as error:
            return _told(name, error)
        return True, "", 0

    def remove(self, name: str) -> Outcome:
        """Remove a file or an empty folder."""
        try:
            with self._folder_of(name) as (folder, last):
                if stat.S_ISDIR(os.stat(last, dir_fd=folder, follow_symlinks=False).st_mode):
                    os.rmdir(last, dir_fd=folder)
                else:
                    os.unlink(last, dir_fd=folder)
        except (OSError, ValueError) as error:
            return _told(name, error)
        return True, "", 0

    def rename(self, name: str, other: str) -> Outcome:
        """Rename a file within the tree."""
        try:
            with self._folder_of(name) as (one, last), self._folder_of(other) as (two, fresh):
                os.replace(last, fresh, src_dir_fd=one, dst_dir_fd=two)
        except (OSError, ValueError) as error:
            return _told(name, error)
        return True, "", 0

    @contextmanager
    def _folder_of(self, name: str) -> Iterator[tuple[int, str]]:
        """Open the folder a name is in, step by step and never through a link."""
        path = posixpath.normpath(posixpath.join(_HOME, name.encode("latin-1").decode("utf-8")))
        if not path.startswith(f"{_TOP}/") or "\0" in path:
            raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))
        *folders, last = path.removeprefix(f"{_TOP}/").split("/")
        folder = os.open(self._root, _FOLDER)
        try:
            for one in folders:
                inner = os.open(one, _FOLDER, dir_fd=folder)
                os.close(folder)
                folder = inner
            yield folder, last
        finally:
            os.close(folder)

    def _used(self) -> int:
        return sum(
            (Path(folder) / name).lstat().st_size
            for folder, _, names in os.walk(self._root)
            for name in names
        )


def _content(file: int, name: str) -> Outcome:
    if not stat.S_ISREG(os.fstat(file).st_mode):
        return _refused(name, errno.EISDIR)
    data = os.read(file, MOST_FILE_BYTES + 1)
    if len(data) > MOST_FILE_BYTES:
        return _refused(name, errno.EFBIG)
    return True, data.decode("latin-1"), 0


def _replace(folder: int, last: str, data: bytes) -> None:
    fresh = f".{last}.new"
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
    with os.fdopen(os.open(fresh, flags, 0o640, dir_fd=folder), "wb") as file:
        file.write(data)
    os.replace(fresh, last, src_dir_fd=folder, dst_dir_fd=folder)


def _told(name: str, error: OSError | ValueError) -> Outcome:
    """Say what the system said; a name it cannot have was no system's business."""
    return _refused(name, (isinstance(error, OSError) and error.errno) or errno.EINVAL)


def _refused(name: str, number: int) -> Outcome:
    return False, f"{name}: {os.strerror(number)}", number
