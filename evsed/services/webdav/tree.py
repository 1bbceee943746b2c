"""The tree of files: looking, listing, opening. Blocking; runs in worker threads.

Every step starts from a directory that is open already and follows no link, so that nothing
outside the tree can be reached, however fast somebody exchanges names (webdav.md section 6.1).
"""

import contextlib
import errno
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from evsed.host.user_files import MAX_LEVELS, reachable
from evsed.services.webdav.paths import Names
from evsed.services.webdav.resource import NOTHING, Found, Kind, Resource, resource_of

DIRECTORY: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC

#: What the system says when a name leads nowhere, or is a link.
NOWHERE: Final = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP})


class Tree:
    """The files below one directory.

    Args:
        root: the directory; its own path is trusted.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    @contextlib.contextmanager
    def opened(self, names: Names) -> Iterator[int]:
        """Yield the descriptor of a directory.

        Raises:
            OSError: there is none; ``NOWHERE`` has the usual reasons.
        """
        at = os.open(self.root, DIRECTORY)
        try:
            for name in names:
                inner = os.open(name, DIRECTORY, dir_fd=at)
                os.close(at)
                at = inner
            yield at
        finally:
            os.close(at)

    def look(self, names: Names) -> Found:
        """Return what stands at a place."""
        try:
            with self.opened(names[:-1]) as parent:
                if not names:
                    return Found(parent=True, resource=resource_of(os.fstat(parent)))
                return Found(parent=True, resource=_look_in(parent, names[-1]))
        except OSError as error:
            if error.errno in NOWHERE:
                return NOTHING
            raise

    def members(self, names: Names) -> list[tuple[str, Resource]]:
        """Return what clients may see in a collection, by name; nothing when it is gone."""
        try:
            with self.opened(names) as directory:
                return sorted(visible_in(directory))
        except OSError as error:
            if error.errno in NOWHERE:
                return []
            raise

    def collection(self, names: Names) -> tuple[Resource, list[tuple[str, Resource]]] | None:
        """Return a collection and its members, seen in one descent; None when there is none."""
        try:
            with self.opened(names) as directory:
                return resource_of(os.fstat(directory)), sorted(visible_in(directory))
        except OSError as error:
            if error.errno in NOWHERE:
                return None
            raise

    def subtree(self, names: Names, most: int) -> list[tuple[Names, Resource]]:
        """Return everything below a collection, collections ahead of their members.

        Args:
            names: the collection.
            most: stop beyond this many.
        """
        found: list[tuple[Names, Resource]] = []
        waiting = [names]
        while waiting and len(found) <= most:
            here = waiting.pop()
            for name, resource in self.members(here):
                there = (*here, name)
                found.append((there, resource))
                if resource.collection and len(there) < MAX_LEVELS:
                    waiting.append(there)
        return found

    def open_file(self, names: Names) -> tuple[int, Resource] | None:
        """Open a file for reading; return None when there is none for clients.

        Returns:
            A descriptor to be closed by the caller, and what it is.
        """
        try:
            with self.opened(names[:-1]) as parent:
                file = os.open(names[-1], _FILE, dir_fd=parent)
        except OSError as error:
            if error.errno in NOWHERE or error.errno == errno.ENXIO:  # a socket, an idle pipe
                return None
            raise
        resource = resource_of(os.fstat(file))
        if resource.kind is Kind.FILE:
            return file, resource
        os.close(file)
        return None

    def free_bytes(self) -> int:
        """Return what the file system has left; nothing when somebody has removed the root."""
        try:
            with self.opened(()) as root:
                facts = os.fstatvfs(root)
        except FileNotFoundError:
            return 0
        return facts.f_bavail * facts.f_frsize


def _look_in(directory: int, name: str) -> Resource | None:
    try:
        return resource_of(os.stat(name, dir_fd=directory, follow_symlinks=False))
    except FileNotFoundError:
        return None


def names_in(directory: int) -> list[str]:
    """Return every name in an open directory."""
    with os.scandir(directory) as entries:
        return [entry.name for entry in entries]


def visible_in(directory: int) -> Iterator[tuple[str, Resource]]:
    """Yield what clients may see in an open directory."""
    with os.scandir(directory) as entries:
        for entry in entries:
            if not reachable(entry.name):  # what is reserved is not, either
                continue
            try:
                resource = resource_of(entry.stat(follow_symlinks=False))
            except FileNotFoundError:  # it has just gone
                continue
            if resource.kind is not Kind.SPECIAL:
                yield entry.name, resource
