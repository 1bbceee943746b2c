"""Copies and moves files and whole collections. Blocking. Source: webdav.md section 5."""

import os
import threading
from dataclasses import dataclass
from typing import Final

from evsed.errors import EvsedError
from evsed.services.webdav.deposit import fresh_name, new_directory, new_file, rename_over
from evsed.services.webdav.paths import Names
from evsed.services.webdav.removal import remove_entry
from evsed.services.webdav.resource import Resource
from evsed.services.webdav.tree import DIRECTORY, Tree, visible_in

_PIECE_BYTES: Final = 1024 * 1024


class StoppedError(EvsedError):
    """The daemon ends; the work was given up and left nothing behind."""


@dataclass(slots=True)
class Extent:
    """How much something holds, itself included, and how far down its names reach."""

    bytes: int = 0
    entries: int = 0
    levels: int = 0
    longest_bytes: int = 0

    def take(self, levels: int, path_bytes: int, resource: Resource) -> None:
        """Add one resource, so many levels below."""
        self.entries += 1
        self.bytes += 0 if resource.collection else resource.size
        self.levels = max(self.levels, levels)
        self.longest_bytes = max(self.longest_bytes, path_bytes)


def measure(tree: Tree, names: Names) -> Extent:
    """Return how much a file or collection holds; nothing when it is not there."""
    extent = Extent()
    there = tree.look(names).visible
    if there is None:
        return extent
    extent.take(0, 0, there)
    if there.collection:
        with tree.opened(names) as directory:
            _measure(directory, 1, 0, extent)
    return extent


def _measure(directory: int, levels: int, above_bytes: int, extent: Extent) -> None:
    for name, resource in list(visible_in(directory)):
        path_bytes = above_bytes + 1 + len(name.encode())
        extent.take(levels, path_bytes, resource)
        if resource.collection:
            inner = os.open(name, DIRECTORY, dir_fd=directory)
            try:
                _measure(inner, levels + 1, path_bytes, extent)
            finally:
                os.close(inner)


def move(tree: Tree, source: Names, target: Names) -> None:
    """Rename, replacing what is at the target."""
    with tree.opened(source[:-1]) as old, tree.opened(target[:-1]) as new:
        rename_over(old, source[-1], new, target[-1])


def copy(
    tree: Tree, source: Names, target: Names, *, deep: bool, stopping: threading.Event
) -> None:
    """Copy, replacing what is at the target in one step once the copy is complete.

    Args:
        tree: where both are.
        source: what to copy.
        target: where to.
        deep: with the members of a collection.
        stopping: gives the work up when it is set.

    Raises:
        StoppedError: it was set.
    """
    with tree.opened(source[:-1]) as old, tree.opened(target[:-1]) as new:
        name = fresh_name()
        try:
            _copy(old, source[-1], new, name, _Terms(deep, stopping))
            rename_over(new, name, new, target[-1])
        except BaseException:
            remove_entry(new, name)
            raise


@dataclass(frozen=True, slots=True)
class _Terms:
    deep: bool
    stopping: threading.Event


def _copy(old: int, name: str, new: int, new_name: str, terms: _Terms) -> None:
    source = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=old)
    try:
        if os.path.isdir(source):  # noqa: PTH112  # a descriptor, not a path
            _copy_directory(source, new, new_name, terms)
        else:
            _copy_file(source, new, new_name, terms)
    finally:
        os.close(source)


def _copy_directory(source: int, new: int, name: str, terms: _Terms) -> None:
    target = new_directory(new, name)
    try:
        for inner, _ in list(visible_in(source)) if terms.deep else ():
            _copy(source, inner, target, inner, terms)
        os.fsync(target)
    finally:
        os.close(target)


def _copy_file(source: int, new: int, name: str, terms: _Terms) -> None:
    target = new_file(new, name)
    try:
        while os.sendfile(target, source, None, _PIECE_BYTES):
            if terms.stopping.is_set():
                raise StoppedError("the daemon ends")
        os.fsync(target)
    finally:
        os.close(target)
