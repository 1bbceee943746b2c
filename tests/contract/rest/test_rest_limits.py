"""/limits: owners, the lowest of them, ends and fallbacks, and what a plain write keeps meaning."""

import asyncio
import json

import pytest

from evsed.charging.commands import LapseLimits, SetLimit
from evsed.settings.administrator import Administrator, Supervision


async def put(served, owner, **value):
    return await served.ask("PUT", f"limits/{owner}", json=value)


async def limits(served):
    return (await served.get("limits")).json


async def reason(served):
    return (await served.get("reason")).json


async def until(served, what, **wanted):
    """Let virtual time pass until an answer has these values."""
    async with asyncio.timeout(60):
        while not wanted.items() <= (found := await what(served)).items():  # noqa: ASYNC110  # virtual
            await asyncio.sleep(0.01)
    return found


@pytest.fixture
async def charging(full):
    await full.post("simulator", {"vehicle": "charging"})
    await full.until(state="C2")
    return full


async def test_without_limits_everybody_who_has_a_say_is_listed(full):
    shown = await limits(full)
    assert (shown["permitted"], shown["limitedBy"]) == (32.0, "settings")
    assert [row["owner"] for row in shown["limits"]] == ["board", "settings", "user"]
    assert shown["limits"][-1] == {
        "owner": "user",
        "inForce": 32.0,
        "current": 32.0,
        "expires": None,
        "fallback": None,
        "left": None,
        "lapsed": False,
        "setBy": None,
    }


async def test_a_plain_write_is_the_users_limit_and_says_who_made_it(full):
    await full.post("state/charging-current", 13.5)
    user = (await full.get("limits/user")).json
    assert (user["inForce"], user["setBy"]) == (13.5, "rest")
    assert (await limits(full))["limitedBy"] == "user"

    await full.post("state/enabled", False)
    user = (await full.get("limits/user")).json
    assert (user["inForce"], user["current"], user["setBy"]) == (0.0, 13.5, "rest")
    assert (await limits(full))["permitted"] == 0.0


async def test_the_lowest_limit_is_offered_and_named(charging):
    assert (await put(charging, "evcc", current=16)).text == "OK"
    assert (await put(charging, "house", current=10.04)).text == "OK"
    shown = await limits(charging)
    assert (shown["permitted"], shown["limitedBy"]) == (10.0, "house")
    detail = await until(charging, reason, offeredCurrent=10.0)
    assert (detail["limitedBy"], detail["reason"]) == ("house", "charging")
    assert (await charging.get("state")).json["chargingCurrent"] == 32.0

    assert (await charging.ask("DELETE", "limits/house")).text == "OK"
    await until(charging, reason, offeredCurrent=16.0, limitedBy="evcc")


async def test_what_was_put_is_what_is_got(full):
    assert (await put(full, "evcc", current=12.5, expires=90, fallback=6)).status == 200
    shown = (await full.get("limits/evcc")).json
    assert shown.pop("left") <= 90
    assert shown == {
        "owner": "evcc",
        "inForce": 12.5,
        "current": 12.5,
        "expires": 90,
        "fallback": 6.0,
        "lapsed": False,
        "setBy": None,
    }
    assert (await full.ask("PUT", "limits/evcc", json=shown)).status == 200


async def test_a_post_changes_what_it_names_and_a_put_everything(full):
    await put(full, "evcc", current=12, expires=1.5, fallback=6)
    assert (await full.post("limits/evcc", {"current": 0})).text == "OK"
    shown = (await full.get("limits/evcc")).json
    assert (shown["current"], shown["expires"], shown["fallback"]) == (0.0, 1.5, 6.0)
    assert (await full.post("limits/evcc", {"fallback": None, "current": 8})).text == "OK"
    assert (await full.get("limits/evcc")).json["fallback"] is None
    await put(full, "evcc", current=9)
    assert (await full.get("limits/evcc")).json["expires"] is None


async def test_a_silent_manager_falls_back_and_is_heard_again(charging):
    await put(charging, "evcc", current=16, expires=1, fallback=6)
    detail = await until(charging, reason, offeredCurrent=6.0)
    assert (detail["limitedBy"], detail["reason"]) == ("evcc", "charging")
    shown = (await charging.get("limits/evcc")).json
    assert (shown["lapsed"], shown["left"], shown["inForce"]) == (True, None, 6.0)
    assert detail["alarms"] == [
        {"name": "manager_silent", "text": "evcc has fallen silent: at most 6 A"}
    ]
    assert (await charging.get("state")).json["limitReached"] is False

    await charging.post("limits/evcc", {"expires": 1000})
    assert not (await until(charging, reason, offeredCurrent=16.0))["alarms"]


async def test_a_pause_and_a_fallback_to_a_pause_have_reasons_of_their_own(charging):
    await put(charging, "evcc", current=0, expires=1, fallback=0)
    first = await reason(charging)
    assert first["reason"] in {"paused_by_limit", "controller_lost"}
    detail = await until(charging, reason, reason="controller_lost", limitedBy="evcc")
    assert detail["offeredCurrent"] == 0
    await charging.ask("DELETE", "limits/evcc")
    await charging.until(state="C2")


async def test_a_limit_without_fallback_ends_by_itself(full):
    await put(full, "sun", current=8, expires=1)
    async with asyncio.timeout(60):
        while (await full.get("limits/sun")).status != 404:  # noqa: ASYNC110  # virtual time
            await asyncio.sleep(0.01)
    assert (await limits(full))["permitted"] == 32.0


