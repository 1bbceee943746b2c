"""Owned limits against a model: a dictionary and its own arithmetic, over random months."""

from dataclasses import dataclass
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from evsed.charging.commands import ClearLimit, LapseLimits, RenewLimit, SetLimit
from evsed.charging.holding import hold, holders, limited_by, take_limit
from evsed.charging.memory import Memory
from evsed.charging.owned_limits import expire, lowest, pausing
from evsed.station.limit_words import LIMIT_COMMANDS, read_limits, spoken_command, spoken_limits

PROFILE = settings(max_examples=200, derandomize=True, deadline=None)

owners = st.sampled_from(["guard", "modbus", "script:a", "sun"])
currents = st.sampled_from([None, 0, 60, 61, 125, 320, 630])
commands = st.one_of(
    st.builds(
        SetLimit,
        owner=owners,
        current_da=currents,
        lease_ms=st.none() | st.integers(1, 5000),
        fallback_da=currents,
    ),
    st.builds(RenewLimit, owners),
    st.builds(LapseLimits, st.lists(owners, max_size=3).map(tuple)),
    st.builds(ClearLimit, owners),
)
lives = st.lists(st.tuples(st.integers(0, 3000), st.none() | commands), max_size=40)


@dataclass
class Word:
    """What one owner said, and when."""

    said: SetLimit
    heard_ms: int
    lapsed: bool = False

    def now(self) -> int | None:
        return self.said.fallback_da if self.lapsed else self.said.current_da

    def over(self, now_ms: int) -> bool:
        lease_ms = self.said.lease_ms
        return not self.lapsed and lease_ms is not None and now_ms - self.heard_ms >= lease_ms


class Model:
    """The same in other words."""

    def __init__(self) -> None:
        self.words: dict[str, Word] = {}

    def take(self, command: Any, now_ms: int) -> None:
        match command:
            case SetLimit():
                self.words[command.owner] = Word(command, now_ms)
            case RenewLimit(owner=owner) if owner in self.words:
                self.words[owner] = Word(self.words[owner].said, now_ms)
            case LapseLimits(owners=gone):
                self._lapse(set(gone) & self.words.keys())
            case ClearLimit(owner=owner):
                self.words.pop(owner, None)

    def pass_to(self, now_ms: int) -> None:
        self._lapse({owner for owner, word in self.words.items() if word.over(now_ms)})

    def _lapse(self, gone: set[str]) -> None:
        for owner in gone:
            if self.words[owner].said.fallback_da is None:
                del self.words[owner]
            else:
                self.words[owner].lapsed = True

    def permitted(self) -> int:
        spoken = [word.now() for word in self.words.values()]
        return min([da for da in spoken if da is not None], default=320)


@PROFILE
@given(life=lives)
def test_the_limits_do_what_the_model_says(life: list[Any]) -> None:
    memory, model, now_ms = Memory(), Model(), 0
    for wait_ms, command in life:
        now_ms += wait_ms
        if command is not None:
            memory = take_limit(memory, command, now_ms)
            model.take(command, now_ms)
        memory = hold(memory, expire(memory.owned, now_ms))
        model.pass_to(now_ms)

        assert {one.owner for one in memory.owned} == model.words.keys()
        assert {one.owner: one.lapsed for one in memory.owned} == {
            owner: word.lapsed for owner, word in model.words.items()
        }
        found = holders(memory)
        assert min(one.current_da for one in found) == min(320, model.permitted())
        by_name = dict(found)
        assert by_name[limited_by(found)] == min(by_name.values())
        assert (pausing(memory.owned) is not None) is (model.permitted() == 0)
        held = lowest(memory.owned)
        assert (held is None) is all(word.now() is None for word in model.words.values())
        assert memory.charging_current_da == 320
        assert expire(memory.owned, now_ms) is memory.owned


@PROFILE
@given(life=lives)
def test_limits_and_commands_survive_a_trace(life: list[Any]) -> None:
    memory, now_ms = Memory(), 0
    for wait_ms, command in life:
        now_ms += wait_ms
        if command is not None:
            name, value = spoken_command(command)
            assert LIMIT_COMMANDS[name](value) == command
            memory = take_limit(memory, command, now_ms)
        memory = hold(memory, expire(memory.owned, now_ms))

    again = read_limits(spoken_limits(memory.owned, 0))
    assert again == memory.owned
