"""Puts new things into the tree so that a power cut leaves the old or the new one. Blocking.

What is new is made under a reserved name, what is replaced is moved aside first: it comes back
when something fails, also after a power cut (``recover``). Source: webdav.md sections 5 and 6.3.
"""

import contextlib
import os
import secrets
import stat
from typing import Final, Self

from evsed.host.user_files import RESERVED
from evsed.services.webdav.errors import no_parent
from evsed.services.webdav.paths import Names
from evsed.services.webdav.removal import remove_entry
from evsed.services.webdav.tree import DIRECTORY, Tree, names_in

FILE_MODE: Final = 0o640
DIRECTORY_MODE: Final = 0o750

_FRESH: Final = f"{RESERVED}put-"
_ASIDE: Final = f"{RESERVED}old-"
_NEW_FILE: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class NewFile:
    """A file that is written beside the place where it is to stand; begun by the first write."""

    def __init__(self, tree: Tree, names: Names) -> None:
        self._tree, self._names = tree, names
        self._temporary = fresh_name()
        self._file: int | None = None
        self._parent: int | None = None

    @property
    def open(self) -> bool:
        """Whether there is something to be put away."""
        return self._parent is not None

    def write(self, data: bytes | bytearray) -> None:
        """Add some bytes."""
        file = self._begun()
        left = memoryview(data)
        while left:
            left = left[os.write(file, left) :]

    def finish(self) -> None:
        """Wait until everything is on the disk."""
        file = self._begun()
        os.fsync(file)
        os.close(file)
        self._file = None

    def place(self) -> None:
        """Let it stand under its name; it is finished.

        Raises:
            DavError: 409, its collection has been moved or removed in the meantime.
        """
        with self._tree.opened(self._names[:-1]) as parent:
            if self._parent is None or not os.path.samestat(
                os.fstat(parent), os.fstat(self._parent)
            ):
                raise no_parent()
            os.rename(self._temporary, self._names[-1], src_dir_fd=parent, dst_dir_fd=parent)
            self._temporary = ""
            os.fsync(parent)
        self.close()

    def close(self) -> None:
        """Forget it, unless it has been placed."""
        if self._parent is None:
            return
        if self._file is not None:
            os.close(self._file)
            self._file = None
        if self._temporary:
            with contextlib.suppress(OSError):
                os.unlink(self._temporary, dir_fd=self._parent)
        os.close(self._parent)
        self._parent = None

    def _begun(self) -> int:
        if self._parent is None:
            with self._tree.opened(self._names[:-1]) as parent:
                self._parent = os.dup(parent)
        if self._file is None:
            self._file = new_file(self._parent, self._temporary)
        return self._file

    def __enter__(self) -> Self:
        """Return it."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()


def fresh_name() -> str:
    """Return a reserved name nobody has."""
    return f"{_FRESH}{secrets.token_hex(8)}"


def new_file(directory: int, name: str) -> int:
    """Return the descriptor of a new, empty file."""
    file = os.open(name, _NEW_FILE, FILE_MODE, dir_fd=directory)
    os.fchmod(file, FILE_MODE)  # whatever the umask is
    return file


def new_directory(directory: int, name: str) -> int:
    """Return the descriptor of a new, empty directory."""
    os.mkdir(name, DIRECTORY_MODE, dir_fd=directory)
    made = os.open(name, DIRECTORY, dir_fd=directory)
    os.fchmod(made, DIRECTORY_MODE)
    return made


def make_collection(tree: Tree, names: Names) -> None:
    """Make an empty collection."""
    with tree.opened(names[:-1]) as parent:
        os.close(new_directory(parent, names[-1]))
        os.fsync(parent)


def rename_over(source: int, source_name: str, target: int, target_name: str) -> None:
    """Rename, replacing whatever stands at the target; both directories are on the disk then.

    What is replaced is gone only when its replacement is on the disk.
    """
    if _replaced_by_rename(source, source_name, target, target_name):
        os.rename(source_name, target_name, src_dir_fd=source, dst_dir_fd=target)
        _on_disk(target, source)
        return
    holder = f"{_ASIDE}{secrets.token_hex(8)}"
    inside = new_directory(target, holder)
    try:
        os.rename(target_name, target_name, src_dir_fd=target, dst_dir_fd=inside)
        try:
            os.rename(source_name, target_name, src_dir_fd=source, dst_dir_fd=target)
        except BaseException:
            os.rename(target_name, target_name, src_dir_fd=inside, dst_dir_fd=target)
            raise
        _on_disk(target, source)
    except OSError:
        with contextlib.suppress(OSError):  # not empty: it waits for the next start
            os.rmdir(holder, dir_fd=target)
        raise
    finally:
        os.close(inside)
    remove_entry(target, holder)


def _on_disk(*directories: int) -> None:
    for directory in directories:
        os.fsync(directory)


def _replaced_by_rename(source: int, source_name: str, target: int, target_name: str) -> bool:
    """Tell whether the file system replaces in one step: a file by a file, or nothing."""
    try:
        there = os.stat(target_name, dir_fd=target, follow_symlinks=False)
    except FileNotFoundError:
        return True
    here = os.stat(source_name, dir_fd=source, follow_symlinks=False)
    return not (stat.S_ISDIR(there.st_mode) or stat.S_ISDIR(here.st_mode))


def recover(tree: Tree) -> None:
    """Tidy up after a power cut: bring back what was moved aside, forget what was unfinished."""
    with tree.opened(()) as root:
        _recover(root)


def _recover(directory: int) -> None:
    with os.scandir(directory) as entries:
        found = [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries]
    for name, is_directory in found:
        if not is_directory and not name.startswith(RESERVED):
            continue
        if name.startswith(RESERVED):
            if is_directory and name.startswith(_ASIDE):
                _bring_back(directory, name)
            remove_entry(directory, name)
            continue
        inner = os.open(name, DIRECTORY, dir_fd=directory)
        try:
            _recover(inner)
        finally:
            os.close(inner)


def _bring_back(directory: int, holder: str) -> None:
    inside = os.open(holder, DIRECTORY, dir_fd=directory)
    try:
        for name in names_in(inside):
            try:
                os.stat(name, dir_fd=directory, follow_symlinks=False)
            except FileNotFoundError:
                os.rename(name, name, src_dir_fd=inside, dst_dir_fd=directory)
    finally:
        os.close(inside)
