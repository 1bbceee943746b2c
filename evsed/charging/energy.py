"""Volts, amperes, watts and what they add up to. Pure. Source: charging.md section 13."""

from dataclasses import dataclass, replace
from typing import Final

from evsed.charging.register import Following, Register, follow
from evsed.charging.rules import Rules
from evsed.charging.snapshot import DARK, Phases
from evsed.charging.states import MeterMode

_MWS_PER_WS: Final = 1000
_MW_PER_W: Final = 1000
_UWS_PER_MWS: Final = 1000
#: Far above what 63 A on three phases can draw.
_MOST_W: Final = 1_000_000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What the meter reads now; phases that are not measured are 0."""

    voltages_v: Phases = DARK
    currents_a: Phases = DARK
    real_powers_w: Phases | None = None
    #: when; None: as good as now. A slow meter's reading says nothing about a contactor that has
    #: moved since
    taken_ms: int | None = None
    #: its own register of energy, and the smallest step of that
    counter_mws: int | None = None
    counter_step_mws: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Power:
    """What is published: all 0 while the contactor is open."""

    voltages_v: Phases = DARK
    currents_a: Phases = DARK
    power_mw: int = 0

    @property
    def power_w(self) -> int:
        """Power in whole W."""
        return (self.power_mw + _MW_PER_W // 2) // _MW_PER_W


@dataclass(frozen=True, slots=True, kw_only=True)
class Energy:
    """Session counters and the lifetime energy register, finer than anybody reads them (Q39)."""

    session_mws: int = 0
    total_mws: int = 0
    charging_time_ms: int = 0
    #: begin of the session; None outside one
    session_since_ms: int | None = None
    #: what is below one mWs, carried on
    rest_uws: int = 0
    #: how the meter's own register is followed; None without one
    following: Following | None = None

    @property
    def session_ws(self) -> int:
        """Session energy in Ws."""
        return self.session_mws // _MWS_PER_WS

    @property
    def total_ws(self) -> int:
        """Lifetime energy in Ws, the running session included."""
        return self.total_mws // _MWS_PER_WS


_DARK_POWER: Final = Power()


def power_now(rules: Rules, measured: Measured | None, offered_da: int, *, closed: bool) -> Power:
    """Return volts, amperes and watts by the meter mode in force.

    Args:
        rules: meter mode, assumed voltage, phases.
        measured: the meter's channels, None when there is no meter or no reading yet.
        offered_da: what the vehicle was offered last, which ``dummy`` takes for the current.
        closed: whether the contactor is closed; everything reads 0 while it is open (Q33).
    """
    if not closed:
        return _DARK_POWER
    if measured is None and rules.meter_lost_assumes:
        rules = replace(rules, meter_mode=MeterMode.DUMMY)
    currents = _currents(rules, measured, offered_da)
    voltages = _voltages(rules, measured)
    apparent = sum(volts * amps for volts, amps in zip(voltages, currents, strict=True))
    watts = apparent
    if (
        rules.meter_mode is MeterMode.CURRENT_VOLTAGE
        and measured is not None
        and measured.real_powers_w is not None
    ):
        watts = sum(_phases(measured.real_powers_w, rules, measured))
    # Energy never falls, and nonsense adds none: this is also False for what is not a number.
    sane = 0.0 < watts < _MOST_W
    power_mw = round(watts * _MW_PER_W) if sane else 0
    return Power(voltages_v=voltages, currents_a=currents, power_mw=power_mw)


def _currents(rules: Rules, measured: Measured | None, offered_da: int) -> Phases:
    if rules.meter_mode is MeterMode.DUMMY:
        return _on_phases(offered_da / 10, rules)
    return DARK if measured is None else _phases(measured.currents_a, rules, measured)


def _voltages(rules: Rules, measured: Measured | None) -> Phases:
    assumed = _on_phases(float(rules.ac_voltage_v), rules)
    if rules.meter_mode is not MeterMode.CURRENT_VOLTAGE:
        return assumed
    if measured is None:
        return DARK
    # What stands in for a lost meter may have no voltage channels.
    blind = measured.real_powers_w is None and not any(measured.voltages_v)
    return assumed if blind else _phases(measured.voltages_v, rules, measured)


def _on_phases(value: float, rules: Rules) -> Phases:
    return (value, value, value) if rules.three_phases else (value, 0.0, 0.0)


def _phases(values: Phases, rules: Rules, measured: Measured) -> Phases:
    """Drop L2 and L3 in single-phase use; copy L1 to them when only L1 is measured."""
    if not rules.three_phases:
        return (values[0], 0.0, 0.0)
    return values if _copies(rules, measured) == 1 else (values[0], values[0], values[0])


def _copies(rules: Rules, measured: Measured) -> int:
    """Return for how many phases each measured one stands."""
    stands_in = measured.taken_ms is None and rules.board_channels > 0
    channels = rules.board_channels if stands_in else rules.meter_channels
    return 3 if rules.three_phases and channels != 3 else 1


def add_up(
    energy: Energy,
    power: Power,
    elapsed_ms: int,
    *,
    charging: bool,
    register: Register | None = None,
) -> Energy:
    """Return the counters after ``elapsed_ms`` at this power.

    Args:
        energy: as the last pass left it.
        power: what has flowed since.
        elapsed_ms: since when.
        charging: whether the time counts as charging time.
        register: the meter's own register; what it says wins in the end.
    """
    gained_mws, rest_uws = divmod(power.power_mw * elapsed_ms + energy.rest_uws, _UWS_PER_MWS)
    following = energy.following
    if following is not None or register is not None:
        following, gained_mws = follow(following, gained_mws, register)
    counted_ms = elapsed_ms if charging else 0
    if (
        not gained_mws
        and not counted_ms
        and rest_uws == energy.rest_uws
        and following == energy.following
    ):
        return energy
    return replace(
        energy,
        session_mws=energy.session_mws + gained_mws if energy.session_since_ms is not None else 0,
        total_mws=energy.total_mws + gained_mws,
        charging_time_ms=energy.charging_time_ms + counted_ms,
        rest_uws=rest_uws,
        following=following,
    )


def register_now(
    rules: Rules, measured: Measured | None, *, closed: bool, now_ms: int
) -> Register | None:
    """Return the meter's own register for ``add_up``; None when there is none in this reading."""
    if (
        rules.meter_mode is not MeterMode.CURRENT_VOLTAGE
        or measured is None
        or measured.counter_mws is None
    ):
        return None
    # The register counts what the meter measures: of three phases perhaps one.
    copies = _copies(rules, measured)
    return Register(
        mws=measured.counter_mws * copies,
        step_mws=measured.counter_step_mws * copies,
        taken_ms=now_ms if measured.taken_ms is None else measured.taken_ms,
        closed=closed,
    )


def begin_session(energy: Energy, now_ms: int) -> Energy:
    """Start the session's counters, unless it is running."""
    return (
        energy if energy.session_since_ms is not None else replace(energy, session_since_ms=now_ms)
    )


def end_session(energy: Energy) -> Energy:
    """Forget the session's counters; the register has had its energy all along."""
    return Energy(total_mws=energy.total_mws, rest_uws=energy.rest_uws, following=energy.following)
