"""``evsed bench metering``: how wrong the counted energy is, against mains whose truth is known.

Everything between the mains and the energy counter is what a charger uses: the sampling plan, the
converter's steps and noise, the arithmetic, the counting once per control pass. Only time is
virtual: the gaps between two exchanges are drawn, not waited for.
"""

import argparse
import json
import random
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from evsed.bench.figures import table
from evsed.board.description import Board, Channel
from evsed.board.reader import find_board, read_board
from evsed.charging.energy import Energy, Measured, add_up, power_now
from evsed.charging.rules import Rules
from evsed.charging.states import MeterMode
from evsed.hardware.interfaces import MeterReading
from evsed.hardware.pi.adc import Decoder
from evsed.hardware.pi.meter_feed import MeterFeed
from evsed.hardware.pi.sampling_plan import TYPICAL_SPACING_US, Plan, full_plan
from evsed.hardware.simulator.circuit import Circuit
from evsed.hardware.simulator.mains import VOLTS, Grid

_PASS_US: Final = 20_000
#: when an exchange holds its first reading. Source: board.md section 7.2
_HOLD_US: Final = 11.0
#: between two exchanges: the sampler's own work on a Pi, least and most
_GAP_US: Final = (150, 900)
#: proximity and analog inputs, every 100 ms
_EXTRAS_EVERY_US: Final = 100_000
_EXTRAS_US: Final = 1_100
_SETTLING_US: Final = 60_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What the mains and the load are like."""

    amperes: float
    power_factor: float = 1.0
    hz: float = 50.0
    harmonics: float = 0.0
    noise_mv: float = 5.0
    offset_mv: float = 0.0
    reversed_ct: int = 0
    missing_phase: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What was counted, and what should have been."""

    case: Case
    board: str
    counted_ws: float
    true_ws: float
    alarms: tuple[str, ...]

    @property
    def error_percent(self) -> float:
        """How wrong the counted energy is."""
        return (self.counted_ws / self.true_ws - 1) * 100


#: of the table: one thing at a time, then everything at once
CASES: Final = (
    *(Case(amperes=amperes) for amperes in (0.1, 0.5, 1.0, 2.0, 6.0, 16.0, 32.0, 63.0)),
    *(Case(amperes=a, power_factor=factor) for factor in (0.5, 0.7, 0.9) for a in (1.0, 16.0)),
    *(Case(amperes=16.0, hz=hz, power_factor=0.8) for hz in (49.0, 50.2, 59.5, 60.0, 61.0)),
    *(Case(amperes=16.0, harmonics=harmonics) for harmonics in (10.0, 30.0)),
    *(Case(amperes=16.0, offset_mv=offset_mv) for offset_mv in (-100.0, 100.0)),
    *(Case(amperes=1.0, noise_mv=noise_mv) for noise_mv in (0.0, 20.0)),
    *(
        Case(
            amperes=amperes, hz=hz, harmonics=15.0, noise_mv=10.0, offset_mv=80.0, power_factor=0.5
        )
        for amperes in (1.0, 16.0, 63.0)
        for hz in (49.0, 61.0)
    ),
)


class Desk:
    """One board's meter on simulated mains, in virtual time."""

    def __init__(self, board: Board, case: Case, seed: int = 1) -> None:
        self._random = random.Random(seed)  # noqa: S311 - gaps, no secret
        self._board = board
        self._circuit = charging_circuit(board, case)
        if board.energy_meter is None:
            raise ValueError(f"{board.device_name} has no metering channels")
        self._decoders = [Decoder(adc) for adc in board.adcs]
        self._feed = MeterFeed(board.energy_meter)
        self._plan: Plan = full_plan(board, self._feed.channels)
        self._now_us = self._circuit.now_us
        self._extras_us = self._now_us

    @property
    def newest(self) -> MeterReading | None:
        """The newest reading."""
        return self._feed.newest

    def run_until(self, moment_us: int) -> None:
        """Take turns of the plan until this moment of virtual time."""
        while self._now_us < moment_us:
            self._turn()
            if self._now_us >= self._extras_us:
                self._extras_us = self._now_us + _EXTRAS_EVERY_US
                self._now_us += _EXTRAS_US
        self._circuit.advance_to_us(self._now_us)

    @property
    def now_us(self) -> int:
        """Virtual time."""
        return self._now_us

    def _turn(self) -> None:
        readings: dict[Channel, list[float]] = {}
        exchanges: list[tuple[int, int]] = []
        each_us = TYPICAL_SPACING_US + self._plan.delay_us
        for batch in self._plan.batches:
            began_us = self._now_us
            for channel in self._feed.channels:
                if channel.adc == batch.adc:
                    places = [
                        place
                        for place, slot in enumerate(batch.channels)
                        if slot == channel.channel
                    ]
                    times = [round(began_us + _HOLD_US + place * each_us) for place in places]
                    raw = self._circuit.sample_at(
                        channel.adc, [channel.channel] * len(places), times
                    )
                    readings[channel] = self._decoders[channel.adc].millivolts(raw)
            latency_us = self._random.randint(5, 30)
            self._now_us = began_us + round(each_us * len(batch.channels)) + latency_us
            exchanges.append((began_us, self._now_us))
            low, high = _GAP_US if len(self._plan.batches) == 1 else (40, 150)
            self._now_us += self._random.randint(low, high)
        self._feed.add(self._plan, readings, exchanges)


