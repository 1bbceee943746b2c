"""What was asked for once and comes too late, and clocks that are not right."""

import sqlite3
from contextlib import suppress

import pytest
from ocpp.v16 import call

from evsed.services.ocpp import remote
from evsed.services.ocpp.book import Book
from evsed.services.ocpp.moment import stamp
from evsed.services.ocpp.talk import MOST_TODO

DAY_S = 86_400


def profile(*limits, number=1, purpose="TxDefaultProfile", kind="Relative", **schedule):
    periods = [{"startPeriod": start, "limit": limit} for start, limit in limits]
    return {
        "chargingProfileId": number,
        "stackLevel": 0,
        "chargingProfilePurpose": purpose,
        "chargingProfileKind": kind,
        "chargingSchedule": {
            "chargingRateUnit": "A",
            "chargingSchedulePeriod": periods,
            **schedule,
        },
    }


def install(sent, connector=1):
    return call.SetChargingProfile(connector_id=connector, cs_charging_profiles=sent)


def authorizations(world):
    return [one for one in world.orders if one["t"] == "authorize"]


async def charging(world):
    world.plug()
    await world.run(2)
    world.station.charge(16)
    await world.run(2)


async def test_a_start_whose_connection_broke_is_not_carried_out_over_the_next(world):
    answer = await world.csms.call(call.RemoteStartTransaction(id_tag="04AABBCC"), suppress=False)
    assert answer.status == "Accepted"
    await world.cut()
    await world.run(3600, 60)
    await world.connect()
    await world.run(2)
    assert authorizations(world) == []
    assert world.ledger.of("Authorize") == []


async def test_a_start_does_not_wait_until_a_long_queue_is_delivered(world, monkeypatch):
    await world.cut()
    await charging(world)
    await world.run(3600, 60)
    world.station.unplug()
    await world.run(2)
    waiting, asked, left = world.book.waiting(), [], []
    assert waiting > 50
    judgement, authorized = world.talk.dialect.judgement, world.point.authorized

    def meanwhile(answer):
        if not asked:
            asked.append(remote.start(world.talk, "04AABBCC"))
        return judgement(answer)

    def begun(*args, **more):
        left.append(world.book.waiting())
        authorized(*args, **more)

    monkeypatch.setattr(world.talk.dialect, "judgement", meanwhile)
    monkeypatch.setattr(world.point, "authorized", begun)
    await world.connect()
    assert asked == [True]
    assert left == [waiting - 1]
    assert world.book.waiting() == 0


async def test_nobody_is_started_before_the_boot_was_accepted(world):
    await world.cut()
    world.ledger.boot_status = "Pending"
    await world.connect()
    answer = await world.ask(call.RemoteStartTransaction(id_tag="04AABBCC"))
    assert answer.status == "Rejected"
    assert authorizations(world) == []


async def test_what_is_asked_for_faster_than_it_is_done_is_refused(world):
    asked = call.TriggerMessage(requested_message="Heartbeat")
    found = [(await world.csms.call(asked, suppress=False)).status for _ in range(MOST_TODO + 1)]
    assert found == ["Accepted"] * MOST_TODO + ["Rejected"]
    await world.pump()
    assert (await world.ask(asked)).status == "Accepted"


@pytest.mark.parametrize("limit", [-1.0, 10.0])
async def test_a_start_with_a_profile_that_cannot_be_followed_is_refused(world, limit):
    sent = profile((0, limit), purpose="TxProfile") | {"stackLevel": 99 if limit > 0 else 0}
    asked = call.RemoteStartTransaction(id_tag="04AABBCC", charging_profile=sent)
    assert (await world.ask(asked)).status == "Rejected"
    await charging(world)  # nothing breaks
    assert world.point.running is not None


async def test_a_disk_that_is_full_does_not_keep_a_limit_from_falling(world, monkeypatch):
    await world.ask(install(profile((0, 16.0), (120, 8.0))))
    await charging(world)
    assert world.limit == (160, 160)

    def refuse(*_words):
        raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as broken:
        broken.setattr(world.book, "put", refuse)
        for _ in range(130):
            world.station.step(1000)
            with suppress(sqlite3.OperationalError):
                world.look()
        assert world.limit == (80, 80)
    await world.run(2)
    assert world.limit == (80, 80)
    assert world.ledger.of("MeterValues")


async def test_what_was_not_looked_at_first_because_of_the_disk_is_looked_at_later(
    world, monkeypatch
):
    await charging(world)
    await world.cut()
    world.station.boot = "boot-2"
    world.station.restart()
    world.station.idle()

    def refuse(*_words):
        raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as broken:
        broken.setattr(Book, "put", refuse)
        with pytest.raises(sqlite3.OperationalError):
            await world.kill()
    await world.connect()
    await world.run(2)
    assert world.ledger.of("StopTransaction")[0]["reason"] == "PowerLoss"


