"""What can be known of a file or directory by looking at it. Pure."""

import stat
from enum import IntEnum
from os import stat_result
from typing import NamedTuple


class Kind(IntEnum):
    """The kinds of things below the tree's root. Numbers, which are hashed and compared in C."""

    FILE = 1
    COLLECTION = 2
    #: a link, device, socket, or a file with several names: it does not exist for clients
    SPECIAL = 3


class Resource(NamedTuple):
    """One of them."""

    kind: Kind
    device: int
    inode: int
    size: int
    modified_ns: int
    changed_ns: int

    @property
    def collection(self) -> bool:
        """Whether it is a directory."""
        return self.kind is Kind.COLLECTION

    @property
    def modified_s(self) -> int:
        """When it was written, whole seconds since 1970."""
        return self.modified_ns // 1_000_000_000

    @property
    def created_s(self) -> int:
        """When it came into being, as far as this can still be seen."""
        return min(self.modified_ns, self.changed_ns) // 1_000_000_000

    @property
    def etag(self) -> str | None:
        """A strong entity tag; collections have none."""
        if self.kind is not Kind.FILE:
            return None
        return f'"{self.inode:x}-{self.size:x}-{self.modified_ns:x}"'


class Found(NamedTuple):
    """What stands at a place.

    Args:
        parent: whether the collection it belongs to exists.
        resource: None when there is nothing.
    """

    parent: bool
    resource: Resource | None

    @property
    def visible(self) -> Resource | None:
        """The resource, when it exists for clients."""
        resource = self.resource
        return None if resource is None or resource.kind is Kind.SPECIAL else resource


NOTHING = Found(parent=False, resource=None)


def resource_of(facts: stat_result) -> Resource:
    """Return what a file's status says."""
    mode = facts.st_mode
    if stat.S_ISDIR(mode):
        kind = Kind.COLLECTION
    elif stat.S_ISREG(mode) and facts.st_nlink == 1:
        kind = Kind.FILE
    else:
        kind = Kind.SPECIAL
    return Resource(
        kind, facts.st_dev, facts.st_ino, facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns
    )
