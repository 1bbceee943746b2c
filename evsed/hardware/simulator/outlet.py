"""What moves and trips at the outlet: contactor, lock motor, residual current monitor. Pure.

Each has ``deadline_us``, when it next changes by itself, and one method that shows it its wires.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

_LOCK_TRAVEL_US = 80_000
_TEST_RESPONSE_US = 10_000
#: how long the pump's charge lasts: one that is fed by passes, one that is fed by pulses
PASS_PUMP_US = 700_000  # Source: platform.md section 8.2, link 0: at most one second
PULSE_PUMP_US = 50_000


@dataclass(slots=True)
class _Pole:
    wanted: bool = False
    closed: bool = False
    due_us: int | None = None


@dataclass(slots=True)
class Contactor:
    """One pole group per coil; ``weld`` holds the contacts shut, ``stuck`` kills the coils."""

    coils: int
    delay_ms: int
    weld: bool = False
    stuck: bool = False
    _poles: list[_Pole] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._poles = [_Pole() for _ in range(self.coils)]

    @property
    def deadline_us(self) -> int | None:
        """Return when the next contact has moved."""
        return min((pole.due_us for pole in self._poles if pole.due_us is not None), default=None)

    @property
    def closed(self) -> tuple[bool, ...]:
        """Return the contacts of each coil."""
        return tuple(pole.closed or self.weld for pole in self._poles)

    def energize(self, now_us: int, coils: Sequence[bool]) -> None:
        """Show it its coils."""
        for pole, coil in zip(self._poles, coils, strict=True):
            wanted = coil and not self.stuck
            if wanted != pole.wanted:
                pole.wanted = wanted
                pole.due_us = now_us + self.delay_ms * 1000
            if pole.due_us is not None and now_us >= pole.due_us:
                pole.closed, pole.due_us = pole.wanted, None


@dataclass(slots=True)
class ChargePump:
    """Supplies the coils while the heartbeat line toggles; ``hold_us`` 0: there is no pump."""

    hold_us: int
    _level: int = 0
    deadline_us: int | None = None

    def watch(self, now_us: int, level: int) -> bool:
        """Return whether the coils have supply."""
        if level != self._level:
            self._level = level
            self.deadline_us = now_us + self.hold_us
        if self.deadline_us is not None and now_us >= self.deadline_us:
            self.deadline_us = None
        return not self.hold_us or self.deadline_us is not None


@dataclass(slots=True)
class LockMotor:
    """A motor with end stops; the contact changes when an end is reached."""

    jam: bool = False
    locked: bool = False
    _position: float = 0.0
    _direction: int = 0
    _since_us: int = 0

    @property
    def deadline_us(self) -> int | None:
        """Return when it reaches an end."""
        way = 1 - self._position if self._direction > 0 else self._position
        if not self._direction or way <= 0:
            return None
        return self._since_us + round(way * _LOCK_TRAVEL_US)

    def drive(self, now_us: int, a: bool, b: bool) -> None:
        """Show it its two wires: A alone locks, B alone unlocks, both brake."""
        deadline = self.deadline_us
        if deadline is not None and now_us >= deadline:
            self._position = float(self._direction > 0)
            self.locked = self._direction > 0
        elif self._direction:
            way = self._direction * (now_us - self._since_us) / _LOCK_TRAVEL_US
            self._position = min(max(self._position + way, 0.0), 1.0)
        self._since_us = now_us
        self._direction = 0 if self.jam else int(a) - int(b)


@dataclass(slots=True)
class ResidualCurrent:
    """Trips on a leak or, after a moment, on its test line; a latch holds the trip if fitted."""

    latching: bool
    leak: bool = False
    test_ok: bool = True
    tripped: bool = False
    deadline_us: int | None = None
    _testing: bool = False
    _answered: bool = False

    def watch(self, now_us: int, *, test: bool, reset: bool) -> None:
        """Show it its test and reset lines."""
        if test != self._testing:
            self._testing, self._answered = test, False
            self.deadline_us = now_us + _TEST_RESPONSE_US if test else None
        if self.deadline_us is not None and now_us >= self.deadline_us:
            self._answered, self.deadline_us = self.test_ok, None
        cause = self.leak or self._answered
        held = self.latching and self.tripped and not reset
        self.tripped = cause or held
