"""Duty arithmetic."""

import pytest

from evsed.charging.pilot import duty_ppm


@pytest.mark.parametrize(
    ("amperes", "ppm"),
    [
        (6, 100_000),
        (10, 166_666),
        (13.5, 225_000),
        (16, 266_666),
        (20, 333_333),
        (32, 533_333),
        (48, 800_000),
        (51, 850_000),
        (52.5, 850_000),
        (63, 892_000),
        (80, 960_000),
    ],
)
def test_known_duties(amperes: float, ppm: int) -> None:
    assert duty_ppm(round(amperes * 10)) == ppm


@pytest.mark.parametrize("offered_da", [59, 801, 0, -60])
def test_no_duty_outside_6_to_80_a(offered_da: int) -> None:
    with pytest.raises(ValueError, match="outside"):
        duty_ppm(offered_da)
