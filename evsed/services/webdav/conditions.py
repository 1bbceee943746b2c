"""What must hold before a request is carried out: the ``If`` headers. Pure.

Source: RFC 4918 section 10.4; RFC 9110 section 13.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import mktime_tz, parsedate_tz
from typing import Final, NamedTuple

from evsed.services.webdav.errors import bad

_WORD: Final = re.compile(
    r"\s*(?:(?P<open>\()|(?P<close>\))|(?P<not>not\b)|<(?P<token>[^<>]*)>"
    r'|\[\s*(?P<etag>(?:W/)?"[^"]*")\s*\])\s*',
    re.IGNORECASE,
)
_ETAG: Final = re.compile(r'\s*((?:W/)?"[^"]*")\s*(?:,|$)')


class Test(NamedTuple):
    """One test of a list; exactly one of token and entity tag."""

    wanted: bool
    token: str | None
    etag: str | None


@dataclass(frozen=True, slots=True)
class TestList:
    """Tests that must all hold, about one resource; None for that of the request."""

    resource: str | None
    tests: tuple[Test, ...]


class State(NamedTuple):
    """What a resource has: its entity tag and the tokens of the locks upon it."""

    etag: str | None
    tokens: frozenset[str]


def parse_if(header: str) -> tuple[TestList, ...]:
    """Return the lists of an ``If`` header, of which one has to hold.

    Raises:
        DavError: 400, it is not understood.
    """
    words = _words(header)
    lists: list[TestList] = []
    resource: str | None = None
    while words:
        kind, text = words.pop()
        if kind == "token" and (resource is not None or not lists):
            resource = text
            kind, text = words.pop() if words else ("", "")
        if kind != "open":
            raise bad("If: a list in parentheses expected")
        lists.append(TestList(resource, _tests(words)))
    if not lists:
        raise bad("If: no list")
    return tuple(lists)


def _words(header: str) -> list[tuple[str, str]]:
    """Return the words, the first one last."""
    words, at = [], 0
    while at < len(header):
        found = _WORD.match(header, at)
        if found is None or found.lastgroup is None:
            raise bad("If: not understood")
        words.append((found.lastgroup, found.group(found.lastgroup)))
        at = found.end()
    return words[::-1]


def _tests(words: list[tuple[str, str]]) -> tuple[Test, ...]:
    """Take the words up to the closing parenthesis."""
    tests: list[Test] = []
    wanted = True
    while words:
        kind, text = words.pop()
        if kind == "close" and tests and wanted:
            return tuple(tests)
        if kind == "not" and wanted:
            wanted = False
        elif kind in {"token", "etag"}:
            tests.append(Test(wanted, *((text, None) if kind == "token" else (None, text))))
            wanted = True
        else:
            break
    raise bad("If: a list that does not end")


def holds(lists: tuple[TestList, ...], state_of: Callable[[str | None], State]) -> bool:
    """Tell whether one of the lists holds."""
    return any(_all_hold(one.tests, state_of(one.resource)) for one in lists)


def _all_hold(tests: tuple[Test, ...], state: State) -> bool:
    return all(_is_so(test, state) is test.wanted for test in tests)


def _is_so(test: Test, state: State) -> bool:
    if test.token is not None:
        return test.token in state.tokens
    return test.etag == state.etag


def submitted(lists: tuple[TestList, ...]) -> frozenset[str]:
    """Return every token a header mentions: the client knows these locks."""
    return frozenset(test.token for one in lists for test in one.tests if test.token is not None)


def refusal(
    headers: Mapping[str, str], etag: str | None, modified_s: int | None, *, reading: bool
) -> int | None:
    """Return 304 or 412 when ``If-Match`` and its like stop a request, otherwise None.

    Args:
        headers: of the request.
        etag: of the file; None when it has none.
        modified_s: when it was written, whole seconds; None when nothing is there.
        reading: whether the method is GET or HEAD.
    """
    exists = modified_s is not None
    match, none_match = headers.get("If-Match"), headers.get("If-None-Match")
    if match is not None:
        if not (exists if match.strip() == "*" else etag is not None and etag in etags(match)):
            return 412
    elif _later(headers.get("If-Unmodified-Since"), modified_s):
        return 412
    if none_match is not None:
        known = {tag.removeprefix("W/") for tag in etags(none_match)}
        if exists if none_match.strip() == "*" else etag in known:
            return 304 if reading else 412
    elif reading and _later(headers.get("If-Modified-Since"), modified_s) is False:
        return 304
    return None


def etags(header: str) -> set[str]:
    """Return the entity tags of a list."""
    return set(_ETAG.findall(header))


def http_date_s(text: str) -> int | None:
    """Return a date of a header as seconds since 1970, None when it is none."""
    try:
        parts = parsedate_tz(text)
        return None if parts is None else int(mktime_tz(parts))
    except (ValueError, OverflowError, TypeError, IndexError):
        return None


def _later(header: str | None, modified_s: int | None) -> bool | None:
    """Tell whether a file was written after a date; None when either is not there."""
    date_s = None if header is None else http_date_s(header)
    return None if date_s is None or modified_s is None else modified_s > date_s
