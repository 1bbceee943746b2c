"""Lock, residual current monitor and thermometer in virtual time: slow devices with workers."""

from collections.abc import Callable

from evsed.board.description import Rcm, SocketLock
from evsed.hardware.interfaces import LockStatus, LockTiming, SelfTest, TemperatureReading
from evsed.hardware.simulator.circuit import Circuit

_PLUG_SETTLING_MS = 500  # Source: charging.md section 12.1
_CONTACT_POLL_US = 500_000  # Source: charging.md section 12.1, Q22
_CONFIRM_US = 1000  # Source: charging.md section 12.3
_TEST_FALL_US = 1_000_000  # Source: charging.md section 12.3, Q14
_RESET_US = 10_000
_ROUND_US = 10_000_000  # Source: charging.md section 12.4
_CONVERSION_US = 750_000  # Source: charging.md section 12.4
_BAD_ROUNDS = 3


class SimulatedLockMotor:
    """A ``LockMotor``. Source: charging.md section 12.1."""

    def __init__(self, circuit: Circuit, lock: SocketLock) -> None:
        self._circuit = circuit
        self._lock = lock
        self._timing = LockTiming()
        self._status = LockStatus.IDLE
        self._wanted = False
        self._attempt = 0
        self._ended_us = -(1 << 40)
        self._position: bool | None = None
        self._read_us = -(1 << 40)
        self._lines(0, 0)

    def configure(self, timing: LockTiming) -> None:
        """Use this timing from the next step on."""
        self._timing = timing

    def request(self, *, locked: bool) -> None:
        """Begin an operation, or redirect the one under way after its present attempt."""
        self._wanted = locked
        if self._status is LockStatus.OPERATING:
            return
        self._status = LockStatus.OPERATING
        rested_us = self._ended_us + self._timing.break_ms * 1000
        self._begin(max(rested_us, self._circuit.now_us))

    def status(self) -> LockStatus:
        """Return what the worker does."""
        return self._status

    def position(self) -> bool | None:
        """Return the contact; looked at every 500 ms between operations."""
        now_us = self._circuit.now_us
        if self._status is not LockStatus.OPERATING and now_us - self._read_us >= _CONTACT_POLL_US:
            self._read_contact()
        return self._position

    def _begin(self, moment_us: int) -> None:
        self._attempt = 0
        settling_us = _PLUG_SETTLING_MS * 1000 if self._wanted else 0
        self._circuit.agenda.at(moment_us + settling_us, self._drive)

    def _drive(self) -> None:
        wanted = self._wanted
        self._attempt += 1
        self._lines(int(wanted), int(not wanted))
        operating_ms = min(self._timing.operating_ms, self._lock.max_operating_time_ms)
        self._after(operating_ms, lambda: self._sense(wanted))

    def _sense(self, wanted: bool) -> None:
        self._lines(1, 1)
        self._after(self._lock.detection_delay_ms, lambda: self._judge(wanted))

    def _judge(self, wanted: bool) -> None:
        self._read_contact()
        if wanted != self._wanted:
            self._lines(0, 0)
            self._begin(self._circuit.now_us + self._timing.break_ms * 1000)
        elif self._position == wanted:
            self._finish(LockStatus.IDLE)
        elif self._attempt < self._timing.attempts:
            self._after(self._timing.break_ms, self._drive)
        else:
            self._finish(LockStatus.LOCKING_FAIL if wanted else LockStatus.UNLOCKING_FAIL)

    def _finish(self, status: LockStatus) -> None:
        self._lines(0, 0)
        self._status = status
        self._ended_us = self._circuit.now_us

    def _read_contact(self) -> None:
        level = bool(self._circuit.read_pin(self._lock.detection_gpio))
        self._position = level == self._timing.detection_high
        self._read_us = self._circuit.now_us

    def _lines(self, a: int, b: int) -> None:
        first, second = self._lock.gpios
        if self._lock.swap:
            a, b = b, a
        self._circuit.write_pin(first, a)
        self._circuit.write_pin(second, b)

    def _after(self, ms: int, action: Callable[[], None]) -> None:
        self._circuit.agenda.at(self._circuit.now_us + ms * 1000, action)


