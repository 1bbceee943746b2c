"""From snapshots to sessions: one record for each time a vehicle is plugged in. Knows no database.

The station's own session ends with every fault; a record goes on until the vehicle is seen to
leave, or until somebody has to authorize anew (decision 0012). Durations come from the station's
clock alone; the wall clock only says when a session began.
"""

from dataclasses import dataclass, field
from typing import Final

from evsed.charging.authorization import GRANT_MS
from evsed.charging.snapshot import Snapshot
from evsed.charging.states import CHARGING_STATES, ChargingState, Reason, fault_names
from evsed.operations.session_log import Authorized, EndReason
from evsed.services.sessions.around import Around
from evsed.services.sessions.record import MINUTE_MS, MinuteMeter, Sample, SessionRecord

#: So far the wall clock may differ from what the session's duration says before it is believed.
_JUMP_S: Final = 2
#: Minutes that wait for a disk: about three days.
_MOST_SAMPLES: Final = 5000
_MOST_RECORDS: Final = 500


@dataclass(slots=True)
class Pending:
    """What has not been written yet."""

    records: list[SessionRecord] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)
    #: sessions whose begin was moved: their costs must be counted anew
    mended: list[SessionRecord] = field(default_factory=list)
    #: a session has begun, paused or ended
    urgent: bool = False
    #: minutes and sessions given up because the disk stayed away too long
    dropped: int = 0

    def note(self, record: SessionRecord) -> None:
        """Have a record written."""
        if not any(one is record for one in self.records):
            self.records.append(record)
        if len(self.records) > _MOST_RECORDS:
            del self.records[0]
            self.dropped += 1

    def note_sample(self, sample: Sample) -> None:
        """Have a minute written."""
        self.samples.append(sample)
        if len(self.samples) > _MOST_SAMPLES:
            del self.samples[0]
            self.dropped += 1


