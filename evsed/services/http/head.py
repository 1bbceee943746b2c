"""What can be told from the first bytes of a request before it is parsed. Pure."""

import re
from typing import Final

#: Stands for every method nobody offers; the parser knows it and no resource ever will.
NOT_OFFERED: Final = b"PURGE"

_END: Final = re.compile(rb"\n\r?\n")
_NEWLINES: Final = re.compile(rb"[\r\n]+")
_METHOD: Final = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]{1,40}) (?=[/*hH])")
_HALF: Final = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,40} ?")
_OFFERED: Final = frozenset(
    (
        b"GET", b"HEAD", b"POST", b"PUT", b"DELETE", b"OPTIONS", b"PATCH", b"TRACE",
        b"PROPFIND", b"PROPPATCH", b"MKCOL", b"COPY", b"MOVE", b"LOCK", b"UNLOCK",
    )
)  # fmt: skip


def may_be_half_a_method(data: bytes, begin: int) -> bool:
    """Tell whether a request begins that cannot be judged before more of it has arrived."""
    return _HALF.fullmatch(data, begin) is not None


def with_known_method(data: bytes) -> bytes:
    """Return the beginning of a request, its method replaced when nobody offers it.

    The parser answers 400 to names it does not know; they should get 401, 403, 404 or 405 like any
    other method of the wrong kind.
    """
    found = _METHOD.match(data)
    if found is None or found[1] in _OFFERED:
        return data
    return NOT_OFFERED + data[found.end(1) :]


def end_of_newlines(data: bytes, begin: int) -> int:
    """Return where the empty lines end that a client may send before a request. RFC 9112, 2.2."""
    found = _NEWLINES.match(data, begin)
    return begin if found is None else found.end()


def end_of_head(data: bytes, begin: int, before: bytes) -> int | None:
    """Return where the next empty line ends, or None.

    Args:
        data: what arrived.
        begin: where to begin looking.
        before: the last bytes before ``begin``, at most three, without an empty line.
    """
    if before:
        joint = _END.search(before + data[begin : begin + 3])
        if joint is not None:
            return begin + joint.end() - len(before)
    found = _END.search(data, begin)
    return None if found is None else found.end()
