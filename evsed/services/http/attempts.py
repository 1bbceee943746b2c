"""Slows guessing down: who failed lately, who waits, who is checked first.

Every table and every queue here is bounded: guessing costs no memory.
"""

import asyncio
import ipaddress
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from typing import Final

FREE_FAILURES: Final = 5
DELAY_S: Final = 1.0

_FORGET_AFTER_S: Final = 600.0
_ADDRESSES: Final = 256
_PUNISHED: Final = 32
_QUEUE: Final = 32


class Failures:
    """How often each address failed lately; a network of IPv6 counts as one address."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._known: OrderedDict[str, tuple[int, float]] = OrderedDict()

    def count(self, address: str) -> int:
        """Count one more failure; return how many there are."""
        key, now_s = _network(address), self._clock()
        failures, last_s = self._known.pop(key, (0, now_s))
        if now_s - last_s > _FORGET_AFTER_S:
            failures = 0
        self._known[key] = (failures + 1, now_s)
        if len(self._known) > _ADDRESSES:
            self._known.popitem(last=False)
        return failures + 1

    def forgive(self, address: str) -> None:
        """Forget the failures of an address that knows the password."""
        self._known.pop(_network(address), None)


def _network(address: str) -> str:
    """Return what one site is likely to have all of. Source: RFC 6177, a /64 or more."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address[:64]
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((parsed, 64), strict=False))


class Penalty:
    """A pause before a bad answer; when too many wait, who waited longest is let go."""

    def __init__(self, delay_s: float = DELAY_S, most: int = _PUNISHED) -> None:
        self._delay_s = delay_s
        self._most = most
        self._waiting: deque[asyncio.Event] = deque()

    async def serve(self) -> None:
        """Wait for the delay, or less under a flood."""
        over = asyncio.Event()
        timer = asyncio.get_running_loop().call_later(self._delay_s, over.set)
        self._waiting.append(over)
        if len(self._waiting) > self._most:
            self._waiting.popleft().set()
        try:
            await over.wait()
        finally:
            timer.cancel()
            if over in self._waiting:
                self._waiting.remove(over)


class Turns:
    """One at a time; who came last goes first, so that a flood does not queue ahead of a person."""

    def __init__(self, most: int = _QUEUE) -> None:
        self._most = most
        self._busy = False
        self._waiting: deque[asyncio.Future[bool]] = deque()

    async def take(self) -> bool:
        """Wait for a turn, to be given back with ``leave``; False: turned away, too many wait."""
        if not self._busy:
            self._busy = True
            return True
        place: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.append(place)
        if len(self._waiting) > self._most:
            self._waiting.popleft().set_result(False)
        try:
            return await place
        except asyncio.CancelledError:
            self._give_up(place)
            raise

    def leave(self) -> None:
        """Hand the turn on."""
        while self._waiting:
            place = self._waiting.pop()
            if not place.done():
                place.set_result(True)
                return
        self._busy = False

    def _give_up(self, place: asyncio.Future[bool]) -> None:
        if place in self._waiting:
            self._waiting.remove(place)
        elif place.done() and not place.cancelled() and place.result():
            self.leave()
