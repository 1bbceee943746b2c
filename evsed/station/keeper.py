"""The keeper: a worker that writes down what the control thread only remembers.

Ledger, flight recordings and the log of what changed: everything that may wait for a disk.
"""

import logging
import threading
from collections import deque
from pathlib import Path
from typing import Final

from evsed.charging.commands import RenewLimit
from evsed.charging.owned_limits import OwnedLimits
from evsed.charging.snapshot import ContactorCounters, Snapshot
from evsed.charging.states import Fault, fault_names
from evsed.hardware.real_time import WORKER, ask_real_time
from evsed.host.repeat_limiter import RepeatLimiter
from evsed.station.alarms import Alarm, DiskWatch
from evsed.station.control_pass import ControlPass
from evsed.station.counters import Ledger
from evsed.station.held_up import Report, told
from evsed.station.limit_words import silence
from evsed.station.recorder import Recording, write_recording

_EVERY_S: Final = 0.1
#: After a failed write the disk is left alone for so many rounds. For the ledger that is 3 s, in
#: which 43 kW gain 36 Wh.
_PAUSE_ROUNDS: Final = 100
_LEDGER_PAUSE_ROUNDS: Final = 30
_UNWRITTEN: Final = 8

#: A contactor is worn after so many. Source: charging.md section 18.8.
WORN_CLOSINGS: Final = 100_000
WORN_LOADED_OPENINGS: Final = 2_000
#: A pass may be so late before it is worth a warning.
_VERY_LATE_US: Final = 20_000

_log = logging.getLogger("evsed.station")


class Keeper:
    """Looks ten times a second; its troubles are logged and never reach the control thread."""

    def __init__(self, control_pass: ControlPass, ledger: Ledger, recordings: Path) -> None:
        self._pass = control_pass
        self._ledger = ledger
        self._recordings = recordings
        #: taken from the recorder and still to be written; the oldest go when the disk stays away
        self._unwritten: deque[Recording] = deque(maxlen=_UNWRITTEN)
        self._shown = Snapshot()
        #: passes that began late, with who was busy then
        self.late: deque[Report] = deque()
        self._limiter = RepeatLimiter()
        self._ledger_pause = self._pause = 0
        self._disk = DiskWatch("energy_not_saved", "the energy counter is not being saved")
        self._trace_disk = DiskWatch("recording_not_saved", "a flight recording is not being saved")
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, name="evsed-keeper", daemon=True)

    def start(self) -> None:
        """Start the worker."""
        self._thread.start()

    def stop(self) -> None:
        """Write everything a last time and end; waits for the disk."""
        self._end.set()
        self._thread.join()
        self._pause = 0
        self.look()
        self._write_ledger(self._pass.snapshot)

    def alarms(self) -> tuple[Alarm, ...]:
        """Return what is not being kept; from any thread, never blocks."""
        damage = self._ledger.damage
        text = f"the energy counter was damaged: {damage}"
        damaged = (Alarm("energy_damaged", text),) if damage else ()
        return (*damaged, *self._disk.alarms(), *self._trace_disk.alarms())

    def _run(self) -> None:
        ask_real_time(WORKER)
        while not self._end.wait(_EVERY_S):
            try:
                self.look()
            except Exception:  # noqa: BLE001  # logged with its traceback
                # Whatever it is: the next round must still write the ledger.
                _log.exception("keeper: unexpected failure")

    def look(self) -> None:
        """Write what is due."""
        self._log_commands()
        self._log_changes()
        self._log_late()
        snapshot = self._pass.snapshot
        if self._ledger_pause:
            self._ledger_pause -= 1
        elif self._ledger.due(snapshot):
            self._write_ledger(snapshot)
        if self._pause:
            self._pause -= 1
        else:
            self._write_recordings()

    def _write_ledger(self, snapshot: Snapshot) -> None:
        known = self._disk.failing
        try:
            with self._disk.attempt():
                self._ledger.write(snapshot)
        except OSError as error:
            self._ledger_pause = _LEDGER_PAUSE_ROUNDS
            _log.log(
                logging.DEBUG if known else logging.ERROR,
                "energy ledger: could not be written: %s",
                error,
            )

    def _write_recordings(self) -> None:
        fresh = self._pass.recorder.recordings
        while fresh:
            self._unwritten.append(fresh.popleft())
        while self._unwritten:
            try:
                with self._trace_disk.attempt():
                    path = write_recording(self._unwritten[0], self._recordings)
            except OSError as error:
                self._pause = _PAUSE_ROUNDS
                _log.error("flight recording: could not be written: %s", error)
                return
            self._unwritten.popleft()
            _log.info("flight recording: %s", path)

    def _log_commands(self) -> None:
        while self._pass.taken:
            _, letter, verdict = self._pass.taken.popleft()
            if verdict is None:
                # Signs of life come every few seconds; what matters is when they stay away.
                often = isinstance(letter.command, RenewLimit)
                level = logging.DEBUG if often else logging.INFO
                _log.log(level, "%s from %s", letter.command, letter.source)
            else:
                _log.info("%s from %s refused: %s", letter.command, letter.source, verdict)

    def _log_changes(self) -> None:
        while self._pass.changes:
            after = self._pass.changes.popleft()
            before, self._shown = self._shown, after
            _log_change(before, after)

    def _log_late(self) -> None:
        """Say why passes began late; the same reason once a minute."""
        if not self.late:
            return
        names = {thread.ident or 0: thread.name for thread in threading.enumerate()}
        while self.late:
            report = self.late.popleft()
            level = logging.WARNING if report.late_us > _VERY_LATE_US else logging.INFO
            why = told(report, names)
            self._limiter.log(
                _log,
                level,
                why,
                "a control pass began %.1f ms late: %s",
                report.late_us / 1000,
                why,
            )


def _log_change(before: Snapshot, after: Snapshot) -> None:
    if after.state is not before.state or after.reason is not before.reason:
        _log.info("state %s: %s", after.state.value, after.reason.value)
    _log_owned(before.owned, after.owned)
    appeared, gone = after.faults & ~before.faults, before.faults & ~after.faults
    if appeared:
        level = logging.CRITICAL if appeared & Fault.CONTACTOR_WELDED else logging.WARNING
        _log.log(level, "fault: %s", ", ".join(fault_names(appeared)))
    if gone:
        _log.info("fault gone: %s", ", ".join(fault_names(gone)))
    if after.contactor_closed is not before.contactor_closed:
        _log.info("contactor %s", "closed" if after.contactor_closed else "open")
        _log_wear(before.counters, after.counters)


def _log_owned(before: OwnedLimits, after: OwnedLimits) -> None:
    known = {limit.owner: limit for limit in before}
    for limit in after:
        was = known.get(limit.owner)
        if limit.lapsed and not (was is not None and was.lapsed):
            _log.warning("%s", silence(limit))
        elif was is not None and was.lapsed and not limit.lapsed:
            _log.info("%s has been heard again", limit.owner)


def _log_wear(before: ContactorCounters, after: ContactorCounters) -> None:
    if before.closings < WORN_CLOSINGS <= after.closings:
        _log.warning("contactor: %s closings; it is due for replacement", after.closings)
    if before.loaded_openings < WORN_LOADED_OPENINGS <= after.loaded_openings:
        _log.warning("contactor: %s openings under load; replace it", after.loaded_openings)
