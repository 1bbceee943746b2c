"""Parameters of a request, checked against the schemas that describe them."""

import re
from collections.abc import Mapping

from aiohttp import web

from evsed.errors import RejectedError
from evsed.services.rest.schema import Schema


class Query:
    """The parameters of one request, checked against their schemas."""

    def __init__(self, request: web.Request, known: Mapping[str, Schema]) -> None:
        self._given, self._known = request.query, known

    def whole(self, name: str) -> int | None:
        """Return a whole number, None when it is not given.

        Raises:
            RejectedError: it is none, or not of the range.
        """
        given = self._given.get(name)
        if given is None:
            return None
        low, high = self._known[name]["minimum"], self._known[name]["maximum"]
        digits = given.isascii() and given.isdigit() and len(given) <= len(str(high))
        if not digits or not low <= int(given) <= high:
            raise RejectedError(f"a whole number {low} … {high} is expected", key=name)
        return int(given)

    def text(self, name: str) -> str | None:
        """Return a text, one of the known words where there are some.

        Raises:
            RejectedError: it is none of them, too long, or not of the pattern; a schema with a
                pattern has an example to show.
        """
        given, known = self._given.get(name), self._known[name]
        words = known.get("enum")
        if given is None:
            return None
        if words and given not in words:
            raise RejectedError(f"one of {', '.join(words)} is expected", key=name)
        if len(given) > known.get("maxLength", len(given)):
            raise RejectedError("a shorter text is expected", key=name)
        if "pattern" in known and not re.fullmatch(known["pattern"], given):
            raise RejectedError(f"a text such as {known['examples'][0]} is expected", key=name)
        return given

    def truth(self, name: str) -> bool | None:
        """Return true or false.

        Raises:
            RejectedError: it is neither.
        """
        given = self._given.get(name)
        if given not in {None, "true", "false"}:
            raise RejectedError("true or false is expected", key=name)
        return None if given is None else given == "true"
