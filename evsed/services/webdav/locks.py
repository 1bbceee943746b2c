"""The lock table: who may write where. Kept in memory; a restart frees everything.

Changed on the event loop only; worker threads may read, they see whole tuples.
Source: RFC 4918 sections 6, 7 and 9.10; webdav.md section 7.
"""

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from evsed.services.webdav.errors import DavError
from evsed.services.webdav.paths import Names, href, in_tree

MAX_LOCKS: Final = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Lock:
    """One lock.

    Args:
        root: the names it was taken on.
        infinite: whether everything below is locked, too.
        owner: XML, as the client sent it.
        ends_s: on the table's clock.
    """

    token: str
    root: Names
    collection: bool
    exclusive: bool
    infinite: bool
    owner: str
    ends_s: float

    @property
    def href(self) -> str:
        """The path it was taken on, as clients know it."""
        return href(in_tree(self.root).segments, collection=self.collection)


class LockTable:
    """All locks."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._by_root: dict[Names, tuple[Lock, ...]] = {}

    def covering(self, names: Names) -> tuple[Lock, ...]:
        """Return the locks that hold for a resource: its own, and deep ones above."""
        if not self._by_root:
            return ()
        found = self._live(names)
        for length in range(len(names)):
            found += tuple(lock for lock in self._live(names[:length]) if lock.infinite)
        return found

    def left_s(self, lock: Lock) -> int:
        """Return how many seconds a lock has left."""
        return max(round(lock.ends_s - self._clock()), 0)

    def blocking(
        self, names: Names, tokens: frozenset[str], *, membership: bool, deep: bool
    ) -> Lock | None:
        """Return a lock that forbids a change to a client that knows some tokens.

        Of several shared locks upon one resource one token suffices.

        Args:
            names: what is to be changed.
            tokens: what the client has submitted.
            membership: whether it comes into being or goes away, which changes its parent.
            deep: whether everything below is changed, too.
        """
        affected = [names]
        if membership and names:
            affected.append(names[:-1])
        if deep:
            affected += self._below(names)
        for one in affected:
            locks = self.covering(one)
            if locks and not any(lock.token in tokens for lock in locks):
                return locks[0]
        return None

    def grant(self, wish: Lock, timeout_s: int) -> Lock:
        """Take a lock; token and end of ``wish`` are filled in.

        Raises:
            DavError: 423, another lock is in the way; 507, there are too many.
        """
        self._forget_ended()
        for lock in self._in_the_way(wish):
            if wish.exclusive or lock.exclusive:
                raise conflict(lock)
        if sum(map(len, self._by_root.values())) >= MAX_LOCKS:
            raise DavError(507, f"there are {MAX_LOCKS} locks already")
        ends_s = self._clock() + timeout_s
        lock = replace(wish, token=uuid.uuid4().urn, ends_s=ends_s)
        self._by_root[lock.root] = (*self._live(lock.root), lock)
        return lock

    def refresh(self, names: Names, tokens: frozenset[str], timeout_s: int) -> Lock:
        """Let a lock that covers a resource live on.

        Raises:
            DavError: 412, no token of such a lock.
        """
        for lock in self.covering(names):
            if lock.token in tokens:
                fresh = replace(lock, ends_s=self._clock() + timeout_s)
                others = (one for one in self._live(lock.root) if one.token != lock.token)
                self._by_root[lock.root] = (*others, fresh)
                return fresh
        raise DavError(
            412, "no lock with this token here", condition="<D:lock-token-matches-request-uri/>"
        )

    def release(self, names: Names, token: str) -> None:
        """End a lock.

        Raises:
            DavError: 409, it does not cover this resource.
        """
        for lock in self.covering(names):
            if lock.token == token:
                rest = tuple(one for one in self._live(lock.root) if one.token != token)
                self._keep(lock.root, rest)
                return
        raise DavError(
            409, "no lock with this token here", condition="<D:lock-token-matches-request-uri/>"
        )

    def drop(self, names: Names, *, keep_own: bool = False) -> None:
        """Forget the locks on what is gone, and on everything below.

        Args:
            names: what is gone.
            keep_own: something else stands there now; locks upon the name itself live on.
        """
        for root in [*self._below(names), *(() if keep_own else (names,))]:
            self._by_root.pop(root, None)

    def _live(self, root: Names) -> tuple[Lock, ...]:
        locks = self._by_root.get(root)
        if not locks:
            return ()
        now_s = self._clock()
        return tuple(lock for lock in locks if lock.ends_s > now_s)

    def _below(self, names: Names) -> list[Names]:
        length = len(names)
        roots = list(self._by_root)
        return [root for root in roots if len(root) > length and root[:length] == names]

    def _in_the_way(self, wish: Lock) -> list[Lock]:
        found = list(self.covering(wish.root))
        if wish.infinite:
            found += [lock for root in self._below(wish.root) for lock in self._live(root)]
        return found

    def _forget_ended(self) -> None:
        for root in list(self._by_root):
            self._keep(root, self._live(root))

    def _keep(self, root: Names, locks: tuple[Lock, ...]) -> None:
        if locks:
            self._by_root[root] = locks
        else:
            self._by_root.pop(root, None)


def conflict(lock: Lock) -> DavError:
    """Return the refusal of a lock because of another one."""
    where = f"<D:no-conflicting-lock><D:href>{lock.href}</D:href></D:no-conflicting-lock>"
    return DavError(423, f"locked by somebody else at {lock.href}", condition=where)


def locked(lock: Lock) -> DavError:
    """Return the refusal of a change to what is locked."""
    return DavError(423, f"locked at {lock.href}", condition=token_wanted(lock))


def token_wanted(lock: Lock) -> str:
    """Return the condition a change to something locked does not meet."""
    return f"<D:lock-token-submitted><D:href>{lock.href}</D:href></D:lock-token-submitted>"
