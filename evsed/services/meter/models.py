"""What can be read from which meter: one table per model. Pure.

Sources: Eastron SDM120-Modbus and SDM630-Modbus protocol documents (input registers, IEEE 754
floats, high word first); Carlo Gavazzi EM340 communication protocol (whole numbers, low word
first); SunSpec information models 203 and 213.
"""

import math
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from evsed.hardware.interfaces import Trio

#: registers by address
Registers = Mapping[int, int]

_MWS_PER_KWH: Final = 3_600_000_000
_MWS_PER_WH: Final = 3_600_000
HOLDING: Final = 3
INPUT: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """How registers become a number.

    Args:
        registers: how many there are.
        decode: of their values, in their order; None for what the meter marks as not there.
    """

    registers: int
    decode: Callable[[Sequence[int]], float | None]


def _float(words: Sequence[int]) -> float | None:
    value: float = struct.unpack(">f", struct.pack(">2H", *words))[0]
    return value if math.isfinite(value) else None


def _signed(words: Sequence[int]) -> float | None:
    value: int = struct.unpack(">h", struct.pack(">H", *words))[0]
    return None if value == -0x8000 else float(value)


def _unsigned_32(words: Sequence[int]) -> float | None:
    return float(words[0] << 16 | words[1])


def _signed_32_low_first(words: Sequence[int]) -> float | None:
    value: int = struct.unpack(">i", struct.pack(">2H", words[1], words[0]))[0]
    return None if value == 0x7FFF_FFFF else float(value)


FLOAT: Final = Number(registers=2, decode=_float)
SIGNED: Final = Number(registers=1, decode=_signed)
UNSIGNED_32: Final = Number(registers=2, decode=_unsigned_32)
SIGNED_32_LOW_FIRST: Final = Number(registers=2, decode=_signed_32_low_first)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One quantity.

    Args:
        places: first register of each phase, or of the one value.
        number: how it is written.
        unit: what one is worth, in V, A, W or mWs.
        exponent: register of a power of ten to multiply with, None without.
    """

    places: tuple[int, ...]
    number: Number
    unit: float = 1.0
    exponent: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """One model of meter.

    Args:
        name: for people.
        function: Modbus function code, 3 or 4.
        blocks: what is read, address and count.
        step_mws: smallest step of its register of energy; with an exponent, of one digit.
    """

    name: str
    function: int
    blocks: tuple[tuple[int, int], ...]
    volts: Row
    amperes: Row
    watts: Row
    energy: Row
    step_mws: int

    @property
    def phases(self) -> int:
        """How many phases it measures."""
        return len(self.volts.places)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What one round of reading brought; phases that are not measured are 0."""

    volts: Trio
    amperes: Trio
    watts: Trio
    energy_mws: int | None
    step_mws: int


SDM120: Final = Model(
    name="Eastron SDM120",
    function=INPUT,
    blocks=((0x0000, 14), (0x0048, 2)),
    volts=Row(places=(0x0000,), number=FLOAT),
    amperes=Row(places=(0x0006,), number=FLOAT),
    watts=Row(places=(0x000C,), number=FLOAT),
    energy=Row(places=(0x0048,), number=FLOAT, unit=_MWS_PER_KWH),
    step_mws=10 * _MWS_PER_WH,
)

SDM630: Final = Model(
    name="Eastron SDM630",
    function=INPUT,
    blocks=((0x0000, 18), (0x0048, 2)),
    volts=Row(places=(0x0000, 0x0002, 0x0004), number=FLOAT),
    amperes=Row(places=(0x0006, 0x0008, 0x000A), number=FLOAT),
    watts=Row(places=(0x000C, 0x000E, 0x0010), number=FLOAT),
    energy=Row(places=(0x0048,), number=FLOAT, unit=_MWS_PER_KWH),
    step_mws=10 * _MWS_PER_WH,
)

EM340: Final = Model(
    name="Carlo Gavazzi EM340",
    function=INPUT,
    blocks=((0x0000, 6), (0x000C, 12), (0x0034, 2)),
    volts=Row(places=(0x0000, 0x0002, 0x0004), number=SIGNED_32_LOW_FIRST, unit=0.1),
    amperes=Row(places=(0x000C, 0x000E, 0x0010), number=SIGNED_32_LOW_FIRST, unit=0.001),
    watts=Row(places=(0x0012, 0x0014, 0x0016), number=SIGNED_32_LOW_FIRST, unit=0.1),
    energy=Row(places=(0x0034,), number=SIGNED_32_LOW_FIRST, unit=_MWS_PER_KWH / 10),
    step_mws=100 * _MWS_PER_WH,
)

