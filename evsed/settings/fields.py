"""How one setting is declared, and how a value from outside is checked against it. Pure.

A declaration says default, range, unit and meaning once; the wire name is the field's name
without its unit, in camelCase. Values from outside are what JSON has: a bool is never a number,
16.0 is a whole number, null is nothing. Source: rest.md section 1.3.
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import Enum
from typing import Any, Final

from evsed.errors import RejectedError
from evsed.units import ten_thousandths, tenths

_DECLARED: Final = ("kind", "default", "low", "high", "words", "unit", "about", "secret")
_UNITS: Final = frozenset({"a", "c", "da", "e4", "ms", "s", "v", "w", "ws"})
#: How far a current may lie outside its range before it is refused. Source: rest.md section 4.
_TOLERANCE_A: Final = 1e-6
#: Control characters and halves of surrogate pairs.
_NO_TEXT: Final = frozenset({"Cc", "Cs"})
_PEM: Final = re.compile(r"(-----BEGIN ([A-Z0-9 ]+)-----\n[A-Za-z0-9+/=\n]+\n-----END \2-----\n*)+")


class Kind(Enum):
    """What a setting holds."""

    WHOLE = "a whole number"
    TENTHS = "a number"
    PRICE = "an amount"
    FLAG = "true or false"
    FLAG_OR_BIT = "true or false (or 1 or 0)"
    WORD = "one of"
    TEXT = "a text"
    PEM = "certificates or a key as PEM"


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One setting. ``low`` and ``high`` are in the wire's unit, also where the core has tenths."""

    kind: Kind
    default: object
    low: int = 0
    high: int = 0
    words: tuple[str, ...] = ()
    unit: str = ""
    about: str = ""
    #: never shown, not even in a refusal
    secret: bool = False
    name: str = ""
    wire: str = ""

    def wanted(self, high: int | None = None) -> str:
        """Return what is permitted, in words."""
        if self.kind is Kind.WORD:
            return f"one of {', '.join(self.words)}"
        if self.kind is Kind.TEXT:
            return f"a text of {self.low} … {self.high} bytes without control characters"
        if self.kind is Kind.PEM:
            return f"{self.kind.value}, {self.high} bytes at most, or an empty text"
        if self.kind in {Kind.FLAG, Kind.FLAG_OR_BIT}:
            return str(self.kind.value)
        unit = f" {self.unit}" if self.unit else ""
        return f"{self.kind.value} {self.low} … {self.high if high is None else high}{unit}"

    def check(self, value: object, *, high: int | None = None) -> object:
        """Return the value as the core holds it.

        Args:
            value: what JSON had.
            high: a lower ceiling than the declared one, in the wire's unit.

        Raises:
            RejectedError: wrong type or out of range; names key and range.
        """
        ceiling = self.high if high is None else high
        taken = self._taken(value, ceiling)
        if taken is None:
            shown = "this" if self.secret else _shown(value)
            text = f"{shown} is not permitted, expected {self.wanted(ceiling)}"
            raise RejectedError(text, key=self.wire)
        return taken

    def _taken(self, value: object, high: int) -> object | None:
        match self.kind:
            case Kind.WORD:
                return value if isinstance(value, str) and value in self.words else None
            case Kind.FLAG:
                return value if isinstance(value, bool) else None
            case Kind.FLAG_OR_BIT:
                bit = int(value) if isinstance(value, bool) else _whole(value)
                return bool(bit) if bit in {0, 1} else None
            case Kind.TENTHS:
                return _tenths(value, self.low, high)
            case Kind.PRICE:
                return _price(value, self.low, high)
            case Kind.TEXT:
                return _text(value, self.low, high)
            case Kind.PEM:
                return _pem(value, high)
        number = _whole(value)
        return number if number is not None and self.low <= number <= high else None


def whole(default: int, *, low: int, high: int, unit: str = "", about: str) -> Any:
    """Declare a whole number."""
    return _declared(
        Setting(kind=Kind.WHOLE, default=default, low=low, high=high, unit=unit, about=about)
    )


