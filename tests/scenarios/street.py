"""One charging station in its street: real control passes on the simulated hat, time by hand."""

import os
import weakref
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from evsed.board.description import Board
from evsed.board.reader import find_board, read_board
from evsed.charging.commands import ApplyRules, Command
from evsed.charging.snapshot import Snapshot
from evsed.charging.states import (
    CHARGING_STATES,
    PAUSED_STATES,
    ChargingState,
    Fault,
    PilotMode,
    Reason,
    fault_names,
)
from evsed.errors import RejectedError
from evsed.hardware.simulator.circuit import Circuit
from evsed.hardware.simulator.hat import simulated_hat
from evsed.settings.administrator import Administrator
from evsed.settings.schema import EvseSettings, default_evse
from evsed.station.control_pass import ControlPass
from evsed.station.counters import Counters
from evsed.station.loop import PERIOD_MS
from evsed.station.mailbox import Letter, Mailbox, Verdict
from evsed.station.rules_in_force import lock_timing, rules_in_force
from evsed.station.station import initial_memory

PASS_US = PERIOD_MS * 1000
LOOK_US = 5000
SIM_BOARD = read_board(find_board("sim"))

#: what ``expect`` and ``until`` can compare, by the words of the tests
_SHOWN: dict[str, Callable[[Snapshot], object]] = {
    "state": lambda now: now.state.value,
    "contactor": lambda now: now.contactor_closed,
    "pilot": lambda now: now.pilot.value,
    "errors": lambda now: fault_names(now.faults),
    "reason": lambda now: now.reason.value,
    "offered": lambda now: now.offered_da / 10,
    "locked": lambda now: now.locked,
    "session": lambda now: now.session,
    "pending_auth": lambda now: now.pending_auth,
    "limit_reached": lambda now: now.limit_reached,
    "cable": lambda now: now.cable_rating_a,
    "power": lambda now: now.power_w,
}


def quick_board(board: Board = SIM_BOARD) -> Board:
    """Return a board without a meter: its simulation costs half."""
    return replace(board, energy_meter=None)


@dataclass
class Vehicle:
    """The car, and the person who plugs it in."""

    street: "Street"

    def plug_in(self) -> None:
        self.street.set(vehicle="connected")

    def close_s2(self) -> None:
        self.street.set(vehicle="charging")

    def ask_with_ventilation(self) -> None:
        self.street.set(vehicle="ventilation")

    def open_s2(self) -> None:
        self.street.set(vehicle="connected")

    def ignore_the_pilot(self) -> None:
        self.street.set(reaction=-1)

    def lose_its_diode(self) -> None:
        self.street.set(diode=False)

    def get_a_new_diode(self) -> None:
        self.street.set(diode=True)

    def short_the_pilot(self) -> None:
        self.street.set(vehicle="short")

    def unplug(self) -> None:
        self.street.set(vehicle="none")