#: Addresses are counted from the first register after number and length of the SunSpec model.
SUNSPEC_203: Final = Model(
    name="SunSpec 203",
    function=HOLDING,
    blocks=((0, 105),),
    volts=Row(places=(6, 7, 8), number=SIGNED, exponent=13),
    amperes=Row(places=(1, 2, 3), number=SIGNED, exponent=4),
    watts=Row(places=(17, 18, 19), number=SIGNED, exponent=20),
    energy=Row(places=(44,), number=UNSIGNED_32, unit=_MWS_PER_WH, exponent=52),
    step_mws=_MWS_PER_WH,
)

SUNSPEC_213: Final = Model(
    name="SunSpec 213",
    function=HOLDING,
    blocks=((0, 124),),
    volts=Row(places=(10, 12, 14), number=FLOAT),
    amperes=Row(places=(2, 4, 6), number=FLOAT),
    watts=Row(places=(28, 30, 32), number=FLOAT),
    energy=Row(places=(66,), number=FLOAT, unit=_MWS_PER_WH),
    step_mws=10 * _MWS_PER_WH,
)

#: Beyond these nothing has been measured: V or A, W of a phase, SunSpec's scale factors.
_MOST_V_OR_A: Final = 1000.0
_MOST_W: Final = 1_000_000.0
_MOST_EXPONENT: Final = 10

#: models by the name in the board file; the SunSpec ones are found on the device
MODELS: Final[Mapping[str, Model]] = {"sdm120": SDM120, "sdm630": SDM630, "em340": EM340}
SUNSPEC: Final[Mapping[int, Model]] = {203: SUNSPEC_203, 213: SUNSPEC_213}


def figures(model: Model, registers: Registers) -> Figures:
    """Return what the registers of a round say.

    Raises:
        ValueError: a quantity is marked as not there, or cannot be.
    """
    volts, amperes, watts = (
        _trio(row, registers) for row in (model.volts, model.amperes, model.watts)
    )
    most = max(map(abs, (*volts, *amperes)))
    if not (most <= _MOST_V_OR_A and max(map(abs, watts)) <= _MOST_W):
        raise ValueError("these figures cannot be: is it the model that the board file names?")
    energy = _values(model.energy, registers)[0]
    if energy is not None and energy < 0:
        energy = None
    return Figures(
        volts=volts,
        amperes=_magnitudes(amperes),
        watts=watts,
        energy_mws=None if energy is None else round(energy),
        step_mws=_step(model, registers, energy or 0.0),
    )


def _trio(row: Row, registers: Registers) -> Trio:
    values = _values(row, registers)
    found = [value for value in values if value is not None]
    if len(found) < len(values):
        raise ValueError(f"register {row.places[values.index(None)]} holds no value")
    first, second, third = (*found, 0.0, 0.0)[:3]
    return first, second, third


def _magnitudes(amperes: Trio) -> Trio:
    """Some meters give currents the sign of their power."""
    return abs(amperes[0]), abs(amperes[1]), abs(amperes[2])


def _values(row: Row, registers: Registers) -> list[float | None]:
    unit = row.unit * _power_of_ten(row, registers)
    found: list[float | None] = []
    for place in row.places:
        words = [registers[place + number] for number in range(row.number.registers)]
        value = row.number.decode(words)
        found.append(None if value is None else value * unit)
    return found


def _power_of_ten(row: Row, registers: Registers) -> float:
    if row.exponent is None:
        return 1.0
    exponent = _signed([registers[row.exponent]])
    if exponent is None:
        return 1.0
    if abs(exponent) > _MOST_EXPONENT:
        raise ValueError(f"10 to the power of {exponent} is no scale")
    return float(10.0**exponent)


def _step(model: Model, registers: Registers, energy: float) -> int:
    """Return the smallest step; a float of a large register moves in larger ones."""
    step_mws = round(model.step_mws * _power_of_ten(model.energy, registers))
    if model.energy.number is FLOAT:
        step_mws = max(step_mws, round(energy / 2**23))
    return max(step_mws, 1)