async def test_changes_of_the_holder_are_sent_to_who_listens(full):
    async with full.client.get("/api/v1/events") as answer:
        await put(full, "evcc", current=7)
        async with asyncio.timeout(60):
            while b'"limitedBy":"evcc"' not in await answer.content.readline():
                pass


@pytest.mark.parametrize(
    ("owner", "value", "sentence"),
    [
        ("evcc", {"current": 5.9}, "current: 0 or a number 6..63 expected"),
        ("evcc", {"current": 64}, "current: 0 or a number 6..63 expected"),
        ("evcc", {"current": "16"}, "current: 0 or a number 6..63 expected"),
        ("evcc", {"current": True}, "current: 0 or a number 6..63 expected"),
        ("evcc", {"current": False}, "current: 0 or a number 6..63 expected"),
        ("evcc", {"current": 16, "expires": 0}, "expires: number 1..2592000 expected"),
        ("evcc", {"current": 16, "expires": 1e9}, "expires: number 1..2592000 expected"),
        ("evcc", {"current": 16, "expires": 9, "fallback": 3}, "fallback: 0 or a number 6..63"),
        ("evcc", {"current": 16, "fallback": 6}, "expires: a fallback needs a number of seconds"),
        ("evcc", {"expires": 60}, "evcc: current or fallback expected"),
        ("evcc", {}, "at least one of current, expires, fallback expected"),
        ("evcc", [], "a JSON object was expected"),
        ("Evcc", {"current": 16}, "owner: 1 to 32 of a-z, 0-9, - and _, a letter first, expected"),
        ("x" * 33, {"current": 16}, "owner: 1 to 32 of a-z"),
        ("user", {"current": 16}, "user: is the name of a limit that is not set here"),
        ("thermal", {"current": 16}, "thermal: is the name of a limit that is not set here"),
        ("modbus", {"current": 16}, "modbus: is the name of a limit that is not set here"),
        ("script", {"current": 16}, "script: is the name of a limit that is not set here"),
    ],
)
async def test_what_is_no_limit_is_refused_with_a_sentence(full, owner, value, sentence):
    for method in ("PUT", "POST"):
        refused = await full.ask(method, f"limits/{owner}", json=value)
        assert (refused.status, refused.text[: len(sentence)]) == (400, sentence)
    assert (await limits(full))["limitedBy"] == "settings"


async def test_who_has_no_limit_is_not_found_and_what_is_made_elsewhere_stays(full):
    assert (await full.get("limits/evcc")).status == 404
    missing = await full.ask("DELETE", "limits/evcc")
    assert (missing.status, missing.text) == (404, "'evcc' has no limit")
    refused = await full.ask("DELETE", "limits/user")
    assert (refused.status, refused.text) == (400, "user: is not a limit that can be ended here")
    assert (await full.ask("PATCH", "limits/evcc", json={})).status == 405


async def test_what_a_script_left_behind_is_ended_whatever_its_name(full):
    owner, path = "script:a b/ć", "limits/script:a%20b%2F%C4%87"
    await full.station.send(SetLimit(owner=owner, lease_ms=9000, fallback_da=60), source="test")
    await full.station.send(LapseLimits((owner,)), source="test")
    assert (await limits(full))["limitedBy"] == owner
    assert (await full.get(path)).json["lapsed"] is True
    assert (await full.ask("DELETE", path)).text == "OK"
    assert (await limits(full))["limitedBy"] == "settings"


async def test_the_seventeenth_limit_is_refused(full):
    for number in range(16):
        assert (await put(full, f"m{number}", current=16)).status == 200
    refused = await put(full, "m16", current=6)
    assert (refused.status, refused.text) == (400, "owner: there are 16 limits already")
    assert (await put(full, "m7", current=6)).status == 200


async def test_writes_of_one_owner_at_the_same_time_lose_nothing(full):
    await put(full, "evcc", current=10, expires=500, fallback=6)
    writes = [full.post("limits/evcc", {key: value}) for key, value in (
        ("current", 8), ("fallback", 7), ("expires", 900), ("current", 9),
    )]  # fmt: skip
    assert {answer.status for answer in await asyncio.gather(*writes)} == {200}
    shown = (await full.get("limits/evcc")).json
    assert (shown["expires"], shown["fallback"]) == (900, 7.0)
    assert shown["current"] in {8.0, 9.0}


def waiting(fallback_da):
    return Administrator(supervision=Supervision(silence_s=2, fallback_da=fallback_da))


async def supervision(served):
    return (await served.get("limits/supervision")).json


async def test_a_supervised_charger_falls_back_when_nobody_writes_the_set_point(administered):
    async with administered(waiting(60)) as served:
        await until(served, supervision, lapsed=True)
        assert (await limits(served))["permitted"] == 6.0
        await served.post("state/consumption-limit", 0)
        await served.operations.write([("enabled", True)], source="schedule")
        assert (await supervision(served))["lapsed"] is True
        await served.post("state/charging-current", 16)
        assert (await served.get("state")).json["chargingCurrent"] == 16.0
        await until(served, limits, permitted=16.0)
        await until(served, supervision, lapsed=True)
        assert (await served.get("state")).json["chargingCurrent"] == 16.0
        refused = await served.ask("DELETE", "limits/supervision")
        assert refused.status == 400


async def test_supervision_may_end_in_a_pause(administered):
    async with administered(waiting(0)) as served:
        await served.post("simulator", {"vehicle": "charging"})
        await until(served, reason, reason="controller_lost", limitedBy="supervision")
        assert json.loads((await served.get("state")).text)["enabled"] is True
