"""What a soak is judged by: growth over many points, alarms, an interrupted charge."""

import random

import pytest
from growth import growth, slope

from .watch import MOST_MB, Point, judge


def points(*, rises_mb=0.0, descriptors=0.0, alarm="", trouble="", wild=True):
    dice = random.Random(1)  # noqa: S311  # the same in every run
    found = []
    for number in range(200):
        noise_mb = dice.uniform(-1, 1) + (30 if wild and number % 20 == 0 else 0)
        found.append(
            Point(
                at_s=number * 10.0,
                rss_mb=60 + noise_mb + rises_mb * number / 200,
                descriptors=40 + round(descriptors * number / 200),
                threads=20,
                late_us=9_000,
                late=0,
                passes=number * 500,
                alarms=(alarm,) if alarm and number == 50 else (),
                trouble=trouble if number == 50 else "",
            )
        )
    return found


def test_a_steady_charger_passes_however_its_memory_jitters():
    verdict = judge(points())
    assert verdict.troubles == []
    assert "latest pass 9.0 ms" in "\n".join(verdict.lines)


@pytest.mark.parametrize(
    ("what", "word"),
    [
        ({"rises_mb": 3 * MOST_MB}, "memory"),
        ({"descriptors": 30}, "file descriptors"),
        ({"alarm": "energy_not_saved"}, "alarm energy_not_saved"),
        ({"trouble": "E ['pilot_fault']"}, "interrupted: E ['pilot_fault'] after 500 s"),
    ],
)
def test_growth_alarms_and_interruptions_fail(what, word):
    (trouble,) = judge(points(**what)).troubles
    assert word in trouble


def test_growth_during_the_first_quarter_is_no_leak():
    found = points(wild=False)
    cold = [
        Point(**{**point.__dict__, "rss_mb": 20 + point.at_s / 20}) if point.at_s < 400 else point
        for point in found
    ]
    assert judge(cold).troubles == []


def test_a_line_is_not_turned_by_wild_points():
    line = [(float(x), 2.0 * x + (1000 if x % 10 == 3 else 0)) for x in range(100)]
    assert slope(line) == pytest.approx(2, abs=0.1)
    assert growth(line) == pytest.approx(198, rel=0.05)
    assert growth([]) == slope([(1.0, 1.0)]) == 0
