"""What the GPIO daemon does with each command, on the circuit's pins. No sockets here.

Source: pigpiod-protocol.md sections 3 and 5.
"""

import struct
from collections.abc import Callable, Sequence

from evsed.hardware.simulator import script as scripts
from evsed.hardware.simulator.circuit import Circuit
from evsed.hardware.simulator.frames import spi_exchange
from evsed.hardware.simulator.header import FULL_PPM, PINS, PWM_CHANNELS, Pulses
from evsed.hardware.simulator.reports import WATCHED, Reports, levels
from evsed.hardware.simulator.script import BadScriptError, Program, Script

VERSION = 79
REVISION = 0xA02082
_CLOCK_HZ = 250_000_000
_SCRIPTS = 32
_SCRIPT_START_US = 1000
_SPI_HANDLES = 32

BAD_USER_GPIO, BAD_GPIO, BAD_MODE, BAD_LEVEL, BAD_PUD = -2, -3, -4, -5, -6
BAD_DUTY, BAD_WATCHDOG, BAD_RANGE = -8, -15, -21
NO_HANDLE, BAD_HANDLE, BAD_SCRIPT, UNKNOWN_SCRIPT = -24, -25, -47, -48
NO_ROOM, SCRIPT_NOT_READY, BAD_PARAMETERS = -57, -62, -58
BAD_SPI_CHANNEL, BAD_FLAGS, BAD_SPI_SPEED, BAD_SPI_COUNT = -76, -77, -78, -84
UNKNOWN_COMMAND, NOT_PWM, NO_HARDWARE_PWM = -88, -92, -95
BAD_PWM_HZ, BAD_PWM_DUTY, BAD_FILTER, BAD_EVENT = -96, -97, -125, -143

Answer = int | tuple[int, bytes]


