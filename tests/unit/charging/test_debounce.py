"""How long a reading has to last before it is believed."""

import pytest
from exploration.explorer import WINDOW_MS, window

from evsed.charging.debounce import PilotLine, follow_window
from evsed.charging.rules import PilotLevels
from evsed.charging.states import PilotMode, PilotReading

LEVELS = PilotLevels()


def settled_after_ms(line: PilotLine, kind: str) -> int:
    """Return from the end of the first window of a kind to the end of the one that settles it."""
    before = line.stable
    for begin_ms in range(0, 1000, WINDOW_MS):
        line = follow_window(line, window(kind, PilotMode.PWM, begin_ms), LEVELS)
        if line.stable is not before:
            return begin_ms
    raise AssertionError("a reading that never settles")


@pytest.mark.parametrize(
    ("before", "kind", "after_ms"),
    [
        (None, "12", 100),
        (None, "6", 100),
        (PilotReading.V12, "9", 100),
        (PilotReading.V12, "6", 100),
        (PilotReading.V9, "6", 250),
        (PilotReading.V9, "3", 250),
        (PilotReading.V6, "3", 100),
        (PilotReading.V9, "12", 200),
        (PilotReading.V6, "12", 200),
        (PilotReading.V9, "0", 150),
        (PilotReading.V6, "!", 150),
        (PilotReading.V6, "9", WINDOW_MS),
        (PilotReading.V3, "9", WINDOW_MS),
    ],
)
def test_a_reading_settles_after_its_time(
    before: PilotReading | None, kind: str, after_ms: int
) -> None:
    assert settled_after_ms(PilotLine(stable=before), kind) == after_ms


def test_a_reading_that_is_interrupted_starts_again() -> None:
    line = PilotLine(stable=PilotReading.V12)
    for number, kind in enumerate(("9",) * 9 + ("6",)):
        line = follow_window(line, window(kind, PilotMode.PWM, number * WINDOW_MS), LEVELS)

    assert settled_after_ms(line, "9") == 100
