"""What happens between a vehicle and a station, with the time each step may take.

One row is one step: how to get there, what happens, what must have followed. Numbers of sequences
and limits: IEC 61851-1:2017 annex A as charging.md section 17 gives them; resistances: charging.md
section 4.2.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from evsed.board.description import Board
from evsed.charging.commands import Enable, MakeAvailable, SetChargingCurrent
from evsed.charging.states import ChargingState
from scenarios.street import Street, quick_board

#: the vehicle's resistors, ohms: R2, and the one that S2 adds
RESISTORS = {
    "nominal": (2740, 1300),
    "lowest": (1870, 909),
    "highest": (4610, 1723),
}
_CONNECTED, _ASKING = "connected", "charging"


def board_with(resistors: str) -> Board:
    """Return the simulated board whose vehicle has these resistors."""
    board = quick_board()
    r2_ohm, r3_ohm = RESISTORS[resistors]
    vehicle = replace(board.sim.vehicle, r2_ohm=r2_ohm, r3_ohm=r3_ohm)
    return replace(board, sim=replace(board.sim, vehicle=vehicle))


@dataclass(frozen=True, slots=True, kw_only=True)
class Sequence:
    """One step.

    Args:
        name: what happens.
        limit: what the standard allows, in words.
        most_ms: what is promised here.
        least_ms: not sooner than that.
        before: brings the station there.
        happens: the event.
        followed: whether the answer has come.
    """

    name: str
    limit: str
    most_ms: float
    before: Callable[[Street], object]
    happens: Callable[[Street], object]
    followed: Callable[[Street], bool]
    least_ms: float = 0.0

    def measure(self, street: Street, phase_us: int = 0) -> float:
        """Play it at a phase of the station's passes; return how long the answer took, ms."""
        self.before(street)
        street.shift_grid(phase_us % 5000)
        street.wait_us(phase_us)
        began_us = street.circuit.now_us
        street.switched.clear()
        self.happens(street)
        while not self.followed(street):
            street.step()
            assert street.circuit.now_us < began_us + 20_000_000, f"{self.name}: {street.now}"
        if street.switched:
            return (street.switched[-1][0] - began_us) / 1000
        return (street.circuit.now_us - began_us) / 1000


def _state(*names: str) -> Callable[[Street], bool]:
    wanted = {ChargingState(name) for name in names}
    return lambda street: street.now.state in wanted


def _is_open(street: Street) -> bool:
    return bool(street.switched) and not street.switched[-1][1]


def _is_closed(street: Street) -> bool:
    return bool(street.switched) and street.switched[-1][1]


def _mode(name: str) -> Callable[[Street], bool]:
    return lambda street: street.pilot_mode == name


def _idle(street: Street) -> object:
    return street.until(state="A")


def _connected(street: Street) -> object:
    street.vehicle.plug_in()
    return street.until(state="B2", pilot="pwm").wait_s(1)


def _charging(street: Street) -> object:
    return street.charge().wait_s(4)


def _paused(street: Street) -> object:
    _connected(street)
    return street.send(Enable(False)).until(state="B1")


def _deaf(street: Street) -> object:
    _charging(street)
    return street.vehicle.ignore_the_pilot()


def _low(street: Street) -> object:
    return street.send(MakeAvailable(False)).until(state="F", pilot="low")


SEQUENCES = (
    Sequence(
        name="A to B: plugged in, current is offered",
        limit="none",
        most_ms=500,
        before=_idle,
        happens=lambda street: street.set(vehicle=_CONNECTED),
        followed=_mode("pwm"),
    ),
    Sequence(
        name="B2 to C2: S2 closes, contactor closes (sequence 4)",
        limit="≤ 3 s",
        most_ms=500,
        before=_connected,
        happens=lambda street: street.set(vehicle=_ASKING),
        followed=_is_closed,
    ),
    Sequence(
        name="C2 to B2: S2 opens, contactor opens (sequence 8.1)",
        limit="≤ 100 ms",
        most_ms=40,
        before=_charging,
        happens=lambda street: street.set(vehicle=_CONNECTED),
        followed=_is_open,
    ),
    Sequence(
        name="C2 to A: unplugged, contactor opens (sequence 2.2)",
        limit="≤ 100 ms",
        most_ms=40,
        before=_charging,
        happens=lambda street: street.set(vehicle="none"),
        followed=_is_open,
    ),
    Sequence(
        name="B2 to A: unplugged, pilot back to steady +12 V",
        limit="≤ 2 s",
        most_ms=280,
        before=_connected,
        happens=lambda street: street.set(vehicle="none"),
        followed=_mode("high"),
    ),
    Sequence(
        name="B2 to B1: the station stops offering",
        limit="none",
        most_ms=40,
        before=_connected,
        happens=lambda street: street.send(Enable(False)),
        followed=_mode("high"),
    ),
    Sequence(
        name="B1 to B2: the station offers again",
        limit="none",
        most_ms=40,
        before=_paused,
        happens=lambda street: street.send(Enable(True)),
        followed=_mode("pwm"),
    ),
    Sequence(
        name="C2 to C1: stopped, the vehicle lets go (sequence 10.1)",
        limit="≤ 3 s for the vehicle, then ≤ 100 ms",
        most_ms=240,
        before=lambda street: (_charging(street), street.set(reaction=180)),
        happens=lambda street: street.send(Enable(False)),
        followed=_is_open,
    ),
    Sequence(
        name="C2 to C1: stopped, the vehicle ignores it (sequence 10.2)",
        limit="≥ 6 s",
        most_ms=6100,
        least_ms=6000,
        before=_deaf,
        happens=lambda street: street.send(Enable(False)),
        followed=_is_open,
    ),
    Sequence(
        name="another current is offered",
        limit="≤ 10 s",
        most_ms=40,
        before=_charging,
        happens=lambda street: street.send(SetChargingCurrent(80)),
        followed=lambda street: street.pilot["dutyPpm"] < 140_000,
    ),
    Sequence(
        name="the pilot is shorted to earth, contactor opens (sequence 12)",
        limit="≤ 3 s",
        most_ms=40,
        before=_charging,
        happens=lambda street: street.set(vehicle="short"),
        followed=_is_open,
    ),
    Sequence(
        name="the diode is lost while charging, contactor opens",
        limit="none",
        most_ms=40,
        before=_charging,
        happens=lambda street: street.set(diode=False),
        followed=_is_open,
    ),
    Sequence(
        name="leaving -12 V",
        limit="≥ 300 ms",
        most_ms=400,
        least_ms=300,
        before=lambda street: street.until(state="A"),
        happens=lambda street: (_low(street), street.send(MakeAvailable(True))),
        followed=_mode("high"),
    ),
)