class Street:
    """A station, a vehicle, and a clock that moves only when a test moves it.

    Passes run every 20 ms; while the contactor is closed the station looks at the pilot every
    5 ms in between (``evsed.station.loop`` looks more often). What must always hold is checked
    every pass.
    """

    def __init__(
        self,
        board: Board = SIM_BOARD,
        *,
        administrator: Administrator | None = None,
        counters: Counters | None = None,
        circuit: Circuit | None = None,
        **settings: object,
    ) -> None:
        self.board = board
        self.administrator = administrator or Administrator()
        self.evse: EvseSettings = replace(default_evse(board), **settings)
        self.circuit = circuit or Circuit(board)
        self.hat = simulated_hat(self.circuit)
        memory = initial_memory(board, self.evse, self.administrator, counters or Counters())
        if self.hat.lock is not None:
            self.hat.lock.configure(lock_timing(board, self.evse))
        self.mailbox = Mailbox()
        weakref.finalize(self, os.close, self.mailbox._bell)
        self.station = ControlPass(
            self.hat, memory, self.mailbox, lambda: self.circuit.now_us // 1000
        )
        self.vehicle = Vehicle(self)
        #: time in us and command of every switching of the contactor
        self.switched: list[tuple[int, bool]] = []
        #: every state shown, in order
        self.path: list[str] = []
        self._next_pass_us = self.circuit.now_us
        self._next_look_us = 0
        self.circuit.listen(self._watch_contactor)

    # -- time ------------------------------------------------------------------------------------

    @property
    def now(self) -> Snapshot:
        return self.station.snapshot

    @property
    def now_ms(self) -> float:
        return self.circuit.now_us / 1000

    def wait_us(self, us: int) -> "Street":
        end_us = self.circuit.now_us + us
        while self._next_us() <= end_us:
            self.step()
        self.circuit.advance_to_us(end_us)
        return self

    def wait_ms(self, ms: float) -> "Street":
        return self.wait_us(round(ms * 1000))

    def wait_s(self, s: float) -> "Street":
        return self.wait_ms(s * 1000)

    def until(self, *, within_ms: int = 3000, **wanted: object) -> "Street":
        """Let time pass until the picture shows all of ``wanted``."""
        end_us = self.circuit.now_us + within_ms * 1000
        while not self._shows(wanted):
            assert self.circuit.now_us < end_us, f"{wanted} expected, got {self._got(wanted)}"
            self.step()
        return self

    def doze_s(self, s: float) -> "Street":
        """Let time pass with a pass every 80 ms: long waits with the contactor open."""
        end_us = self.circuit.now_us + round(s * 1_000_000)
        while self.circuit.now_us < end_us and not self.station.energized:
            self.circuit.advance_to_us(min(self.circuit.now_us + 4 * PASS_US, end_us))
            self._pass()
        self._next_pass_us = self.circuit.now_us + PASS_US
        return self.wait_us(end_us - self.circuit.now_us)

    def start(self) -> "Street":
        """Power up: the self-check, then the first settled reading."""
        while self.now.reason in {Reason.SELF_CHECK, Reason.PILOT_SETTLING, Reason.MAINTENANCE}:
            assert self.now_ms < 5000, self.now
            self.step()
        self.path.clear()
        return self

    def shift_grid(self, us: int) -> None:
        """Let the next pass come later: windows and passes meet at another phase."""
        self._next_pass_us += us

    def _next_us(self) -> int:
        if self.station.energized:
            return min(self._next_pass_us, self._next_look_us)
        return self._next_pass_us

    def step(self) -> None:
        """Move to the next pass or look, and do it."""
        moment_us = self._next_us()
        self.circuit.advance_to_us(moment_us)
        if moment_us == self._next_pass_us:
            self._next_pass_us += PASS_US
            self._pass()
        elif self.station.look():
            self._pass()
        self._next_look_us = moment_us + LOOK_US

    def _pass(self) -> None:
        before = self.now
        snapshot = self.station.run()
        state = snapshot.state.value
        if not self.path or self.path[-1] != state:
            self.path.append(state)
        check(self, before, snapshot)

    # -- what people and tests do ----------------------------------------------------------------

    def set(self, **changes: object) -> "Street":
        """Change the simulated world, by the keys of its control interface."""
        self.circuit.set(changes)
        return self

    def send(self, command: Command) -> "Street":
        """Give a command and let the pass run that answers it.

        Raises:
            RejectedError: the rules refused it.
        """
        verdicts: list[Verdict] = []
        self.mailbox.post(Letter(command, "test", verdicts.append, lambda: False))
        while not verdicts:
            self.step()
        if isinstance(verdicts[0], RejectedError):
            raise verdicts[0]
        return self

    def change_settings(self, **changes: object) -> "Street":
        """Save settings and put them in force."""
        self.evse = replace(self.evse, **changes)
        self.send(ApplyRules(rules_in_force(self.board, self.evse, self.administrator)))
        if self.hat.lock is not None:
            self.hat.lock.configure(lock_timing(self.board, self.evse))
        return self

    # -- what is seen ----------------------------------------------------------------------------

    def expect(self, **wanted: object) -> "Street":
        assert self._got(wanted) == wanted, self.now
        return self

    @property
    def pilot(self) -> dict[str, object]:
        """Return the pilot as a vehicle sees it."""
        return self.circuit.get()["pilot"]

    @property
    def pilot_mode(self) -> str:
        return str(self.pilot["mode"])

    def opened_after_ms(self, since_us: int) -> float:
        """Return how long after a moment the contactor was first commanded open."""
        return next((at - since_us) / 1000 for at, on in self.switched if at >= since_us and not on)

    def charge(self) -> "Street":
        """Plug in a vehicle that asks, and wait until it charges."""
        self.vehicle.close_s2()
        return self.until(state="C2", contactor=True)

    def _shows(self, wanted: dict[str, object]) -> bool:
        return self._got(wanted) == wanted

    def _got(self, keys: Iterable[str]) -> dict[str, object]:
        return {key: _SHOWN[key](self.now) for key in keys}

    def _watch_contactor(self, gpio: int, level: int, t_us: int) -> None:
        if gpio == self.board.ac_relay.gpios[0]:
            self.switched.append((t_us, bool(level) != self.board.ac_relay.active_low))


_CLOSED_IN = CHARGING_STATES | PAUSED_STATES


def check(street: Street, before: Snapshot, now: Snapshot) -> None:
    """Check what must hold after every pass of every story."""
    commanded = street.switched[-1][1] if street.switched else False
    assert commanded is False or now.contactor_closed, "the pin is on, the rules say open"
    if now.contactor_closed:
        assert now.state in _CLOSED_IN, now
        assert not now.faults, now
        assert now.pilot is (PilotMode.PWM if now.state in CHARGING_STATES else PilotMode.HIGH), now
        assert now.locked is not False or before.locked is not True, now
    if now.state is ChargingState.F and now.reason is not Reason.SELF_CHECK:
        assert now.pilot is PilotMode.LOW, now
    if now.faults:
        assert now.pilot is not PilotMode.PWM, now
    assert (now.faults == Fault.NONE) is (now.state is not ChargingState.E), now
    if now.pilot is PilotMode.PWM:
        assert now.duty_ppm >= 100_000, now
        ceiling_da = min(now.charging_current_da, street.board.limits.max_current_a * 10)
        assert now.offered_da <= ceiling_da, now
