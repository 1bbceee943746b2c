"""The types of values, as the describe form names them. Pure. Source: at.md section 3."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from evsed.errors import RejectedError
from evsed.services.at.protocol import number, shown

Row = tuple[int | str, ...]

_LONGEST_TEXT: Final = 31
_RANGES: Final = {
    "INT8": (-(2**7), 2**7 - 1),
    "INT32": (-(2**31), 2**31 - 1),
    "UINT8": (0, 2**8 - 1),
    "UINT16": (0, 2**16 - 1),
    "UINT32": (0, 2**32 - 1),
    "UINT64": (0, 2**64 - 1),
}


@dataclass(frozen=True, slots=True)
class Column:
    """One value of a command.

    Args:
        kind: STRING, or a key of the ranges above.
        access: RO, RW or WO.
        longest: bytes of a text, after its escapes are undone.
        optional: may be left out at the end, and is then left as it is.
    """

    kind: str
    access: str
    about: str = ""
    longest: int = _LONGEST_TEXT
    optional: bool = False

    def taken(self, value: bytes | str) -> int | str:
        """Return a value from a line as the type has it.

        Raises:
            RejectedError: another type, out of range or too long.
        """
        if self.kind != "STRING":
            return number(value, *_RANGES[self.kind])
        if not isinstance(value, str):
            raise RejectedError("a text is in quotes")
        if len(value.encode()) > self.longest:
            raise RejectedError(f"more than {self.longest} bytes")
        return value

    def fitted(self, value: int | str) -> int | str:
        """Return a value to show: hidden when write-only, a number at most as large as fits."""
        if self.access == "WO":
            return "" if self.kind == "STRING" else 0
        if isinstance(value, str):
            return value
        low, high = _RANGES[self.kind]
        return max(low, min(high, value))


def described(columns: Sequence[Column]) -> str:
    """Return the types as the describe form shows them."""
    return ",".join(f"<{one.kind}[{one.access}]>" for one in columns)


def written(columns: Sequence[Column], values: Sequence[bytes | str]) -> Row:
    """Return the checked values of a write.

    Raises:
        RejectedError: too few, too many, or one that does not fit its column.
    """
    taking = [one for one in columns if one.access != "RO"]
    needed = sum(not one.optional for one in taking)
    if not needed <= len(values) <= len(taking):
        raise RejectedError(f"{needed} to {len(taking)} values expected")
    pairs = zip(taking, values, strict=False)  # what is optional may be missing
    return tuple(column.taken(value) for column, value in pairs)


def row_text(columns: Sequence[Column], row: Row) -> str:
    """Return values as an answer shows them."""
    pairs = zip(columns, row, strict=True)
    return ",".join(shown(column.fitted(value)) for column, value in pairs)
