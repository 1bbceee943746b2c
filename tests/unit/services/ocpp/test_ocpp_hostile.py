"""A management system that means harm, or is broken: the charger goes on and keeps its words."""

import asyncio
import json
import os
from random import Random
from types import SimpleNamespace

import pytest
from csms_world import wire

from evsed.services.ocpp.dialog import Dialog
from evsed.services.ocpp.process import Process
from evsed.services.ocpp.talk import GoneError
from evsed.settings.ocpp import OCPP, OcppSettings

GARBAGE = [
    "",
    "nonsense",
    "{}",
    "[]",
    "[2]",
    "[9, 1]",
    "null",
    "[2, null, null, null]",
    '[2, "1", "Reset"]',
    '[2, 5, "Reset", {"type": "Soft"}]',
    '[2, "1", {"a": 1}, {}]',
    '[2, "1", "../../../etc/passwd", {}]',
    '[2, "1", "Reset", []]',
    '[2, "1", "Reset", {"type": "Sometimes"}]',
    '[2, "1", "Reset", {"type": "Soft", "more": 1}]',
    '[2, "1", "ChangeConfiguration", {"key": 5, "value": null}]',
    '[2, "1", "Nonsense", {}]',
    '[2, "1", "StartTransaction", {}]',
    '[2, "1", "SetChargingProfile", {"connectorId": 0, "csChargingProfiles": null}]',
    '[2, "1", "RemoteStopTransaction", {"transactionId": 1e999}]',
    '[2, "1", "RemoteStopTransaction", {"transactionId": NaN}]',
    '[2, "1", "GetCompositeSchedule", {"connectorId": 1, "duration": -99999999999999}]',
    '[2, "1", "GetCompositeSchedule", {"connectorId": 1, "duration": 99999999999999}]',
    '[2, "1", "GetConfiguration", {"key": ["a"]}, 1, 2, 3]',
    '[3, "nobody", {}]',
    '[4, "nobody", "InternalError", "", {}]',
    '[4, "nobody"]',
    "[" * 100_000,
    "[2, " + "9" * 100_000 + ', "Reset", {}]',
    '[2, "1", "DataTransfer", {"vendorId": "\\ud800"}]',
    '[2, "' + "x" * 100_000 + '", "Heartbeat", {}]',
]


#: `make load-day` sends ten thousand.
PROFILES = int(os.environ.get("EVSED_PROFILES", "200"))


@pytest.fixture
async def raw(world):
    """A second connection, whose other side is the test itself."""
    await world.cut()
    ours, theirs = wire()
    dialog = Dialog(ours, world.talk, lambda _action: 0.2)
    running = asyncio.create_task(dialog.run())
    world.talk.attach(dialog)
    yield theirs
    ours.cut()
    with pytest.raises(GoneError):
        await running


async def next_text(end):
    async with asyncio.timeout(20):
        return json.loads(await end.inbox.get())


async def still_answers(end):
    """Ask something harmless; return how many answers came before it."""
    await end.send('[2, "last", "GetLocalListVersion", {}]')
    count = 0
    while (answer := await next_text(end))[1] != "last":
        count += 1
    assert answer == [3, "last", {"listVersion": 0}]
    return count


@pytest.mark.parametrize("text", GARBAGE, ids=lambda text: text[:40])
async def test_garbage_is_an_error_or_nothing_and_the_next_is_answered(world, raw, text):
    await raw.send(text)
    await still_answers(raw)
    assert world.orders == []
    assert world.limit == (None, None)


async def test_texts_at_random(world, raw):
    chance = Random(3)  # noqa: S311
    good = '[2, "%d", "SetChargingProfile", {"connectorId": 0, "csChargingProfiles": %s}]'
    profile = (
        '{"chargingProfileId": 1, "stackLevel": 0, "chargingProfilePurpose": "TxDefaultProfile", '
        '"chargingProfileKind": "Relative", "chargingSchedule": {"chargingRateUnit": "A", '
        '"chargingSchedulePeriod": [{"startPeriod": 0, "limit": 10.0}]}}'
    )
    for number in range(300):
        text = list(good % (number, profile))
        for _ in range(chance.randrange(1, 6)):
            place = chance.randrange(len(text))
            text[place] = chance.choice(
                ("", "9", "-", '"', "]", "{", "null", chr(chance.randrange(1, 300)))
            )
        await raw.send("".join(text))
    await still_answers(raw)
    current, _ = world.limit
    assert current is None or current == 0 or 60 <= current <= 10_000