def charging_circuit(board: Board, case: Case) -> Circuit:
    """Return a circuit whose vehicle draws what the case says."""
    circuit = Circuit(board)
    circuit.set(
        {
            "vehicle": "charging",
            "maxCurrent": case.amperes,
            "phases": 3,
            "cable": 63,
            "frequency": case.hz,
            "powerFactor": case.power_factor,
            "harmonics": case.harmonics,
            "noise": case.noise_mv,
            "meterOffset": case.offset_mv,
            "reversedCt": case.reversed_ct,
            "missingPhase": case.missing_phase,
        }
    )
    circuit.set_pwm(board.pilot.gpio, 1000, 892_000)
    for gpio in board.ac_relay.gpios:
        circuit.write_pin(gpio, int(not board.ac_relay.active_low))
    circuit.advance_to_us(_SETTLING_US)
    return circuit


def measure(board: Board, case: Case, seconds: int, seed: int = 1) -> Outcome:
    """Charge for some seconds of virtual time; return what was counted."""
    desk = Desk(board, case, seed)
    channels = len(board.energy_meter.current.adc_channels) if board.energy_meter else 1
    rules = Rules(
        meter_mode=MeterMode.CURRENT_VOLTAGE, three_phases=channels == 3, meter_channels=channels
    )
    desk.run_until(desk.now_us + 1_000_000)
    start_us = pass_us = desk.now_us
    energy = Energy()
    while pass_us < start_us + seconds * 1_000_000:
        desk.run_until(pass_us)
        power = power_now(rules, _measured(desk.newest), 0, closed=True)
        energy = add_up(energy, power, _PASS_US // 1000, charging=True)
        pass_us += _PASS_US
    phases = channels - (1 if case.missing_phase else 0)
    truth = _share(case) * VOLTS * case.amperes * phases
    alarms = desk.newest.alarms if desk.newest else ()
    return Outcome(
        case=case,
        board=board.device_name,
        counted_ws=energy.total_mws / 1000,
        true_ws=truth * (pass_us - start_us) / 1_000_000,
        alarms=tuple(alarm.value for alarm in alarms),
    )


def _measured(reading: MeterReading | None) -> Measured | None:
    if reading is None:
        return None
    return Measured(
        voltages_v=reading.voltages_v,
        currents_a=reading.currents_a,
        real_powers_w=reading.real_powers_w,
    )


def _share(case: Case) -> float:
    """Return the true power factor."""
    grid = Grid(power_factor=case.power_factor, distortion=case.harmonics / 100)
    return grid.power_share()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command."""
    parser.description = (
        "Count the energy of a simulated load whose power is known, with the sampling plan, the "
        "converter and the arithmetic of a board, in virtual time. One line per case: what was "
        "counted against what flowed."
    )
    parser.add_argument(
        "--seconds",
        type=int,
        default=20,
        metavar="N",
        help="virtual seconds per case (%(default)s)",
    )
    parser.add_argument(
        "--boards",
        nargs="+",
        default=["sim", "full-three-phase"],
        metavar="F",
        help="board files with metering channels (%(default)s)",
    )
    parser.add_argument("--json", type=Path, metavar="F", help="write the figures to a file too")
    parser.set_defaults(act=_act)


def _act(given: argparse.Namespace) -> int:
    outcomes: list[Outcome] = []
    for name in given.boards:
        board = read_board(find_board(name))
        outcomes += [measure(board, case, given.seconds) for case in CASES]
    print(text(outcomes, given.seconds))
    if given.json is not None:
        rows = [asdict(one) | {"error_percent": one.error_percent} for one in outcomes]
        given.json.write_text(json.dumps(rows, indent=1) + "\n")
    return 0


def text(outcomes: Sequence[Outcome], seconds: int) -> str:
    """Return the table."""
    names = list(dict.fromkeys(one.board for one in outcomes))
    head = ["load", "power factor", "Hz", "harmonics %", "noise mV", "offset mV"]
    rows = [[*head, *(f"error % ({name})" for name in names)]]
    for case in dict.fromkeys(one.case for one in outcomes):
        errors = {one.board: one.error_percent for one in outcomes if one.case == case}
        rows.append(
            [
                f"{case.amperes:g} A",
                f"{case.power_factor:.2f}",
                f"{case.hz:g}",
                f"{case.harmonics:g}",
                f"{case.noise_mv:g}",
                f"{case.offset_mv:g}",
                *(f"{errors[name]:+.3f}" for name in names),
            ]
        )
    return f"{seconds} s of virtual time per case\n\n{table(rows)}"
