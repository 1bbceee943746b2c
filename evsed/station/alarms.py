"""What an owner should know although charging goes on: something is not being kept."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from evsed.errors import StorageError

#: A disk that takes longer than this over one write is in trouble.
SLOW_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class Alarm:
    """One thing that is wrong: a word for programs, a sentence for people."""

    name: str
    text: str


Alarms = Callable[[], Sequence[Alarm]]


@dataclass(slots=True)
class DiskWatch:
    """Tells from outside how a worker fares with its disk, also while the worker hangs in it.

    The worker reports, anybody asks; each attribute is replaced as a whole, so no lock is needed.

    Args:
        name: of the alarm.
        what: what is not being kept, to begin a sentence with.
        clock_s: a monotonic clock.
    """

    name: str
    what: str
    clock_s: Callable[[], float] = time.monotonic
    _began_s: float | None = field(default=None, init=False)
    _failure: str | None = field(default=None, init=False)

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """Watch over one write; one that does not fail ends the alarm."""
        self._began_s = self.clock_s()
        try:
            yield
        except (OSError, StorageError) as error:
            self.failed(str(error))
            raise
        finally:
            self._began_s = None
        self._failure = None

    def failed(self, why: str) -> None:
        """Note that a write has failed."""
        self._failure = why

    @property
    def failing(self) -> bool:
        """Whether the last write failed."""
        return self._failure is not None

    def alarms(self) -> tuple[Alarm, ...]:
        """Return what is wrong now; from any thread, never blocks."""
        began_s, failure = self._began_s, self._failure
        if began_s is not None and self.clock_s() - began_s > SLOW_S:
            return (Alarm(self.name, f"{self.what}: the disk has not answered for {SLOW_S:.0f} s"),)
        if failure is not None:
            return (Alarm(self.name, f"{self.what}: {failure}"),)
        return ()
