"""Who held the interpreter when a control pass began late. Never the control thread.

A watcher of its own wakes a little after each pass is due. If the pass has not begun by then, or
the watcher was late itself, it notes where every thread is. Whoever held the interpreter is still
there: it gives way after the call that took long, and the two who waited come first.
Source: decision 0019.
"""

import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePath
from types import FrameType
from typing import Final, NamedTuple, Protocol

from evsed.hardware.real_time import WATCHER, ask_real_time

#: A pass that begins later than this is worth asking why.
LATE_US: Final = 5_000
#: How long after a pass is due the watcher looks whether it has begun.
_LOOK_AFTER_NS: Final = 3_000_000
#: The watcher was held up itself when it comes later than this.
_HELD_NS: Final = 2_000_000
#: While a pass runs there is nothing to watch.
_PAUSE_NS: Final = 5_000_000
#: Frames of a thread that are noted, and threads.
_DEPTH: Final = 24
_THREADS: Final = 24
#: Looks between two notes of where threads are when nothing is wrong.
_AT_REST_EVERY: Final = 50
#: Such notes that are kept; a place a thread is at in half of them is where it rests.
_NOTES: Final = 16
_SAMPLES: Final = 8
#: The watcher may come so long after the pass it is to explain.
_AFTER_NS: Final = 20_000_000
#: Whoever held the interpreter may have gone on after so long.
_GONE_US: Final = 1_000
#: The function the control thread sleeps in, or calls what sleeps.
_WAITING: Final = "_wait"
_SLEEPERS: Final = 3
_REPORTS: Final = 64


class LatePass(NamedTuple):
    """A pass that began late: when it was due (monotonic), and by how much."""

    due_ns: int
    late_us: int


class Place(NamedTuple):
    """One frame of a thread."""

    file: str
    function: str
    line: int


Stack = tuple[Place, ...]


class Watched(Protocol):
    """What the control loop shows of its passes; reading it costs the control thread nothing."""

    #: when the pass is due that is waited for; 0 while one runs
    due_ns: int
    #: passes that began late, newest last
    late: deque[LatePass]

    @property
    def thread(self) -> int | None:
        """The control thread's number; None before its start."""


@dataclass(frozen=True, slots=True)
class Report:
    """One late pass, and where the threads were that do not usually rest there, innermost first."""

    late_us: int
    #: how long after the pass had begun the watcher came; None: not in time
    after_us: int | None
    #: by the thread's number
    suspects: Mapping[int, Stack]


