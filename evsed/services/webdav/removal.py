"""Removes files and whole directories, following no link. Blocking."""

import os
import stat
from dataclasses import dataclass, field

from evsed.services.webdav.paths import Names
from evsed.services.webdav.tree import DIRECTORY, Tree, names_in


@dataclass(slots=True)
class Removal:
    """What has gone, and what stayed and why."""

    bytes: int = 0
    entries: int = 0
    failed: list[tuple[Names, OSError]] = field(default_factory=list)


def remove(tree: Tree, names: Names) -> Removal:
    """Remove a file, or a collection with everything in it, as far as it goes."""
    removal = Removal()
    with tree.opened(names[:-1]) as parent:
        _remove(parent, names, removal)
        os.fsync(parent)
    return removal


def remove_entry(directory: int, name: str) -> Removal:
    """Remove one entry of an open directory with everything in it; never raises ``OSError``."""
    removal = Removal()
    _remove(directory, (name,), removal)
    return removal


def _remove(directory: int, names: Names, removal: Removal) -> bool:
    """Remove one entry; return whether it is gone."""
    name = names[-1]
    try:
        facts = os.stat(name, dir_fd=directory, follow_symlinks=False)
        if stat.S_ISDIR(facts.st_mode):
            if not _empty(directory, names, removal):
                return False
            os.rmdir(name, dir_fd=directory)
        else:
            os.unlink(name, dir_fd=directory)
            removal.bytes += facts.st_size
    except FileNotFoundError:
        return True
    except OSError as error:
        removal.failed.append((names, error))
        return False
    removal.entries += 1
    return True


def _empty(directory: int, names: Names, removal: Removal) -> bool:
    inner = os.open(names[-1], DIRECTORY, dir_fd=directory)
    try:
        gone = [_remove(inner, (*names, name), removal) for name in names_in(inner)]
    finally:
        os.close(inner)
    return all(gone)
