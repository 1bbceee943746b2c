"""The one electrical model: header, hat, cable, vehicle and mains, in virtual microseconds. Pure.

Nothing in it looks at a clock. Whoever owns a circuit moves its time with ``advance_to_us``;
between two moves nothing changes but what the owner does to it. Not thread-safe.
"""

import math
from collections.abc import Callable, Mapping, Sequence

from evsed.board.description import AcRelay, Board
from evsed.hardware.simulator import pilot_stage
from evsed.hardware.simulator.agenda import Agenda
from evsed.hardware.simulator.controls import (
    PROXIMITY_OHM,
    Controls,
    checked,
    grid_of,
    shown,
)
from evsed.hardware.simulator.converter import converters
from evsed.hardware.simulator.header import FULL_PPM, Header
from evsed.hardware.simulator.history import History, Scene
from evsed.hardware.simulator.mains import PHASES, VOLTS
from evsed.hardware.simulator.outlet import (
    PASS_PUMP_US,
    PULSE_PUMP_US,
    ChargePump,
    Contactor,
    LockMotor,
    ResidualCurrent,
)
from evsed.hardware.simulator.pilot_stage import Drive
from evsed.hardware.simulator.vehicle import Vehicle

_PROXIMITY_SUPPLY_MV = 3300.0  # Source: board.md section 3.6
_PROXIMITY_PULL_OHM = 1000.0  # Source: board.md section 3.6
_VEHICLE_KEYS = {
    "vehicle": "kind",
    "diode": "diode",
    "max_current": "max_current_a",
    "phases": "phases",
    "reaction": "reaction_ms",
}

Listener = Callable[[int, int, int], None]


