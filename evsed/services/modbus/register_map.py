"""From a range of addresses to bytes, and from words to what a write asks for. Pure.

Which registers a range covers is worked out once for each range and kept: clients ask for the
same few over and over.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from struct import Struct, error
from typing import Final

from evsed.errors import RejectedError
from evsed.services.modbus.registers import Action, Encoding, Group, Register, Scene
from evsed.units import saturated

#: Highest address and one.
ADDRESSES: Final = 0x10000

_LIMITS: Final = {
    Encoding.U16: (0, 0xFFFF),
    Encoding.I16: (-0x8000, 0x7FFF),
    Encoding.U32: (0, 0xFFFF_FFFF),
    Encoding.U64: (0, 0xFFFF_FFFF_FFFF_FFFF),
}

Block = Callable[[Scene], bytes]


@dataclass(frozen=True, slots=True)
class Wish:
    """What a write asks for: values by the names and in the units of REST, then actions."""

    changes: tuple[tuple[str, object], ...] = ()
    actions: tuple[Action, ...] = ()


class RegisterMap:
    """Everything that can be addressed.

    Args:
        registers: the table, ascending.
        locked: what cannot be written although the table says so.
    """

    def __init__(self, registers: Sequence[Register], locked: frozenset[Group]) -> None:
        self._locked = locked
        self._at = {
            address: register
            for register in registers
            for address in range(register.address, register.address + register.words)
        }
        self._blocks: dict[tuple[int, int], Block] = {}

    def block(self, address: int, count: int) -> Block | None:
        """Return what reads a range; None when not all of it can be read.

        A range may begin and end in the middle of a value.
        """
        known = self._blocks.get((address, count))
        if known is None:
            known = self._planned(address, count)
            if known is not None:  # there are some hundred of them, whatever clients ask for
                self._blocks[address, count] = known
        return known

    def writable(self, address: int, count: int) -> tuple[Register, ...] | None:
        """Return the registers a range consists of; None unless all may be written, and whole."""
        found: list[Register] = []
        position = address
        while position < address + count:
            register = self._at.get(position)
            if register is None or register.address != position or not self._may_write(register):
                return None
            found.append(register)
            position += register.words
        return tuple(found) if position == address + count else None

    def _may_write(self, register: Register) -> bool:
        return register.writable and register.group not in self._locked

    def _planned(self, address: int, count: int) -> Block | None:
        covered: list[Register] = []
        for position in range(address, min(address + count, ADDRESSES)):
            register = self._at.get(position)
            if register is None or register.read is None:
                return None
            if not covered or covered[-1] is not register:
                covered.append(register)
        if address + count > ADDRESSES or not covered:
            return None
        return _block(covered, 2 * (address - covered[0].address), 2 * count)


def _block(covered: Sequence[Register], skip: int, length: int) -> Block:
    reads = [register.read for register in covered if register.read is not None]
    encodings = [register.encoding for register in covered]
    pack = Struct(">" + "".join(encoding.struct_format for encoding in encodings)).pack
    whole = skip == 0 and length == 2 * sum(encoding.words for encoding in encodings)

    def read(now: Scene) -> bytes:
        values = [read(now) for read in reads]
        try:
            data = pack(*values)
        except error:
            data = pack(*map(_saturated, values, encodings))
        return data if whole else data[skip : skip + length]

    return read


def _saturated(value: int | bytes, encoding: Encoding) -> int | bytes:
    return value if isinstance(value, bytes) else saturated(value, *_LIMITS[encoding])


def wish(registers: Sequence[Register], words: Sequence[int], now: Scene) -> Wish:
    """Return what writing words into registers asks for.

    Raises:
        RejectedError: a value its register can never take; names the register.
    """
    changes: list[tuple[str, object]] = []
    actions: list[Action] = []
    rest = iter(words)
    for register in registers:
        value = 0
        for _ in range(register.words):
            value = value << 16 | next(rest)
        if register.action is not None:
            if value != 1:
                raise RejectedError(f"{value} is not permitted, expected 1", key=register.name)
            actions.append(register.action)
        elif register.write is not None:
            _check_most(register, value, now)
            changes.append((register.name, register.write(value)))
    return Wish(tuple(changes), tuple(actions))


def _check_most(register: Register, value: int, now: Scene) -> None:
    most = value if register.most is None else register.most(now)
    if value > most:
        raise RejectedError(f"{value} is not permitted, at most {most}", key=register.name)
