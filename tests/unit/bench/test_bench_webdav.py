"""The benchmark of files, without a server to compare with: its arithmetic and its refusals."""

import pytest

from evsed.bench import webdav
from evsed.bench.webdav import OURS, QUESTIONS, THEIRS, Report, Slice
from evsed.errors import HardwareError


def _report():
    report = Report(count=10)
    for name in QUESTIONS:
        report.slices[name] = {
            OURS: [Slice(answers=10, wall_s=1.0, cpu_s=0.2)] * 2,
            THEIRS: [Slice(answers=10, wall_s=1.0, cpu_s=0.5)] * 2,
        }
    report.idle = {
        OURS: [Slice(answers=0, wall_s=2.0, cpu_s=0.2)],
        THEIRS: [Slice(answers=0, wall_s=2.0, cpu_s=0.0)],
    }
    return report


def test_what_the_charger_does_by_itself_is_left_out_of_one_figure_only():
    report = _report()
    question = next(iter(QUESTIONS))
    assert report.idle_share(OURS) == pytest.approx(0.1)
    assert report.per_cpu_s(question, OURS, idle_off=False) == pytest.approx(50)
    assert report.per_cpu_s(question, OURS, idle_off=True) == pytest.approx(100)
    assert report.per_cpu_s(question, THEIRS, idle_off=False) == pytest.approx(20)


def test_both_figures_are_shown_for_every_question():
    lines = webdav.text(_report()).splitlines()
    for name in QUESTIONS:
        (line,) = (line for line in lines if line.startswith(name))
        assert line.split()[-5:] == ["50", "100", "20", "2.5", "5.0"]
    assert "10.0% of a core" in "".join(lines)


def test_without_the_neighbour_nothing_is_measured(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    with pytest.raises(HardwareError, match="pip install wsgidav"), webdav._running_wsgidav():
        pass
