"""The loop's own code in stepped time: its clock is the circuit's."""

from collections import deque
from dataclasses import replace

import pytest
from scenarios.street import Street, quick_board

from evsed.errors import HardwareError
from evsed.hardware import real_time
from evsed.hardware.real_time import ask_real_time
from evsed.hardware.simulator import hat_sampler
from evsed.station import loop as module
from evsed.station.loop import ControlLoop


class VirtualTime:
    """What the loop uses of ``time``, on the circuit."""

    def __init__(self, circuit):
        self.circuit = circuit
        #: sleeps that last longer than asked for: from when on, by how much in us
        self.oversleep = deque()

    def monotonic_ns(self):
        return self.circuit.now_us * 1000

    def sleep(self, seconds):
        end_us = self.circuit.now_us + round(seconds * 1_000_000)
        if self.oversleep and end_us >= self.oversleep[0][0]:
            end_us += self.oversleep.popleft()[1]
        self.circuit.advance_to_us(end_us)


class Running:
    """A street whose passes are run by the loop."""

    def __init__(self, monkeypatch):
        self.street = Street(quick_board())
        self.time = VirtualTime(self.street.circuit)
        monkeypatch.setattr(module, "time", self.time)
        monkeypatch.setattr(hat_sampler, "time", self.time)
        monkeypatch.setattr(module, "ask_real_time", lambda _: "not here")
        self.ended = []
        self.safe = []
        hat = replace(self.street.hat, make_safe=self._make_safe)
        self.lateness_us = deque()
        self.loop = ControlLoop(
            self.street.station, hat, lambda: self.ended.append(True), self.lateness_us
        )

    def _make_safe(self):
        self.safe.append(self.street.circuit.now_us)
        self.street.hat.make_safe()

    def at_ms(self, ms, action):
        self.street.circuit.agenda.at(ms * 1000, action)

    def run_ms(self, ms):
        """Let the loop live for so long."""
        self.at_ms(ms, self.loop.stop)
        self.loop._run()
        return self.street.now


@pytest.fixture
def running(monkeypatch):
    return Running(monkeypatch)


def closed(street):
    return street.circuit.get()["contactor"]["commanded"]


def test_a_pass_runs_every_20_ms_on_the_grid(running):
    picture = running.run_ms(1000)
    assert picture.at_ms == 1000
    assert picture.lateness.passes == 51
    assert (picture.lateness.worst_us, picture.lateness.over_5_ms) == (0, 0)
    assert set(running.lateness_us) == {0}


def test_an_orderly_stop_makes_the_hat_safe_and_reports(running):
    running.at_ms(500, lambda: running.street.set(vehicle="charging"))
    running.at_ms(1900, lambda: running.ended.append(closed(running.street)))
    running.run_ms(2000)
    assert running.ended == [True, True]
    assert len(running.safe) == 1
    assert closed(running.street) is False
    assert running.street.pilot_mode == "low"
    assert running.loop.failure is None
    assert running.loop.refused == "not here"


def test_an_exception_in_a_pass_makes_the_hat_safe_and_is_reported(running, monkeypatch):
    running.at_ms(500, lambda: running.street.set(vehicle="charging"))
    write = running.street.circuit.write_pin
    lost = HardwareError("GPIO daemon does not answer")

    def fails_once(gpio, level):
        monkeypatch.setattr(running.street.circuit, "write_pin", write)
        raise lost

    running.at_ms(1500, lambda: running.safe.append(closed(running.street)))
    running.at_ms(
        1501, lambda: monkeypatch.setattr(running.street.circuit, "write_pin", fails_once)
    )
    running.at_ms(1502, lambda: running.street.set(vehicle="none"))
    running.run_ms(5000)
    assert running.safe[0] is True
    assert len(running.safe) == 2
    assert running.loop.failure is lost
    assert running.ended == [True]
    assert closed(running.street) is False
    assert running.street.circuit.now_us < 2_000_000