class RefusedError(Exception):
    """A command ends with an error code."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class GpioDaemon:
    """The state behind the socket; it survives its clients. Call only while holding the circuit."""

    def __init__(self, circuit: Circuit) -> None:
        self._circuit = circuit
        self.reports = Reports(circuit)
        self._scripts: dict[int, Script] = {}
        self._spi: dict[int, tuple[int, int]] = {}
        self._soft_pwm: dict[int, int] = {}
        self._ranges: dict[int, int] = {}
        self._frequencies: dict[int, int] = {}
        self._commands = self._table()

    def execute(self, command: int, p1: int, p2: int, extension: bytes = b"") -> Answer:
        """Carry out one command; return its result, and data where it has any."""
        handler = self._commands.get(command)
        if handler is None:
            return UNKNOWN_COMMAND
        try:
            return handler(p1, p2, extension)
        except RefusedError as refused:
            return refused.code

    def _table(self) -> dict[int, Callable[[int, int, bytes], Answer]]:
        return {
            0: self._set_mode,
            1: lambda gpio, _, __: self._circuit.header.mode(_pin(gpio)),
            2: self._set_pull,
            3: lambda gpio, _, __: self._circuit.read_pin(_pin(gpio)),
            4: self._write,
            5: self._software_pwm,
            6: self._set_range,
            22: self._get_range,
            7: self._set_frequency,
            23: lambda gpio, _, __: self._pwm_of(gpio).hz,
            9: self._watchdog,
            10: lambda _, __, ___: levels(self._circuit, 0),
            11: lambda _, __, ___: levels(self._circuit, 32, PINS - 32),
            12: lambda bits, _, __: self._write_bank(bits, 0),
            14: lambda bits, _, __: self._write_bank(bits, 1),
            16: lambda _, __, ___: self._circuit.now_us & 0xFFFFFFFF,
            17: lambda _, __, ___: REVISION,
            18: lambda _, __, ___: NO_HANDLE,
            19: lambda handle, bits, _: _known(self.reports.select(handle, bits)),
            20: lambda handle, _, __: _known(self.reports.select(handle, 0)),
            21: lambda handle, _, __: _known(self.reports.close(handle)),
            24: self._get_real_range,
            26: lambda _, __, ___: VERSION,
            38: self._store_script,
            39: self._delete_script,
            40: self._run_script,
            41: self._stop_script,
            45: self._script_status,
            71: self._open_spi,
            72: self._close_spi,
            73: lambda handle, count, _: self._transfer(handle, bytes(_count(count))),
            74: self._write_spi,
            75: lambda handle, _, data: self._transfer(handle, data),
            83: lambda gpio, _, __: self._duty(gpio),
            86: self._hardware_pwm,
            97: self._glitch_filter,
            98: self._noise_filter,
            115: lambda handle, bits, _: _known(self.reports.select_events(handle, bits)),
            116: self._event,
            117: self._update_script,
        }

    # -- pins ------------------------------------------------------------------------------------

    def _set_mode(self, gpio: int, mode: int, _: bytes) -> int:
        _check(mode <= 7, BAD_MODE, gpio)
        self._soft_pwm.pop(gpio, None)
        self._circuit.set_mode(gpio, mode)
        return 0

    def _set_pull(self, gpio: int, pull: int, _: bytes) -> int:
        _check(pull <= 2, BAD_PUD, gpio)
        self._circuit.set_pull(gpio, pull)
        return 0

    def _write(self, gpio: int, level: int, _: bytes) -> int:
        _check(level <= 1, BAD_LEVEL, gpio)
        self._soft_pwm.pop(gpio, None)
        self._circuit.write_pin(gpio, level)
        return 0

    def _write_bank(self, bits: int, level: int) -> int:
        for gpio in range(32):
            if bits >> gpio & 1 and self._circuit.header.mode(gpio) == 1:
                self._circuit.write_pin(gpio, level)
        return 0

    # -- PWM -------------------------------------------------------------------------------------

    def _hardware_pwm(self, gpio: int, hz: int, extension: bytes) -> int:
        duty_ppm = _words(extension, 1)[0]
        _check(gpio in PWM_CHANNELS, NO_HARDWARE_PWM, gpio)
        _refuse_unless(hz == 0 or hz <= 125_000_000, BAD_PWM_HZ)
        _refuse_unless(duty_ppm <= FULL_PPM, BAD_PWM_DUTY)
        self._soft_pwm.pop(gpio, None)
        self._circuit.set_pwm(gpio, hz, duty_ppm)
        return 0

    def _pwm_of(self, gpio: int) -> Pulses:
        _refuse_unless(gpio < WATCHED, BAD_USER_GPIO)
        pulses = self._circuit.header.pulses(gpio)
        if pulses is None:
            if gpio not in self._soft_pwm:
                raise RefusedError(NOT_PWM)
            return Pulses(self._frequencies.get(gpio, 800), self._soft_pwm[gpio])
        return pulses

    def _duty(self, gpio: int) -> int:
        return self._pwm_of(gpio).duty_ppm

    def _software_pwm(self, gpio: int, duty: int, _: bytes) -> int:
        """Keep the duty; the pin shows its greater part, there is no such PWM on this circuit."""
        _refuse_unless(gpio < WATCHED, BAD_USER_GPIO)
        whole = self._ranges.get(gpio, 255)
        _refuse_unless(duty <= whole, BAD_DUTY)
        self._circuit.write_pin(gpio, int(duty * 2 >= whole))
        self._soft_pwm[gpio] = duty
        return 0

    def _set_range(self, gpio: int, whole: int, _: bytes) -> int:
        _refuse_unless(gpio < WATCHED, BAD_USER_GPIO)
        _refuse_unless(25 <= whole <= 40_000, BAD_RANGE)
        self._ranges[gpio] = whole
        return 250

    def _get_range(self, gpio: int, _: int, __: bytes) -> int:
        _refuse_unless(gpio < WATCHED, BAD_USER_GPIO)
        if self._circuit.header.pulses(gpio) is not None:
            return FULL_PPM
        return self._ranges.get(gpio, 255)

    def _get_real_range(self, gpio: int, _: int, __: bytes) -> int:
        _refuse_unless(gpio < WATCHED, BAD_USER_GPIO)
        pulses = self._circuit.header.pulses(gpio)
        return 250 if pulses is None else _CLOCK_HZ // pulses.hz

    def _set_frequency(self, gpio: int, hz: int, _: bytes) -> int:
        _refuse_unless(gpio < WATCHED, BAD_USER_GPIO)
        self._frequencies[gpio] = hz
        return hz

    # -- notifications ---------------------------------------------------------------------------

    def _watchdog(self, gpio: int, ms: int, _: bytes) -> int:
        _refuse_unless(gpio < WATCHED, BAD_USER_GPIO)
        _refuse_unless(ms <= 60_000, BAD_WATCHDOG)
        self.reports.watch(gpio, ms)
        return 0

    def _glitch_filter(self, gpio: int, steady_us: int, _: bytes) -> int:
        _refuse_unless(gpio < WATCHED, BAD_USER_GPIO)
        _refuse_unless(steady_us <= 300_000, BAD_FILTER)
        self.reports.filter(gpio, steady_us)
        return 0

    def _noise_filter(self, gpio: int, steady_us: int, extension: bytes) -> int:
        _refuse_unless(_words(extension, 1)[0] <= 1_000_000, BAD_FILTER)
        return self._glitch_filter(gpio, steady_us, b"")

    def _event(self, event: int, _: int, __: bytes) -> int:
        _refuse_unless(event < 32, BAD_EVENT)
        self.reports.trigger(event)
        return 0

    # -- SPI -------------------------------------------------------------------------------------

    def _open_spi(self, channel: int, baud: int, extension: bytes) -> int:
        flags = _words(extension, 1)[0]
        auxiliary = flags >> 8 & 1
        _refuse_unless(channel < (3 if auxiliary else 2), BAD_SPI_CHANNEL)
        _refuse_unless(32_000 <= baud <= 125_000_000, BAD_SPI_SPEED)
        _refuse_unless(flags < 1 << 22, BAD_FLAGS)
        number = _free(self._spi, _SPI_HANDLES)
        if number is None:
            return NO_HANDLE
        self._spi[number] = (auxiliary, channel)
        return number

    def _close_spi(self, handle: int, _: int, __: bytes) -> int:
        return _known(self._spi.pop(handle, None) is not None)

    def _write_spi(self, handle: int, _: int, data: bytes) -> int:
        self._transfer(handle, data)
        return 0

    def _transfer(self, handle: int, data: bytes) -> Answer:
        if handle not in self._spi:
            raise RefusedError(BAD_HANDLE)
        answer = spi_exchange(self._circuit, *self._spi[handle], data)
        return len(answer), answer

    # -- scripts ---------------------------------------------------------------------------------

    def _store_script(self, _: int, __: int, extension: bytes) -> int:
        number = _free(self._scripts, _SCRIPTS)
        if number is None:
            return NO_ROOM
        try:
            program = scripts.parse(extension.rstrip(b"\0").decode("ascii"))
        except (BadScriptError, UnicodeDecodeError):
            return BAD_SCRIPT
        script = Script(program, self._from_script)
        self._scripts[number] = script

        def ready() -> None:
            if script.state == scripts.INITIALIZING:
                script.stop()
                self._show_dead_man()

        self._circuit.agenda.at(self._circuit.now_us + _SCRIPT_START_US, ready)
        return number

    def _delete_script(self, number: int, _: int, __: bytes) -> int:
        self._script(number).stop()
        del self._scripts[number]
        self._show_dead_man()
        return 0

    def _run_script(self, number: int, _: int, extension: bytes) -> int:
        script = self._script(number)
        _refuse_unless(script.state != scripts.INITIALIZING, SCRIPT_NOT_READY)
        if script.state != scripts.HALTED:
            return SCRIPT_NOT_READY
        self._update_script(number, 0, extension)
        script.start()
        self._continue(script, script.turn)
        return 0

    def _update_script(self, number: int, _: int, extension: bytes) -> int:
        script = self._script(number)
        _refuse_unless(len(extension) <= 4 * scripts.PARAMETERS, BAD_PARAMETERS)
        values = struct.unpack(f"<{len(extension) // 4}i", extension)
        script.parameters[: len(values)] = values
        return 0

    def _stop_script(self, number: int, _: int, __: bytes) -> int:
        self._script(number).stop()
        self._show_dead_man()
        return 0

    def _script_status(self, number: int, _: int, __: bytes) -> Answer:
        script = self._script(number)
        return 44, struct.pack("<11i", script.state, *script.parameters)

    def _script(self, number: int) -> Script:
        if number not in self._scripts:
            raise RefusedError(UNKNOWN_SCRIPT)
        return self._scripts[number]

    def _continue(self, script: Script, turn: int) -> None:
        if script.turn != turn:
            return
        pause_us = script.run()
        self._show_dead_man()
        if pause_us is not None:
            moment_us = self._circuit.now_us + max(pause_us, 1)
            self._circuit.agenda.at(moment_us, lambda: self._continue(script, turn))

    def _from_script(self, command: int, values: list[int]) -> int:
        words = [value & 0xFFFFFFFF for value in values]
        p1, p2, *rest = [*words, 0, 0][: max(len(words), 2)]
        answer = self.execute(command, p1, p2, struct.pack(f"<{len(rest)}I", *rest))
        return answer if isinstance(answer, int) else answer[0]

    def _show_dead_man(self) -> None:
        """Tell the circuit's readers how the scripts do."""
        coils = self._circuit.board.ac_relay.gpios
        guards = [one for one in self._scripts.values() if _writes(one.program, coils)]
        if any(one.state in {scripts.RUNNING, scripts.WAITING} for one in guards):
            self._circuit.dead_man = "running"
        else:
            self._circuit.dead_man = "halted" if guards else "none"


def _writes(program: Program, gpios: Sequence[int]) -> bool:
    """Return whether a script writes one of these pins: that makes it a dead-man."""
    return any(
        instruction.name == "w" and instruction.operands[0].value in gpios
        for instruction in program.instructions
    )


def _pin(gpio: int) -> int:
    _refuse_unless(gpio < PINS, BAD_GPIO)
    return gpio


def _check(permitted: bool, code: int, gpio: int) -> None:
    """Refuse a wrong pin first, then a wrong value."""
    _pin(gpio)
    _refuse_unless(permitted, code)


def _refuse_unless(permitted: bool, code: int) -> None:
    if not permitted:
        raise RefusedError(code)


def _known(found: bool) -> int:
    return 0 if found else BAD_HANDLE


def _count(count: int) -> int:
    _refuse_unless(0 < count <= 65_536, BAD_SPI_COUNT)
    return count


def _words(extension: bytes, count: int) -> tuple[int, ...]:
    padded = extension[: 4 * count].ljust(4 * count, b"\0")
    return struct.unpack(f"<{count}I", padded)


def _free(taken: dict[int, Script] | dict[int, tuple[int, int]], most: int) -> int | None:
    return next((number for number in range(most) if number not in taken), None)
