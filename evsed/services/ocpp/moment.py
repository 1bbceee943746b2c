"""Times of OCPP, and what the daemon says of one moment of the charger. Pure.

A moment travels from the daemon to the OCPP process as one line of JSON. Units as in ``Snapshot``.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from typing import Any

from evsed.charging.snapshot import DARK, Phases, Snapshot
from evsed.charging.states import fault_names


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """The charger at one moment, as far as a management system is interested."""

    at_ms: int
    wall_s: float
    clock_set: bool
    #: which start of the computer ``at_ms`` belongs to
    boot: str
    state: str = "A"
    reason: str = "no_vehicle"
    available: bool = True
    pending_auth: bool = False
    faults: tuple[str, ...] = ()
    offered_da: int = 0
    contactor_closed: bool = False
    locked: bool | None = None
    session: bool = False
    session_time_ms: int = 0
    session_energy_ws: int = 0
    total_energy_ws: int = 0
    power_w: int = 0
    voltages_v: Phases = DARK
    currents_a: Phases = DARK

    @property
    def began_ms(self) -> int | None:
        """When the vehicle was connected, by the charger's clock; None without one."""
        return self.at_ms - self.session_time_ms if self.session else None


def moment_of(now: Snapshot, *, wall_s: float, clock_set: bool, boot: str) -> Moment:
    """Return what is told of a snapshot."""
    return Moment(
        at_ms=now.at_ms,
        wall_s=wall_s,
        clock_set=clock_set,
        boot=boot,
        state=now.state.value,
        reason=now.reason.value,
        available=now.available,
        pending_auth=now.pending_auth,
        faults=tuple(fault_names(now.faults)),
        offered_da=now.offered_da,
        contactor_closed=now.contactor_closed,
        locked=now.locked,
        session=now.session,
        session_time_ms=now.session_time_ms,
        session_energy_ws=now.session_energy_ws,
        total_energy_ws=now.total_energy_ws,
        power_w=now.power_w,
        voltages_v=now.voltages_v,
        currents_a=now.currents_a,
    )


def as_json(moment: Moment) -> dict[str, Any]:
    """Return a moment as it travels."""
    return asdict(moment)


def from_json(told: Mapping[str, Any]) -> Moment:
    """Return the moment of a line the daemon has written."""
    known = {one.name: told[one.name] for one in fields(Moment)}
    for name in ("faults", "voltages_v", "currents_a"):
        known[name] = tuple(known[name])
    return Moment(**known)


def stamp(seconds: float) -> str:
    """Return a time as OCPP writes it, in UTC."""
    moment = datetime.fromtimestamp(max(0, round(seconds)), UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def seconds_of(text: str) -> float:
    """Return Unix seconds of a time of OCPP; one without an offset is UTC.

    Raises:
        ValueError: not a time.
    """
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    try:
        return moment.timestamp()
    except OverflowError as error:
        raise ValueError(str(error)) from error
