from datetime import datetime

import pytest

from evsed.errors import RejectedError
from evsed.settings.tariff import SESSIONS, SessionsSettings, Window, patched_sessions

NIGHT = {"start": "22:30", "end": "06:00", "price": 0.2155}


def patched(**patch):
    return patched_sessions(SessionsSettings(), patch)


def at(text):
    return datetime.fromisoformat(text)  # a local time


def test_prices_have_four_decimals_and_come_back_as_written():
    settings = patched(price=0.3219, currency="CHF", prices=[NIGHT])
    assert settings.price_e4 == 3219
    assert SESSIONS.shown(settings) == {
        "currency": "CHF",
        "price": 0.3219,
        "sampleDays": 400,
        "prices": [{**NIGHT, "days": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]}],
    }
    assert SESSIONS.restored(SESSIONS.kept(settings), None)[0] == settings


@pytest.mark.parametrize(
    ("local", "price_e4"),
    [
        ("2026-03-02 22:29", 3219),
        ("2026-03-02 22:30", 2155),
        ("2026-03-02 23:59", 2155),
        ("2026-03-03 00:00", 2155),
        ("2026-03-03 05:59", 2155),
        ("2026-03-03 06:00", 3219),
    ],
)
def test_a_window_may_go_past_midnight(local, price_e4):
    assert patched(price=0.3219, prices=[NIGHT]).price_at(at(local)) == price_e4


def test_the_day_of_a_window_is_the_one_it_starts_on():
    settings = patched(price=1, prices=[{**NIGHT, "days": ["sun"]}])
    assert settings.price_at(at("2026-03-01 23:00")) == 2155  # a Sunday
    assert settings.price_at(at("2026-03-02 03:00")) == 2155
    assert settings.price_at(at("2026-03-02 23:00")) == 10_000
    assert settings.price_at(at("2026-03-01 03:00")) == 10_000


def test_the_first_window_that_fits_is_in_force():
    settings = patched(prices=[{"price": 1, "days": ["tue"]}, {"price": 2}])
    assert settings.price_at(at("2026-03-03 12:00")) == 10_000
    assert settings.price_at(at("2026-03-04 12:00")) == 20_000


@pytest.mark.parametrize(
    ("patch", "key"),
    [
        ({"price": -0.1}, "price"),
        ({"price": 1000.5}, "price"),
        ({"price": True}, "price"),
        ({"price": float("nan")}, "price"),
        ({"sampleDays": 0}, "sampleDays"),
        ({"currency": ""}, "currency"),
        ({"prices": {}}, "prices"),
        ({"prices": [NIGHT] * 25}, "prices"),
        ({"prices": [{"start": "08:00"}]}, "prices[0]"),
        ({"prices": [NIGHT, {"price": 1, "start": "24:30"}]}, "prices[1].start"),
        ({"prices": [{"price": 1, "end": "6:000"}]}, "prices[0].end"),
        ({"prices": [{"price": 1, "start": "08:00", "end": "08:00"}]}, "prices[0].start"),
        ({"prices": [{"price": 1, "days": []}]}, "prices[0].days"),
        ({"prices": [{"price": 1, "days": ["monday"]}]}, "prices[0].days"),
        ({"prices": [{"price": 1, "days": [1]}]}, "prices[0].days"),
        ({"prices": [{"price": 1, "days": "mon"}]}, "prices[0].days"),
    ],
)
def test_what_is_not_permitted_is_refused_with_its_key(patch, key):
    with pytest.raises(RejectedError) as refused:
        patched(**patch)
    assert refused.value.key == key


def test_a_whole_day_is_a_window():
    assert Window().covers(at("2026-03-02 00:00"))
    assert Window().covers(at("2026-03-02 23:59"))