class Watcher:
    """Looks after every pass; what it finds waits in ``reports`` for whoever writes the log.

    Args:
        loop: the control loop's passes.
        clock_ns: monotonic.
        sleep: of seconds.
    """

    def __init__(
        self,
        loop: Watched,
        clock_ns: Callable[[], int] = time.monotonic_ns,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._loop, self._clock_ns, self._sleep = loop, clock_ns, sleep
        self.reports: deque[Report] = deque(maxlen=_REPORTS)
        self._samples: deque[tuple[int, dict[int, Stack]]] = deque(maxlen=_SAMPLES)
        self._at_rest: dict[int, deque[Place]] = {}
        self._looks = 0
        #: the pass that was seen to be waited for
        self._asked_ns = 0
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="evsed-watcher", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread; waits for its last look."""
        self._stopping = True
        self._thread.join()

    def _run(self) -> None:
        ask_real_time(WATCHER)
        while not self._stopping:
            self.look()

    def look(self) -> None:
        """Wait until the next pass should have begun, and see whether it has."""
        due_ns, now_ns = self._loop.due_ns, self._clock_ns()
        wake_ns = due_ns + _LOOK_AFTER_NS
        if wake_ns <= now_ns:  # a pass is running, or it has been asked about already
            wake_ns = now_ns + _PAUSE_NS
        self._sleep((wake_ns - now_ns) / 1e9)
        woke_ns = self._clock_ns()
        waited_for = due_ns != 0 and self._loop.due_ns == due_ns
        if woke_ns - wake_ns > _HELD_NS or (waited_for and due_ns != self._asked_ns):
            self._asked_ns = due_ns
            self._samples.append((woke_ns, self._seen(waited_for=waited_for)))
        elif not waited_for:
            self._note_rest()
        self._report()

    def _seen(self, *, waited_for: bool) -> dict[int, Stack]:
        """Return where the threads are; the control thread counts if it is what is waited for."""
        found, control = _stacks(), self._loop.thread
        stack = found.get(control) if control is not None else None
        waits = stack is not None and _WAITING in {place.function for place in stack[:_SLEEPERS]}
        if stack and (not waited_for or waits):
            found = {thread: seen for thread, seen in found.items() if thread != control}
        return found

    def _note_rest(self) -> None:
        self._looks += 1
        if self._looks % _AT_REST_EVERY:
            return
        found = _stacks(depth=1)
        self._at_rest = {
            thread: self._at_rest.get(thread, deque(maxlen=_NOTES)) for thread in found
        }
        for thread, stack in found.items():
            self._at_rest[thread].append(stack[0])

    def _report(self) -> None:
        while self._loop.late:
            late = self._loop.late.popleft()
            begun_ns = late.due_ns + late.late_us * 1000
            for at_ns, stacks in self._samples:
                if late.due_ns <= at_ns <= begun_ns + _AFTER_NS:
                    self.reports.append(self._judged(late.late_us, at_ns - begun_ns, stacks))
                    break
            else:
                self.reports.append(Report(late.late_us, None, {}))

    def _judged(self, late_us: int, after_ns: int, stacks: Mapping[int, Stack]) -> Report:
        suspects = {
            thread: stack for thread, stack in stacks.items() if not self._rests(thread, stack)
        }
        return Report(late_us, max(0, after_ns) // 1000, suspects)

    def _rests(self, thread: int, stack: Stack) -> bool:
        notes = self._at_rest.get(thread, ())
        return 2 * sum(place == stack[0] for place in notes) > len(notes)


def _stacks(depth: int = _DEPTH) -> dict[int, Stack]:
    """Return where every other thread is now."""
    own = threading.get_ident()
    frames = sys._current_frames()  # noqa: SLF001  # there is no other way to ask
    found: dict[int, Stack] = {}
    for thread, frame in frames.items():
        if thread != own and len(found) < _THREADS:
            found[thread] = tuple(_places(frame, depth))
    return found


def _places(frame: FrameType | None, depth: int) -> Iterator[Place]:
    for _ in range(depth):
        if frame is None:
            return
        code = frame.f_code
        yield Place(code.co_filename, code.co_name, frame.f_lineno)
        frame = frame.f_back


def told(report: Report, names: Mapping[int, str]) -> str:
    """Return what a report says, in words.

    Args:
        report: of a late pass.
        names: of the threads, by number.
    """
    if report.after_us is None:
        return "nobody looked in time"
    if not report.suspects and report.after_us > _GONE_US:
        return "whoever held the interpreter was gone when the watcher came"
    if not report.suspects:
        return "no thread of ours was busy: the computer did not run the control thread in time"
    return "; ".join(
        f"{names.get(thread, 'a thread that has ended')} was in {_where(stack)}"
        for thread, stack in sorted(report.suspects.items(), key=lambda one: names.get(one[0], ""))
    )


def _where(stack: Stack) -> str:
    """Return the innermost place, and the innermost one that is ours when that is another."""
    inner = stack[0]
    ours = next((place for place in stack if "evsed" in PurePath(place.file).parts), None)
    if ours is None or ours == inner:
        return _shown(inner)
    return f"{_shown(inner)} for {_shown(ours)}"


def _shown(place: Place) -> str:
    return f"{place.function} ({'/'.join(PurePath(place.file).parts[-3:])}:{place.line})"