@pytest.mark.parametrize("jump_s", [-3600, 40 * 365 * DAY_S])
async def test_a_relative_profile_does_not_mind_a_clock_that_is_set(world, jump_s):
    await world.ask(install(profile((0, 16.0), (60, 8.0), (600, 6.0), duration=7200)))
    world.station.clock_set = False
    await charging(world)
    await world.run(100)
    assert world.limit == (80, 80)
    world.station.wall_s += jump_s
    world.station.clock_set = True
    await world.run(2)
    assert world.limit == (80, 80)
    await world.kill()
    await world.run(2)
    assert world.limit == (80, 80)
    await world.run(600)
    assert world.limit == (60, 60)


async def test_a_clock_that_nobody_has_set_lifts_no_limit(world):
    """A Pi that was off for a day goes on where it was, until somebody tells it the time."""
    began = stamp(world.station.wall_s)
    sent = profile(
        (0, 16.0), (DAY_S, 10.0), (2 * DAY_S, 12.0), kind="Absolute", startSchedule=began
    )
    await world.ask(install(sent))
    assert world.limit == (160, 160)
    right_s = world.station.wall_s + 2.5 * DAY_S
    world.station.wall_s -= 3600
    world.station.clock_set = False
    await world.kill()
    assert world.limit == (100, 100)
    world.ledger.clock = lambda: right_s
    await world.connect()
    await world.run(2)
    assert world.limit == (120, 120)
    answer = await world.ask(call.GetCompositeSchedule(connector_id=1, duration=60))
    assert [one["limit"] for one in answer.charging_schedule["charging_schedule_period"]] == [12]


async def test_what_is_over_by_any_clock_does_not_limit(world):
    began = stamp(world.station.wall_s)
    sent = profile((0, 10.0), kind="Absolute", startSchedule=began, duration=60)
    await world.ask(install(sent))
    world.station.clock_set = False
    await world.run(61)
    await world.kill()
    assert world.limit == (None, None)


@pytest.mark.parametrize("stops", ["true", "false"])
async def test_a_token_that_is_not_accepted_gets_no_energy_whatever_becomes_of_the_transaction(
    world, stops
):
    key = "StopTransactionOnInvalidId"
    answer = await world.ask(call.ChangeConfiguration(key=key, value=stops))
    assert answer.status == "Accepted"
    world.ledger.refuses_tokens["EVSED"] = "Blocked"
    await charging(world)
    assert world.limit[0] == 0
    await world.run(30)
    assert bool(world.ledger.of("StopTransaction")) is (stops == "true")
    await world.kill()
    await world.connect()
    await world.run(2)
    assert world.limit[0] == 0
    statuses = [one["status"] for one in world.ledger.of("StatusNotification")]
    assert statuses[-1] == ("Finishing" if stops == "true" else "SuspendedEVSE")
    world.station.unplug()
    await world.run(2)
    assert world.limit[0] is None


@pytest.mark.parametrize("broken", ["set_cached", "delivered"])
async def test_a_refusal_is_not_lost_with_the_disk(world, monkeypatch, broken):
    world.ledger.refuses_tokens["EVSED"] = "Blocked"

    def refuse(*_words):
        raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as full:
        full.setattr(Book, broken, refuse)
        world.plug()
        with pytest.raises(sqlite3.OperationalError):
            await world.run(1)
        world.station.charge(16)
        world.station.step(1000)
        world.look()
        assert world.limit[0] == 0
    await world.run(30)
    assert len(world.ledger.of("StartTransaction")) == 1
    assert world.ledger.of("StopTransaction")[0]["reason"] == "DeAuthorized"


async def test_out_of_service_is_asked_for_until_it_is_so(world, monkeypatch):
    with monkeypatch.context() as refused:  # no control pass took it in time
        refused.setattr(world.point, "order", lambda _order: None)
        asked = call.ChangeAvailability(connector_id=1, type="Inoperative")
        assert (await world.ask(asked)).status == "Accepted"
    assert world.station.snapshot.available
    await world.run(2)
    assert not world.station.snapshot.available
    world.station.show(available=True)  # somebody here decides otherwise
    await world.run(5)
    assert world.station.snapshot.available


async def test_a_transaction_that_a_newer_version_kept_goes_on(world):
    await charging(world)
    running = world.point.running
    world.book.save_tx(running.id, {**running.as_json(), "newer": 1}, is_open=True)
    await world.kill()
    assert world.point.running.id == running.id
