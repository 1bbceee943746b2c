"""Bytes to a JSON value, or a refusal: stricter than the standard library's parser. Pure.

Source: rest.md section 1.3.
"""

import json
import math
import re
from typing import Final, NoReturn

from evsed.errors import RejectedError

_BOM: Final = "\ufeff"
_SURROGATE: Final = re.compile(r"\\u[dD][89a-fA-F]")
_PAIR: Final = re.compile(r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F]")


def parse(body: bytes) -> object:
    """Return the one value in ``body``.

    Raises:
        RejectedError: not UTF-8, not JSON, or JSON no client means to send: NaN, overflowing
            numbers, duplicate keys, endless nesting, halves of surrogate pairs.
    """
    text = _decoded(body)
    if not text.strip():
        raise RejectedError("a JSON value was expected, the body is empty")
    value = _parsed(text)
    _refuse_lone_surrogates(text)
    return value


def _decoded(body: bytes) -> str:
    try:
        return body.decode("utf-8").removeprefix(_BOM)
    except UnicodeDecodeError as error:
        raise RejectedError(f"the body is not UTF-8 at byte {error.start}") from None


def _parsed(text: str) -> object:
    try:
        return _DECODER.decode(text)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise RejectedError(f"the body is not JSON at {where}: {error.msg}") from None
    except ValueError:
        raise RejectedError("a number in the body has too many digits") from None
    except RecursionError:
        raise RejectedError("the body is nested too deeply") from None


def _refuse_constant(name: str) -> NoReturn:
    raise RejectedError(f"{name} is not JSON")


def _finite(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise RejectedError("a number in the body is too large")
    return value


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    unique = dict(pairs)
    if len(unique) != len(pairs):
        raise RejectedError("an object in the body has the same key twice")
    return unique


_DECODER: Final = json.JSONDecoder(
    parse_float=_finite, parse_constant=_refuse_constant, object_pairs_hook=_unique
)


def _refuse_lone_surrogates(text: str) -> None:
    """Look at the text and not at the value: a walk through 10^4 entries takes too long."""
    if "\\u" not in text:
        return
    escapes = text.replace("\\\\", "  ")  # a backslash that is meant as one
    if _SURROGATE.search(_PAIR.sub("", escapes)):
        raise RejectedError("a text in the body has half a surrogate pair")
