"""One session while it is being written, and its minutes."""

from dataclasses import dataclass, field

from evsed.charging.snapshot import DARK, Phases, Snapshot
from evsed.operations.session_log import SessionRow
from evsed.units import milliamperes

MINUTE_MS = 60_000


@dataclass(slots=True, kw_only=True)
class SessionRecord:
    """What one row of the database will hold. Times: see ``SessionRow``."""

    #: 0 until it has been written
    id: int = 0
    #: which start of the computer ``began_ms`` belongs to
    boot: str = ""
    #: begin by the monotonic clock: what durations are counted from
    began_ms: int = 0
    start_s: int = 0
    clock_set: bool = False
    month: str = ""
    duration_ms: int = 0
    charging_ms: int = 0
    energy_ws: int = 0
    meter_start_ws: int = 0
    meter_end_ws: int = 0
    peak_w: int = 0
    cost: int = 0
    authorized: str = ""
    faults: str = ""
    stopped: str = ""
    ended: str = ""

    def row(self) -> SessionRow:
        """Return it as readers see it."""
        return SessionRow(
            id=self.id,
            start_s=self.start_s,
            clock_set=self.clock_set,
            duration_s=self.duration_ms // 1000,
            charging_s=self.charging_ms // 1000,
            energy_ws=self.energy_ws,
            meter_start_ws=self.meter_start_ws,
            meter_end_ws=self.meter_end_ws,
            peak_w=self.peak_w,
            cost=self.cost,
            authorized=self.authorized,
            faults=tuple(self.faults.split()),
            stopped=self.stopped,
            ended=self.ended,
        )


@dataclass(slots=True, kw_only=True)
class Sample:
    """One minute of one session."""

    record: SessionRecord
    minute: int
    energy_ws: int = 0
    peak_w: int = 0
    offered_da: int = 0
    currents_ma: tuple[int, int, int] = (0, 0, 0)

    def says_nothing_after(self, before: "Sample | None") -> bool:
        """Tell whether nothing flowed and nothing else was offered than the minute before."""
        return (
            before is not None
            and before.record is self.record
            and not self.energy_ws
            and not any(self.currents_ma)
            and not any(before.currents_ma)
            and self.offered_da == before.offered_da
        )


@dataclass(slots=True)
class MinuteMeter:
    """Adds up what happens within one minute, weighted by time."""

    minute: int
    energy_ws: int = 0
    peak_w: int = 0
    _ms: int = 0
    _offered_da_ms: int = 0
    _a_ms: Phases = field(default=DARK)

    def add(self, now: Snapshot, elapsed_ms: int, energy_ws: int) -> None:
        """Add some milliseconds at what a snapshot shows."""
        self.energy_ws += energy_ws
        self.peak_w = max(self.peak_w, now.power_w)
        self._ms += elapsed_ms
        self._offered_da_ms += now.offered_da * elapsed_ms
        one, two, three = now.currents_a
        a, b, c = self._a_ms
        self._a_ms = (a + one * elapsed_ms, b + two * elapsed_ms, c + three * elapsed_ms)

    def go_on_from(self, sample: Sample, ms: int) -> None:
        """Begin with what has been kept of this minute's first ``ms`` milliseconds."""
        self.energy_ws, self.peak_w, self._ms = sample.energy_ws, sample.peak_w, ms
        self._offered_da_ms = sample.offered_da * ms
        one, two, three = sample.currents_ma
        self._a_ms = (one * ms / 1000, two * ms / 1000, three * ms / 1000)

    @property
    def empty(self) -> bool:
        """Whether there is nothing to tell of this minute yet."""
        return not self._ms and not self.energy_ws

    def sample(self, record: SessionRecord) -> Sample:
        """Return the minute as far as it has come."""
        ms = max(self._ms, 1)
        one, two, three = self._a_ms
        return Sample(
            record=record,
            minute=self.minute,
            energy_ws=self.energy_ws,
            peak_w=self.peak_w,
            offered_da=round(self._offered_da_ms / ms),
            currents_ma=(
                milliamperes(one / ms),
                milliamperes(two / ms),
                milliamperes(three / ms),
            ),
        )
