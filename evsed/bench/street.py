"""``python -m evsed.bench.street``: the simulator's process, with somebody who makes things happen.

Reads ``{"kind": ..., "count": ...}`` lines from standard input and answers each with a line of
results. Events and what follows are timed here and in the charger by one monotonic clock.
"""

import argparse
import asyncio
import gc
import json
import queue
import random
import socket
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

from evsed.bench.hook import Word, receive, send
from evsed.board.description import Board
from evsed.board.reader import read_board
from evsed.hardware.real_time import SIMULATOR, ask_real_time
from evsed.hardware.simulator.live import LiveCircuit
from evsed.hardware.simulator.process import SimulatorProcess

_HEALTHY: Final = {"vehicle": "charging", "diode": True, "rcm": False}
#: What happens, by name.
KINDS: Final[Mapping[str, Mapping[str, object]]] = {
    "s2-opens": {"vehicle": "connected"},
    "unplug": {"vehicle": "none"},
    "diode-loss": {"diode": False},
    "cp-short": {"vehicle": "short"},
    "rcm-trip": {"rcm": True},
}


_SWITCH_INTERVAL_S: Final = 0.0005
#: Events come at random within one period of the loop.
_SPREAD_S: Final = 0.020
_SETTLE_S: Final = 1.5
_BEGINS_WITHIN_S: Final = 15.0
_READY_WITHIN_S: Final = 0.4
_OPENS_WITHIN_S: Final = 0.6
_TELLS_WITHIN_S: Final = 0.2
_MOST_TRIES: Final = 50


@dataclass(slots=True)
class Outcome:
    """What so many events of one kind gave, us; events that nobody noticed are only counted."""

    command_us: list[int] = field(default_factory=list)
    pin_us: list[int] = field(default_factory=list)
    #: no command within 0.6 s
    missed: int = 0
    #: the contactor opened before the event
    opened_early: int = 0
    #: the charger had to be put back more than once
    retries: int = 0


class Conductor:
    """Makes events happen in a live circuit, one after the other, on a thread of its own."""

    def __init__(self, live: LiveCircuit, board: Board, link: socket.socket) -> None:
        self._live = live
        self._link = link
        self._relay = board.ac_relay
        self._random = random.Random(1)  # noqa: S311  # phases, not secrets
        self._coil: queue.SimpleQueue[tuple[bool, int]] = queue.SimpleQueue()
        self._closed = False
        with live as circuit:
            circuit.listen(self._edge)

    def begin(self) -> None:
        """Plug in and charge; let the charger remember what that is like.

        Raises:
            TimeoutError: it does not charge.
        """
        self._change(_HEALTHY)
        give_up = time.monotonic() + _BEGINS_WITHIN_S
        while not self._closed:
            if time.monotonic() > give_up:
                raise TimeoutError("the charger does not charge")
            time.sleep(_SPREAD_S)
        time.sleep(_SETTLE_S)
        send(self._link, Word.KEEP)
        if not self._hear(Word.KEPT, _BEGINS_WITHIN_S):
            raise TimeoutError("the charger does not stay in state C2")

    def run(self, kind: str, count: int) -> Outcome:
        """Make one kind of event happen so many times."""
        outcome = Outcome()
        for _ in range(count):
            self._arm(outcome)
            self._measure(kind, outcome)
        self._change(_HEALTHY)
        return outcome

    def _edge(self, gpio: int, level: int, _t_us: int) -> None:
        if gpio == self._relay.gpios[0]:
            self._closed = bool(level) != self._relay.active_low
            self._coil.put((self._closed, time.monotonic_ns()))

    def _change(self, changes: Mapping[str, object]) -> int:
        """Change the world; return when that was, ns."""
        with self._live as circuit:
            changed_ns = time.monotonic_ns()
            circuit.set(changes)
        return changed_ns

    def _arm(self, outcome: Outcome) -> None:
        """Bring vehicle and charger back to charging.

        Raises:
            TimeoutError: the charger does not follow.
        """
        for attempt in range(_MOST_TRIES):
            outcome.retries += attempt > 0
            restored_ns = self._change(_HEALTHY)
            send(self._link, Word.FORCE if attempt else Word.ARM, restored_ns)
            if self._hear(Word.READY, _READY_WITHIN_S):
                return
        raise TimeoutError("the charger cannot be brought back to charging")

    def _measure(self, kind: str, outcome: Outcome) -> None:
        time.sleep(self._random.uniform(0, _SPREAD_S))
        self._forget()
        if not self._closed:
            outcome.opened_early += 1
            return
        happened_ns = self._change(KINDS[kind])
        opened_ns = self._await_coil(happened_ns)
        if opened_ns is None:
            outcome.missed += 1
            return
        commanded_ns = self._await_command(happened_ns, opened_ns)
        outcome.command_us.append((commanded_ns - happened_ns) // 1000)
        outcome.pin_us.append((opened_ns - happened_ns) // 1000)

    def _forget(self) -> None:
        """Drop what was said before the event."""
        while not self._coil.empty():
            self._coil.get()
        self._link.setblocking(False)
        while receive(self._link):
            pass

    def _await_coil(self, since_ns: int) -> int | None:
        give_up = time.monotonic() + _OPENS_WITHIN_S
        while (left_s := give_up - time.monotonic()) > 0:
            try:
                closed, at_ns = self._coil.get(timeout=left_s)
            except queue.Empty:
                return None
            if not closed and at_ns >= since_ns:
                return at_ns
        return None

    def _await_command(self, since_ns: int, opened_ns: int) -> int:
        """Return when the command was given that opened the coil at ``opened_ns``.

        Two threads may command it, and the second may speak first: no command comes after its
        effect. The effect itself stands in for a command that was not told.
        """
        self._link.settimeout(_TELLS_WITHIN_S)
        while message := receive(self._link):
            word, at_ns = message
            if word is Word.OPEN and since_ns <= at_ns <= opened_ns:
                return at_ns
        return opened_ns

    def _hear(self, wanted: Word, within_s: float) -> bool:
        give_up = time.monotonic() + within_s
        while (left_s := give_up - time.monotonic()) > 0:
            self._link.settimeout(left_s)
            message = receive(self._link)
            if message is not None and message[0] is wanted:
                return True
        return False


def _obey(conductor: Conductor, say: Callable[[str], None]) -> None:
    """Carry out what standard input asks for, until it ends."""
    ask_real_time(SIMULATOR)
    conductor.begin()
    say(json.dumps({"ready": True}))
    for line in sys.stdin:
        wanted = json.loads(line)
        outcome = conductor.run(wanted["kind"], wanted["count"])
        say(json.dumps(asdict(outcome)))


async def _serve(board: Board, folder: Path, link: socket.socket) -> None:
    simulator = SimulatorProcess(board, folder)
    await simulator.start()
    gc.freeze()
    try:
        conductor = Conductor(simulator.live, board, link)
        await asyncio.to_thread(_obey, conductor, lambda text: print(text, flush=True))
    finally:
        await simulator.stop()


def main() -> None:
    """Be the street."""
    parser = argparse.ArgumentParser(prog="python -m evsed.bench.street")
    parser.add_argument("--board", type=Path, required=True)
    parser.add_argument("--dir", type=Path, required=True)
    parser.add_argument("--link", type=int, required=True, help="inherited socket to the charger")
    given = parser.parse_args()
    sys.setswitchinterval(_SWITCH_INTERVAL_S)
    ask_real_time(SIMULATOR)
    with socket.socket(fileno=given.link) as link:
        asyncio.run(_serve(read_board(given.board), given.dir, link))


if __name__ == "__main__":
    main()
