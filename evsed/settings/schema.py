"""Every setting of the charger: one line each with default, range, unit and meaning."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from evsed.board.description import Board
from evsed.errors import RejectedError
from evsed.settings.fields import Setting, current, flag, settings_of, whole, word
from evsed.settings.section import wire_object

#: 2**32 - 1 Wh, the most any interface can set. Source: rest.md section 4.
MAX_ENERGY_WS: Final = 15_461_882_262_000
_MAX_U32: Final = 4_294_967_295
_METER_MODES: Final = {"none": ("dummy",), "cur": ("dummy", "cur")}


@dataclass(frozen=True, slots=True, kw_only=True)
class EvseSettings:
    """Keys of /config/evse, in its order. Source: charging.md section 15, rest.md section 5.2."""

    max_charging_current_a: int = whole(32, low=6, high=63, unit="A", about="hard ceiling")
    default_charging_current_da: int = current(320, low=6, high=63, about="set-point at start")
    require_auth: bool = flag(False, about="charge only when authorized")
    socket_outlet: bool = flag(False, about="socket with proximity and lock, no tethered cable")
    rcm: bool = flag(False, about="watch the residual current monitor")
    temperature_threshold_c: int = whole(60, low=40, high=80, unit="°C", about="stop above")
    default_consumption_limit_ws: int = whole(
        0, low=0, high=MAX_ENERGY_WS, unit="Ws", about="session energy at start, 0 = no limit"
    )
    default_charging_time_limit_s: int = whole(
        0, low=0, high=_MAX_U32, unit="s", about="session time at start, 0 = no limit"
    )
    default_under_power_limit_w: int = whole(
        0, low=0, high=65535, unit="W", about="end of charging at start, 0 = no limit"
    )
    socket_lock_operating_time_ms: int = whole(
        300, low=100, high=5000, unit="ms", about="how long the lock motor is driven"
    )
    socket_lock_break_time_ms: int = whole(
        1000, low=0, high=65535, unit="ms", about="rest between two movements"
    )
    socket_lock_detection_high: bool = flag(False, about="contact high = locked")
    socket_lock_retry_count: int = whole(5, low=0, high=255, about="attempts to lock")
    energy_meter_mode: str = word(
        "dummy", words=("dummy", "cur", "cur_vlt"), about="what is measured"
    )
    energy_meter_ac_voltage_v: int = whole(
        230, low=100, high=300, unit="V", about="mains voltage where it is not measured"
    )
    energy_meter_three_phases: bool = flag(False, about="count three phases", or_bit=True)


EVSE: Final[Mapping[str, Setting]] = settings_of(EvseSettings)
_MAX: Final = EVSE["maxChargingCurrent"]
_DEFAULT: Final = EVSE["defaultChargingCurrent"]


def default_evse(board: Board) -> EvseSettings:
    """Return the settings of a charger that was never configured."""
    ceiling_a = min(EvseSettings().max_charging_current_a, board.limits.max_current_a)
    wanted = EvseSettings(
        max_charging_current_a=ceiling_a,
        default_charging_current_da=ceiling_a * 10,
        energy_meter_mode=_meter_modes(board)[-1],
    )
    return fit_to_board(wanted, board)[0]


def wire_evse(settings: EvseSettings) -> dict[str, object]:
    """Return the object interfaces show: wire names and units, in the declared order."""
    return wire_object(settings, EVSE)


def patched_evse(before: EvseSettings, patch: Mapping[str, object]) -> EvseSettings:
    """Return the settings with the known keys of a patch applied; others are left alone.

    A ceiling lowered below the stored set-point takes it along; one that comes with a set-point
    in the same patch is judged together with it. Quirks Q19, Q44.

    Raises:
        RejectedError: a value has the wrong type or is out of range.
    """
    known: dict[str, object] = {}
    ceiling_a = before.max_charging_current_a
    for wire, setting in EVSE.items():
        if wire not in patch:
            continue
        high = ceiling_a if setting is _DEFAULT else None
        value = setting.check(patch[wire], high=high)
        if setting is _MAX and isinstance(value, int):
            ceiling_a = value
        known[setting.name] = value
    after = replace(before, **known)  # type: ignore[arg-type]  # checked against the declarations
    lowered = min(after.default_charging_current_da, ceiling_a * 10)
    return replace(after, default_charging_current_da=lowered)


def check_board(settings: EvseSettings, board: Board) -> None:
    """Check what the board must be able to do.

    Raises:
        RejectedError: a setting needs something that is not fitted.
    """
    for wire, _, reason in _misfits(settings, board):
        raise RejectedError(reason, key=wire)


def fit_to_board(settings: EvseSettings, board: Board) -> tuple[EvseSettings, tuple[str, ...]]:
    """Return the nearest settings the board can do, and a sentence for each change.

    For settings that were stored with another board file.
    """
    misfits = _misfits(settings, board)
    changes = {EVSE[wire].name: fitting for wire, fitting, _ in misfits}
    fitted = replace(settings, **changes)  # type: ignore[arg-type]  # values of the same fields
    return fitted, tuple(f"{wire}: {reason}" for wire, _, reason in misfits)


def _misfits(settings: EvseSettings, board: Board) -> list[tuple[str, object, str]]:
    """Return wire name, a value the board can do, and a sentence."""
    found: list[tuple[str, object, str]] = []
    if settings.socket_outlet and board.proximity is None:
        found.append(("socketOutlet", False, "true needs proximity sensing on the board"))
    if settings.rcm and board.rcm is None:
        text = "true needs a residual current monitor on the board"
        found.append(("rcm", False, text))
    modes = _meter_modes(board)
    if settings.energy_meter_mode not in modes:
        text = f"{settings.energy_meter_mode} is not permitted, the board can do {', '.join(modes)}"
        found.append(("energyMeterMode", modes[-1], text))
    return found + _lock_misfits(settings, board)


def _lock_misfits(settings: EvseSettings, board: Board) -> list[tuple[str, object, str]]:
    lock = board.socket_lock
    if lock is None:
        return []
    found: list[tuple[str, object, str]] = []
    drive_ms, longest_ms = settings.socket_lock_operating_time_ms, lock.max_operating_time_ms
    if drive_ms > longest_ms:
        text = f"{drive_ms} is not permitted, the board allows 100 … {longest_ms} ms"
        found.append(("socketLockOperatingTime", longest_ms, text))
    rest_ms, shortest_ms = settings.socket_lock_break_time_ms, lock.min_break_time_ms
    if rest_ms < shortest_ms:
        text = f"{rest_ms} is not permitted, the board allows {shortest_ms} … 65535 ms"
        found.append(("socketLockBreakTime", shortest_ms, text))
    return found


def _meter_modes(board: Board) -> tuple[str, ...]:
    """Return the modes the board can do, the best one last."""
    return _METER_MODES.get(board.energy_meter_mode, ("dummy", "cur", "cur_vlt"))
