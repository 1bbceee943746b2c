"""``If`` and its relatives."""

import pytest

from evsed.services.webdav.conditions import (
    State,
    Test,
    TestList,
    etags,
    holds,
    http_date_s,
    parse_if,
    refusal,
    submitted,
)
from evsed.services.webdav.errors import DavError

Test.__test__ = False
TestList.__test__ = False


def test_the_example_of_the_standard_is_understood():
    known = "urn:uuid:181d4fae-7d8c-11d0-a765-00a0c91e6bf2"
    header = f'(<{known}> ["I am an ETag"])  (["I am another ETag"])'
    lists = parse_if(header)
    assert lists == (
        TestList(None, (Test(True, known, None), Test(True, None, '"I am an ETag"'))),
        TestList(None, (Test(True, None, '"I am another ETag"'),)),
    )
    assert submitted(lists) == {known}


def test_a_tag_holds_for_all_lists_that_follow():
    lists = parse_if('</a> (<t:1>) (Not<t:2>) <http://h/b>(["x"])')
    assert [one.resource for one in lists] == ["/a", "/a", "http://h/b"]
    assert [one.tests[0].wanted for one in lists] == [True, False, True]


@pytest.mark.parametrize(
    "header",
    [
        "",
        "()",
        "(",
        ")",
        "(<a>",
        "(Not)",
        "(Not Not <a>)",
        "(<a>) </b> (<c>)",
        "</a>",
        "</a> </b> (<c>)",
        "(a)",
        '["x"]',
        "(<a>) x",
        "((<a>))",
        "(<a> (<b>))",
        "([x])",
        "(<a)",
        "(<a>)]",
    ],
)
def test_what_is_not_understood_is_refused(header):
    with pytest.raises(DavError):
        parse_if(header)


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("(<t:1>)", True),
        ("(<t:2>)", False),
        ("(Not <t:2>)", True),
        ("(<DAV:no-lock>)", False),
        ("(Not <DAV:no-lock>)", True),
        ('(<t:1> ["e"])', True),
        ('(<t:1> ["f"])', False),
        ('(<t:1> ["f"]) (Not ["f"])', True),
        ('(<t:1> W/["e"])', None),
        ('([W/"e"])', False),
        ("</other> (<t:1>)", False),
    ],
)
def test_one_list_has_to_hold(header, expected):
    states = {None: State('"e"', frozenset({"t:1"}))}
    if expected is None:
        with pytest.raises(DavError):
            parse_if(header)
        return
    found = holds(parse_if(header), lambda tag: states.get(tag, State(None, frozenset())))
    assert found is expected


def test_lists_of_tags():
    assert etags('"a", W/"b" ,"c,d"') == {'"a"', 'W/"b"', '"c,d"'}
    assert etags("nonsense") == set()


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("Thu, 01 Jan 1970 00:00:10 GMT", 10),
        ("Thursday, 01-Jan-70 00:00:10 GMT", 10),
        ("Thu Jan  1 00:00:10 1970", 10),
        ("nonsense", None),
        ("", None),
        ("Thu, 99 Jan 1970 99:99:99 GMT", None),
        ("Thu, 01 Jan 99999999999 00:00:00 GMT", None),
    ],
)
def test_dates(text, seconds):
    found = http_date_s(text)
    assert found == seconds or (seconds is None and isinstance(found, int))


def test_nothing_there_fails_a_match_and_passes_its_opposite():
    assert refusal({"If-Match": "*"}, None, None, reading=False) == 412
    assert refusal({"If-Match": '"x"'}, None, None, reading=False) == 412
    assert refusal({"If-None-Match": "*"}, None, None, reading=False) is None
    assert refusal({}, None, None, reading=False) is None


def test_a_tag_outweighs_a_date():
    old = "Thu, 01 Jan 1970 00:00:00 GMT"
    both = {"If-Match": '"e"', "If-Unmodified-Since": old}
    assert refusal(both, '"e"', 100, reading=False) is None
    assert refusal({"If-Unmodified-Since": old}, '"e"', 100, reading=False) == 412
    reading = {"If-None-Match": '"f"', "If-Modified-Since": "Thu, 01 Jan 1970 00:01:40 GMT"}
    assert refusal(reading, '"e"', 100, reading=True) is None
