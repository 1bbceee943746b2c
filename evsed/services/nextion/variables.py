"""The variables a display can subscribe to, in the order in which they are pushed. Pure.

Source: nextion.md section 4. Energies are Wh: counters rounded down, limits up.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final

from evsed.operations.picture import Picture
from evsed.services.nextion import protocol
from evsed.units import hundredths, limit_wh, whole_wh


class Push(Enum):
    """When a variable is sent."""

    #: when it is subscribed
    ONCE = "once"
    #: also when it changes
    CHANGE = "on change"
    #: also about once a second
    LIVE = "live"


#: What a variable shows: a number (``.val``) or a text (``.txt``).
Shown = int | str

#: least time between two values of a variable that is never at rest
NOISY_S: Final = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """One variable: its name on the display and how it is read."""

    name: str
    about: str
    push: Push
    read: Callable[[Picture], Shown]
    unit: str = ""
    pause_s: float = 0.0


def _voltage(phase: int) -> Variable:
    return Variable(
        name=f"vltL{phase + 1}",
        about=f"voltage of L{phase + 1}",
        unit="0.01 V",
        push=Push.LIVE,
        pause_s=NOISY_S,
        read=lambda now: hundredths(now.snapshot.voltages_v[phase]),
    )


def _current(phase: int) -> Variable:
    return Variable(
        name=f"curL{phase + 1}",
        about=f"current of L{phase + 1}",
        unit="0.01 A",
        push=Push.LIVE,
        pause_s=NOISY_S,
        read=lambda now: hundredths(now.snapshot.currents_a[phase]),
    )


def _live(name: str, about: str, read: Callable[[Picture], Shown], unit: str = "") -> Variable:
    return Variable(name=name, about=about, unit=unit, push=Push.LIVE, read=read)


def _noisy(name: str, about: str, read: Callable[[Picture], Shown], unit: str) -> Variable:
    return Variable(name=name, about=about, unit=unit, push=Push.LIVE, pause_s=NOISY_S, read=read)


def _set(name: str, about: str, read: Callable[[Picture], Shown], unit: str = "") -> Variable:
    return Variable(name=name, about=about, unit=unit, push=Push.CHANGE, read=read)


def _once(name: str, about: str, read: Callable[[Picture], Shown]) -> Variable:
    return Variable(name=name, about=about, push=Push.ONCE, read=read)


VARIABLES: Final = (
    _live("state", "state of IEC 61851: A, B1 … F", lambda now: now.snapshot.state.value),
    _set("en", "1: charging enabled", lambda now: int(now.snapshot.enabled)),
    _live("err", "faults, a bit mask", lambda now: now.snapshot.faults.value),
    _live("pendAuth", "1: authorization is waited for", lambda now: int(now.snapshot.pending_auth)),
    _live("limReach", "1: a limit was reached", lambda now: int(now.snapshot.limit_reached)),
    _set(
        "maxChCur",
        "highest charging current",
        lambda now: now.settings.evse.max_charging_current_a,
        "A",
    ),
    _set("chCur", "charging current", lambda now: now.snapshot.charging_current_da, "0.1 A"),
    _set(
        "defChCur",
        "charging current after a start",
        lambda now: now.settings.evse.default_charging_current_da,
        "0.1 A",
    ),
    _live("sesTime", "time since plug-in", lambda now: now.snapshot.session_time_ms // 1000, "s"),
    _live("chTime", "time of charging", lambda now: now.snapshot.charging_time_ms // 1000, "s"),
    _noisy("power", "power", lambda now: now.snapshot.power_w, "W"),
    _live("consum", "session energy", lambda now: whole_wh(now.snapshot.session_energy_ws), "Wh"),
    _live("totConsum", "lifetime energy", lambda now: whole_wh(now.snapshot.total_energy_ws), "Wh"),
    *(_voltage(phase) for phase in range(3)),
    *(_current(phase) for phase in range(3)),
    _set(
        "consumLim", "energy limit", lambda now: limit_wh(now.snapshot.consumption_limit_ws), "Wh"
    ),
    _set(
        "defConsumLim",
        "energy limit of new sessions",
        lambda now: limit_wh(now.settings.evse.default_consumption_limit_ws),
        "Wh",
    ),
    _set("chTimeLim", "charging time limit", lambda now: now.snapshot.charging_time_limit_s, "s"),
    _set(
        "defChTimeLim",
        "charging time limit of new sessions",
        lambda now: now.settings.evse.default_charging_time_limit_s,
        "s",
    ),
    _set("uPowerLim", "under-power limit", lambda now: now.snapshot.under_power_limit_w, "W"),
    _set(
        "defUPowerLim",
        "under-power limit of new sessions",
        lambda now: now.settings.evse.default_under_power_limit_w,
        "W",
    ),
    _once("devName", "name of the board", lambda now: now.board.device_name),
    _once("appVer", "version of the software", lambda now: now.facts.version),
    _live("uptime", "time since the start", lambda now: now.facts.uptime_s, "s"),
    _live("temp", "as hiTemp", lambda now: now.snapshot.temperature_high_cdeg, "0.01 °C"),
    _live("loTemp", "lowest temperature", lambda now: now.snapshot.temperature_low_cdeg, "0.01 °C"),
    _live(
        "hiTemp", "highest temperature", lambda now: now.snapshot.temperature_high_cdeg, "0.01 °C"
    ),
    _set("ip", "address, empty without one", lambda now: now.network.main_ip),
    _noisy("heap", "memory taken", lambda now: now.facts.memory.used, "bytes"),
    _noisy(
        "maxHeap",
        "memory taken and left",
        lambda now: now.facts.memory.used + now.facts.memory.free,
        "bytes",
    ),
)
BY_NAME: Final[Mapping[str, Variable]] = {variable.name: variable for variable in VARIABLES}


def assignment(variable: Variable, value: Shown) -> bytes:
    """Return the instruction that makes the display show a value."""
    if isinstance(value, str):
        return protocol.text(variable.name, value)
    return protocol.number(variable.name, value)