class SimulatedResidualCurrentMonitor:
    """A ``ResidualCurrentMonitor``. Source: charging.md section 12.3."""

    def __init__(self, circuit: Circuit, rcm: Rcm) -> None:
        self._circuit = circuit
        self._rcm = rcm
        self._edge = False
        self._test = SelfTest.NOT_RUN
        self._run = 0
        self._answered = False
        self._action: Callable[[], None] = lambda: None
        self._test_line(on=False)
        self._reset_line(on=False)
        circuit.listen(self._watch)

    def active(self) -> bool:
        """Return whether it has tripped; its answer to the self-test does not count."""
        edge, self._edge = self._edge, False
        return edge or (self._tripped() and self._test is not SelfTest.RUNNING)

    def start_test(self) -> None:
        """Begin the self-test."""
        self._run += 1
        run, self._test, self._answered = self._run, SelfTest.RUNNING, False
        self._pulse_reset()
        self._test_line(on=True)
        self._after(self._rcm.test_time_ms * 1000, lambda: self._release(run))

    def test_result(self) -> SelfTest:
        """Return how the newest self-test stands."""
        return self._test

    def on_trip(self, action: Callable[[], None]) -> None:
        """Call ``action`` once an edge is confirmed."""
        self._action = action

    def _watch(self, gpio: int, _level: int, _t_us: int) -> None:
        if gpio != self._rcm.gpio:
            return
        if self._test is SelfTest.RUNNING:
            self._watch_test()
        elif self._tripped():
            self._after(_CONFIRM_US, self._confirm)

    def _confirm(self) -> None:
        if self._tripped() and self._test is not SelfTest.RUNNING:
            self._edge = True
            self._action()

    def _watch_test(self) -> None:
        run = self._run
        if self._tripped() and not self._answered:
            self._answered = True
            self._after(0, lambda: self._release(run))
        elif self._answered and not self._tripped():
            self._test = SelfTest.PASSED

    def _release(self, run: int) -> None:
        if run != self._run or self._test is not SelfTest.RUNNING:
            return
        self._test_line(on=False)
        if not self._answered:
            self._test = SelfTest.FAILED
            return
        self._pulse_reset()
        self._after(_TEST_FALL_US, lambda: self._give_up(run))

    def _give_up(self, run: int) -> None:
        if run == self._run and self._test is SelfTest.RUNNING:
            self._test = SelfTest.FAILED

    def _tripped(self) -> bool:
        return bool(self._circuit.read_pin(self._rcm.gpio)) != self._rcm.active_low

    def _test_line(self, *, on: bool) -> None:
        self._circuit.write_pin(self._rcm.test_gpio, int(on != self._rcm.test_active_low))

    def _pulse_reset(self) -> None:
        self._reset_line(on=True)
        self._after(_RESET_US, lambda: self._reset_line(on=False))

    def _reset_line(self, *, on: bool) -> None:
        gpio = self._rcm.reset_gpio
        if gpio is not None:
            self._circuit.write_pin(gpio, int(on != self._rcm.reset_active_low))

    def _after(self, us: int, action: Callable[[], None]) -> None:
        self._circuit.agenda.at(self._circuit.now_us + us, action)


class SimulatedThermometer:
    """A ``Thermometer`` with one sensor. Source: charging.md section 12.4."""

    def __init__(self, circuit: Circuit) -> None:
        self._circuit = circuit
        self._reading = TemperatureReading(fault=circuit.controls.temp_fault)
        self._bad_rounds = 0
        circuit.agenda.at(circuit.now_us + _CONVERSION_US, self._round)

    def read(self) -> TemperatureReading:
        """Return the newest round."""
        return self._reading

    def _round(self) -> None:
        self._circuit.agenda.at(self._circuit.now_us + _ROUND_US, self._round)
        last = self._reading
        if self._circuit.controls.temp_fault:
            self._bad_rounds += 1
            fault = last.fault or self._bad_rounds > _BAD_ROUNDS
            self._reading = TemperatureReading(
                last.low_cdeg, last.high_cdeg, last.sensors, last.valid, fault
            )
            return
        self._bad_rounds = 0
        cdeg = round(self._circuit.controls.temperature * 100)
        self._reading = TemperatureReading(cdeg, cdeg, sensors=1, valid=True)
