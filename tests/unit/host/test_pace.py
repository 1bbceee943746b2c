"""How much may be asked for: for long, and at once."""

import pytest

from evsed.host.pace import Allowance


class Clock:
    def __init__(self):
        self.now_s = 10.0

    def __call__(self):
        return self.now_s


def test_so_much_at_once_and_so_much_a_second():
    clock = Clock()
    allowance = Allowance(250, 100, clock)
    assert [allowance.take() for _ in range(101)] == [True] * 100 + [False]
    clock.now_s = 10.25
    assert [allowance.take() for _ in range(63)] == [True] * 62 + [False]
    clock.now_s = 99.0
    assert [allowance.take() for _ in range(101)] == [True] * 100 + [False]


def test_whoever_spends_more_than_there_is_waits_until_it_is_made_good():
    clock = Clock()
    allowance = Allowance(10, 5, clock)
    assert [allowance.spend() for _ in range(7)] == [0, 0, 0, 0, 0, 0.1, 0.2]
    clock.now_s = 10.2
    assert allowance.spend(3) == pytest.approx(0.3)
    assert not allowance.take()