def test_an_event_loop_that_is_closed_already_is_no_trouble(running):
    def closed_loop():
        raise RuntimeError("Event loop is closed")

    running.loop._on_end = closed_loop
    running.run_ms(100)
    assert running.loop.failure is None


def test_passes_that_were_missed_are_not_made_up_for(running):
    running.time.oversleep.append((500_000, 70_000))
    picture = running.run_ms(1000)
    assert picture.lateness.passes == 51 - 3
    assert picture.lateness.worst_us == 70_000
    assert (picture.lateness.over_5_ms, picture.lateness.over_20_ms) == (1, 1)
    assert picture.at_ms == 1000, "back on the grid"
    assert sorted(running.lateness_us)[-2:] == [0, 70_000]


def test_a_slow_pass_is_measured_and_does_not_shift_the_grid(running, monkeypatch):
    street = running.street
    run = street.station.run
    slow = iter([False] * 10 + [True] + [False] * 1000)

    def slow_once(*args):
        if next(slow):
            street.circuit.advance_to_us(street.circuit.now_us + 27_000)
        return run(*args)

    monkeypatch.setattr(street.station, "run", slow_once)
    picture = running.run_ms(1000)
    assert picture.lateness.longest_pass_us == 27_000
    assert picture.lateness.passes == 50
    assert picture.at_ms == 1000


def test_a_pass_too_late_with_the_contactor_closed_is_a_fault(running):
    running.at_ms(500, lambda: running.street.set(vehicle="charging"))
    running.time.oversleep.append((1_900_000, 120_000))
    picture = running.run_ms(2100)
    assert picture.state == "E"
    assert [on for _, on in running.street.switched[:2]] == [True, False]


def test_a_pass_that_ends_too_late_with_the_contactor_closed_is_a_fault(running, monkeypatch):
    street = running.street
    running.at_ms(500, lambda: street.set(vehicle="charging"))
    run = street.station.run
    held_up = []

    def held_up_once(*args):
        shown = run(*args)
        if street.circuit.now_us >= 1_900_000 and not held_up:
            held_up.append(shown.contactor_closed)
            street.circuit.advance_to_us(street.circuit.now_us + 125_000)
        return shown

    monkeypatch.setattr(street.station, "run", held_up_once)
    picture = running.run_ms(2100)
    assert held_up == [True]
    assert picture.state == "E"
    assert not closed(street)


def test_a_car_that_leaves_is_answered_between_two_passes(running):
    running.at_ms(500, lambda: running.street.set(vehicle="charging"))
    times = []
    run = running.street.station.run

    def noted(*args):
        times.append(running.street.circuit.now_us)
        return run(*args)

    running.street.station.run = noted
    running.at_ms(1508, lambda: running.street.set(vehicle="none"))
    running.run_ms(3000)
    early = [one for one in times if one % 20_000]
    assert len(early) == 1
    opened_us = next(at for at, on in running.street.switched if not on)
    assert opened_us == early[0]
    assert 0 < opened_us - 1_508_000 <= 30_000
    assert all(one % 5000 == 0 for one in early)


def test_the_thread_starts_lives_and_ends(monkeypatch):
    street = Street(quick_board())
    monkeypatch.setattr(module, "ask_real_time", lambda _: None)
    loop = ControlLoop(street.station, street.hat)
    loop.start()
    assert loop.alive
    assert loop.join(0.01) is False
    loop.stop()
    assert loop.join(5) is True
    assert not loop.alive
    assert loop.failure is None


def test_a_refused_priority_is_a_sentence_and_no_exception(monkeypatch):
    def refuse(*_):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(real_time.os, "sched_setscheduler", refuse)
    assert "not permitted" in ask_real_time(40)
    monkeypatch.setattr(real_time.os, "sched_setscheduler", lambda *_: None)
    assert ask_real_time(40) is None
