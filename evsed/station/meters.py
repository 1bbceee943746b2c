"""Which meter counts at this moment: an external one while it answers, else what is left."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from evsed.charging.snapshot import Snapshot
from evsed.charging.states import MeterSource
from evsed.hardware.interfaces import Meter, MeterAlarm, MeterReading
from evsed.station.alarms import Alarm

#: A reading of the board's own channels older than this says nothing about now.
_BOARD_STALE_MS: Final = 500
#: With the contactor closed the sampler needs this long for its first reading.
_BOARD_FIRST_MS: Final = 2_000
#: An external meter may take this long to answer after the start.
_EXTERNAL_FIRST_MS: Final = 15_000
_LOST: Final = (MeterAlarm.METER_LOST,)


_INSTEAD: Final[Mapping[MeterSource, str]] = {
    MeterSource.NONE: "nothing is counted",
    MeterSource.ASSUMED: "the offered current at the assumed voltage is counted instead",
    MeterSource.BOARD: "the board's own channels are counted instead",
    MeterSource.EXTERNAL: "",
}


def meter_alarms(now: Snapshot) -> tuple[Alarm, ...]:
    """Return what is wrong with the measuring of energy, in words for people."""
    return tuple(Alarm(alarm.value, _text(alarm.value, now)) for alarm in now.meter_alarms)


def _text(alarm: str, now: Snapshot) -> str:
    if alarm == MeterAlarm.METER_LOST:
        return f"energy meter: no reading comes; {_INSTEAD[now.meter_source]}"
    if alarm == MeterAlarm.COUNTER_JUMPED:
        return "energy meter: its register fell or rose beyond reason; counting went on without it"
    phase = alarm[:2].upper()
    if alarm.endswith("reversed"):
        return (
            f"energy meter: current of {phase} flows backwards: its transformer is mounted the "
            "wrong way round or on another phase; its energy is counted as if it were right"
        )
    return f"energy meter: no voltage on {phase}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Metered:
    """What the meters say in one pass."""

    reading: MeterReading | None = None
    external: bool = False
    alarms: tuple[MeterAlarm, ...] = ()


class ReadingBox:
    """The newest reading of an external meter: put in by a service, looked at by the station."""

    def __init__(self) -> None:
        self._newest: MeterReading | None = None

    def put(self, reading: MeterReading) -> None:
        """Replace the newest reading."""
        self._newest = reading

    def read(self) -> MeterReading | None:
        """Return the newest reading; None before the first."""
        return self._newest


@dataclass(slots=True, kw_only=True)
class Meters:
    """The meters of one station; belongs to the control thread.

    Args:
        board: the hat's own channels, None without any or when they are not to replace the
            external meter.
        external: the external meter's readings, None without one.
        external_stale_ms: an older reading of it says nothing about now.
    """

    board: Meter | None = None
    external: ReadingBox | None = None
    external_stale_ms: int = 5_000
    _began_ms: int | None = None
    _closed_since_ms: int | None = None

    def read(self, now_ms: int, *, closed: bool) -> Metered:
        """Return the reading that counts, and what is wrong.

        Args:
            now_ms: time of this pass.
            closed: whether the contactor is closed: the board's channels are sampled then.
        """
        if self._began_ms is None:
            self._began_ms = now_ms
        if not closed:
            self._closed_since_ms = None
        elif self._closed_since_ms is None:
            self._closed_since_ms = now_ms
        if self.external is None:
            return self._of_board(now_ms)
        reading = _fresh(self.external.read(), now_ms, self.external_stale_ms)
        if reading is not None:
            return Metered(reading=reading, external=True, alarms=reading.alarms)
        metered = self._of_board(now_ms)
        if now_ms - self._began_ms < _EXTERNAL_FIRST_MS and self.external.read() is None:
            return metered
        others = tuple(alarm for alarm in metered.alarms if alarm not in _LOST)
        return replace(metered, alarms=(*_LOST, *others))

    def _of_board(self, now_ms: int) -> Metered:
        if self.board is None:
            return Metered()
        reading = _fresh(self.board.read(), now_ms, _BOARD_STALE_MS)
        if reading is not None:
            return Metered(reading=reading, alarms=reading.alarms)
        since_ms = self._closed_since_ms
        lost = since_ms is not None and now_ms - since_ms >= _BOARD_FIRST_MS
        return Metered(alarms=_LOST if lost else ())


def _fresh(reading: MeterReading | None, now_ms: int, stale_ms: int) -> MeterReading | None:
    return None if reading is None or now_ms - reading.taken_ms > stale_ms else reading
