"""From readings to plateaus, from plateaus to readings."""

import pytest

from evsed.charging.pilot_window import PilotWindow, classify, diode_found, measure, zero_mv
from evsed.charging.rules import PilotLevels
from evsed.charging.states import PilotMode, PilotReading

LEVELS = PilotLevels()
AT = {"levels": LEVELS, "started_ms": 0, "ended_ms": 10}


def square(high_mv: int, low_mv: int, *, high: int = 80, low: int = 160) -> list[int]:
    return [high_mv] * high + [low_mv] * low


def swing(readings: list[int], duty_ppm: int = 333_333) -> PilotWindow:
    return measure(readings, mode=PilotMode.PWM, duty_ppm=duty_ppm, **AT)


def steady(readings: list[int], mode: PilotMode) -> PilotWindow:
    return measure(readings, mode=mode, duty_ppm=0, **AT)


def test_both_plateaus_of_a_square_wave_are_found() -> None:
    window = swing(square(1945, 100))

    assert (window.high_mv, window.low_mv, window.plausible) == (1945, 100, True)
    assert diode_found(window, LEVELS)


def test_a_window_tells_when_it_was_measured_and_what_was_driven() -> None:
    window = swing(square(1945, 100))

    assert (window.started_ms, window.ended_ms, window.mode) == (0, 10, PilotMode.PWM)


def test_readings_on_an_edge_are_dropped() -> None:
    readings = [1945] * 70 + [1200, 1300, 1400, 1500, 1600, 1700] + [100] * 160

    assert swing(readings).high_mv == 1945


def test_a_share_of_high_readings_that_was_not_commanded_is_not_plausible() -> None:
    assert swing(square(1945, 100), 390_000).plausible
    assert not swing(square(1945, 100), 400_000).plausible
    assert not swing(square(1945, 100), 270_000).plausible


@pytest.mark.parametrize(
    "readings",
    [[1945] * 9, square(1945, 100, high=3, low=160), square(1945, 100, high=3, low=9), []],
)
def test_too_few_readings_are_no_window(readings: list[int]) -> None:
    window = swing(readings)

    assert classify(window, LEVELS, None) is PilotReading.INVALID
    assert not window.plausible


def test_a_flat_line_near_0_v_is_a_short_and_elsewhere_a_dead_generator() -> None:
    assert classify(swing([1330] * 200), LEVELS, None) is PilotReading.V0
    assert classify(swing([2560] * 200), LEVELS, None) is PilotReading.INVALID
    assert classify(swing([100] * 200), LEVELS, None) is PilotReading.INVALID


@pytest.mark.parametrize(
    ("mv", "reading"),
    [
        (728, PilotReading.INVALID),
        (729, PilotReading.V0),
        (1483, PilotReading.V0),
        (1484, PilotReading.INVALID),
    ],
)
def test_a_short_lies_between_the_thresholds_of_minus_12_and_3_v(
    mv: int, reading: PilotReading
) -> None:
    assert classify(swing([mv] * 200), LEVELS, None) is reading


def test_0_v_reads_what_the_thresholds_of_10_5_and_1_5_v_say() -> None:
    assert zero_mv(LEVELS) == 1331
    assert zero_mv(PilotLevels(v12=1050, v3=150)) == 0


@pytest.mark.parametrize("high_mv", [2252, 1945, 1637])
def test_a_mirrored_swing_has_no_diode(high_mv: int) -> None:
    window = swing(square(high_mv, 2 * zero_mv(LEVELS) - high_mv))

    assert window.plausible
    assert not diode_found(window, LEVELS)


@pytest.mark.parametrize(
    ("off_mv", "diode"), [(101, False), (102, True), (-101, False), (-102, True)]
)
def test_what_is_1_v_from_a_mirrored_swing_has_a_diode(off_mv: int, diode: bool) -> None:
    window = swing(square(2252, 2 * zero_mv(LEVELS) - 2252 + off_mv))

    assert diode_found(window, LEVELS) is diode


@pytest.mark.parametrize(("low_mv", "diode"), [(728, True), (729, False)])
def test_a_diode_reaches_the_threshold_of_minus_12_v(low_mv: int, diode: bool) -> None:
    assert diode_found(swing(square(2252, low_mv)), LEVELS) is diode


def test_a_steady_pilot_has_one_plateau() -> None:
    assert steady([2252] * 8, PilotMode.HIGH).high_mv == 2252
    assert steady([100] * 8, PilotMode.LOW).low_mv == 100
    assert steady([2252] * 8, PilotMode.HIGH).low_mv is None
    assert not steady([2252] * 4, PilotMode.HIGH).plausible
    assert not steady([2252] * 4 + [1000] * 4, PilotMode.HIGH).plausible
    assert not diode_found(steady([2252] * 8, PilotMode.HIGH), LEVELS)


@pytest.mark.parametrize(
    ("present", "upwards_mv", "downwards_mv"),
    [(None, 2099, 2098), (PilotReading.V9, 2139, 2058), (PilotReading.V6, 2139, 2138)],
)
def test_the_present_reading_is_favored(
    present: PilotReading | None, upwards_mv: int, downwards_mv: int
) -> None:
    def read(high_mv: int) -> PilotReading:
        at = {"started_ms": 0, "ended_ms": 10, "mode": PilotMode.HIGH}
        return classify(PilotWindow(**at, high_mv=high_mv), LEVELS, present)

    assert read(upwards_mv) is PilotReading.V9
    assert read(downwards_mv) is PilotReading.V6


def test_after_an_invalid_reading_nothing_is_favored() -> None:
    window = steady([2099] * 8, PilotMode.HIGH)

    assert classify(window, LEVELS, PilotReading.INVALID) is PilotReading.V9
