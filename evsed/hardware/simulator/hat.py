"""The simulated hat: every interface directly on the circuit, in its virtual time.

Nothing sleeps and there are no threads: ``circuit.advance_to_us`` moves everything.
"""

from collections.abc import Callable, Mapping
from typing import TypeVar

from evsed.board.description import Button as ButtonPin
from evsed.board.description import OutputPin
from evsed.errors import RejectedError
from evsed.hardware.interfaces import Hat
from evsed.hardware.simulator.circuit import Circuit
from evsed.hardware.simulator.hat_sampler import (
    InputReader,
    SimulatedMeter,
    SimulatedProximity,
    SimulatedSampler,
)
from evsed.hardware.simulator.hat_workers import (
    SimulatedLockMotor,
    SimulatedResidualCurrentMonitor,
    SimulatedThermometer,
)
from evsed.hardware.simulator.header import FULL_PPM

_PILOT_HZ = 1000

Part = TypeVar("Part")
Device = TypeVar("Device")


class SimulatedPilotOutput:
    """A ``PilotOutput``."""

    def __init__(self, circuit: Circuit) -> None:
        self._circuit = circuit

    def hold(self, *, high: bool) -> None:
        """Drive a steady level."""
        self._drive(FULL_PPM if high else 0)

    def pulse(self, duty_ppm: int) -> None:
        """Drive 1 kHz."""
        self._drive(duty_ppm)

    def _drive(self, duty_ppm: int) -> None:
        pilot = self._circuit.board.pilot
        electrical = FULL_PPM - duty_ppm if pilot.inverted else duty_ppm
        self._circuit.set_pwm(pilot.gpio, _PILOT_HZ, electrical)


class SimulatedContactor:
    """A ``Contactor``."""

    def __init__(self, circuit: Circuit) -> None:
        self._circuit = circuit
        self._commanded = False
        self.switch(closed=False)

    def switch(self, *, closed: bool) -> None:
        """Drive every coil."""
        self._commanded = closed
        relay = self._circuit.board.ac_relay
        for gpio in relay.gpios:
            self._circuit.write_pin(gpio, int(closed != relay.active_low))

    def feedback(self) -> bool | None:
        """Return the contacts: closed means all when it should be, any when it should not."""
        relay = self._circuit.board.ac_relay
        if not relay.feedback_gpios:
            return None
        closed = [
            bool(self._circuit.read_pin(gpio)) != relay.feedback_active_low
            for gpio in relay.feedback_gpios
        ]
        return all(closed) if self._commanded else any(closed)


class _Led:
    def __init__(self, circuit: Circuit, pin: OutputPin) -> None:
        self._circuit, self._pin = circuit, pin
        self._pattern = (0, 1)
        self._turn = 0
        self._light(on=False)

    def show(self, pattern: tuple[int, int]) -> None:
        if pattern != self._pattern:
            self._pattern = pattern
            self._turn += 1
            self._step(self._turn, on=pattern[0] > 0)

    def _step(self, turn: int, *, on: bool) -> None:
        if turn != self._turn:
            return  # a newer pattern has taken over
        self._light(on=on)
        on_ms, off_ms = self._pattern
        if on_ms and off_ms:
            moment_us = self._circuit.now_us + (on_ms if on else off_ms) * 1000
            self._circuit.agenda.at(moment_us, lambda: self._step(turn, on=not on))

    def _light(self, *, on: bool) -> None:
        self._circuit.write_pin(self._pin.gpio, int(on != self._pin.active_low))


class SimulatedIndicators:
    """The LEDs the board has."""

    def __init__(self, circuit: Circuit) -> None:
        leds = circuit.board.leds
        fitted = {"charging": leds.charging, "error": leds.error, "wifi": leds.wifi}
        self._leds = {name: _Led(circuit, pin) for name, pin in fitted.items() if pin is not None}

    def show(self, name: str, on_ms: int, off_ms: int) -> None:
        """Blink one LED."""
        if name in self._leds:
            self._leds[name].show((on_ms, off_ms))


class SimulatedButton:
    """A ``Button``, debounced by a steady level."""

    def __init__(self, circuit: Circuit, pin: ButtonPin) -> None:
        self._circuit, self._pin = circuit, pin
        self._pressed = self._down()
        self._edges = 0
        circuit.listen(self._watch)

    def pressed(self) -> bool:
        """Return whether it is held."""
        return self._pressed

    def _watch(self, gpio: int, _level: int, t_us: int) -> None:
        if gpio == self._pin.gpio:
            self._edges += 1
            edge = self._edges
            self._circuit.agenda.at(t_us + self._pin.debounce_ms * 1000, lambda: self._take(edge))

    def _take(self, edge: int) -> None:
        if edge == self._edges:
            self._pressed = self._down()

    def _down(self) -> bool:
        return bool(self._circuit.read_pin(self._pin.gpio)) != self._pin.active_low


