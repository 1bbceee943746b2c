"""Breadth first through everything the real ``step()`` can reach with one alphabet."""

from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

from evsed.charging.commands import Command
from evsed.charging.machine import step
from evsed.charging.memory import Inputs, Memory, Outputs
from evsed.charging.pilot_window import PilotWindow
from evsed.charging.requests import accept
from evsed.charging.rules import Rules
from evsed.charging.states import PilotMode
from evsed.errors import RejectedError

from .canonical import BASE_MS, Rebase, canonical, contactor_bounds
from .invariants import NEVER_MS, BrokenInvariantError, Watch, follow

#: mV at the ADC pin of the default board
PLATEAU_MV = {"12": 2560, "9": 2252, "6": 1945, "3": 1637, "0": 1330}
MINUS_12_MV = 100
WINDOW_MS = 10

Step = Callable[[Memory, Inputs], tuple[Memory, Outputs]]


@dataclass(frozen=True, kw_only=True)
class Letter:
    """What comes in with one pass.

    ``windows``: one letter per window, oldest first: 12, 9, 6, 3, 0, ``!`` (implausible) or a
    number with ``x`` (without the diode). ``feedback``: what the auxiliary contact says, ``obeys``
    for what it should.
    """

    windows: tuple[str, ...]
    after_ms: int = 20
    feedback: bool | str | None = "obeys"
    more: tuple[tuple[str, Any], ...] = ()
    command: Command | None = None

    def __str__(self) -> str:
        words = [f"+{self.after_ms} ms", "/".join(self.windows) or "no window"]
        words += [f"{key}={value}" for key, value in self.more]
        if self.feedback != "obeys":
            words.append(f"feedback={self.feedback}")
        if self.command is not None:
            words.append(str(self.command))
        return " ".join(words)


@dataclass(frozen=True, kw_only=True)
class Story:
    """Rules, an alphabet, and how far to go: None is as far as there is something new."""

    name: str
    rules: Rules
    letters: tuple[Letter, ...]
    bound: int | None = None


@dataclass(kw_only=True)
class Findings:
    """How an exploration went."""

    name: str
    states: int = 0
    transitions: int = 0
    #: whether every reachable state has been visited
    complete: bool = False
    checks: Counter[str] = field(default_factory=Counter)
    reported: Counter[str] = field(default_factory=Counter)


Node = tuple[Memory, Watch]


def explore(story: Story, rules_of_charging: Step = step) -> Findings:
    """Visit every state the alphabet can reach.

    Raises:
        BrokenInvariantError: with the invariant and the shortest way to break it.
    """
    found = Findings(name=story.name)
    begun, _ = rules_of_charging(Memory(rules=story.rules), Inputs(now_ms=BASE_MS))
    first = (canonical(begun), Watch(state=begun.reported_state, low_since_ms=BASE_MS))
    came_from: dict[Node, tuple[Node, Letter] | None] = {first: None}
    frontier = deque([first])
    while frontier and (story.bound is None or len(came_from) < story.bound):
        node = frontier.popleft()
        for letter in story.letters:
            try:
                after, checked = _go(node, letter, rules_of_charging)
            except Exception as error:
                raise BrokenInvariantError(_tell(came_from, node, letter, error)) from error
            found.transitions += 1
            found.checks.update(checked)
            if after not in came_from:
                came_from[after] = (node, letter)
                frontier.append(after)
                found.reported[after[1].state] += 1
    found.states = len(came_from)
    found.complete = not frontier
    return found


def _go(node: Node, letter: Letter, rules_of_charging: Step) -> tuple[Node, list[str]]:
    memory, watch = node
    before = memory
    now_ms = BASE_MS + letter.after_ms
    if letter.command is not None:
        try:
            memory = accept(memory, letter.command, now_ms)
        except RejectedError:
            return node, []
        # Resetting the register is the one way for energy to fall; none of the letters does.
    feedback = letter.feedback
    inputs = Inputs(
        now_ms=now_ms,
        windows=_windows(letter.windows, before.pilot.mode, now_ms),
        feedback=before.contactor.closed if feedback == "obeys" else feedback,
        **_more(letter, now_ms),
    )
    memory, outputs = rules_of_charging(memory, inputs)
    watch, checked = follow(watch, before, inputs, memory, outputs)
    return (canonical(memory), _canonical_watch(watch, memory, now_ms)), checked


def _more(letter: Letter, now_ms: int) -> Mapping[str, Any]:
    more = dict(letter.more)
    if "proximity" in more:
        more["proximity"] = (now_ms, more["proximity"])
    return more


@lru_cache(maxsize=4096)
def _windows(kinds: Sequence[str], mode: PilotMode, now_ms: int) -> tuple[PilotWindow, ...]:
    begin_ms = now_ms - WINDOW_MS * len(kinds)
    return tuple(
        window(kind, mode, begin_ms + WINDOW_MS * index) for index, kind in enumerate(kinds)
    )


def window(kind: str, mode: PilotMode, started_ms: int) -> PilotWindow:
    """Return the window that one letter stands for, under what the pilot drives."""
    at = {"started_ms": started_ms, "ended_ms": started_ms + WINDOW_MS, "mode": mode}
    if kind == "!":
        return PilotWindow(**at, plausible=False)
    high = PLATEAU_MV[kind.rstrip("x")]
    if mode is PilotMode.LOW:
        return PilotWindow(**at, low_mv=MINUS_12_MV)
    if mode is PilotMode.HIGH:
        return PilotWindow(**at, high_mv=high)
    mirrored = 2 * PLATEAU_MV["0"] - high
    if kind == "0":
        return PilotWindow(**at, high_mv=high, low_mv=high)
    return PilotWindow(**at, high_mv=high, low_mv=mirrored if kind.endswith("x") else MINUS_12_MV)


def _canonical_watch(watch: Watch, memory: Memory, now_ms: int) -> Watch:
    at = Rebase(now_ms)
    low = watch.pilot is PilotMode.LOW
    return replace(
        watch,
        low_since_ms=at.age(watch.low_since_ms, LOW_BOUND_MS) if low else NEVER_MS,
        opened_ms=NEVER_MS
        if watch.closed or watch.opened_ms == NEVER_MS
        else at.age(watch.opened_ms, *contactor_bounds(memory.rules)),
        left_ms=NEVER_MS if watch.left_ms == NEVER_MS else at.age(watch.left_ms, 3000, 6000),
        seen_ms=at.age(watch.seen_ms, 101, 1001),
        diode_windows=min(watch.diode_windows, 3),
        bad_windows=min(watch.bad_windows, 2),
        session_since_ms=at.maybe_age(watch.session_since_ms),
    )


LOW_BOUND_MS = 300


def _tell(
    came_from: Mapping[Node, tuple[Node, Letter] | None], node: Node, last: Letter, error: Exception
) -> str:
    way = [str(last)]
    step_back = came_from[node]
    while step_back is not None:
        node, letter = step_back
        way.append(f"{letter}  -> from {node[1].state.value}")
        step_back = came_from[node]
    return f"{error!r} after\n  " + "\n  ".join(reversed(way))
