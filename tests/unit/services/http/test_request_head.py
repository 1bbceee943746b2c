import pytest
from hypothesis import given
from hypothesis import strategies as st

from evsed.services.http.head import end_of_head, end_of_newlines, with_known_method


@pytest.mark.parametrize("method", [b"BREW", b"CONNECT", b"get", b"X" * 40, b"M-SEARCH", b"QUERY"])
@pytest.mark.parametrize("target", [b"/", b"*", b"http://x/"])
def test_methods_nobody_offers_become_one_the_parser_knows(method, target):
    assert with_known_method(method + b" " + target + b" HTTP/1.1\r\n") == (
        b"PURGE " + target + b" HTTP/1.1\r\n"
    )


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\n",
        b"PROPFIND /dav/ HTTP/1.1\r\n",
        b"G",
        b"",
        b"X" * 41 + b" / HTTP/1.1",
        b"G\0T / HTTP/1.1",
        b"\x16\x03\x01",
        b"BREW  / HTTP/1.1",
    ],
)
def test_everything_else_is_left_to_the_parser(data):
    assert with_known_method(data) == data


@pytest.mark.parametrize(
    ("data", "before", "end"),
    [
        (b"GET / HTTP/1.1\r\n\r\nrest", b"", 18),
        (b"GET / HTTP/1.1\n\nrest", b"", 16),
        (b"\nrest", b"\n\r", 1),
        (b"\r\nrest", b"x\r\n", 2),
        (b"\nrest", b"\r\n", 1),
        (b"a: b\r\n", b"", None),
        (b"\n", b"", None),
        (b"", b"\r\n\r", None),
    ],
)
def test_the_empty_line_is_found_also_across_two_pieces(data, before, end):
    assert end_of_head(data, 0, before) == end


@given(st.binary(max_size=12).map(lambda b: bytes(b"\r\na"[x % 3] for x in b)), st.data())
def test_however_it_is_cut_the_same_empty_line_is_found(data, draw):
    whole = end_of_head(data, 0, b"")
    position, before, found = 0, b"", None
    while position < len(data) and found is None:
        size = draw.draw(st.integers(1, 4))
        piece = data[position : position + size]
        end = end_of_head(piece, 0, before)
        found = None if end is None else position + end
        before = (before + piece)[-3:]
        position += len(piece)
    assert found == whole


def test_empty_lines_before_a_request_are_skipped():
    assert end_of_newlines(b"x\r\n\r\nGET", 1) == 5
    assert end_of_newlines(b"GET", 0) == 0
