"""Who may charge: the local list, what the management system said before, and what it says now.

Source: OCPP 1.6 sections 3.4, 3.5 and 5.15; OCPP 2.0.1 part 2 sections C and D.
"""

import json
import logging
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from evsed.services.ocpp import variables
from evsed.services.ocpp.book import Book
from evsed.services.ocpp.moment import seconds_of
from evsed.services.ocpp.variables import Variables

ACCEPTED: Final = "Accepted"
INVALID: Final = "Invalid"
EXPIRED: Final = "Expired"
#: The answers of ``SendLocalList``.
FAILED: Final = "Failed"
MISMATCH: Final = "VersionMismatch"
_UNTOLD: Final = -1
#: A token nobody has said the validity of is believed so long, s.
_CACHE_S: Final = 30 * 86_400
#: No time is longer; the schema of a message does not say so.
_MOST_EXPIRY: Final = 64

_log = logging.getLogger(__name__)


class Verdict(NamedTuple):
    """Whether a token may charge.

    Args:
        status: ``Accepted``, or why not.
        parent: the group it belongs to, whose members may end one another's transactions.
    """

    status: str
    parent: str = ""


def is_same(one: str, other: str) -> bool:
    """Tell whether two tokens are one; letters may be written either way."""
    return one.casefold() == other.casefold()


class Tokens:
    """What is known of tokens.

    Args:
        book: where it is kept.
        settings: what the management system has chosen.
    """

    def __init__(self, book: Book, settings: Variables) -> None:
        self._book, self._settings = book, settings

    @property
    def version(self) -> int:
        """Number of the local list; 0: there is none, -1: it is not used."""
        if not self._settings.on(variables.LIST):
            return _UNTOLD
        return int(self._book.note("list version", "0"))

    def update(
        self, version: int, entries: Mapping[str, Mapping[str, Any] | None], *, whole: bool
    ) -> str:
        """Change the local list; return the answer."""
        if not self._settings.on(variables.LIST):
            return "NotSupported"
        if not whole and version <= self.version:
            return MISMATCH
        if any(len(_expiry(said)) > _MOST_EXPIRY for said in entries.values() if said):
            return FAILED
        count = len(entries) + (0 if whole else self._book.count_listed())
        if len(entries) > variables.LIST_AT_ONCE or count > variables.LIST_MOST or version < 1:
            return FAILED
        with self._book.together():
            self._book.set_listed(entries, whole=whole)
            self._book.set_note("list version", str(version))
        return ACCEPTED

    def heard(self, token: str, said: Mapping[str, Any], now_s: float) -> None:
        """Remember what the management system said of a token."""
        if self._settings.on(variables.CACHE):
            kept = {**said, "heard": now_s}
            if said.get("expiry") is not None:
                kept["expiry"] = _expiry(said)[:_MOST_EXPIRY]
            self._book.set_cached(token, kept, round(now_s))

    def forget(self) -> bool:
        """Forget everything it said; False: nothing is remembered at all."""
        self._book.clear_cache()
        return self._settings.on(variables.CACHE)

    def all_of(self, token: str) -> list[str]:
        """Return everything that is kept of a token, to be read by people."""
        found = {"local list": self._book.listed(token), "cache": self._book.cached(token)}
        return [f"{where}: {json.dumps(said)}" for where, said in found.items() if said is not None]

    def clear(self, token: str) -> None:
        """Forget a token, but not that the list, which is somebody else's, has it."""
        self._book.forget_cached(token)

    def known(self, token: str, now_s: float) -> Verdict | None:
        """Return what is known of a token here; None: nothing is."""
        if self._settings.on(variables.LIST):
            listed = self._book.listed(token)
            if listed is not None:
                return _verdict(listed, now_s)
        if not self._settings.on(variables.CACHE):
            return None
        cached = self._book.cached(token)
        if cached is None or not 0 <= now_s - float(cached.get("heard", now_s)) < _CACHE_S:
            return None
        return _verdict(cached, now_s)

    def beforehand(self, token: str, now_s: float) -> Verdict | None:
        """Return that a token may charge without asking although somebody could be asked."""
        if not self._settings.on(variables.PRE_AUTHORIZE):
            return None
        known = self.known(token, now_s)
        return known if known is not None and known.status == ACCEPTED else None

    def offline(self, token: str, now_s: float) -> Verdict:
        """Return what counts for a token while nobody can be asked."""
        if self._settings.on(variables.LOCAL_OFFLINE):
            known = self.known(token, now_s)
            if known is not None:
                return known
        return Verdict(ACCEPTED if self._settings.on(variables.UNKNOWN_OFFLINE) else INVALID)


def _expiry(said: Mapping[str, Any]) -> str:
    return str(said.get("expiry") or "")


def _verdict(said: Mapping[str, Any], now_s: float) -> Verdict:
    return Verdict(_status(said, now_s), str(said.get("parent") or ""))


def _status(said: Mapping[str, Any], now_s: float) -> str:
    status, expiry = str(said.get("status", INVALID)), said.get("expiry")
    try:
        if status == ACCEPTED and expiry is not None and seconds_of(str(expiry)) <= now_s:
            return EXPIRED
    except ValueError:
        return INVALID
    return status
