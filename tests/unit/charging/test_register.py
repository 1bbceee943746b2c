"""The meter's own register has the last word; what is counted never falls."""

import random

from evsed.charging.register import Register, follow

WH = 3_600_000
KW_20_MS = 20_000  # 1 kW for one pass, in mWs


class Meter:
    """A register of one step size, read once a second, and a pass every 20 ms."""

    def __init__(self, step_mws, *, watts=7_000, measured_watts=None, already_mws=12_345 * WH):
        self.step_mws, self.watts = step_mws, watts
        self.measured_watts = watts if measured_watts is None else measured_watts
        self.true_mws = already_mws
        self.began_mws = already_mws
        self.now_ms = 0
        self.closed = True
        self.silent = False
        self.following = None
        self.counted_mws = 0
        self.register = None

    def read(self):
        shown = self.true_mws // self.step_mws * self.step_mws
        self.register = Register(
            mws=shown, step_mws=self.step_mws, taken_ms=self.now_ms, closed=self.closed
        )

    def run(self, seconds):
        for number in range(seconds * 50):
            if not number % 50 and not self.silent:
                self.read()
            flowing = self.watts if self.closed else 0
            gained = (self.measured_watts if self.closed else 0) * 20
            seen = None if self.silent else self.register
            self.following, gained = follow(self.following, gained, seen)
            assert gained >= 0
            self.counted_mws += gained
            self.true_mws += flowing * 20
            self.now_ms += 20

    @property
    def error_mws(self):
        return self.counted_mws - (self.true_mws - self.began_mws)


def test_watts_that_are_wrong_are_put_right_by_the_register():
    for measured in (6_000, 8_000):
        meter = Meter(WH, measured_watts=measured)
        meter.run(1800)
        assert abs(meter.error_mws) <= 2 * WH + 8_000 * 1000


def test_a_coarse_register_does_not_make_the_count_jump():
    meter = Meter(100 * WH)
    meter.run(600)
    assert abs(meter.error_mws) < WH


def test_what_flowed_while_the_meter_was_silent_is_made_up_for():
    meter = Meter(WH, measured_watts=0)
    meter.run(60)
    meter.silent = True
    meter.run(600)
    meter.silent = False
    meter.run(10)
    assert abs(meter.error_mws) <= 4 * WH  # two steps, and what flows from one reading to the next


def test_what_was_assumed_too_much_is_waited_for():
    meter = Meter(WH)
    meter.run(60)
    meter.silent, meter.measured_watts = True, 11_000
    meter.run(300)
    ahead = meter.error_mws
    assert ahead > 300 * WH
    meter.silent, meter.measured_watts = False, 7_000
    before = meter.counted_mws
    meter.run(60)
    assert meter.counted_mws == before
    meter.run(240)
    assert abs(meter.error_mws) <= 3 * WH


def test_the_register_may_bring_late_what_flowed_before_the_contactor_opened():
    meter = Meter(WH, measured_watts=0)
    meter.run(60)
    meter.closed = False
    meter.run(20)
    assert meter.following is None
    assert abs(meter.error_mws) <= 2 * WH


def test_a_meter_that_was_replaced_goes_on_from_where_the_count_is():
    for new_mws in (5 * WH, 900_000 * WH):
        meter = Meter(WH)
        meter.run(120)
        moved = new_mws - meter.true_mws
        meter.true_mws += moved
        meter.began_mws += moved
        meter.run(120)
        assert meter.following.jumped
        assert abs(meter.error_mws) <= 3 * WH


def test_a_rise_that_no_charger_draws_is_a_jump():
    following, _ = follow(None, 0, Register(mws=0, step_mws=WH, taken_ms=10**6, closed=True))
    most_mws = 200_000_000 + 2 * WH  # 200 kW for a second, and two steps
    for risen_mws, jumped in ((most_mws, False), (most_mws + 1, True)):
        later = Register(mws=risen_mws, step_mws=WH, taken_ms=10**6 + 1000, closed=True)
        assert follow(following, 0, later)[0].jumped is jumped


def test_without_a_register_watts_count_alone():
    assert follow(None, 77, None) == (None, 77)


def test_whatever_a_register_says_the_count_never_falls_nor_runs_away():
    dice = random.Random(5)  # noqa: S311 - a seeded story
    following, counted = None, 0
    mws, now_ms = 10**9, 0
    for _ in range(20_000):
        now_ms += 20
        mws += dice.choice((0, 0, 10_000, 200_000, -(10**8), 10**12))
        register = Register(
            mws=max(mws, 0), step_mws=WH, taken_ms=now_ms, closed=dice.random() < 0.9
        )
        following, gained = follow(following, KW_20_MS, register if dice.random() < 0.9 else None)
        assert gained >= 0
        counted += gained
    assert counted < 20_000 * (2 * WH + 4_000_000)
