"""Requests and answers without their envelope: functions 3, 4, 6 and 16, and exceptions. Pure.

Source: MODBUS Application Protocol Specification V1.1b3; modbus.md sections 3 and 4.
"""

from dataclasses import dataclass
from enum import IntEnum
from struct import Struct, unpack
from typing import Final

from evsed.services.modbus.register_map import ADDRESSES, RegisterMap
from evsed.services.modbus.registers import Register, Scene

READ_HOLDING: Final = 3
READ_INPUT: Final = 4
READS: Final = (READ_HOLDING, READ_INPUT)
WRITE_SINGLE: Final = 6
WRITE_MULTIPLE: Final = 16
#: Longest request or answer.
MOST_BYTES: Final = 253

_MOST_READ: Final = 125
_MOST_WRITTEN: Final = 123
_TWO_WORDS: Final = Struct(">HH")
_WRITE_HEAD: Final = Struct(">HHB")
_ANSWER_HEAD: Final = [bytes((READ_HOLDING, 2 * n)) for n in range(_MOST_READ + 1)]


class Code(IntEnum):
    """Exception codes."""

    ILLEGAL_FUNCTION = 1
    ILLEGAL_ADDRESS = 2
    ILLEGAL_VALUE = 3
    DEVICE_FAILURE = 4


@dataclass(frozen=True, slots=True)
class Write:
    """A write whose addresses are in order; its values have still to be judged.

    Args:
        registers: what is written, ascending.
        words: the values.
        done: the answer when it has been carried out.
    """

    registers: tuple[Register, ...]
    words: tuple[int, ...]
    done: bytes

    def refused(self, code: Code) -> bytes:
        """Return the answer when it cannot be carried out."""
        return refused(self.done[0], code)


def refused(function: int, code: Code) -> bytes:
    """Return an exception answer."""
    return bytes((function | 0x80, code))


def answer(pdu: bytes, registers: RegisterMap, now: Scene) -> bytes | Write:
    """Return the answer to a request, or the write it asks for.

    Args:
        pdu: at least the function code.
        registers: what can be addressed.
        now: what is read.
    """
    function = pdu[0]
    if function in READS:
        return _read(pdu, registers, now)
    if function == WRITE_SINGLE:
        return _write_single(pdu, registers)
    if function == WRITE_MULTIPLE:
        return _write_multiple(pdu, registers)
    return refused(function, Code.ILLEGAL_FUNCTION)


def _read(pdu: bytes, registers: RegisterMap, now: Scene) -> bytes:
    if len(pdu) != 5:
        return refused(pdu[0], Code.ILLEGAL_VALUE)
    address, count = _TWO_WORDS.unpack_from(pdu, 1)
    if not 1 <= count <= _MOST_READ:
        return refused(pdu[0], Code.ILLEGAL_VALUE)
    block = registers.block(address, count)
    if block is None:
        return refused(pdu[0], Code.ILLEGAL_ADDRESS)
    head = _ANSWER_HEAD[count] if pdu[0] == READ_HOLDING else bytes((pdu[0], 2 * count))
    return head + block(now)


def _write_single(pdu: bytes, registers: RegisterMap) -> bytes | Write:
    if len(pdu) != 5:
        return refused(pdu[0], Code.ILLEGAL_VALUE)
    address, value = _TWO_WORDS.unpack_from(pdu, 1)
    return _write(registers, address, (value,), pdu)


def _write_multiple(pdu: bytes, registers: RegisterMap) -> bytes | Write:
    if len(pdu) < 6:
        return refused(pdu[0], Code.ILLEGAL_VALUE)
    address, count, size = _WRITE_HEAD.unpack_from(pdu, 1)
    if not 1 <= count <= _MOST_WRITTEN or size != 2 * count or len(pdu) != 6 + size:
        return refused(pdu[0], Code.ILLEGAL_VALUE)
    return _write(registers, address, unpack(f">{count}H", pdu[6:]), pdu[:5])


def _write(
    registers: RegisterMap, address: int, words: tuple[int, ...], done: bytes
) -> bytes | Write:
    found = None
    if address + len(words) <= ADDRESSES:
        found = registers.writable(address, len(words))
    if found is None:
        return refused(done[0], Code.ILLEGAL_ADDRESS)
    return Write(found, words, done)