async def test_a_call_that_comes_twice_is_done_once(world, raw):
    for _ in range(3):
        await raw.send('[2, "same", "Reset", {"type": "Soft"}]')
    answers = [await next_text(raw) for _ in range(3)]
    assert answers == [[3, "same", {"status": "Accepted"}]] * 3
    await world.cut()
    world.look()
    world.look()
    assert world.orders == [{"t": "restart"}]


async def test_profiles_without_end_leave_room_for_twenty_and_the_lowest_is_followed(world, raw):
    for number in range(PROFILES):
        profile = {
            "chargingProfileId": number,
            "stackLevel": number % 9,
            "chargingProfilePurpose": ("TxDefaultProfile", "ChargePointMaxProfile")[number % 2],
            "chargingProfileKind": "Absolute",
            "chargingSchedule": {
                "chargingRateUnit": "A",
                "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 6.0 + number % 20}],
            },
        }
        asked = {"connectorId": 0, "csChargingProfiles": profile}
        await raw.send(json.dumps([2, str(number), "SetChargingProfile", asked]))
        answer = await next_text(raw)
        assert answer[2]["status"] in {"Accepted", "Rejected"}
    assert len(world.point.profiles) <= 20
    assert len(world.book.profiles()) <= 20
    assert 60 <= world.limit[0] <= 250


async def test_who_never_answers_is_left(world, raw):
    with pytest.raises(GoneError, match="was not answered"):
        await world.talk.pump()


async def test_answers_of_others_and_wrong_types_are_no_answers(world, raw):
    pumping = asyncio.create_task(world.talk.pump())
    asked = await next_text(raw)
    await raw.send('[3, "another", {"status": "Accepted", "interval": 1, "currentTime": "x"}]')
    await raw.send(json.dumps([3, asked[1], {"status": "Maybe", "interval": "soon"}]))
    await pumping
    assert not world.talk.booted
    assert "refused" in world.talk.last_error


async def test_a_billing_system_that_answers_nonsense_loses_no_transaction(world, raw):
    world.talk.booted = True
    world.plug()
    world.look()
    pumping = asyncio.create_task(world.talk.pump())
    while (asked := await next_text(raw))[2] != "StartTransaction":
        await raw.send(json.dumps([3, asked[1], {}]))
    await raw.send(json.dumps([3, asked[1], {"transactionId": "x", "idTagInfo": []}]))
    await pumping
    assert world.book.waiting() == 1
    assert world.book.next().attempts == 1


async def test_words_without_end_are_cut_before_they_reach_the_daemon(tmp_path):
    lines = []
    writer = SimpleNamespace(write=lines.append, drain=None)
    settings = OCPP.kept(OcppSettings(identity="CP-1"))
    process = Process({"folder": str(tmp_path), "settings": settings, "board": {}}, writer)
    process.talk.last_error = "a profile was refused: Invalid isoformat string: " + "9" * 200_000
    process._tell()
    process.book.close()
    assert len(lines) == 1
    assert len(lines[0]) < 2000


async def test_a_local_list_takes_no_more_room_than_its_tokens_need(world):
    entry = {"idTag": "04AA", "idTagInfo": {"status": "Accepted", "expiryDate": "9" * 100_000}}
    payload = {"listVersion": 1, "updateType": "Full", "localAuthorizationList": [entry]}
    world.talk.point.tokens.heard("04BB", {"status": "Accepted", "expiry": "9" * 100_000}, 1.0)
    answer = await world.talk.dialect.handle(world.talk, "SendLocalList", payload)
    assert answer == {"status": "Failed"}
    assert world.book.count_listed() == 0
    assert len(str(world.book.cached("04BB"))) < 1000
    assert world.talk.point.tokens.offline("04BB", 1.0).status == "Invalid"


async def test_nothing_more_is_done_while_the_daemon_does_not_follow(world, raw):
    follows = asyncio.Event()
    world.talk.room = follows.wait
    for number in range(50):
        change = '{"connectorId": 1, "type": "Operative"}'
        await raw.send(f'[2, "{number}", "ChangeAvailability", {change}]')
    for _ in range(50):
        await asyncio.sleep(0)
    assert world.orders == []
    follows.set()
    assert [(await next_text(raw))[1] for _ in range(50)] == [str(one) for one in range(50)]
    assert len(world.orders) == 50
