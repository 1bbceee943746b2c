"""What stands on a serial line: requests for us among everything else, checksums, times. Pure.

Source: MODBUS over Serial Line Specification V1.02, 2.5.1; modbus.md section 8.
"""

from collections.abc import Callable, Mapping
from typing import Final

#: Longest frame, and shortest: address, function, checksum.
MOST_BYTES: Final = 256
_FEWEST_BYTES: Final = 4

_POLYNOMIAL: Final = 0xA001
_SHORT_GAP_BAUD: Final = 19_200
_SHORT_GAP_S: Final = 0.00175
_GAP_CHARACTERS: Final = 3.5
#: A receiver with a FIFO hands over up to so many characters late.
_FIFO_CHARACTERS: Final = 16
_SILENCE_S: Final = 0.005
_USB_SILENCE_S: Final = 0.020


def _checksum_table() -> tuple[int, ...]:
    table = []
    for byte in range(256):
        value = byte
        for _ in range(8):
            value = value >> 1 ^ (_POLYNOMIAL if value & 1 else 0)
        table.append(value)
    return tuple(table)


_TABLE: Final = _checksum_table()


def checksum(data: bytes | bytearray) -> bytes:
    """Return the CRC-16 of a frame as it is sent, low byte first."""
    value = 0xFFFF
    for byte in data:
        value = value >> 8 ^ _TABLE[(value ^ byte) & 0xFF]
    return value.to_bytes(2, "little")


def sealed(data: bytes) -> bytes:
    """Return address and PDU with their checksum."""
    return data + checksum(data)


def gap_s(baud_rate: int, bits_per_character: int) -> float:
    """Return how long a line is silent between two frames (t3.5)."""
    if baud_rate > _SHORT_GAP_BAUD:
        return _SHORT_GAP_S
    return _GAP_CHARACTERS * bits_per_character / baud_rate


def silence_s(baud_rate: int, bits_per_character: int, *, usb: bool) -> float:
    """Return after what time without a byte a frame has surely ended.

    More than t3.5: the system hands bytes over in pieces, with gaps the line did not have.
    """
    piece_s = _FIFO_CHARACTERS * bits_per_character / baud_rate
    shortest_s = _USB_SILENCE_S if usb else _SILENCE_S
    return max(shortest_s, gap_s(baud_rate, bits_per_character) + piece_s)


def _request_length(head: bytes | bytearray) -> int | None:
    """Return how long a request with this beginning is; None: not known, or not yet."""
    function = head[1] if len(head) > 1 else 0
    if function in (3, 4, 6):
        return 8
    return 9 + head[6] if function == 16 and len(head) > 6 else None


def _eight(_: bytes | bytearray) -> int:
    return 8


def _five(_: bytes | bytearray) -> int:
    return 5


def _read_answer(head: bytes | bytearray) -> int:
    return 5 + head[2] if len(head) > 2 else MOST_BYTES


def _write_request(head: bytes | bytearray) -> int:
    return 9 + head[6] if len(head) > 6 else MOST_BYTES


def _both_request(head: bytes | bytearray) -> int:
    return 13 + head[10] if len(head) > 10 else MOST_BYTES


_Lengths = tuple[Callable[[bytes | bytearray], int], ...]
#: What frames of other stations may measure, requests and answers, by function.
_FOREIGN: Final[Mapping[int, _Lengths]] = {
    1: (_eight, _read_answer),
    2: (_eight, _read_answer),
    3: (_eight, _read_answer),
    4: (_eight, _read_answer),
    5: (_eight,),
    6: (_eight,),
    8: (_eight,),
    15: (_eight, _write_request),
    16: (_eight, _write_request),
    17: (lambda _: 4, _read_answer),
    22: (lambda _: 10,),
    23: (_both_request, _read_answer),
}


def _fits(frame: bytes | bytearray) -> bool:
    return len(frame) >= _FEWEST_BYTES and checksum(frame[:-2]) == frame[-2:]


def _foreign_length(data: bytearray) -> int | None:
    """Return the length of a complete foreign frame at the beginning; None: there is none."""
    if len(data) < _FEWEST_BYTES:
        return None
    lengths = (_five,) if data[1] & 0x80 else _FOREIGN.get(data[1], ())
    for length in lengths:
        count = length(data)
        if len(data) >= count and _fits(data[:count]):
            return count
    return None


class LineReader:
    """Finds the requests for us. Where they end is known by their length, or by silence.

    A request is only looked for where a frame can begin: after a complete frame, at the begin of
    a read, after silence. Looking at every byte would find writes by chance, one in 65536.
    """

    def __init__(self) -> None:
        self._data = bytearray()
        #: too much that makes no sense: nothing but silence, or a read that is a request, helps
        self._lost = False

    def feed(self, data: bytes, unit_id: int) -> list[bytes]:
        """Take what one read delivered; return the PDUs of the requests that are complete."""
        found: list[bytes] = []
        if not self._lost:
            self._data += data
            self._cut(unit_id, found)
        if self._lost or len(self._data) > len(data):
            self._begin_here(data, unit_id, found)
        if len(self._data) > MOST_BYTES:
            self._data.clear()
            self._lost = True
        return found

    def silence(self, unit_id: int) -> bytes | None:
        """Nothing has come for a while; return the PDU if what came before is a request."""
        frame = bytes(self._data)
        self._data.clear()
        self._lost = False
        if frame[:1] == bytes((unit_id,)) and _fits(frame):
            return frame[1:-2]
        return None

    def _cut(self, unit_id: int, found: list[bytes]) -> None:
        data = self._data
        while data:
            if data[0] == unit_id:
                count = _request_length(data)
                if count is None or len(data) < count or not _fits(data[:count]):
                    return
                found.append(bytes(data[1 : count - 2]))
            else:
                count = _foreign_length(data)
                if count is None:
                    return
            del data[:count]

    def _begin_here(self, data: bytes, unit_id: int, found: list[bytes]) -> None:
        """Forget what was before when a read begins with a request for us, complete and right."""
        if data[0] != unit_id:
            return
        count = _request_length(data)
        if count is not None and len(data) >= count and _fits(data[:count]):
            self._lost = False
            self._data[:] = data
            self._cut(unit_id, found)