class Circuit:
    """Everything outside the Pi's processor, for one board.

    Listeners are called with pin, level and time for every edge of a plain level, after the circuit
    has settled; they may drive pins.
    """

    def __init__(self, board: Board) -> None:
        self.board = board
        self.now_us = 0
        self.header = Header()
        self.controls = Controls.of(board)
        self.vehicle = Vehicle.of(board.sim.vehicle)
        self.contactor = Contactor(len(board.ac_relay.gpios), board.sim.relay_delay_ms)
        self.lock = LockMotor()
        self.residual_current = ResidualCurrent(
            latching=board.rcm is not None and board.rcm.reset_gpio is not None
        )
        self._pump = ChargePump(_pump_hold_us(board))
        self._pumped = not self._pump.hold_us
        self._wired = _wired(board)
        #: what the dead-man script in the GPIO daemon does: running, halted or none
        self.dead_man = "none"
        #: what the owner wants done at moments of virtual time
        self.agenda = Agenda()
        self._listeners: list[Listener] = []
        self._delivering = False
        self._converters = converters(board)
        self._drive = Drive("low")
        self._grid = grid_of(self.controls)
        self._history = History(self._scene())
        self._apply_controls()
        self._settle()

    # -- time ------------------------------------------------------------------------------------

    def advance_to_us(self, moment_us: int) -> None:
        """Let time pass; what is due in between happens at its own moment."""
        while (due_us := self.next_us()) is not None and due_us <= moment_us:
            self.now_us = max(due_us, self.now_us)
            self._settle()
            self.agenda.run(self.now_us)
        self.now_us = max(moment_us, self.now_us)

    def next_us(self) -> int | None:
        """Return when something happens by itself next."""
        movers = (self.vehicle, self.contactor, self.lock, self.residual_current, self._pump)
        deadlines = [mover.deadline_us for mover in (*movers, self.agenda)]
        return min((due for due in deadlines if due is not None), default=None)

    # -- pins ------------------------------------------------------------------------------------

    def listen(self, listener: Listener) -> None:
        """Call ``listener`` with pin, level and time of every edge from now on."""
        self._listeners.append(listener)

    def write_pin(self, gpio: int, level: int) -> None:
        """Make a pin an output of this level."""
        self.header.write(gpio, level)
        self._touch(gpio)

    def read_pin(self, gpio: int) -> int:
        """Return the level of a pin."""
        return self.header.level(gpio, self.now_us)

    def set_pwm(self, gpio: int, hz: int, duty_ppm: int) -> None:
        """Run hardware PWM on a pin; 0 Hz stops it and leaves the pin low."""
        self.header.set_pwm(gpio, hz, duty_ppm, self.now_us)
        self._settle()

    def set_mode(self, gpio: int, mode: int) -> None:
        """Set the mode of a pin, with pigpiod's numbers."""
        self.header.set_mode(gpio, mode)
        self._touch(gpio)

    def set_pull(self, gpio: int, pull: int) -> None:
        """Set the pull of a pin: 0 off, 1 down, 2 up."""
        self.header.set_pull(gpio, pull)
        self._touch(gpio)

    # -- converters ------------------------------------------------------------------------------

    def sample(self, adc_index: int, channel: int, t_us: int) -> int:
        """Return the raw reading of one input at one moment, up to 200 ms ago."""
        return self.sample_batch(adc_index, [channel], t_us, 1)[0]

    def sample_batch(
        self, adc_index: int, channels: Sequence[int], start_us: int, spacing_us: int
    ) -> list[int]:
        """Return raw readings of these inputs, one after the other, ``spacing_us`` apart."""
        stop_us = start_us + len(channels) * spacing_us
        return self.sample_at(adc_index, channels, range(start_us, stop_us, spacing_us))

    def sample_at(
        self, adc_index: int, channels: Sequence[int], times_us: Sequence[int]
    ) -> list[int]:
        """Return raw readings of these inputs, each at its own moment; the moments rise."""
        return self._converters[adc_index].convert(self._history, channels, times_us)

    # -- the outside world -----------------------------------------------------------------------

    def set(self, changes: Mapping[str, object]) -> None:
        """Change the world now: all of ``changes``, or nothing.

        Raises:
            RejectedError: a key is unknown or a value not permitted.
        """
        for attribute, value in checked(changes, self.controls).items():
            setattr(self.controls, attribute, value)
        self._apply_controls()
        self._settle()

    def get(self) -> dict[str, object]:
        """Return everything settable, and what can be read back besides."""
        scene = self._history.latest
        amperes = scene.ramp.at(self.now_us)
        return shown(self.controls) | {
            "pins": {str(gpio): self.read_pin(gpio) for gpio in range(28)},
            "pilot": self._shown_pilot(),
            "contactor": {
                "commanded": any(self._coils()),
                "closed": any(self.contactor.closed),
            },
            "locked": self.lock.locked,
            "voltage": [VOLTS if scene.mains and live else 0.0 for live in scene.grid.live],
            "current": [round(amperes, 3) if drawing else 0.0 for drawing in scene.drawing],
            "s2": self.vehicle.s2,
            "deadMan": self.dead_man,
        }

    def _shown_pilot(self) -> dict[str, object]:
        drive = self._drive
        high_v, low_v = pilot_stage.plateaus_v(self._load())
        return {
            "mode": drive.mode,
            "dutyPpm": drive.duty_ppm if drive.mode == "pwm" else 0,
            "offeredCurrent": round(pilot_stage.offered_a(drive), 4),
            "volts_high": round(high_v if drive.mode != "low" else low_v, 3) + 0.0,
            "volts_low": round(low_v if drive.mode != "high" else high_v, 3) + 0.0,
        }

    # -- inside ----------------------------------------------------------------------------------

    def _apply_controls(self) -> None:
        controls = self.controls
        self._grid = grid_of(controls)
        for attribute, name in _VEHICLE_KEYS.items():
            setattr(self.vehicle, name, getattr(controls, attribute))
        self.contactor.weld, self.contactor.stuck = controls.weld, controls.contactor_stuck
        self.lock.jam = controls.lock_jam
        self.residual_current.leak = controls.rcm
        self.residual_current.test_ok = controls.rcm_test_ok
        for converter in self._converters:
            converter.set_noise(controls.noise)

    def _touch(self, gpio: int) -> None:
        """Settle if the pin has to do with the hat; a LED or a steady heartbeat moves nothing."""
        if gpio in self._wired or (
            gpio == self.board.watchdog.heartbeat_gpio and self._supplied() != self._pumped
        ):
            self._settle()
        else:
            self._deliver()

    def _settle(self) -> None:
        """Let every part see its wires, then tell the listeners what changed."""
        now_us = self.now_us
        self._drive = self._pilot_drive()
        self.vehicle.watch_pilot(now_us, self._seen_offer_a())
        self.contactor.energize(now_us, self._supplied_coils())
        self._move_lock()
        self._watch_residual_current()
        for gpio, level in self._outside_levels():
            self.header.drive(gpio, level)
        self._history.add(now_us, self._scene())
        self._deliver()

    def _deliver(self) -> None:
        if self._delivering:
            return  # a listener drove a pin; the call below us goes on with its edges
        self._delivering = True
        try:
            while edges := self.header.take_edges():
                for gpio, level in edges:
                    for listener in self._listeners:
                        listener(gpio, level, self.now_us)
        finally:
            self._delivering = False

    def _pilot_drive(self) -> Drive:
        pilot = self.board.pilot
        pulses = self.header.pulses(pilot.gpio)
        if pulses is None or pulses.duty_ppm in {0, FULL_PPM}:
            high = bool(self.read_pin(pilot.gpio)) != pilot.inverted
            return Drive("high" if high else "low")
        if self.controls.pwm_dead:
            return Drive("high")
        if not pilot.inverted:
            return Drive("pwm", pulses.hz, pulses.duty_ppm, pulses.origin_us)
        low_us = round(1_000_000 / pulses.hz * pulses.duty_ppm / FULL_PPM)
        return Drive("pwm", pulses.hz, FULL_PPM - pulses.duty_ppm, pulses.origin_us + low_us)

    def _disconnected(self) -> bool:
        gpio = self.board.pilot.disconnect_gpio
        return gpio is not None and self._is_on(gpio, self.board.pilot.disconnect_active_low)

    def _seen_offer_a(self) -> float:
        return 0.0 if self._disconnected() else pilot_stage.offered_a(self._drive)

    def _load(self) -> pilot_stage.Load:
        return pilot_stage.Load() if self._disconnected() else self.vehicle.load

    def _is_on(self, gpio: int, active_low: bool) -> bool:
        return bool(self.read_pin(gpio)) != active_low

    def _coils(self) -> list[bool]:
        relay = self.board.ac_relay
        return [self._is_on(gpio, relay.active_low) for gpio in relay.gpios]

    def _supplied(self) -> bool:
        gpio = self.board.watchdog.heartbeat_gpio
        return self._pump.watch(self.now_us, 0 if gpio is None else self.read_pin(gpio))

    def _supplied_coils(self) -> list[bool]:
        self._pumped = self._supplied()
        return [coil and self._pumped for coil in self._coils()]

    def _move_lock(self) -> None:
        lock = self.board.socket_lock
        if lock is None:
            return
        a, b = (bool(self.read_pin(gpio)) for gpio in lock.gpios)
        self.lock.drive(self.now_us, *((b, a) if lock.swap else (a, b)))

    def _watch_residual_current(self) -> None:
        rcm = self.board.rcm
        if rcm is None:
            return
        reset = rcm.reset_gpio is not None and self._is_on(rcm.reset_gpio, rcm.reset_active_low)
        test = self._is_on(rcm.test_gpio, rcm.test_active_low)
        self.residual_current.watch(self.now_us, test=test, reset=reset)

    def _outside_levels(self) -> list[tuple[int, int]]:
        """Return the levels that hat and world put on the Pi's inputs."""
        board, controls = self.board, self.controls
        levels = _feedback_levels(board.ac_relay, self.contactor.closed)
        if board.socket_lock is not None:  # the contact pulls down when locked
            levels.append((board.socket_lock.detection_gpio, int(not self.lock.locked)))
        if board.rcm is not None:
            tripped = self.residual_current.tripped
            levels.append((board.rcm.gpio, int(tripped != board.rcm.active_low)))
        if board.button.gpio >= 0:
            levels.append((board.button.gpio, int(controls.button != board.button.active_low)))
        for entry in board.aux.inputs:
            on = bool(controls.aux[entry.name])
            levels.append((entry.gpio, int(on != entry.active_low)))
        return levels

    def _scene(self) -> Scene:
        controls = self.controls
        energized = self._energized()
        analog = tuple(float(controls.aux[one.name]) for one in self.board.aux.analog_inputs)
        wanted = min(self.vehicle.phases, self.board.limits.phases)
        drawing = [place < wanted and energized[place] for place in range(PHASES)]
        return Scene(
            pilot=pilot_stage.wave(self._drive, self._load()),
            proximity_mv=_proximity_mv(PROXIMITY_OHM[controls.cable]),
            mains=controls.mains,
            ramp=self.vehicle.draw(self.now_us, energized=energized[0]),
            drawing=(drawing[0], drawing[1], drawing[2]),
            analog_mv=analog,
            grid=self._grid,
        )

    def _energized(self) -> tuple[bool, bool, bool]:
        closed = self.contactor.closed
        first = closed[0] and self.controls.mains
        others = first and closed[-1]
        one, two, three = self._grid.live
        return first and one, others and two, others and three


def _pump_hold_us(board: Board) -> int:
    if board.watchdog.heartbeat_gpio is None:
        return 0
    return PULSE_PUMP_US if board.watchdog.heartbeat_hz else PASS_PUMP_US


def _wired(board: Board) -> frozenset[int | None]:
    """Return the outputs of the Pi that move something on the hat."""
    lock, rcm = board.socket_lock, board.rcm
    return frozenset(
        {
            board.pilot.gpio,
            board.pilot.disconnect_gpio,
            *board.ac_relay.gpios,
            *(lock.gpios if lock else ()),
            *((rcm.test_gpio, rcm.reset_gpio) if rcm else ()),
        }
    )


def _feedback_levels(relay: AcRelay, closed: Sequence[bool]) -> list[tuple[int, int]]:
    pairs = zip(relay.feedback_gpios, closed, strict=False)
    return [(gpio, int(contact != relay.feedback_active_low)) for gpio, contact in pairs]


def _proximity_mv(ohm: float) -> float:
    if math.isinf(ohm):
        return _PROXIMITY_SUPPLY_MV
    return _PROXIMITY_SUPPLY_MV * ohm / (ohm + _PROXIMITY_PULL_OHM)
