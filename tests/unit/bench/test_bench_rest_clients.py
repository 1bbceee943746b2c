import pytest

from evsed.bench.rest_clients import after_answer

ANSWER = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 7\r\n\r\n{"a":1}'


@pytest.mark.parametrize("length", range(len(ANSWER)))
def test_an_answer_that_is_cut_short_is_not_complete(length):
    assert after_answer(ANSWER[:length]) is None


def test_what_follows_an_answer_is_kept():
    assert after_answer(ANSWER) == b""
    assert after_answer(ANSWER + b"HTTP/1.1 ") == b"HTTP/1.1 "


def test_an_answer_without_a_body_ends_with_its_head():
    assert after_answer(b"HTTP/1.1 204 No Content\r\n\r\n") == b""
