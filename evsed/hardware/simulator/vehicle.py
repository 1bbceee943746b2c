"""The simulated vehicle: resistors, diode, S2 with a reaction time, current drawn. Pure."""

from dataclasses import dataclass, field

from evsed.board.description import SimVehicle
from evsed.hardware.simulator.pilot_stage import Load

ASKING = frozenset({"charging", "ventilation"})
VENTILATION_OHM = 246.0  # Source: charging.md section 4.2, nominal load of state D


@dataclass(frozen=True, slots=True)
class Ramp:
    """Amperes per phase over time: rising from a start value, up to a target."""

    target_a: float = 0.0
    from_a: float = 0.0
    from_us: int = 0
    a_per_s: float = 0.0

    def at(self, now_us: int) -> float:
        """Return the amperes at one moment."""
        risen = self.from_a + self.a_per_s * (now_us - self.from_us) / 1_000_000
        return max(min(self.target_a, risen), 0.0)


@dataclass(slots=True)
class Vehicle:
    """A vehicle; ``kind`` is none, connected, charging, ventilation or short."""

    r2_ohm: float
    r3_ohm: float
    diode: bool
    max_current_a: float
    phases: int
    ramp_a_per_s: float
    reaction_ms: int
    kind: str = "none"
    s2: bool = False
    ramp: Ramp = field(default_factory=Ramp)
    _opens_us: int | None = None
    _allowance_a: float = 0.0

    @classmethod
    def of(cls, sim: SimVehicle) -> "Vehicle":
        """Return the vehicle a board file describes, not plugged in."""
        return cls(
            r2_ohm=sim.r2_ohm,
            r3_ohm=sim.r3_ohm,
            diode=sim.diode,
            max_current_a=sim.max_current_a,
            phases=sim.phases,
            ramp_a_per_s=sim.ramp_a_per_s,
            reaction_ms=sim.reaction_ms,
        )

    @property
    def deadline_us(self) -> int | None:
        """Return when S2 opens by itself."""
        return self._opens_us

    @property
    def load(self) -> Load:
        """Return what the vehicle puts on the pilot."""
        if self.kind == "none":
            return Load()
        if self.kind == "short":
            return Load(0)
        if not self.s2:
            return Load(self.r2_ohm, self.diode)
        if self.kind == "ventilation":
            return Load(VENTILATION_OHM, self.diode)
        return Load(self.r2_ohm * self.r3_ohm / (self.r2_ohm + self.r3_ohm), self.diode)

    def watch_pilot(self, now_us: int, offered_a: float) -> None:
        """Open or close S2 by what the pilot offers."""
        if self.kind not in ASKING:
            self.s2, self._opens_us = False, None
            return
        if offered_a > 0:
            self._allowance_a = offered_a
        if offered_a > 0 or self.reaction_ms < 0:
            self.s2, self._opens_us = True, None
        elif self.s2:
            self._let_go(now_us)

    def _let_go(self, now_us: int) -> None:
        if self._opens_us is None:
            self._opens_us = now_us + self.reaction_ms * 1000
        if now_us >= self._opens_us:
            self.s2, self._opens_us = False, None

    def draw(self, now_us: int, *, energized: bool) -> Ramp:
        """Return the current it takes; rises with the ramp, falls at once."""
        if not (energized and self.s2):
            self.ramp = Ramp()
            return self.ramp
        target = min(self._allowance_a or self.max_current_a, self.max_current_a)
        if target != self.ramp.target_a or self.ramp.a_per_s != self.ramp_a_per_s:
            start = min(self.ramp.at(now_us), target)
            self.ramp = Ramp(target, start, now_us, self.ramp_a_per_s)
        return self.ramp
