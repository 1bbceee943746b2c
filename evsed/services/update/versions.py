"""Compares versions as Debian does. Pure.

Source: Debian Policy Manual, section 5.6.12.
"""

import re
from itertools import zip_longest
from typing import Final

_PARTS: Final = re.compile(r"(\D*)(\d*)")
_EPOCH: Final = re.compile(r"\d+:")
#: Before everything, even before the end.
_TILDE: Final = -1


def shown(version: str) -> str:
    """Return a version as the API shows it: with a leading v."""
    return f"v{version}" if version[:1].isdigit() else version


def upstream(version: str) -> str:
    """Return a version without the leading v, epoch and Debian revision."""
    version = version.removeprefix("v")
    version = _EPOCH.sub("", version, count=1) if _EPOCH.match(version) else version
    head, dash, _ = version.rpartition("-")
    return head if dash else version


def same(one: str, other: str) -> bool:
    """Tell whether two versions stand for the same upstream release."""
    return compare(upstream(one), upstream(other)) == 0


def compare(one: str, other: str) -> int:
    """Return -1, 0 or 1: whether the first upstream version is lower, equal or higher.

    Parts that are no digits are compared by character, letters before other characters and ~
    before all of them; parts that are digits by their value.
    """
    pairs = zip_longest(_PARTS.findall(one), _PARTS.findall(other), fillvalue=("", ""))
    for (words, digits), (other_words, other_digits) in pairs:
        ours = (_order(words), _value(digits))
        theirs = (_order(other_words), _value(other_digits))
        if ours != theirs:
            return -1 if ours < theirs else 1
    return 0


def _order(words: str) -> list[tuple[int, str]]:
    """Return what orders a part without digits; its end stands between ~ and every letter."""
    ranks = [
        (_TILDE if letter == "~" else 1 if letter.isalpha() else 2, letter) for letter in words
    ]
    return [*ranks, (0, "")]


def _value(digits: str) -> tuple[int, str]:
    """Return what orders digits by value, without turning thousands of them into a number."""
    stripped = digits.lstrip("0")
    return len(stripped), stripped
