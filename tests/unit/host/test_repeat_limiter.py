"""Many equal events: few lines."""

import logging

import pytest

from evsed.host.repeat_limiter import RepeatLimiter


class Clock:
    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_the_first_event_of_a_kind_is_said(clock):
    limiter = RepeatLimiter(clock=clock)
    assert limiter.admit("a") == 0
    assert limiter.admit("b") == 0


def test_within_the_period_a_kind_is_silent_and_then_tells_how_often(clock):
    limiter = RepeatLimiter(period_s=60, clock=clock)
    limiter.admit("a")
    for _ in range(5):
        clock.now_s += 10
        assert limiter.admit("a") is None
    clock.now_s += 10
    assert limiter.admit("a") == 5
    clock.now_s += 60
    assert limiter.admit("a") == 0


def test_a_client_who_invents_kinds_costs_neither_memory_nor_lines(clock):
    limiter = RepeatLimiter(kinds=8, clock=clock)
    said = [number for number in range(10_000) if limiter.admit(number) is not None]
    assert len(said) == 8
    assert len(limiter._kinds) <= 8


def test_after_a_flood_of_kinds_new_ones_are_said_again(clock):
    limiter = RepeatLimiter(kinds=8, clock=clock)
    for number in range(100):
        limiter.admit(number)
    clock.now_s += 60
    assert limiter.admit("new") == 0


def test_a_line_after_silence_carries_the_count(clock, caplog):
    limiter, logger = RepeatLimiter(clock=clock), logging.getLogger("door")
    with caplog.at_level(logging.INFO):
        limiter.log(logger, logging.INFO, "k", "refused %s", "1.2.3.4")
        limiter.log(logger, logging.INFO, "k", "refused %s", "1.2.3.4")
        clock.now_s += 61
        limiter.log(logger, logging.INFO, "k", "refused %s", "1.2.3.4")
    assert [record.getMessage() for record in caplog.records] == [
        "refused 1.2.3.4",
        "refused 1.2.3.4 (and 1 more like this before)",
    ]
