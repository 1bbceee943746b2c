"""The charging rules with a vehicle on the pilot; every pass is checked against the invariants."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from exploration.explorer import window
from exploration.invariants import Watch, follow

from evsed.charging.commands import Command
from evsed.charging.machine import step
from evsed.charging.memory import Inputs, Memory, Outputs
from evsed.charging.picture import take_snapshot
from evsed.charging.requests import accept
from evsed.charging.rules import Rules
from evsed.charging.snapshot import Lateness, Snapshot
from evsed.charging.states import PilotMode

PASS_MS = 20
NO_REST = Rules(contactor_rest_ms=0, ventilation=True)


class Rig:
    """Steps the rules in simulated time."""

    def __init__(self, rules: Rules = NO_REST, **memory: Any) -> None:
        self.memory = Memory(rules=rules, **memory)
        self.now_ms = 10_000
        #: windows of each pass, as letters of the exploration
        self.pilot_says: tuple[str, ...] = ("12", "12")
        #: inputs that stay until they are changed
        self.given: dict[str, Any] = {}
        self.watch = Watch(state=self.memory.reported_state, low_since_ms=self.now_ms)
        self.outputs: Outputs | None = None
        self.snapshot = Snapshot()
        self.one_pass(windows=())
        self.run(600)

    def one_pass(self, after_ms: int = PASS_MS, **given: Any) -> Snapshot:
        """Run one pass."""
        self.now_ms += after_ms
        inputs = Inputs(now_ms=self.now_ms, **{"windows": self._windows(), **self.given, **given})
        before = self.memory
        self.memory, self.outputs = step(before, inputs)
        self.watch, _ = follow(self.watch, before, inputs, self.memory, self.outputs)
        self.snapshot = take_snapshot(self.memory, inputs, Lateness())
        return self.snapshot

    def run(self, ms: int, **given: Any) -> Snapshot:
        """Run passes for a while."""
        for _ in range(ms // PASS_MS):
            self.one_pass(**given)
        return self.snapshot

    def skip(self, ms: int, **given: Any) -> Snapshot:
        """Let one long pass go by."""
        return self.one_pass(ms, **given)

    def until(self, reached: Callable[[], bool], within_ms: int = 60_000) -> Snapshot:
        """Run passes until something is reached, which has to happen within a while."""
        for _ in range(within_ms // PASS_MS):
            if reached():
                return self.snapshot
            self.one_pass()
        raise AssertionError(f"not reached within {within_ms} ms: {self.snapshot}")

    def send(self, command: Command) -> None:
        """Give a command before the next pass."""
        self.memory = accept(self.memory, command, self.now_ms)

    def car(self, kind: str, ms: int = 600, **given: Any) -> Snapshot:
        """Let the vehicle show a reading for a while."""
        self.pilot_says = (kind, kind)
        return self.run(ms, **given)

    def charge(self) -> Snapshot:
        """Plug in and charge."""
        self.car("9")
        self.car("6")
        assert self.snapshot.contactor_closed, self.snapshot
        return self.snapshot

    def change(self, **memory: Any) -> None:
        """Change the memory by hand."""
        self.memory = replace(self.memory, **memory)

    @property
    def state(self) -> str:
        """The state clients see."""
        return self.snapshot.state.value

    @property
    def closed(self) -> bool:
        """Whether the contactor is commanded closed."""
        return self.snapshot.contactor_closed

    @property
    def faults(self) -> int:
        """The fault mask."""
        return self.memory.faults.bits

    def _windows(self) -> tuple[Any, ...]:
        mode: PilotMode = self.memory.pilot.mode
        begin_ms = self.now_ms - 10 * len(self.pilot_says)
        return tuple(
            window(kind, mode, begin_ms + 10 * index) for index, kind in enumerate(self.pilot_says)
        )
