"""How much may be stored: the limits, and what is used. Changed on the event loop only.

Source: webdav.md section 6.4.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from evsed.host.user_files import MAX_ENTRIES, MAX_TREE_BYTES, SPARE_BYTES
from evsed.services.webdav.errors import DavError

#: Files are also changed by hand, over ssh: the count is only trusted for so long.
_TRUSTED_S: Final = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a tree may hold."""

    file_bytes: int = 16 * 1024 * 1024
    tree_bytes: int = MAX_TREE_BYTES
    entries: int = MAX_ENTRIES
    #: always left on the file system
    spare_bytes: int = SPARE_BYTES


class Quota:
    """What is used, and by transfers that are under way."""

    def __init__(self, limits: Limits, clock: Callable[[], float] = time.monotonic) -> None:
        self.limits = limits
        self._clock = clock
        self._counted_s: float | None = None
        self._reserved_bytes = 0
        self.used_bytes = 0
        self.entries = 0

    @property
    def stale(self) -> bool:
        """Whether the tree should be counted again."""
        return self._counted_s is None or self._clock() - self._counted_s > _TRUSTED_S

    def counted(self, used_bytes: int, entries: int) -> None:
        """Take a fresh count."""
        self.used_bytes, self.entries = used_bytes, entries
        self._counted_s = self._clock()

    def changed(self, more_bytes: int, more_entries: int) -> None:
        """Take what a request has added or removed."""
        self.used_bytes = max(self.used_bytes + more_bytes, 0)
        self.entries = max(self.entries + more_entries, 0)

    def available_bytes(self, free_bytes: int) -> int:
        """Return how much more may be stored.

        Args:
            free_bytes: what the file system has left.
        """
        of_tree = self.limits.tree_bytes - self.used_bytes
        of_disk = free_bytes - self.limits.spare_bytes
        return max(min(of_tree, of_disk) - self._reserved_bytes, 0)

    def demand(self, more_bytes: int, more_entries: int, free_bytes: int) -> None:
        """Refuse what does not fit.

        Raises:
            DavError: 507.
        """
        if more_entries > 0 and self.entries + more_entries > self.limits.entries:
            raise _full("quota-not-exceeded", f"more than {self.limits.entries} files")
        if more_bytes > self.available_bytes(free_bytes):
            within = self.used_bytes + more_bytes <= self.limits.tree_bytes
            raise _full("sufficient-disk-space" if within else "quota-not-exceeded", "no room left")

    def overdrawn(self, free_bytes: int, freed_bytes: int) -> bool:
        """Tell whether the transfers have written more than fits.

        Args:
            free_bytes: what the file system had left when the transfer began.
            freed_bytes: the size of what is to be replaced.
        """
        of_tree = self.limits.tree_bytes - self.used_bytes + freed_bytes
        return self._reserved_bytes > min(of_tree, free_bytes - self.limits.spare_bytes)

    def reserve(self, more_bytes: int) -> None:
        """Keep room for what a transfer has written so far; negative gives it back."""
        self._reserved_bytes += more_bytes


def _full(condition: str, line: str) -> DavError:
    return DavError(507, line, condition=f"<D:{condition}/>")
