"""One control pass on real devices: read, decide, open, pilot, close, publish.

This is the only place where a decision becomes a voltage. Everything here runs on the control
thread: no disk, no logging, no lock shared with others, no unbounded work.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from evsed.charging.debounce import follow_windows
from evsed.charging.energy import Measured
from evsed.charging.faults import settle_faults
from evsed.charging.machine import step
from evsed.charging.memory import Inputs, Memory, Outputs
from evsed.charging.picture import take_snapshot
from evsed.charging.pilot_window import PilotWindow, measure
from evsed.charging.requests import accept
from evsed.charging.snapshot import Lateness, Snapshot
from evsed.charging.states import (
    Fault,
    LockStatus,
    MeterAlarm,
    MeterSource,
    PilotMode,
    Reason,
    SelfTest,
)
from evsed.errors import HardwareError, RejectedError
from evsed.hardware.interfaces import Hat
from evsed.station.mailbox import Letter, Mailbox, Verdict
from evsed.station.meters import Metered, Meters
from evsed.station.panel import WARNING, ButtonEdge, Lamps
from evsed.station.recorder import Recorder
from evsed.station.self_check import SelfCheck

#: A pass this late while the contactor is closed cannot be trusted with it.
TOO_LATE_MS: Final = 100
#: How long the meter goes on after the contactor was opened: does current still flow?
_WATCH_AFTER_OPENING_MS: Final = 3000
#: How often the dead-man is asked whether it runs.
_ARMED_EVERY_MS: Final = 1000
#: Room for pictures waiting for the log.
_PICTURES: Final = 512
#: Room for presses of the button that nobody has looked at yet.
_EDGES: Final = 64
_LAMPS: Final = ("charging", "error", "wifi")
_NO_LATENESS: Final = Lateness()


@dataclass(slots=True)
class _Driven:
    """What the pins do now, so that only changes reach the devices."""

    contactor_closed: bool = False
    #: until when current is measured although the contactor is open
    metered_until_ms: int = 0
    pilot: PilotMode | None = None
    duty_ppm: int = 0
    #: windows that began before this saw another pilot output
    pilot_since_ms: int = 0
    lock: bool | None = None
    lamps: tuple[tuple[int, int], ...] = ((0, 0), (0, 0), (0, 0))
    sampling: tuple[bool, bool] | None = None


class ControlPass:
    """Joins the devices of one hat with the charging rules, one pass at a time."""

    def __init__(
        self,
        hat: Hat,
        memory: Memory,
        mailbox: Mailbox,
        clock_ms: Callable[[], int],
        meters: Meters | None = None,
    ) -> None:
        self._hat = hat
        self._meters = meters or Meters(board=hat.meter)
        self._clock_ms = clock_ms
        self._mailbox = mailbox
        self.memory = memory
        self.snapshot = Snapshot(reason=Reason.SELF_CHECK)
        self.recorder = Recorder()
        #: pictures that differ from the one before in something worth a log line
        self.changes: deque[Snapshot] = deque(maxlen=_PICTURES)
        #: commands taken, for the log: time, source, command, verdict
        self.taken: deque[tuple[int, Letter, Verdict]] = deque(maxlen=_PICTURES)
        #: what a service wants shown; it replaces the whole
        self.lamps = Lamps()
        #: what the button did, for the service that knows what it means
        self.button_edges: deque[ButtonEdge] = deque(maxlen=_EDGES)
        self._pressed = False
        self._check: SelfCheck | None = None
        self._checked = False
        self._driven = _Driven()
        self._pending: list[PilotWindow] = []
        self._failed = False
        self._asked_ms = 0
        #: whether whoever opens the contactor in this process's stead is there, as far as known
        self.watched = True
        #: how often it has gone, also for so short a time that nobody saw it
        self.lapses = 0
        if hat.residual_current is not None:
            hat.residual_current.on_trip(self._open_on_trip)

    def run(self, late_ms: int = 0, lateness: Lateness = _NO_LATENESS) -> Snapshot:
        """Run one pass.

        Args:
            late_ms: how late this pass begins.
            lateness: what the loop has measured so far, for the snapshot.

        Raises:
            HardwareError: contactor, pilot or dead-man cannot be driven: the station must stop.
        """
        now_ms = self._clock_ms()
        answers = [(letter, self._take(letter, now_ms)) for letter in self._mailbox.take()]
        self.look()
        inputs = self._collect(now_ms, late_ms)
        if self._checked:
            self.memory, outputs = step(self.memory, inputs)
            self._drive(outputs, now_ms)
            snapshot = take_snapshot(self.memory, inputs, lateness)
        else:
            snapshot = self._check_self(inputs, lateness)
        self._publish(inputs, snapshot)
        for letter, verdict in answers:
            self.taken.append((now_ms, letter, verdict))
            letter.answer(verdict)
        self._sign_life(now_ms)
        self._watch_button(now_ms)
        return snapshot

    def look(self) -> bool:
        """Take finished windows; return whether they say that the contactor must open at once.

        The loop calls this between passes while the contactor is closed, and runs a pass early
        when the answer is yes (decision 0004).
        """
        try:
            taken = self._hat.sampler.take_windows()
        except HardwareError:
            self._failed = True
            return True
        drive, levels = self.memory.pilot, self.memory.rules.pilot_levels
        mode = self._driven.pilot
        if mode is None:
            return False
        for window in taken:
            if window.started_ms < self._driven.pilot_since_ms:
                continue
            self._pending.append(
                measure(
                    window.readings_mv,
                    mode=mode,
                    duty_ppm=drive.duty_ppm,
                    levels=levels,
                    started_ms=window.started_ms,
                    ended_ms=window.ended_ms,
                )
            )
        return self.energized and self._bad()

    @property
    def energized(self) -> bool:
        """Whether the contactor is commanded closed."""
        return self._driven.contactor_closed

    def _bad(self) -> bool:
        memory = self.memory
        return follow_windows(memory.line, self._pending, memory.rules.pilot_levels)[1]

    def _take(self, letter: Letter, now_ms: int) -> Verdict:
        try:
            self.memory = accept(self.memory, letter.command, now_ms)
        except RejectedError as refusal:
            return refusal
        self.recorder.note_command(now_ms, letter.command)
        return None

    def _collect(self, now_ms: int, late_ms: int) -> Inputs:
        hat = self._hat
        windows, self._pending = tuple(self._pending), []
        proximity = None if hat.proximity is None else hat.proximity.read()
        monitor, lock = hat.residual_current, hat.lock
        metered = self._meters.read(now_ms, closed=self._driven.contactor_closed)
        heat = None if hat.thermometer is None else hat.thermometer.read()
        failed, self._failed = self._failed, False
        return Inputs(
            now_ms=now_ms,
            windows=windows,
            proximity=None if proximity is None else (proximity.taken_ms, proximity.mv),
            feedback=hat.contactor.feedback(),
            lock_status=LockStatus.IDLE if lock is None else LockStatus(lock.status().value),
            lock_position=None if lock is None else lock.position(),
            rcm_active=monitor is not None and monitor.active(),
            rcm_test=SelfTest.NOT_RUN if monitor is None else SelfTest(monitor.test_result().value),
            temperature_low_cdeg=heat.low_cdeg if heat is not None and heat.valid else None,
            temperature_high_cdeg=heat.high_cdeg if heat is not None and heat.valid else None,
            temperature_sensors=0 if heat is None else heat.sensors,
            temperature_fault=heat is not None and heat.fault,
            measured=_measured(metered),
            meter_source=_source(metered),
            meter_alarms=tuple(MeterAlarm(alarm.value) for alarm in metered.alarms),
            controller_failed=failed or (self.energized and late_ms > TOO_LATE_MS),
        )

    def _check_self(self, inputs: Inputs, lateness: Lateness) -> Snapshot:
        """Run one pass of the self-check; the rules begin when it is over."""
        if self._check is None:
            self._check = SelfCheck(self.memory.rules.pilot_levels, inputs.now_ms)
            self._hat.contactor.switch(closed=False)
            self._driven.metered_until_ms = inputs.now_ms + _WATCH_AFTER_OPENING_MS
        measured = inputs.measured
        if measured is not None and measured.taken_ms is not None:
            measured = None  # a slow meter may still tell of the time before the restart
        found = self._check.follow(
            inputs.now_ms,
            inputs.windows,
            feedback=inputs.feedback,
            rcm_active=inputs.rcm_active and self.memory.rules.rcm,
            currents_a=None if measured is None else measured.currents_a,
        )
        if found is None:
            self._drive_pilot(self._check.pilot_mode(inputs.now_ms), 0)
            self._expect_windows(inputs.now_ms, square_wave=False)
            return replace(
                take_snapshot(self.memory, inputs, lateness),
                state=self.snapshot.state,
                reason=Reason.SELF_CHECK,
                pilot=self._driven.pilot or PilotMode.LOW,
            )
        self._checked = True
        self._adopt(found, inputs.now_ms)
        self.memory, outputs = step(self.memory, replace(inputs, windows=()))
        self._drive(outputs, inputs.now_ms)
        return take_snapshot(self.memory, inputs, lateness)

    def _adopt(self, found: Fault, now_ms: int) -> None:
        """Start the rules where the self-check ended."""
        faults = settle_faults(self.memory.faults, found, now_ms)
        drive = replace(
            self.memory.pilot, mode=self._driven.pilot or PilotMode.LOW, since_ms=now_ms
        )
        self.memory = replace(
            self.memory,
            faults=faults,
            pilot=drive,
            error_since_ms=now_ms if faults.bits else None,
        )

    def _drive(self, outputs: Outputs, now_ms: int) -> None:
        """Open first, close last: relay, pilot, relay."""
        hat, driven = self._hat, self._driven
        if driven.contactor_closed and not outputs.contactor_closed:
            hat.contactor.switch(closed=False)
            driven.contactor_closed = False
            driven.metered_until_ms = now_ms + _WATCH_AFTER_OPENING_MS
        self._drive_pilot(outputs.pilot, outputs.duty_ppm)
        self._expect_windows(now_ms, square_wave=outputs.pilot is PilotMode.PWM)
        if outputs.contactor_closed and not driven.contactor_closed and self._dead_man_armed():
            hat.contactor.switch(closed=True)
            driven.contactor_closed = True
            self._expect_windows(now_ms, square_wave=outputs.pilot is PilotMode.PWM)
        self._drive_lock(outputs.lock)
        if outputs.start_rcm_test and hat.residual_current is not None:
            hat.residual_current.start_test()
        self._show(outputs)

    def _drive_lock(self, wanted: bool | None) -> None:
        """Ask for a position when it changes; the same one again after a pass without any."""
        if wanted is self._driven.lock:
            return
        self._driven.lock = wanted
        if wanted is not None and self._hat.lock is not None:
            self._hat.lock.request(locked=wanted)

    def _drive_pilot(self, mode: PilotMode, duty_ppm: int) -> None:
        driven = self._driven
        if mode is driven.pilot and duty_ppm == driven.duty_ppm:
            return
        if mode is PilotMode.PWM:
            self._hat.pilot.pulse(duty_ppm)
        else:
            self._hat.pilot.hold(high=mode is PilotMode.HIGH)
        driven.pilot, driven.duty_ppm = mode, duty_ppm
        # One more millisecond: window times are whole ones, rounded down.
        driven.pilot_since_ms = self._clock_ms() + 1
        self._pending.clear()

    def _expect_windows(self, now_ms: int, *, square_wave: bool) -> None:
        driven = self._driven
        wanted = (square_wave, driven.contactor_closed or now_ms < driven.metered_until_ms)
        if wanted != self._driven.sampling:
            self._driven.sampling = wanted
            self._hat.sampler.expect(square_wave=wanted[0], energized=wanted[1])

    def _show(self, outputs: Outputs) -> None:
        wanted = self.lamps
        station = (outputs.charging_led, outputs.error_led)
        lamps = (*((WARNING, WARNING) if wanted.warning else station), wanted.network)
        if lamps != self._driven.lamps:
            self._driven.lamps = lamps
            for name, blink in zip(_LAMPS, lamps, strict=True):
                self._hat.indicators.show(name, *blink)

    def _watch_button(self, now_ms: int) -> None:
        """Note edges. A pin that cannot be read means that none can be driven either."""
        if self._hat.button is None:
            return
        try:
            pressed = self._hat.button.pressed()
        except HardwareError:
            self._failed = True
            return
        if pressed is not self._pressed:
            self._pressed = pressed
            self.button_edges.append(ButtonEdge(now_ms, pressed))

    def _dead_man_armed(self) -> bool:
        """Ask; a no is a failure of the controller, whatever the next answer is."""
        dead_man = self._hat.dead_man
        armed = dead_man is None or dead_man.armed()
        self._failed = self._failed or not armed
        return armed

    def _sign_life(self, now_ms: int) -> None:
        """Tell every watcher that a pass has succeeded."""
        if self._hat.dead_man is not None:
            before, self.watched = self.watched, self._hat.dead_man.refresh()
            self.lapses += before and not self.watched
            self._failed = self._failed or not self.watched
            if now_ms - self._asked_ms >= _ARMED_EVERY_MS:
                self._asked_ms = now_ms
                self._dead_man_armed()
        if self._hat.heartbeat is not None:
            self._hat.heartbeat.beat()

    def _publish(self, inputs: Inputs, snapshot: Snapshot) -> None:
        before = self.snapshot
        self.recorder.note_pass(self.memory, inputs, snapshot)
        if (
            snapshot.state is not before.state
            or snapshot.reason is not before.reason
            or snapshot.faults != before.faults
            or snapshot.contactor_closed is not before.contactor_closed
            or snapshot.owned is not before.owned
        ):
            self.changes.append(snapshot)
        self.snapshot = snapshot

    def _open_on_trip(self) -> None:
        """Open at once, on the library's own thread; the next pass sees the trip itself."""
        if self.memory.rules.rcm:
            self._hat.contactor.switch(closed=False)


def _measured(metered: Metered) -> Measured | None:
    reading = metered.reading
    if reading is None:
        return None
    return Measured(
        voltages_v=reading.voltages_v,
        currents_a=reading.currents_a,
        real_powers_w=reading.real_powers_w,
        taken_ms=reading.taken_ms if metered.external else None,
        counter_mws=reading.counter_mws,
        counter_step_mws=reading.counter_step_mws,
    )


def _source(metered: Metered) -> MeterSource:
    if metered.reading is None:
        return MeterSource.NONE
    return MeterSource.EXTERNAL if metered.external else MeterSource.BOARD
