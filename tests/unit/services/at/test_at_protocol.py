"""Lines, requests and values, without a session."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evsed.errors import RejectedError
from evsed.services.at.columns import Column, row_text, written
from evsed.services.at.protocol import (
    Form,
    Line,
    LineCutter,
    Request,
    find,
    message,
    number,
    parse,
    shown,
    split,
)


def _cut(*pieces):
    cutter, lines, raw = LineCutter(), [], b""
    for piece in pieces:
        cutter.feed(piece)
        while (found := cutter.cut()) is not None:
            raw += found.raw
            if found.line is not None:
                lines.append(found.line)
    return lines, raw


def test_the_three_line_ends():
    lines, raw = _cut(b"a\nb\rc\r\nd")
    assert lines == [Line(b"a", b"\n"), Line(b"b", b"\r\n"), Line(b"c", b"\r\n")]
    assert raw == b"a\nb\rc\r\nd"


def test_a_line_feed_after_a_carriage_return_is_no_line_of_its_own():
    lines, _ = _cut(b"a\r", b"\n", b"\r\n\n")
    assert [line.text for line in lines] == [b"a", b"", b""]


@pytest.mark.parametrize(("length", "kept"), [(256, True), (257, False), (10_000, False)])
def test_the_longest_line(length, kept):
    lines, _ = _cut(b"x" * length + b"\nAT\n")
    assert lines == [Line(b"x" * length if kept else None, b"\n"), Line(b"AT", b"\n")]


_BYTES = st.lists(
    st.sampled_from([b"AT", b"+X", b"\r", b"\n", b"\r\n", b'"', b"x" * 200, b"\x00\xff"]),
    max_size=30,
)


@given(_BYTES, st.data())
def test_it_does_not_matter_how_the_bytes_arrive(words, data):
    whole = b"".join(words)
    pieces, at = [], 0
    while at < len(whole):
        size = data.draw(st.integers(1, 40))
        pieces.append(whole[at : at + size])
        at += size
    assert _cut(*pieces) == _cut(whole)


def test_what_there_is_no_room_for_becomes_one_wrong_line():
    cutter = LineCutter()
    for _ in range(50_000):
        cutter.feed(b"AT+ENABLE=0\n")
    lines = []
    while (piece := cutter.cut()) is not None:
        lines.append(piece.line.text)
    assert lines[-1].endswith(b"\x00")
    assert set(lines[:-1]) == {b"AT+ENABLE=0"}
    cutter.feed(b"=1\nAT\n")
    assert cutter.cut().line == Line(b"AT", b"\n")


def test_half_a_line_that_was_dropped_is_not_joined_with_another():
    cutter = LineCutter()
    cutter.feed(b"x" * 256 * 1024 + b"AT+ENABLE")
    cutter.feed(b"=0\n")
    texts = []
    while (piece := cutter.cut()) is not None:
        texts += [piece.line.text] if piece.line else []
    assert texts == [None]
    cutter.feed(b"=0\nAT+ENABLE=1\n")
    assert cutter.cut().line.text == b"AT+ENABLE=1"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (b"AT", Request("", Form.RUN)),
        (b"aT+state?", Request("+STATE", Form.READ)),
        (b"AT+X=?", Request("+X", Form.DESCRIBE)),
        (b"AT+X=1,2", Request("+X", Form.WRITE, b"1,2")),
        (b"AT+X=??", Request("+X", Form.WRITE, b"??")),
        (b"AT+X=", Request("+X", Form.WRITE, b"")),
        (b"ATE1", Request("E1", Form.RUN)),
        (b"AT$@_#", Request("$@_#", Form.RUN)),
    ],
)
def test_requests(text, wanted):
    assert parse(text) == wanted


@pytest.mark.parametrize(
    "text",
    [b"A", b"BT", b" AT", b"AT ", b"AT?", b"AT=?", b"AT=1", b"AT+X?1", b"AT+\xc3?", b"AT\x00"],
)
def test_what_is_no_request(text):
    with pytest.raises(RejectedError):
        parse(text)


@pytest.mark.parametrize(("length", "good"), [(127, True), (128, False)])
def test_the_longest_argument(length, good):
    text = b"AT+X=" + b"1" * length
    if good:
        assert parse(text).argument == b"1" * length
    else:
        with pytest.raises(RejectedError):
            parse(text)


@given(st.binary(max_size=60))
def test_any_bytes_are_a_request_or_refused(text):
    for candidate in (text, b"AT" + text, b"AT+X=" + text):
        try:
            request = parse(candidate)
            assert request.name == request.name.upper()
            assert request.name or request.form is Form.RUN
            if request.form is Form.WRITE:
                assert split(request.argument)
        except RejectedError:
            continue


@pytest.mark.parametrize(
    ("argument", "values"),
    [
        (b"", [b""]),
        (b"1,2", [b"1", b"2"]),
        (b",", [b"", b""]),
        (b'"a,b",1', ["a,b", b"1"]),
        (b'"\\"\\\\\\n"', ['"\\\n']),
        ('"Tür"'.encode(), ["Tür"]),
        (b'""', [""]),
    ],
)
def test_values(argument, values):
    assert split(argument) == values


@pytest.mark.parametrize(
    "argument", [b'"', b'"a', b'"a"b', b'a"b"', b'"a\\t"', b'"\xff"', b'"\x00"', b'"\\"']
)
def test_what_are_no_values(argument):
    with pytest.raises(RejectedError):
        split(argument)


@given(st.text(max_size=40).filter(lambda text: "\x00" not in text))
def test_a_text_that_is_shown_is_read_back(text):
    assert split(shown(text).encode()) == [text]


@pytest.mark.parametrize(
    ("value", "low", "high", "wanted"),
    [
        (b"0", 0, 255, 0),
        (b"00255", 0, 255, 255),
        (b"256", 0, 255, None),
        (b"-1", 0, 255, None),
        (b"+1", 0, 255, None),
        (b"+1", -128, 127, 1),
        (b"-128", -128, 127, -128),
        (b"-129", -128, 127, None),
        (b"1.0", 0, 255, None),
        (b"", 0, 255, None),
        (b"1e1", 0, 255, None),
        ("1", 0, 255, None),
        ("１".encode(), 0, 255, None),
    ],
)
def test_numbers(value, low, high, wanted):
    if wanted is None:
        with pytest.raises(RejectedError):
            number(value, low, high)
    else:
        assert number(value, low, high) == wanted


def test_names_may_be_cut_short_while_only_one_is_meant():
    names = ("+EMETER", "+EMETERMODE", "+ENABLE")
    assert find("+EMETER", names) == "+EMETER"
    assert find("+EN", names) == "+ENABLE"
    for name in ("+E", "+EMETERX", "+F"):
        with pytest.raises(RejectedError):
            find(name, names)


_COLUMNS = (
    Column("UINT8", "RW"),
    Column("STRING", "RO"),
    Column("STRING", "WO", longest=4, optional=True),
)


def test_written_values_leave_out_what_is_read_only():
    assert written(_COLUMNS, [b"1"]) == (1,)
    assert written(_COLUMNS, [b"1", "four"]) == (1, "four")
    for values in ([], [b"1", "fiver"], [b"1", b"2"], [b"1", "a", "b"], [b"256"]):
        with pytest.raises(RejectedError):
            written(_COLUMNS, values)


def test_shown_values_stay_within_their_types_and_hide_secrets():
    assert row_text(_COLUMNS, (300, 'a"b', "secret")) == '255,"a\\"b",""'
    assert row_text((Column("INT8", "RO"),), (-200,)) == "-128"
    assert row_text((Column("UINT32", "WO"),), (7,)) == "0"


def test_messages_begin_and_end_with_the_line_end():
    assert message("OK") == b"\nOK\n"
    assert message("a\nb", b"\r\n") == b"\r\na\r\nb\r\n"
