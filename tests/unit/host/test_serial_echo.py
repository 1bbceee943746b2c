"""Our own bytes are taken out, those of others are not."""

import pytest

from evsed.host.serial_echo import EchoFilter

_FRAME = bytes.fromhex("010302000ab843")
_POLL = bytes.fromhex("01030064000845d3")


@pytest.fixture
def echo():
    return EchoFilter()


def test_an_echo_is_removed_however_it_arrives(echo):
    for number in range(3):
        echo.sent(_FRAME, number + 0.01)
        for byte in _FRAME:
            assert echo.received(bytes([byte]), number + 0.005) == b""
        assert echo.received(_POLL, number + 0.02) == _POLL


def test_an_answer_in_one_read_with_the_echo_is_delivered(echo):
    echo.sent(_FRAME, 0.01)
    assert echo.received(_FRAME + _POLL, 0.015) == _POLL


def test_a_quick_answer_where_nothing_echoes_is_delivered_whole(echo):
    echo.sent(_FRAME, 0.01)
    assert echo.received(_POLL[:1], 0.012) == b""
    assert echo.received(_POLL[1:], 0.013) == _POLL


def test_what_began_like_an_echo_is_delivered_when_no_more_comes(echo):
    echo.sent(_FRAME, 0.01)
    assert echo.received(_FRAME[:2], 0.012) == b""
    assert echo.due_s == pytest.approx(0.03)
    assert echo.overdue(0.02) == b""
    assert echo.overdue(0.031) == _FRAME[:2]
    assert echo.due_s is None


def test_late_bytes_come_before_what_arrives_now(echo):
    echo.sent(_FRAME, 0.01)
    echo.received(_FRAME[:2], 0.012)
    assert echo.received(b"xy", 0.1) == _FRAME[:2] + b"xy"


def test_nothing_is_expected_of_what_was_sent_long_ago(echo):
    echo.sent(_FRAME, 0.01)
    assert echo.received(_FRAME, 0.1) == _FRAME


def test_a_collision_silences_until_it_is_quiet(echo):
    echo.sent(_FRAME, 0.01)
    echo.received(_FRAME, 0.01)
    echo.sent(_FRAME, 1.01)
    assert echo.received(_FRAME[:3] + b"\xff\xff", 1.005) == b""
    assert echo.received(b"\xfe" * 8, 1.02) == b""
    assert echo.received(_POLL, 1.05) == _POLL


def test_after_an_echo_that_did_not_come_nothing_is_thrown_away(echo):
    echo.sent(_FRAME, 0.01)
    echo.received(_FRAME, 0.01)
    echo.sent(_FRAME, 1.01)
    assert echo.received(_POLL, 2.0) == _POLL
    echo.sent(_FRAME, 3.01)
    assert echo.received(_POLL, 3.012) == _POLL


def test_two_writes_in_a_row_are_one_echo(echo):
    echo.sent(b"abc", 0.01)
    echo.sent(b"def", 0.02)
    assert echo.received(b"ab", 0.01) == b""
    assert echo.received(b"cdefX", 0.02) == b"X"


def test_a_request_repeated_at_once_is_no_echo_where_none_was_ever_heard(echo):
    write = bytes.fromhex("0106006a0046288d24")  # its answer has the same bytes
    for number in range(8):
        echo.sent(_FRAME, number + 0.01)
        assert echo.received(_POLL, number + (0.015 if number % 2 else 0.5)) == _POLL
    for number in range(8, 12):
        echo.sent(write, number + 0.01)
        assert echo.received(write, number + 0.015) == write


def test_an_echo_that_fails_now_and_then_goes_on_being_removed(echo):
    for number in range(0, 40, 2):
        echo.sent(_FRAME, number + 0.01)
        assert echo.received(_FRAME, number + 0.01) == b""
        echo.sent(_FRAME, number + 1.01)
        assert echo.received(_POLL, number + 1.5) == _POLL


def test_what_is_never_heard_costs_no_memory(echo):
    for number in range(1000):
        echo.sent(bytes(100), float(number))
    assert len(echo._expected) <= 8 * 1024
