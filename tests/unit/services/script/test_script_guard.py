"""The guard: ends the process for a task that does not come back, not for one that had no turn."""

import pytest

from evsed.services.script.worker import guard as module
from evsed.services.script.worker.guard import STUCK, Guard


class EndedError(Exception):
    pass


class Link:
    def __init__(self):
        self.sent = []

    def send(self, message):
        self.sent.append(message)


def seconds_until_the_end(monkeypatch, computing, *, init=False, within_s=60):
    """Return after how long the process is ended; None when it is not."""
    now = {"s": 100.0}

    def pause(seconds):
        now["s"] += seconds
        if now["s"] > 100 + within_s:
            raise TimeoutError

    def end(status):
        assert status == STUCK
        raise EndedError

    monkeypatch.setattr(module, "_now", lambda: (now["s"], (now["s"] - 100) * computing))
    monkeypatch.setattr(module.time, "sleep", pause)
    monkeypatch.setattr(module.os, "_exit", end)
    link = Link()
    guard = Guard(link)
    with guard.watching(init=init):
        guard.entered("bad")
        try:
            guard._look()
        except TimeoutError:
            return None
        except EndedError:
            (told,) = link.sent
            assert (told["t"], told["id"]) == ("stuck", "bad")
            assert told["ms"] == pytest.approx((now["s"] - 100) * 1000, abs=1)
            return now["s"] - 100


@pytest.mark.parametrize(
    ("computing", "init", "expected_s"),
    [(1.0, False, 1.0), (0.5, False, 1.0), (1.0, True, 5.0), (0.1, False, 2.5), (0.0, False, 2.5)],
)
def test_who_computes_is_ended_in_time_and_who_had_no_turn_later(
    monkeypatch, computing, init, expected_s
):
    ended_s = seconds_until_the_end(monkeypatch, computing, init=init)
    assert ended_s == pytest.approx(expected_s, abs=0.11)


def test_nobody_is_ended_while_nothing_runs_or_the_daemon_is_asked(monkeypatch):
    guard = Guard(Link())
    looks = []

    def pause(seconds):
        looks.append(seconds)
        if len(looks) > 100:
            raise TimeoutError

    monkeypatch.setattr(module.time, "sleep", pause)
    monkeypatch.setattr(module, "_now", lambda: (len(looks), len(looks)))
    with pytest.raises(TimeoutError):
        guard._look()
    looks.clear()
    with guard.watching(), guard.elsewhere(), pytest.raises(TimeoutError):
        guard._look()