class SimulatedAuxIo:
    """An ``AuxIo``."""

    def __init__(self, circuit: Circuit) -> None:
        self._circuit = circuit
        self._reader = InputReader(circuit)
        self.rest()

    def rest(self) -> None:
        """Put every output to its initial level."""
        for entry in self._circuit.board.aux.outputs:
            self.set_output(entry.name, on=entry.initial)

    def inputs(self) -> Mapping[str, bool]:
        """Return every digital input."""
        return {
            entry.name: bool(self._circuit.read_pin(entry.gpio)) != entry.active_low
            for entry in self._circuit.board.aux.inputs
        }

    def analog_mv(self) -> Mapping[str, int]:
        """Return every analog input."""
        return {
            entry.name: self._reader.median_mv(entry.adc_channel)
            for entry in self._circuit.board.aux.analog_inputs
        }

    def set_output(self, name: str, *, on: bool) -> None:
        """Drive one output."""
        for entry in self._circuit.board.aux.outputs:
            if entry.name == name:
                self._circuit.write_pin(entry.gpio, int(on != entry.active_low))
                return
        names = [entry.name for entry in self._circuit.board.aux.outputs]
        raise RejectedError(f"no output of that name; there are {names}", key=name)


class SimulatedDeadMan:
    """A ``DeadMan``: runs from the first refresh, makes safe when refreshing stops."""

    def __init__(self, circuit: Circuit, contactor: SimulatedContactor) -> None:
        self._circuit = circuit
        self._contactor = contactor
        self._pilot = SimulatedPilotOutput(circuit)
        self._hold_us = circuit.board.watchdog.deadman_time_ms * 1000
        self._deadline_us = 0

    def refresh(self) -> bool:
        """Tell it that somebody is there; a tripped one stays tripped."""
        first = self._circuit.dead_man == "none"
        self._deadline_us = self._circuit.now_us + self._hold_us
        if first:
            self._circuit.dead_man = "running"
            self._circuit.agenda.at(self._deadline_us, self._check)
        return True

    def armed(self) -> bool:
        """Return whether it runs."""
        return self._circuit.dead_man == "running"

    def disarm(self) -> None:
        """Stop it; for an orderly end."""
        self._circuit.dead_man = "none"

    def _check(self) -> None:
        if self._circuit.dead_man != "running":
            return
        if self._circuit.now_us < self._deadline_us:
            self._circuit.agenda.at(self._deadline_us, self._check)
            return
        self._circuit.dead_man = "halted"
        self._contactor.switch(closed=False)
        self._pilot.hold(high=False)


class SimulatedHeartbeat:
    """A ``Heartbeat``: toggles its line."""

    def __init__(self, circuit: Circuit, gpio: int) -> None:
        self._circuit, self._gpio = circuit, gpio
        self._level = 0

    def beat(self) -> None:
        """Toggle."""
        self._level = 1 - self._level
        self._circuit.write_pin(self._gpio, self._level)


def simulated_hat(circuit: Circuit) -> Hat:
    """Return a hat whose every device works on ``circuit`` in virtual time."""
    board = circuit.board
    pilot, contactor = SimulatedPilotOutput(circuit), SimulatedContactor(circuit)
    pilot.hold(high=False)
    sampler = SimulatedSampler(circuit)
    aux = SimulatedAuxIo(circuit)
    dead_man = SimulatedDeadMan(circuit, contactor) if board.watchdog.deadman else None

    def make_safe() -> None:
        contactor.switch(closed=False)
        pilot.hold(high=False)

    def close() -> None:
        aux.rest()
        if dead_man is not None:
            dead_man.disarm()

    return Hat(
        pilot=pilot,
        sampler=sampler,
        contactor=contactor,
        indicators=SimulatedIndicators(circuit),
        aux=aux,
        lock=_fit(board.socket_lock, lambda lock: SimulatedLockMotor(circuit, lock)),
        residual_current=_fit(board.rcm, lambda rcm: SimulatedResidualCurrentMonitor(circuit, rcm)),
        proximity=_fit(board.proximity, lambda one: SimulatedProximity(circuit, one.adc_channel)),
        meter=_fit(board.energy_meter, lambda _: SimulatedMeter(sampler)),
        thermometer=SimulatedThermometer(circuit) if board.temperature_sensor else None,
        button=SimulatedButton(circuit, board.button) if board.button.gpio >= 0 else None,
        dead_man=dead_man,
        heartbeat=_fit(
            board.watchdog.heartbeat_gpio, lambda gpio: SimulatedHeartbeat(circuit, gpio)
        ),
        make_safe=make_safe,
        close=close,
    )


def _fit(part: Part | None, build: Callable[[Part], Device]) -> Device | None:
    """Return the device of a part, or None where the board has no such part."""
    return None if part is None else build(part)
