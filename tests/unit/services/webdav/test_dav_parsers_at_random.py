"""Whatever the parsers are fed, they answer or refuse; ``EVSED_FUZZ`` says how often."""

import os
import random
from xml.etree import ElementTree

import pytest

from evsed.host.user_files import RESERVED
from evsed.services.webdav.bodies import parse_lock, parse_propfind, parse_proppatch
from evsed.services.webdav.conditions import http_date_s, parse_if, refusal, submitted
from evsed.services.webdav.errors import DavError
from evsed.services.webdav.multistatus import multistatus, part
from evsed.services.webdav.paths import parse_destination, parse_target
from evsed.services.webdav.request_headers import (
    byte_range,
    depth,
    lock_token,
    overwrite,
    timeout_s,
)

COUNT = int(os.environ.get("EVSED_FUZZ", "3000"))

PATHS = [
    *"/.%#?\\:@",
    "..",
    "%2e",
    "%2f",
    "%00",
    "%5c",
    "%ff",
    "%c3%a4",
    "/dav",
    "/usr",
    "a",
    "\u00e4",
    "\udc80",
    ".evsed-",
    "http://",
    "h:80",
    "n" * 250,
    " ",
    "\n",
    "//",
]
IFS = [
    *"()<>[]\"' ",
    "Not",
    "W/",
    "DAV:no-lock",
    "urn:uuid:1",
    '["x"]',
    "(<t>)",
    "</a>",
    ",",
    "\u00e4",
]
HEADERS = [
    *"0123456789-=, ;",
    "bytes",
    "Second-",
    "Infinite",
    "infinity",
    "T",
    "F",
    "<",
    ">",
    "GMT",
    "Thu, 01 Jan 1970 00:00:00 ",
    "\u0663",
    "9" * 30,
    '"x"',
    "*",
    "W/",
]
XML = [
    "<",
    ">",
    "/",
    '"',
    "=",
    " ",
    "&",
    ";",
    "&amp;",
    "&#0;",
    "&x;",
    "<a>",
    "</a>",
    "<D:prop>",
    "</D:prop>",
    '<D:propfind xmlns:D="DAV:">',
    "</D:propfind>",
    "<D:allprop/>",
    '<x xmlns="u" xml:lang="de" a="b"/>',
    '<D:propertyupdate xmlns:D="DAV:"><D:set>',
    "</D:set></D:propertyupdate>",
    "<!DOCTYPE a [",
    "]>",
    '<!ENTITY x "y">',
    "<![CDATA[",
    "]]>",
    "<?xml version='1.0'?>",
    "<!--",
    "-->",
    "text",
    "\u00e4",
    "\x00",
    "\ufffe",
    'xmlns:b=""',
    "<D:lockinfo xmlns:D='DAV:'>",
    "</D:lockinfo>",
    "<D:lockscope><D:shared/></D:lockscope><D:locktype><D:write/></D:locktype>",
]


def _outcome(parse, text):
    """Return what a parser answers, or the refusal."""
    try:
        return parse(text)
    except DavError as error:
        return error


def _texts(words, seed, most=12):
    source = random.Random(seed)  # noqa: S311  # the same input in every run
    for _ in range(COUNT):
        yield "".join(source.choices(words, k=source.randrange(most)))


def test_paths_at_random_name_only_what_is_in_the_tree():
    for text in _texts(PATHS, 1):
        for parse in (parse_target, lambda raw: parse_destination(raw, "h:80")):
            place = _outcome(parse, "/dav/usr/" + text if len(text) % 2 else text)
            if isinstance(place, DavError):
                assert place.status in {400, 403, 502}, text
                continue
            for name in place.segments:
                assert name not in {"", ".", ".."}
                assert not set("/\\\x00\n") & set(name)
                assert not name.startswith(RESERVED)
                assert len(name.encode()) <= 255


def test_if_headers_at_random():
    understood = 0
    for text in _texts(IFS, 2):
        lists = _outcome(parse_if, text)
        if isinstance(lists, DavError):
            assert lists.status == 400
            continue
        understood += bool(lists)
        submitted(lists)
    assert understood


@pytest.mark.parametrize("size", [0, 1, 1000])
def test_small_headers_at_random(size):
    for text in _texts(HEADERS, 3 + size):
        assert 1 <= timeout_s(text) <= 3600
        assert isinstance(http_date_s(text), int | None)
        given = {"If-Match": text, "If-Unmodified-Since": text}
        assert refusal(given, '"x"', size, reading=bool(size)) in {None, 304, 412}
        for parse in (depth, overwrite, lock_token, lambda one: byte_range(one, size)):
            found = _outcome(parse, text)
            if isinstance(found, DavError):
                assert found.status in {400, 416}
            elif isinstance(found, tuple):
                assert 0 <= found[0] <= found[1] <= size


@pytest.mark.parametrize("parse", [parse_propfind, parse_proppatch, parse_lock])
def test_xml_at_random(parse):
    for text in _texts(XML, 9, most=9):
        found = _outcome(parse, text.encode())
        assert not isinstance(found, DavError) or found.status in {400, 413}


def test_values_at_random_are_xml_again():
    understood = 0
    for text in _texts(XML, 11, most=6):
        body = (
            '<D:propertyupdate xmlns:D="DAV:" xmlns:x="y"><D:set><D:prop>'
            f"<v>{text}</v></D:prop></D:set></D:propertyupdate>"
        )
        changes = _outcome(parse_proppatch, body.encode())
        if isinstance(changes, DavError):
            continue
        for change in changes:
            answer = multistatus([part(200, change.xml or "")])
            again, sent = (next(_parsed(one).iter("{DAV:}prop")) for one in (answer, body))
            assert [_plain(one) for one in again] == [_plain(one) for one in sent][: len(again)]
            understood += 1
    assert understood


def _parsed(text):
    return ElementTree.fromstring(text)  # noqa: S314  # our own parser has taken it


def _plain(element):
    return (element.tag, element.attrib, element.text, [_plain(one) for one in element])
