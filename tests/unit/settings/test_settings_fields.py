"""How one setting is checked: types, ranges, and what a refusal says."""

from dataclasses import dataclass

import pytest

from evsed.errors import RejectedError
from evsed.settings.fields import current, flag, settings_of, whole, wire_name, word
from evsed.settings.schema import EVSE


@dataclass(frozen=True)
class _Example:
    coffee_cups_ms: int = whole(2, low=1, high=5, unit="ms", about="a")
    plain_count: int = whole(2, low=0, high=3, about="b")
    strength_da: int = current(160, low=6, high=32, about="c")
    sugar: bool = flag(False, about="d")
    milk: bool = flag(True, about="e", or_bit=True)
    bean: str = word("red", words=("red", "green"), about="f")


KEYS = settings_of(_Example)
NUMBERS = [one for one in EVSE.values() if one.high]


HUGE = 10**5000  # more digits than Python prints


def _refusal(key, value, **more):
    with pytest.raises(RejectedError) as refusal:
        KEYS[key].check(value, **more)
    assert refusal.value.key == key
    return refusal.value.reason


def test_a_declaration_gives_default_and_wire_name():
    assert (_Example().coffee_cups_ms, _Example().milk, _Example().bean) == (2, True, "red")
    assert list(KEYS) == ["coffeeCups", "plainCount", "strength", "sugar", "milk", "bean"]
    assert KEYS["coffeeCups"].about == "a"


@pytest.mark.parametrize(
    ("name", "wire"),
    [
        ("max_charging_current_a", "maxChargingCurrent"),
        ("energy_meter_ac_voltage_v", "energyMeterAcVoltage"),
        ("rcm", "rcm"),
        ("ws", "ws"),
    ],
)
def test_the_wire_name_has_no_unit(name, wire):
    assert wire_name(name) == wire


@pytest.mark.parametrize(
    ("key", "value", "taken"),
    [
        ("coffeeCups", 5, 5),
        ("coffeeCups", 5.0, 5),
        ("strength", 6, 60),
        ("strength", 6.0, 60),
        ("strength", 13.57, 136),
        ("strength", 13.54, 135),
        ("strength", 32.0000005, 320),
        ("strength", 5.9999995, 60),
        ("sugar", True, True),
        ("milk", False, False),
        ("milk", 1, True),
        ("milk", 0, False),
        ("milk", 1.0, True),
        ("bean", "green", "green"),
    ],
)
def test_a_permitted_value_is_taken_as_the_core_holds_it(key, value, taken):
    found = KEYS[key].check(value)
    assert found == taken
    assert type(found) is type(taken)


@pytest.mark.parametrize(
    ("key", "values", "wanted"),
    [
        ("coffeeCups", [0, 6, 2.5, True, "2", None, [], {}], "a whole number 1 … 5 ms"),
        ("plainCount", [-1, 4, float("nan"), float("inf")], "a whole number 0 … 3"),
        ("strength", [5.96, 32.04, 5.99999, True, "9", None, float("nan")], "a number 6 … 32 A"),
        ("strength", [float("inf"), -float("inf"), 10**400, -5], "a number 6 … 32 A"),
        ("sugar", [0, 1, "true", None, []], "true or false"),
        ("milk", [2, -1, 0.5, "1", None], "true or false (or 1 or 0)"),
        ("bean", ["Red", "", 1, None, ["red"]], "one of red, green"),
    ],
)
def test_a_refusal_names_key_value_and_range(key, values, wanted):
    for value in values:
        assert _refusal(key, value).endswith(f" is not permitted, expected {wanted}")


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "null"),
        ({}, "an object"),
        ([1], "a list"),
        (True, "true"),
        ("a\ud800", "'a\\ud800'"),
        ("x" * 90, f"'{'x' * 39}…"),
    ],
)
def test_a_refusal_shows_the_value_short_and_printable(value, shown):
    assert _refusal("plainCount", value).startswith(f"{shown} is not permitted")


@pytest.mark.parametrize("key", ["plainCount", "strength", "sugar", "milk", "bean"])
def test_a_number_too_long_to_print_is_refused(key):
    for value in (HUGE, -HUGE):
        assert _refusal(key, value).startswith("such a number is not permitted")


def test_a_lower_ceiling_is_the_one_that_is_named():
    assert KEYS["strength"].check(16, high=16) == 160
    assert _refusal("strength", 16.04, high=16).endswith("expected a number 6 … 16 A")


@pytest.mark.parametrize("one", NUMBERS, ids=[one.wire for one in NUMBERS])
def test_every_number_of_the_charger_is_taken_up_to_its_edges_and_not_beyond(one):
    factor = 10 if one.name.endswith("_da") else 1
    assert one.check(one.low) == one.low * factor
    assert one.check(one.high) == one.high * factor
    for outside in (one.low - 1, one.high + 1, one.low - 0.01, one.high + 0.01):
        with pytest.raises(RejectedError, match=f"{one.low} … {one.high}") as refusal:
            one.check(outside)
        assert refusal.value.key == one.wire


@pytest.mark.parametrize("one", EVSE.values(), ids=list(EVSE))
def test_every_setting_has_a_meaning_and_refuses_null(one):
    assert one.about
    with pytest.raises(RejectedError):
        one.check(None)
