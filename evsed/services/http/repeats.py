"""A client that polls sends the same bytes again and again; they are judged once a second.

Whoever answers a request may give the answer an ``again``: bytes to send while exactly the same
is asked on the same connection, or None. Everything else about the request (credentials, host,
route) has been judged a moment ago then, and equal bytes would be judged alike.
"""

from collections.abc import Callable
from typing import Final

Again = Callable[[], bytes | None]

#: How long a judgment lasts, s.
_LASTS_S: Final = 1.0
#: Polls are shorter.
_QUESTION_BYTES: Final = 4096
_END: Final = b"\r\n\r\n"


class Repeats:
    """The last question on one connection, and how to answer it again."""

    __slots__ = ("_again", "_arrived", "_question", "_until_s")

    def __init__(self) -> None:
        self._arrived = b""
        self._question = b""
        self._again: Again | None = None
        self._until_s = 0.0

    def take(self, data: bytes, *, alone: bool) -> None:
        """Note what arrived.

        Args:
            data: as the socket had it.
            alone: nothing of this request had arrived before, and the one before is answered.
        """
        self._arrived = data if alone and len(data) <= _QUESTION_BYTES else b""

    def answered(self, again: Again | None, now_s: float) -> None:
        """Note how the request that arrived may be answered the next time."""
        whole = self._arrived.find(_END) == len(self._arrived) - len(_END)
        self._again = again if self._arrived and whole else None
        self._question, self._arrived = self._arrived, b""
        self._until_s = now_s + _LASTS_S

    def answer(self, data: bytes, now_s: float) -> bytes | None:
        """Return the answer to what arrived, when it is known."""
        if self._again is None or now_s > self._until_s or data != self._question:
            return None
        return self._again()

    def forget(self) -> None:
        """Judge the next request in any case, also when the present one is still being answered."""
        self._again, self._arrived = None, b""