def current(default_da: int, *, low: int, high: int, about: str) -> Any:
    """Declare a current in steps of 0.1 A: amperes outside, tenths (``_da``) inside."""
    return _declared(
        Setting(kind=Kind.TENTHS, default=default_da, low=low, high=high, unit="A", about=about)
    )


def price(default_e4: int, *, high: int, about: str) -> Any:
    """Declare an amount of money: a number of four decimals outside, 1/10000 (``_e4``) inside."""
    return _declared(Setting(kind=Kind.PRICE, default=default_e4, high=high, about=about))


def flag(default: bool, *, about: str, or_bit: bool = False) -> Any:
    """Declare a truth value; ``or_bit``: 0 and 1 are taken as well."""
    kind = Kind.FLAG_OR_BIT if or_bit else Kind.FLAG
    return _declared(Setting(kind=kind, default=default, about=about))


def word(default: str, *, words: tuple[str, ...], about: str) -> Any:
    """Declare a word from a list."""
    return _declared(Setting(kind=Kind.WORD, default=default, words=words, about=about))


def text(default: str, *, low: int = 0, high: int, about: str, secret: bool = False) -> Any:
    """Declare a text of ``low`` to ``high`` bytes of UTF-8 on one line."""
    return _declared(
        Setting(kind=Kind.TEXT, default=default, low=low, high=high, about=about, secret=secret)
    )


def pem(*, high: int, about: str, secret: bool = False) -> Any:
    """Declare certificates or a key as PEM, empty by default; line ends become line feeds."""
    return _declared(Setting(kind=Kind.PEM, default="", high=high, about=about, secret=secret))


def settings_of(schema: type) -> Mapping[str, Setting]:
    """Return the declarations of a settings class by wire name, in their order."""
    found: dict[str, Setting] = {}
    for item in fields(schema):
        declared: Setting = item.metadata["setting"]
        wire = wire_name(item.name)
        found[wire] = Setting(
            **{key: getattr(declared, key) for key in _DECLARED}, name=item.name, wire=wire
        )
    return found


def wire_name(name: str) -> str:
    """Return the name interfaces use: ``max_charging_current_a`` is ``maxChargingCurrent``."""
    words = name.split("_")
    if len(words) > 1 and words[-1] in _UNITS:
        words.pop()
    return words[0] + "".join(piece.capitalize() for piece in words[1:])


def _declared(setting: Setting) -> Any:
    return field(default=setting.default, repr=not setting.secret, metadata={"setting": setting})


def _whole(value: object) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, float):
        return int(value) if value.is_integer() else None
    return value if isinstance(value, int) else None


def _tenths(value: object, low: int, high: int) -> int | None:
    """Check the range of the number as it was given, then round it (decision 3)."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    # NaN is in no range, infinity in none of ours.
    return tenths(value) if low - _TOLERANCE_A <= value <= high + _TOLERANCE_A else None


def _price(value: object, low: int, high: int) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return ten_thousandths(value) if low <= value <= high else None


def _text(value: object, low: int, high: int) -> str | None:
    if not isinstance(value, str) or any(unicodedata.category(one) in _NO_TEXT for one in value):
        return None
    return value if low <= len(value.encode()) <= high else None


def _pem(value: object, high: int) -> str | None:
    """Source: RFC 7468 section 2, whole blocks and nothing between them."""
    if not isinstance(value, str) or len(value) > high:
        return None
    plain = value.replace("\r\n", "\n").strip()
    if not plain:
        return ""
    return f"{plain}\n" if _PEM.fullmatch(plain) else None


def _shown(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "a list"
    if isinstance(value, int) and abs(value) > 10**20:
        return "such a number"  # thousands of digits cannot even be printed
    text = str(value).lower() if isinstance(value, bool) else ascii(value)
    return text if len(text) <= 42 else f"{text[:40]}…"
