"""The benchmarks end to end, as small as they can be. What they measure is not judged."""

import json
import subprocess
import sys

import pytest

from evsed.bench.street import KINDS


def bench(*arguments):
    command = [sys.executable, "-m", "evsed", "bench", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def test_reaction_measures_every_kind_of_event(tmp_path):
    done = bench("reaction", "--count", "2", "--idle", "--json", str(tmp_path / "r.json"))
    assert done.returncode == 0, done.stderr
    figures = json.loads((tmp_path / "r.json").read_text())
    outcomes = figures["outcomes"]["idle"]
    assert set(outcomes) == set(KINDS)
    for kind, outcome in outcomes.items():
        assert kind in done.stdout
        measured = outcome["command_us"]
        assert len(measured) + outcome["missed"] + outcome["opened_early"] == 2
        assert all(us > 0 for us in measured)
        assert all(command <= pin for command, pin in zip(measured, outcome["pin_us"], strict=True))


def test_reaction_under_load_has_its_rest_clients_answered(tmp_path):
    arguments = ["--count", "1", "--load", "--kinds", "s2-opens", "--rest-clients", "2"]
    done = bench("reaction", *arguments, "--json", str(tmp_path / "r.json"))
    assert done.returncode == 0, done.stderr
    figures = json.loads((tmp_path / "r.json").read_text())
    assert "2 REST clients" in figures["loads"]["loaded"]
    assert "(0 answers/s" not in figures["loads"]["loaded"]
    assert "errors" not in figures["loads"]["loaded"]


def test_lateness_is_measured_beside_a_plain_thread(tmp_path):
    done = bench("lateness", "--seconds", "1", "--idle", "--json", str(tmp_path / "l.json"))
    assert done.returncode == 0, done.stderr
    measured = json.loads((tmp_path / "l.json").read_text())["measured_us"]["idle"]
    for name in ("control", "plain", "pass", "cpu"):
        assert measured[name]
        assert all(us >= 0 for us in measured[name])
    assert "cyclictest" in done.stdout


@pytest.mark.parametrize(
    "arguments", [("reaction", "--count", "0"), ("reaction", "--kinds", "x"), ("lateness", "-z")]
)
def test_arguments_that_make_no_sense_are_refused(arguments):
    assert bench(*arguments).returncode == 2


def test_a_board_with_real_pins_is_refused():
    done = bench("reaction", "--count", "1", "--board", "minimal-single-phase")
    assert done.returncode == 2
    assert "simulated boards only" in done.stderr
