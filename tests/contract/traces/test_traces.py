"""Every recorded trace, replayed against the charging rules."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from evsed.station.replay import Difference
from evsed.station.replay import replay as run_trace
from evsed.station.trace import Trace, parse_trace

FILES = sorted(Path(__file__).parent.glob("*.jsonl"))
#: moments at which the traces check something; a lost file or line shows here
EXPECTATIONS = 1087


def read(file: Path) -> Trace:
    with file.open(encoding="utf-8") as lines:
        return parse_trace(lines, source=file.name)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_the_rules_show_everything_the_trace_expects(file: Path) -> None:
    trace = read(file)

    verdict = run_trace(trace)

    assert verdict.differences == ()
    assert verdict.checked == sum(event.expected is not None for event in trace.events) > 0


def test_no_trace_and_no_expectation_is_missing() -> None:
    families = Counter(file.stem.rpartition("-")[0] for file in FILES)
    expected = sum(event.expected is not None for file in FILES for event in read(file).events)

    assert families == dict.fromkeys(
        ["auth", "faults", "limits", "outlet", "plain", "rcm", "temp", "underpower"], 3
    )
    assert expected == EXPECTATIONS


WRONG = {
    "state": "F",
    "errors": ["emergency_stop"],
    "pilot": "sideways",
    "offeredCurrent": 5.9,
    "contactor": "neither",
    "locked": "neither",
    "pendingAuth": "neither",
    "limitReached": "neither",
    "session": "neither",
}


@pytest.mark.parametrize("key", sorted(WRONG))
def test_a_wrong_expectation_is_reported_with_time_key_expected_and_got(key: str) -> None:
    trace = read(FILES[0])
    count, event = next((n, e) for n, e in enumerate(trace.events) if e.expected is not None)
    spoiled = replace(event, expected={**event.expected, key: WRONG[key]})

    verdict = run_trace(replace(trace, events=(*trace.events[:count], spoiled)))

    (difference,) = verdict.differences
    assert isinstance(difference, Difference)
    assert (difference.t_ms, difference.key, difference.expected) == (event.t_ms, key, WRONG[key])
    assert difference.got == event.expected.get(key, difference.got) != WRONG[key]
    assert verdict.checked == 1