class SessionTracker:
    """Follows the station.

    Args:
        boot: identifies this start of the computer, and with it the monotonic clock.
        resumed: the session that was open when the daemon ended, and its last minute.
    """

    def __init__(
        self, boot: str, resumed: SessionRecord | None = None, last: Sample | None = None
    ) -> None:
        self.boot = boot
        self.pending = Pending()
        self.record = resumed
        #: the station's session has ended and the vehicle has not been seen to leave; why it ended
        self.away: EndReason | None = EndReason.INTERRUPTED if resumed else None
        self._last_sample = last
        self._before: Snapshot | None = None
        self._minute = MinuteMeter(0)
        #: begin of the station's session, and what the record had before it
        self._since_ms: int | None = None
        self._base_energy_ws = self._base_charging_ms = 0
        #: the clock was not set when a session from an earlier run was taken up
        self._gap_unknown = False

    def follow(self, now: Snapshot, around: Around) -> None:
        """Take one snapshot in."""
        before, self._before = self._before, now
        since_ms = now.at_ms - now.session_time_ms if now.session else None
        if before is not None and self.record is not None and self.away is None:
            self._count(before, now, around, same=since_ms == self._since_ms)
            if since_ms != self._since_ms:
                self._leave(now, around)
        if self.away is not None and now.reason is Reason.NO_VEHICLE:
            self._end(self.away)
        if since_ms is not None and since_ms != self._since_ms:
            self._come(now, since_ms, around)
        if self.record is not None and self.away is None:
            self._look_at_clock(self.record, around)

    def unwritten_ws(self, written_ws: int) -> int:
        """Return how much energy the open record has more than was written."""
        return 0 if self.record is None else self.record.energy_ws - written_ws

    def flush(self) -> None:
        """Have the open record and the minute as it stands written."""
        if self.record is None or self.away is not None:
            return
        self.pending.note(self.record)
        if not self._minute.empty:
            self._keep(self._minute.sample(self.record))

    def _come(self, now: Snapshot, since_ms: int, around: Around) -> None:
        """A session of the station has begun: a new record, or the old one goes on."""
        self._since_ms = since_ms
        self.pending.urgent = True
        if self.record is not None and around.authorization_required:
            self._end(self.away or EndReason.UNPLUGGED)
        if self.record is None:
            self.record = self._fresh(now, since_ms, around)
        else:
            self._take_up(self.record, now, around)
        record, self.away = self.record, None
        self._base_energy_ws = record.energy_ws
        self._base_charging_ms = record.charging_ms
        self._minute = self._minute_of(record)
        self._count_station(record, now)
        self._account(record, now, 0, record.energy_ws - self._base_energy_ws, around)
        self.pending.note(record)

    def _fresh(self, now: Snapshot, since_ms: int, around: Around) -> SessionRecord:
        start_s = round(around.wall_s - now.session_time_ms / 1000)
        self._gap_unknown = False
        return SessionRecord(
            boot=self.boot,
            began_ms=since_ms,
            start_s=start_s,
            clock_set=around.clock_set,
            month=around.month(start_s),
            duration_ms=now.session_time_ms,
            meter_start_ws=max(0, now.total_energy_ws - now.session_energy_ws),
            meter_end_ws=now.total_energy_ws,
            authorized=Authorized.NOT_GIVEN
            if around.authorization_required
            else Authorized.NOT_REQUIRED,
        )

    def _take_up(self, record: SessionRecord, now: Snapshot, around: Around) -> None:
        """Go on with a record; the time in between belongs to it."""
        if record.boot == self.boot:
            record.duration_ms = max(record.duration_ms, now.at_ms - record.began_ms)
            return
        self._gap_unknown = not (record.clock_set and around.clock_set)
        if not self._gap_unknown:
            gone_ms = round((around.wall_s - record.start_s) * 1000)
            record.duration_ms = max(record.duration_ms, gone_ms)
        record.boot, record.began_ms = self.boot, now.at_ms - record.duration_ms

    def _minute_of(self, record: SessionRecord) -> MinuteMeter:
        minute, ms = divmod(record.duration_ms, MINUTE_MS)
        meter, last = MinuteMeter(minute), self._last_sample
        if last is not None and last.record is record and last.minute == minute:
            meter.go_on_from(last, ms)
        return meter

    def _count(self, before: Snapshot, now: Snapshot, around: Around, *, same: bool) -> None:
        record = self.record
        if record is None:
            return
        elapsed_ms = max(0, now.at_ms - before.at_ms)
        known_ws = record.energy_ws
        record.duration_ms = max(record.duration_ms, now.at_ms - record.began_ms)
        if same:
            self._count_station(record, now)
        else:
            # What has flowed since the last look before its session ended is only in the register.
            record.energy_ws += max(0, now.total_energy_ws - before.total_energy_ws)
            record.meter_end_ws = now.total_energy_ws - now.session_energy_ws
        self._account(record, before, elapsed_ms, record.energy_ws - known_ws, around)
        self._note_stop(record, before, now)
        self._note_authorization(record, now, around)
        if record.duration_ms // MINUTE_MS > self._minute.minute:
            self._keep(self._minute.sample(record))
            self.pending.note(record)
            self._minute = MinuteMeter(record.duration_ms // MINUTE_MS)

    def _count_station(self, record: SessionRecord, now: Snapshot) -> None:
        record.energy_ws = max(record.energy_ws, self._base_energy_ws + now.session_energy_ws)
        record.charging_ms = max(record.charging_ms, self._base_charging_ms + now.charging_time_ms)
        record.peak_w = max(record.peak_w, now.power_w)
        record.meter_end_ws = now.total_energy_ws

    def _account(
        self,
        record: SessionRecord,
        shown: Snapshot,
        elapsed_ms: int,
        gained_ws: int,
        around: Around,
    ) -> None:
        """Put energy into the minute and on the bill."""
        record.cost += gained_ws * around.price_e4(record.start_s + record.duration_ms // 1000)
        self._minute.add(shown, elapsed_ms, gained_ws)

    def _note_stop(self, record: SessionRecord, before: Snapshot, now: Snapshot) -> None:
        """Remember why charging stopped; the first reason after it is the telling one."""
        if now.state in CHARGING_STATES:
            record.stopped = Reason.CHARGING.value
        elif now.reason is not Reason.NO_VEHICLE and (
            before.state in CHARGING_STATES or record.stopped == Reason.CHARGING
        ):
            record.stopped = now.reason.value
        if now.faults:
            known = record.faults.split()
            fresh = [name for name in fault_names(now.faults) if name not in known]
            record.faults = " ".join((*known, *fresh))

    def _note_authorization(self, record: SessionRecord, now: Snapshot, around: Around) -> None:
        if record.authorized != Authorized.NOT_GIVEN or now.pending_auth or now.faults:
            return
        if not now.session:
            return
        source, at_ms = around.authorized or ("", 0)
        recent = source and 0 <= now.at_ms - at_ms <= now.session_time_ms + 2 * GRANT_MS
        record.authorized = source if recent else Authorized.UNKNOWN
        self.pending.urgent = True

    def _leave(self, now: Snapshot, around: Around) -> None:
        """The station's session has ended."""
        record, self._since_ms = self.record, None
        if record is None:
            return
        self.flush()
        self.pending.urgent = True
        if now.faults:
            self.away = EndReason.FAULT
        elif now.state is ChargingState.F:
            self.away = EndReason.OUT_OF_SERVICE
        else:
            self._end(EndReason.UNPLUGGED)
            return
        if around.authorization_required:
            self._end(self.away)

    def _end(self, how: EndReason) -> None:
        record, self.record, self.away = self.record, None, None
        if record is None:
            return
        record.ended = how.value
        if record.stopped == Reason.CHARGING:
            record.stopped = how.value
        self.pending.note(record)
        self.pending.urgent = True

    def _keep(self, sample: Sample) -> None:
        last = self._last_sample
        if sample.says_nothing_after(last):
            return
        waiting = self.pending.samples
        if last is not None and waiting and waiting[-1] is last and _same_minute(last, sample):
            waiting.pop()
        self._last_sample = sample
        self.pending.note_sample(sample)

    def _look_at_clock(self, record: SessionRecord, around: Around) -> None:
        """Believe the newest clock that is set; the duration stays as it was counted."""
        if not around.clock_set:
            return
        expected_s = record.start_s + record.duration_ms / 1000
        late_s = around.wall_s - expected_s
        if self._gap_unknown and record.clock_set:
            # The time the charger was off: now it can be told.
            self._gap_unknown = False
            if late_s > 0:
                record.began_ms -= round(late_s * 1000)
                record.duration_ms += round(late_s * 1000)
                self._minute = self._minute_of(record)
                self.pending.note(record)
            return
        if record.clock_set and abs(late_s) <= _JUMP_S:
            return
        record.start_s = round(around.wall_s - record.duration_ms / 1000)
        record.clock_set, record.month = True, around.month(record.start_s)
        self._gap_unknown = False
        self.pending.note(record)
        self.pending.mended.append(record)
        self.pending.urgent = True


def _same_minute(one: Sample, other: Sample) -> bool:
    return one.record is other.record and one.minute == other.minute
