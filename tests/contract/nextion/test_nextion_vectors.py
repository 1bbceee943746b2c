"""Recorded dialogs with a display, fed whole, byte by byte, and all at once."""

import json
from pathlib import Path
from typing import Any

import pytest
from nextion_world import BEGIN, Port, World, stepped

VECTORS = json.loads((Path(__file__).parent / "nextion.json").read_text(encoding="utf-8"))
DIALOGS = VECTORS["vectors"]
#: how long the station is watched after a step, below the period of the refresh
STEP_S = 0.2
OVERFLOW_STEP_S = 0.4


def _words(dialog: dict[str, Any]) -> dict[str, Any]:
    return VECTORS["base_state"] | dialog["preconditions"]


def _name(case: dict[str, Any]) -> str:
    return str(case["name"])


def _only_received(dialog: dict[str, Any]) -> bool:
    return all("rx_hex" in step for step in dialog["steps"])


async def _step(world: World, step: dict[str, Any], *, cut: bool) -> None:
    watched_s = STEP_S
    if "rx_hex" in step:
        world.feed(bytes.fromhex(step["rx_hex"]), cut=cut)
        if step["rx_hex"].startswith("24"):
            watched_s = 0.0
    elif "set" in step:
        world.desk.words |= step["set"]
        watched_s = step.get("within_ms", 1000 * STEP_S) / 1000
    elif step["event"].startswith("wait "):
        watched_s = int(step["event"].split()[1]) / 1000
    else:
        raise AssertionError(f"unknown step {step}")
    if "not_before_ms" in step:
        quiet_s = step["not_before_ms"] / 1000 - 0.001
        assert await world.sent(quiet_s) == b""
        watched_s = OVERFLOW_STEP_S
    _compare(step, await world.sent(watched_s))


def _compare(step: dict[str, Any], sent: bytes) -> None:
    if "tx_each" in step:
        each = bytes.fromhex(step["tx_each"])
        low, high = step["count_between"]
        assert low <= len(sent) // len(each) <= high
        assert sent == each * (len(sent) // len(each))
    else:
        assert sent == bytes.fromhex(step["tx_hex"]), step


def _effects(steps: list[dict[str, Any]]) -> dict[str, Any]:
    together: dict[str, Any] = {}
    for step in steps:
        together |= step.get("effects", {})
    return together


@pytest.mark.parametrize("cut", [False, True], ids=["whole", "byte by byte"])
@pytest.mark.parametrize("dialog", DIALOGS[1:], ids=_name)
def test_a_dialog_goes_as_recorded(dialog: dict[str, Any], cut: bool) -> None:
    async def story() -> None:
        async with World(_words(dialog)) as world:
            for step in dialog["steps"]:
                world.desk.effects.clear()
                await _step(world, step, cut=cut)
                assert world.desk.effects == step.get("effects", {})

    stepped(story)


@pytest.mark.parametrize("dialog", list(filter(_only_received, DIALOGS[1:])), ids=_name)
def test_a_dialog_sent_all_at_once_is_answered_in_its_order(dialog: dict[str, Any]) -> None:
    async def story() -> None:
        async with World(_words(dialog)) as world:
            world.feed(b"".join(bytes.fromhex(step["rx_hex"]) for step in dialog["steps"]))
            expected = b"".join(bytes.fromhex(step["tx_hex"]) for step in dialog["steps"])
            assert await world.sent(STEP_S) == expected
            assert world.desk.effects == _effects(dialog["steps"])

    stepped(story)


def test_a_session_begins_as_recorded() -> None:
    assert DIALOGS[0]["name"] == "session start"

    async def story() -> None:
        world, port = World(VECTORS["base_state"]), Port()
        world.session.opened(port)
        assert port.take() == bytes.fromhex(DIALOGS[0]["steps"][0]["tx_hex"]) == BEGIN
        await world.session.closed("enough")

    stepped(story)


def test_there_are_as_many_recorded_cases_as_the_specification_has() -> None:
    assert [len(VECTORS[key]) for key in ("vectors", "info", "upload")] == [87, 7, 17]
