"""The duty of every current that can be offered."""

from fractions import Fraction
from itertools import pairwise

from evsed.charging.pilot import duty_ppm

OFFERS_DA = range(60, 631)


def ideal_ppm(offered_da: int) -> Fraction:
    """Return the exact duty of the formula that holds at this current."""
    if offered_da <= 510:
        return Fraction(offered_da * 5000, 3)
    return Fraction(offered_da * 400 + 640_000)


def decoded_a(ppm: int) -> Fraction:
    """Return what a vehicle makes of a duty. Source: charging.md section 3."""
    percent = Fraction(ppm, 10_000)
    return percent * Fraction(6, 10) if percent <= 85 else (percent - 64) * Fraction(5, 2)


def test_a_higher_current_never_has_a_lower_duty() -> None:
    duties = [duty_ppm(offered_da) for offered_da in OFFERS_DA]

    assert all(before <= after for before, after in pairwise(duties))
    assert (duties[0], duties[-1]) == (100_000, 892_000)


def test_no_duty_promises_more_than_was_asked_for() -> None:
    assert all(decoded_a(duty_ppm(da)) <= Fraction(da, 10) for da in OFFERS_DA)


def test_every_duty_is_the_ideal_one_to_a_ten_thousandth() -> None:
    for offered_da in OFFERS_DA:
        if 510 < offered_da <= 525:
            assert duty_ppm(offered_da) == 850_000
            continue
        assert 0 <= 1 - duty_ppm(offered_da) / ideal_ppm(offered_da) < Fraction(1, 10_000)


def test_every_current_is_decoded_to_a_hundredth_of_an_ampere() -> None:
    for offered_da in OFFERS_DA:
        error_a = Fraction(offered_da, 10) - decoded_a(duty_ppm(offered_da))
        assert 0 <= error_a <= (Fraction(15, 10) if 510 < offered_da <= 525 else Fraction(1, 100))
