"""The table as a whole: what clients that match by beginnings rely on."""

from pathlib import Path

import pytest

from evsed.board.reader import read_board
from evsed.services.at.commands import commands_for
from evsed.services.at.subscriptions import Subscriptions

_COMMANDS = commands_for(read_board(Path(__file__).parents[4] / "boards/sim.yaml"))

#: the order in which the ecosystem's client compares beginnings
_MATCHED = ("+STATE", "+ENABLE", "+TEMP", "+CHCUR", "+EMETERPOWER", "+ERROR", "+PENDAUTH")


@pytest.mark.parametrize("name", _MATCHED)
def test_no_name_begins_with_one_that_clients_match(name):
    assert [other for other in _COMMANDS if other.startswith(f"{name}=")] == []
    longer = {other for other in _COMMANDS if other.startswith(name)} - {name}
    assert longer <= {"+TEMPSENSOR"}


def test_every_name_is_found_by_itself_and_shown_in_capitals():
    for name, command in _COMMANDS.items():
        assert name == command.name == name.upper()


def test_a_command_does_something():
    for command in _COMMANDS.values():
        assert command.forms
        assert command.read is None or command.rows is None
        if command.readable or command.write:
            assert command.columns


class _Clock:
    def __init__(self):
        self.now_s, self.calls = 0.0, []

    def time(self):
        return self.now_s

    def call_at(self, when, callback):
        self.calls.append((when, callback))
        return self

    def cancel(self):
        self.calls.clear()


@pytest.fixture
def clock():
    return _Clock()


def test_the_phase_goes_on_when_the_period_changes(clock):
    pushed = []
    subscriptions = Subscriptions(clock, pushed.extend)
    subscriptions.add("+A", 10_000)
    subscriptions.start()
    clock.now_s = 5.3
    subscriptions.add("+A", 1000)
    subscriptions.start()
    assert pushed == ["+A"]
    assert clock.calls[-1][0] == pytest.approx(6.0)


def test_nothing_is_due_after_the_end(clock):
    pushed = []
    subscriptions = Subscriptions(clock, pushed.extend)
    subscriptions.add("+A", 100)
    subscriptions.start()
    subscriptions.stop()
    assert clock.calls == []
    subscriptions.remove("+B")
    subscriptions.start()
    assert pushed == ["+A"]


def test_several_are_due_together(clock):
    pushed = []
    subscriptions = Subscriptions(clock, lambda names: pushed.append(tuple(names)))
    subscriptions.add("+A", 100)
    subscriptions.add("+B", 1)
    subscriptions.start()
    when, callback = clock.calls[-1]
    clock.now_s = when
    callback()
    assert pushed == [("+A", "+B")] * 2
