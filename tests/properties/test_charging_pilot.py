"""Reading the pilot: noise, resistors at their limits, nonsense."""

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evsed.charging.debounce import PilotLine, follow_window
from evsed.charging.pilot_window import PilotWindow, classify, diode_found, measure, zero_mv
from evsed.charging.rules import PilotLevels
from evsed.charging.states import PilotMode, PilotReading

LEVELS = PilotLevels()
NOMINAL = {
    2560: PilotReading.V12,
    2252: PilotReading.V9,
    1945: PilotReading.V6,
    1637: PilotReading.V3,
    1330: PilotReading.V0,
}
#: volts the standard permits at the charger, and what they say. Source: charging.md section 4.2.
PERMITTED_V = [
    (11.0, 13.0, PilotReading.V12),
    (8.0, 10.0, PilotReading.V9),
    (5.0, 7.0, PilotReading.V6),
    (2.0, 4.0, PilotReading.V3),
]
PROFILE = settings(max_examples=60, derandomize=True, deadline=None)
noise_mv = st.integers(-5, 5)


def adc_mv(volts: float) -> int:
    return round(1330 + 102.5 * volts)


def readings(high_mv: int, low_mv: int, duty_ppm: int, noise: Sequence[int]) -> list[int]:
    high = round(240 * duty_ppm / 1_000_000)
    plain = [high_mv] * high + [low_mv] * (240 - high)
    return [mv + noise[index % len(noise)] for index, mv in enumerate(plain)]


def read(samples: list[int], mode: PilotMode, duty_ppm: int) -> PilotWindow:
    at = {"levels": LEVELS, "started_ms": 0, "ended_ms": 10}
    return measure(samples, mode=mode, duty_ppm=duty_ppm, **at)


@PROFILE
@given(
    plateau=st.sampled_from(sorted(NOMINAL)),
    duty_ppm=st.integers(100_000, 892_000),
    noise=st.lists(noise_mv, min_size=7, max_size=31),
    present=st.sampled_from([None, *PilotReading]),
    diode=st.booleans(),
)
def test_noise_of_5_mv_changes_no_reading_of_a_nominal_plateau(
    plateau: int, duty_ppm: int, noise: list[int], present: PilotReading | None, diode: bool
) -> None:
    low_mv = 100 if diode else 2 * zero_mv(LEVELS) - plateau
    if plateau == 1330 and not diode:
        low_mv = plateau
    pulsed = read(readings(plateau, low_mv, duty_ppm, noise), PilotMode.PWM, duty_ppm)
    steady = read(readings(plateau, plateau, duty_ppm, noise)[:8], PilotMode.HIGH, 0)

    assert classify(pulsed, LEVELS, present) is NOMINAL[plateau]
    assert classify(steady, LEVELS, present) is NOMINAL[plateau]
    if plateau in {2252, 1945, 1637}:
        assert diode_found(pulsed, LEVELS) is diode


@pytest.mark.parametrize(("low_v", "high_v", "reading"), PERMITTED_V)
def test_every_voltage_the_standard_permits_is_read_as_it_means(
    low_v: float, high_v: float, reading: PilotReading
) -> None:
    for tenth in range(round(low_v * 10), round(high_v * 10) + 1):
        window = PilotWindow(
            started_ms=0, ended_ms=10, mode=PilotMode.HIGH, high_mv=adc_mv(tenth / 10)
        )
        assert {classify(window, LEVELS, present) for present in (None, *PilotReading)} == {reading}


@pytest.mark.parametrize("diode_v", [0.55, 0.7, 0.85])
@pytest.mark.parametrize(
    ("load_ohm", "reading"),
    [
        (1870, PilotReading.V9),
        (2740, PilotReading.V9),
        (4610, PilotReading.V9),
        (909 * 2740 / (909 + 2740), PilotReading.V6),
        (882, PilotReading.V6),
        (1723 * 2740 / (1723 + 2740), PilotReading.V6),
        (246, PilotReading.V3),
    ],
)
def test_resistors_at_their_limits_are_read_as_they_mean(
    load_ohm: float, reading: PilotReading, diode_v: float
) -> None:
    volts = diode_v + (12 - diode_v) * load_ohm / (load_ohm + 1000)
    samples = readings(adc_mv(volts), adc_mv(-12), 266_666, [0])

    window = read(samples, PilotMode.PWM, 266_666)
    assert classify(window, LEVELS, None) is reading
    assert diode_found(window, LEVELS)


@PROFILE
@given(
    samples=st.lists(st.integers(0, 3300), max_size=300),
    mode=st.sampled_from(PilotMode),
    duty_ppm=st.integers(100_000, 892_000),
    present=st.sampled_from([None, *PilotReading]),
)
def test_whatever_is_sampled_there_is_a_reading(
    samples: list[int], mode: PilotMode, duty_ppm: int, present: PilotReading | None
) -> None:
    window = read(samples, mode, duty_ppm)

    assert classify(window, LEVELS, present) in PilotReading
    assert not diode_found(window, LEVELS) or mode is PilotMode.PWM
    follow_window(PilotLine(stable=present), window, LEVELS)


@PROFILE
@given(st.lists(st.sampled_from([2560, 2252, 1945, 1637, 1330, None]), min_size=1, max_size=60))
def test_a_reading_settles_only_after_windows_that_said_it(plateaus: list[int | None]) -> None:
    line = PilotLine()
    for index, high_mv in enumerate(plateaus):
        window = PilotWindow(
            started_ms=10 * index, ended_ms=10 * index + 10, mode=PilotMode.HIGH, high_mv=high_mv
        )
        before, line = line, follow_window(line, window, LEVELS)
        if line.stable is not before.stable:
            least = 2 if before.stable in {PilotReading.V6, PilotReading.V3} else 10
            said = plateaus[max(0, index + 1 - least) : index + 1]
            assert len(said) == least
            assert len(set(said)) == 1
