"""What people and tests may change about the simulated world: every key, checked. Pure."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from evsed.board.description import Board
from evsed.errors import RejectedError
from evsed.hardware.simulator.mains import Grid

VEHICLES = ("none", "connected", "charging", "ventilation", "short")
#: proximity resistor of each cable rating; 0 no plug, -1 a short
PROXIMITY_OHM: Mapping[int, float] = {
    13: 1500,
    20: 680,
    32: 220,
    63: 100,
    0: math.inf,
    -1: 0,
}  # Source: charging.md section 12.2


@dataclass(slots=True, kw_only=True)
class Controls:
    """The settable part of the simulated world."""

    vehicle: str = "none"
    diode: bool = True
    cable: int = 32
    max_current: float = 16.0
    phases: int = 1
    reaction: int = 1500
    rcm: bool = False
    rcm_test_ok: bool = True
    temperature: float = 25.0
    temp_fault: bool = False
    lock_jam: bool = False
    weld: bool = False
    contactor_stuck: bool = False
    noise: float = 5.0
    mains: bool = True
    button: bool = False
    pwm_dead: bool = False
    adc_dead: bool = False
    frequency: float = 50.0
    power_factor: float = 1.0
    #: per cent of the current's fundamental
    harmonics: float = 0.0
    meter_offset: float = 0.0
    #: phases by number, 0 for none
    reversed_ct: int = 0
    missing_phase: int = 0
    #: digital inputs by name: on; analog inputs by name: mV
    aux: dict[str, bool | float] = field(default_factory=dict)

    @classmethod
    def of(cls, board: Board) -> "Controls":
        """Return the world a board file begins with."""
        sim = board.sim
        return cls(
            diode=sim.vehicle.diode,
            cable=sim.cable_a,
            max_current=sim.vehicle.max_current_a,
            phases=sim.vehicle.phases,
            reaction=sim.vehicle.reaction_ms,
            temperature=sim.temperature_c,
            weld=sim.relay_weld,
            noise=float(sim.noise_mv),
            frequency=float(board.energy_meter.frequency_hz if board.energy_meter else 50),
            aux={entry.name: False for entry in board.aux.inputs}
            | {entry.name: 1650.0 for entry in board.aux.analog_inputs},
        )


def grid_of(controls: Controls) -> Grid:
    """Return mains and load as the controls want them."""
    return Grid(
        hz=controls.frequency,
        power_factor=controls.power_factor,
        distortion=controls.harmonics / 100,
        live=_but(controls.missing_phase, True),
        backwards=_but(controls.reversed_ct, False),
        offset_mv=controls.meter_offset,
    )


def _but(number: int, usual: bool) -> tuple[bool, bool, bool]:
    first, second, third = ((phase == number) != usual for phase in (1, 2, 3))
    return first, second, third


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise RejectedError("must be true or false")
    return value


def _negated(value: object) -> bool:
    return not _flag(value)


def _choice(*choices: str | int) -> Callable[[object], str | int]:
    names = ", ".join(str(choice) for choice in choices)

    def check(value: object) -> str | int:
        if isinstance(value, bool) or value not in choices:
            raise RejectedError(f"must be one of {names}")
        return value

    return check


def _number(low: float, high: float, unit: str) -> Callable[[object], float]:
    def check(value: object) -> float:
        if isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high:
            return float(value)
        raise RejectedError(f"must be a number from {low:g} to {high:g} {unit}".rstrip())

    return check


def _whole(low: int, high: int, unit: str) -> Callable[[object], int]:
    def check(value: object) -> int:
        if isinstance(value, int) and not isinstance(value, bool) and low <= value <= high:
            return value
        raise RejectedError(f"must be a whole number from {low} to {high}{unit}")

    return check


#: wire name: attribute, check
_KEYS: Mapping[str, tuple[str, Callable[[object], object]]] = {
    "vehicle": ("vehicle", _choice(*VEHICLES)),
    "diode": ("diode", _flag),
    "cable": ("cable", _choice(*PROXIMITY_OHM)),
    "maxCurrent": ("max_current", _number(0, 80, "A")),
    "phases": ("phases", _whole(1, 3, "")),
    "reaction": ("reaction", _whole(-1, 60_000, " ms")),
    "rcm": ("rcm", _flag),
    "rcmTestOk": ("rcm_test_ok", _flag),
    "temperature": ("temperature", _number(-55, 125, "°C")),
    "tempFault": ("temp_fault", _flag),
    "lockJam": ("lock_jam", _flag),
    "weld": ("weld", _flag),
    "contactorStuck": ("contactor_stuck", _flag),
    "noise": ("noise", _number(0, 200, "mV")),
    "mains": ("mains", _flag),
    "powerCut": ("mains", _negated),
    "button": ("button", _flag),
    "pwmDead": ("pwm_dead", _flag),
    "adcDead": ("adc_dead", _flag),
    "frequency": ("frequency", _number(45, 65, "Hz")),
    "powerFactor": ("power_factor", _number(0.1, 1, "")),
    "harmonics": ("harmonics", _number(0, 50, "%")),
    "meterOffset": ("meter_offset", _number(-500, 500, "mV")),
    "reversedCt": ("reversed_ct", _whole(0, 3, "")),
    "missingPhase": ("missing_phase", _whole(0, 3, "")),
}


def checked(changes: Mapping[str, object], controls: Controls) -> dict[str, object]:
    """Return attributes and values of ``Controls`` to set.

    Raises:
        RejectedError: a key is unknown or a value not permitted; the message names both.
    """
    found: dict[str, object] = {}
    for key, value in changes.items():
        if key == "aux":
            found["aux"] = _checked_aux(value, controls.aux)
            continue
        if key not in _KEYS:
            raise RejectedError(f"unknown; known are {', '.join([*_KEYS, 'aux'])}", key=key)
        attribute, check = _KEYS[key]
        try:
            found[attribute] = check(value)
        except RejectedError as error:
            raise RejectedError(error.reason, key=key) from None
    return found


def shown(controls: Controls) -> dict[str, object]:
    """Return every settable key and its present value."""
    state = {key: getattr(controls, attribute) for key, (attribute, _) in _KEYS.items()}
    state["powerCut"] = not controls.mains
    return state | {"aux": dict(controls.aux)}


def _checked_aux(value: object, present: Mapping[str, bool | float]) -> dict[str, bool | float]:
    if not isinstance(value, Mapping):
        raise RejectedError("must be an object of input names", key="aux")
    after = dict(present)
    for name, wanted in value.items():
        if name not in present:
            raise RejectedError(
                f"no input of that name; there are {list(present)}", key=f"aux.{name}"
            )
        check = _flag if isinstance(present[name], bool) else _number(0, 5500, "mV")
        try:
            after[name] = check(wanted)
        except RejectedError as error:
            raise RejectedError(error.reason, key=f"aux.{name}") from None
    return after
