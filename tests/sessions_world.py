"""A station of arithmetic, in stepped time, with a history of sessions attached.

The energy is that of ``evsed.charging.energy``; what the mains gave is added up beside it, on its
own.
"""

from dataclasses import dataclass, field, replace
from datetime import UTC
from pathlib import Path

from evsed.charging.energy import Energy, add_up, begin_session, end_session
from evsed.charging.energy import Power as MeteredPower
from evsed.charging.snapshot import Snapshot
from evsed.charging.states import ChargingState, Fault, PilotMode, Reason
from evsed.services.sessions.around import Around
from evsed.services.sessions.reader import Reader
from evsed.services.sessions.writer import SessionWriter
from evsed.settings.tariff import SessionsSettings

VOLTS = 230.0
#: 2026-03-02 08:00 UTC, a Monday
MONDAY_S = 1_772_438_400.0


@dataclass
class SmallStation:
    """Snapshots to look at; every step moves both clocks."""

    file: Path
    now_ms: int = 1_000_000
    wall_s: float = MONDAY_S
    clock_set: bool = True
    boot: str = "boot-1"
    tariff: SessionsSettings = field(default_factory=SessionsSettings)
    authorization_required: bool = False
    authorized: tuple[str, int] | None = None
    total_ws: int = 0

    def __post_init__(self) -> None:
        self.energy = Energy(total_mws=self.total_ws * 1000)
        self.given_mws = 0  # by the mains, since ever
        self.snapshot = Snapshot(
            at_ms=self.now_ms,
            state=ChargingState.A,
            reason=Reason.SELF_CHECK,
            total_energy_ws=self.total_ws,
        )
        self.writer = self.new_writer()

    def new_writer(self) -> SessionWriter:
        return SessionWriter(self.file, lambda: self.snapshot, self.around, self.boot)

    def around(self) -> Around:
        return Around(
            wall_s=self.wall_s,
            clock_set=self.clock_set,
            zone=UTC,
            tariff=self.tariff,
            authorization_required=self.authorization_required,
            authorized=self.authorized,
        )

    # --- what happens ---

    def idle(self) -> "SmallStation":
        return self.show(state=ChargingState.A, reason=Reason.NO_VEHICLE, pilot=PilotMode.HIGH)

    def plug(self, offered_da: int = 160, **more: object) -> "SmallStation":
        self.energy = begin_session(self.energy, self.now_ms)
        return self.show(
            state=ChargingState.B2,
            reason=Reason.VEHICLE_NOT_ASKING,
            pilot=PilotMode.PWM,
            offered_da=offered_da,
            **more,
        )

    def charge(self, amps: float = 16.0, phases: int = 1) -> "SmallStation":
        currents = tuple(amps if n < phases else 0.0 for n in range(3))
        return self.show(
            state=ChargingState.C2,
            reason=Reason.CHARGING,
            contactor_closed=True,
            pending_auth=False,
            currents_a=currents,
            power_w=round(VOLTS * amps * phases),
        )

    def pause(self, reason: Reason = Reason.DISABLED) -> "SmallStation":
        return self.show(state=ChargingState.C1, reason=reason, **_DARK)

    def unplug(self) -> "SmallStation":
        self.energy = end_session(self.energy)
        return self.show(
            state=ChargingState.A,
            reason=Reason.NO_VEHICLE,
            pending_auth=False,
            offered_da=0,
            **_DARK,
        )

    def fail(self, fault: Fault = Fault.RCM_TRIGGERED) -> "SmallStation":
        self.energy = end_session(self.energy)
        return self.show(
            state=ChargingState.E, reason=Reason.FAULT, faults=fault, offered_da=0, **_DARK
        )

    def heal(self) -> "SmallStation":
        """Leave E through A; the pilot is not read yet."""
        return self.show(
            state=ChargingState.A, reason=Reason.PILOT_SETTLING, faults=Fault.NONE, offered_da=0
        )

    def restart(self, **after: object) -> "SmallStation":
        """Be killed and come back: what was not written is gone, the register as well."""
        for key, value in after.items():
            setattr(self, key, value)
        total_ws = self.snapshot.total_energy_ws
        self.energy = Energy(total_mws=total_ws * 1000)
        self.snapshot = Snapshot(
            at_ms=self.now_ms,
            state=ChargingState.A,
            reason=Reason.SELF_CHECK,
            total_energy_ws=total_ws,
        )
        self.writer._close()
        self.writer = self.new_writer()
        return self

    # --- time ---

    def run(self, seconds: float, step_ms: int = 1000) -> "SmallStation":
        """Let time pass, looking after every step."""
        left_ms = round(seconds * 1000)
        while left_ms > 0:
            self.step(min(step_ms, left_ms))
            self.writer.look()
            left_ms -= step_ms
        return self

    def step(self, step_ms: int) -> None:
        self.now_ms += step_ms
        self.wall_s += step_ms / 1000
        self.given_mws += self.snapshot.power_w * step_ms
        self.energy = add_up(
            self.energy,
            MeteredPower(power_mw=self.snapshot.power_w * 1000),
            step_ms,
            charging=self.snapshot.state is ChargingState.C2,
        )
        self.show()

    def show(self, **changes: object) -> "SmallStation":
        energy = self.energy
        since_ms = energy.session_since_ms
        self.snapshot = replace(
            self.snapshot,
            at_ms=self.now_ms,
            session=since_ms is not None,
            session_time_ms=0 if since_ms is None else self.now_ms - since_ms,
            charging_time_ms=energy.charging_time_ms,
            session_energy_ws=energy.session_ws,
            total_energy_ws=energy.total_ws,
            **changes,
        )
        return self

    # --- what is kept ---

    def reader(self) -> Reader:
        return Reader(self.file)

    def look(self) -> "SmallStation":
        self.writer.look()
        return self

    def save(self) -> "SmallStation":
        """Have everything written now."""
        self.writer._tracker.pending.urgent = True
        return self.look()


_DARK = {"contactor_closed": False, "currents_a": (0.0, 0.0, 0.0), "power_w": 0}
