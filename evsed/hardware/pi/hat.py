"""Builds the drivers of a board in order, and takes them down again."""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from evsed.board.description import Adc, Board
from evsed.errors import HardwareError
from evsed.hardware.interfaces import DeadMan, Hat, Heartbeat, PilotOutput
from evsed.hardware.pi.aux_io import PinAuxIo
from evsed.hardware.pi.button import PinButton
from evsed.hardware.pi.contactor import PinContactor
from evsed.hardware.pi.dead_man import ScriptDeadMan
from evsed.hardware.pi.guard_link import AllOf, GuardLink
from evsed.hardware.pi.heartbeat import BurstHeartbeat, ToggleHeartbeat
from evsed.hardware.pi.kept_script import forget_left_scripts
from evsed.hardware.pi.leds import PinIndicators
from evsed.hardware.pi.lines import OutputLine
from evsed.hardware.pi.link import Link
from evsed.hardware.pi.lock_motor import PinLockMotor
from evsed.hardware.pi.pilot_output import PigpioPilotOutput
from evsed.hardware.pi.pilot_output_sysfs import SysfsPilotOutput
from evsed.hardware.pi.pins_file import pins_text, write_pins
from evsed.hardware.pi.residual_current import PinResidualCurrentMonitor
from evsed.hardware.pi.safe_off import SafeOff
from evsed.hardware.pi.sampler import SampledMeter, SampledProximity, SpiSampler
from evsed.hardware.pi.spi_port import SpidevPort, SpiPort
from evsed.hardware.pi.temperature import OnewireThermometer

_NO_BUTTON: Final = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Wiring:
    """Where the drivers find the outside; tests and the simulator point it elsewhere.

    ``guard`` is the socket of the guard; None where there is to be none.
    """

    pigpio_host: str = "localhost"
    pigpio_port: int = 8888
    open_spi: Callable[[Adc], SpiPort] = SpidevPort
    onewire_root: Path = Path("/sys/bus/w1/devices")
    pwm_root: Path = Path("/sys/class/pwm")
    runtime_dir: Path = Path("/run/evsed")
    guard: Path | None = None


def open_hat(board: Board, wiring: Wiring) -> Hat:
    """Build every driver of a board, the contactor open and the pilot low first.

    Raises:
        HardwareError: a device failed; what was built is safe and closed again.
    """
    builder = _Builder(board, wiring)
    try:
        return builder.build()
    except (HardwareError, OSError) as error:
        builder.close()
        if isinstance(error, HardwareError):
            raise
        raise HardwareError(str(error)) from error


class _Builder:
    """The parts of one hat and the order in which they go."""

    def __init__(self, board: Board, wiring: Wiring) -> None:
        self._board = board
        self._wiring = wiring
        self._safe_off = SafeOff(board, (wiring.pigpio_host, wiring.pigpio_port))
        self._parts = contextlib.ExitStack()
        self._parts.callback(self._safe_off.fresh)

    def build(self) -> Hat:
        board = self._board
        self._note_pins()
        control, other = self._link(), self._link()
        self._safe_off.link = control
        self._safe_off()
        forget_left_scripts(control, self._wiring.runtime_dir)
        pilot = self._pilot(control)
        contactor = PinContactor(control, board.ac_relay)
        sampler = SpiSampler(board, self._wiring.open_spi)
        self._at_close(sampler.close)
        indicators = PinIndicators(other, board.leds)
        self._at_close(indicators.close)
        aux = PinAuxIo(other, board.aux, lambda: sampler.analog_mv)
        self._at_close(aux.rest)
        hat = Hat(
            pilot=pilot,
            sampler=sampler,
            contactor=contactor,
            indicators=indicators,
            aux=aux,
            lock=self._lock(other),
            residual_current=self._residual_current(control),
            proximity=SampledProximity(sampler) if board.proximity else None,
            meter=SampledMeter(sampler.meter) if sampler.meter else None,
            thermometer=self._thermometer(),
            button=self._button(control),
            dead_man=self._dead_man(control),
            heartbeat=self._heartbeat(control),
            make_safe=self._safe_off,
            close=self.close,
        )
        control.hurry()
        return hat

    def close(self) -> None:
        """Make safe, then take everything down, newest first; never raises."""
        self._safe_off()
        self._parts.close()

    def _at_close(self, action: Callable[[], None]) -> None:
        def act() -> None:
            with contextlib.suppress(HardwareError, OSError):
                action()

        self._parts.callback(act)

    def _note_pins(self) -> None:
        wiring = self._wiring
        address = (wiring.pigpio_host, wiring.pigpio_port)
        text = pins_text(self._board, address, wiring.pwm_root)
        write_pins(wiring.runtime_dir / "pins", text)

    def _link(self) -> Link:
        link = Link(self._wiring.pigpio_host, self._wiring.pigpio_port)
        self._at_close(link.close)
        return link

    def _pilot(self, control: Link) -> PilotOutput:
        pilot = self._board.pilot
        if pilot.disconnect_gpio is not None:
            OutputLine(
                control,
                "control pilot switch",
                pilot.disconnect_gpio,
                active_low=pilot.disconnect_active_low,
            )
        if pilot.pwm != "sysfs":
            return PigpioPilotOutput(control, pilot)
        output = SysfsPilotOutput(self._wiring.pwm_root, pilot)
        self._at_close(output.close)
        self._safe_off.pilot_low = lambda: output.hold(high=False)
        return output

    def _lock(self, other: Link) -> PinLockMotor | None:
        if self._board.socket_lock is None:
            return None
        lock = PinLockMotor(other, self._board.socket_lock)
        self._at_close(lock.close)
        return lock

    def _residual_current(self, control: Link) -> PinResidualCurrentMonitor | None:
        if self._board.rcm is None:
            return None
        # A link of its own: a trip must not wait for a LED or the lock to have their answer.
        monitor = PinResidualCurrentMonitor(control, self._link(), self._board.rcm)
        self._at_close(monitor.close)
        return monitor

    def _thermometer(self) -> OnewireThermometer | None:
        onewire = self._board.onewire
        if onewire is None or not onewire.temperature_sensor:
            return None
        thermometer = OnewireThermometer(self._wiring.onewire_root, onewire)
        self._at_close(thermometer.close)
        return thermometer

    def _button(self, control: Link) -> PinButton | None:
        button = self._board.button
        return None if button.gpio == _NO_BUTTON else PinButton(control, button)

    def _dead_man(self, control: Link) -> DeadMan | None:
        """Return who watches this process: the script in the pin daemon, the guard, or both."""
        watchers: list[DeadMan] = []
        if self._board.watchdog.deadman:
            script = ScriptDeadMan(control, self._board, self._wiring.runtime_dir)
            self._at_close(script.stop)
            watchers.append(script)
        if self._wiring.guard is not None:
            guard = GuardLink(self._wiring.guard)
            self._at_close(guard.stop)
            watchers.append(guard)
        return AllOf(*watchers) if watchers else None

    def _heartbeat(self, control: Link) -> Heartbeat | None:
        watchdog = self._board.watchdog
        if watchdog.heartbeat_gpio is None:
            return None
        heartbeat: BurstHeartbeat | ToggleHeartbeat
        if watchdog.heartbeat_hz is None:
            heartbeat = ToggleHeartbeat(control, watchdog.heartbeat_gpio)
        else:
            heartbeat = BurstHeartbeat(
                control, watchdog.heartbeat_gpio, watchdog.heartbeat_hz, self._wiring.runtime_dir
            )
        self._at_close(heartbeat.rest)
        return heartbeat
