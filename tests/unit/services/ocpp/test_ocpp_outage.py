"""What is told of transactions when nobody listens, and when the process is killed."""

import json
import sqlite3
from itertools import pairwise
from random import Random

import pytest
from csms_world import ChargerWorld, offline, times
from ocpp.v16 import call as ask16

from evsed.charging.energy import Energy
from evsed.charging.states import Fault

DAY_S = 86_400


@pytest.fixture
async def world(tmp_path):
    one = ChargerWorld(tmp_path)
    yield one
    await one.cut()
    one.book.close()


def told(world):
    """Return begins and ends as the billing system of 1.6 has them, in their order."""
    return [
        (action, words)
        for action, words in world.ledger.messages
        if action in {"StartTransaction", "StopTransaction"}
    ]


async def session(world, seconds=1800, amps=16.0, step_s=10):
    world.plug()
    await world.run(step_s, step_s)
    world.station.charge(amps)
    await world.run(seconds, step_s)
    world.station.unplug()
    await world.run(60, step_s)


def check_bill(world, sessions):
    """Check begins and ends against the station's own counter."""
    bill = told(world)
    assert [action for action, _ in bill] == ["StartTransaction", "StopTransaction"] * sessions
    begins, ends = [words for _, words in bill[::2]], [words for _, words in bill[1::2]]
    for begin, end, number in zip(begins, ends, range(1001, 1001 + sessions), strict=True):
        assert end["transaction_id"] == number
        assert end["meter_stop"] > begin["meter_start"]
    whole_wh = sum(
        end["meter_stop"] - begin["meter_start"] for begin, end in zip(begins, ends, strict=True)
    )
    given_wh = world.station.given_mws / 3_600_000
    assert given_wh - 2 * sessions <= whole_wh <= given_wh + 1e-6
    at = [one for pair in zip(times(begins), times(ends), strict=True) for one in pair]
    assert at == sorted(at)
    for words in world.ledger.of("MeterValues"):
        assert words["transaction_id"] in range(1001, 1001 + sessions)


@pytest.mark.parametrize("killed", [False, True])
async def test_energy_of_a_transaction_is_not_in_the_next_of_the_same_vehicle(world, killed):
    await world.connect()
    world.plug()
    await world.run(10)
    world.station.charge(16)
    await world.run(1800, 10)
    await world.ask(ask16.RemoteStopTransaction(transaction_id=1001))
    await world.run(30)
    if killed:
        await world.kill()
        await world.connect()
    world.point.authorized("04AABBCC")
    world.station.charge(16)
    await world.run(1800, 10)
    world.station.unplug()
    await world.run(30)
    check_bill(world, 2)
    (_, one), (_, other) = told(world)[1:3]
    assert other["meter_start"] >= one["meter_stop"] > 1000


async def test_after_a_day_without_anybody_everything_is_told_once_and_in_order(world):
    await world.connect()
    await world.run(60)
    await world.cut()
    began_s = world.station.wall_s
    chance = Random(11)  # noqa: S311
    for _ in range(12):
        await session(
            world, seconds=chance.randrange(1200, 5400, 10), amps=chance.choice((6, 10, 16))
        )
        await world.run(chance.randrange(60, 3600, 10), 10)
    left_s = began_s + DAY_S - world.station.wall_s
    assert left_s > 0
    await world.run(left_s, 60)
    assert world.book.waiting() > 500
    assert told(world) == []
    await world.connect()
    assert world.book.waiting() == 0
    check_bill(world, 12)
    ends = times(words for action, words in told(world))
    assert began_s <= ends[0]
    assert ends[-1] <= began_s + DAY_S
    per_tx = {}
    for words in world.ledger.of("MeterValues"):
        per_tx.setdefault(words["transaction_id"], []).append(words["meter_value"][0]["timestamp"])
    assert all(stamps == sorted(set(stamps)) for stamps in per_tx.values())


async def test_killed_and_cut_at_random_nothing_is_lost_or_told_twice(world):
    chance = Random(7)  # noqa: S311
    await world.connect()
    for _ in range(8):
        world.plug()
        await world.run(20, 10)
        world.station.charge(16)
        for _ in range(chance.randrange(2, 6)):
            await world.run(chance.randrange(30, 300, 10), 10)
            if chance.random() < 0.5:
                await world.kill()
            if chance.random() < 0.3 and world.socket is not None:
                # an answer gets lost on its way, and with it the connection
                world.socket.other.breaks_at = "[3,"
            if world.socket is None and chance.random() < 0.7:
                await world.connect()
            elif world.socket is not None and chance.random() < 0.3:
                await world.cut()
        world.station.unplug()
        await world.run(60, 10)
    await world.cut()
    await world.connect()
    assert world.book.waiting() == 0
    check_bill(world, 8)


async def test_an_answer_that_is_lost_has_the_message_sent_again_with_its_number(world):
    await world.connect()
    await world.run(5)
    world.socket.other.breaks_at = "transactionId"
    await session(world, 60)
    assert len(world.ledger.of("StartTransaction")) == 1
    assert world.book.next().event["kind"] == "start"
    assert world.socket is None
    await world.connect()
    check_bill(world, 1)


async def test_a_power_cut_ends_the_transaction_when_it_was_seen_last(world):
    await world.connect()
    world.plug()
    await world.run(10)
    world.station.charge(16)
    await world.run(600)
    seen_s = world.point.running.seen_s
    world.station.restart(boot="boot-2", wall_s=world.station.wall_s + 7200)
    await world.kill()
    await world.connect()
    end = world.ledger.of("StopTransaction")[0]
    assert (end["reason"], end["transaction_id"]) == ("PowerLoss", 1001)
    assert times([end]) == [seen_s]


async def test_a_counter_set_back_to_zero_is_no_negative_energy(world):
    await world.connect()
    world.station.energy = world.station.energy.__class__(total_mws=5_000_000_000)
    await world.run(5)
    world.plug()
    await world.run(5)
    world.station.charge(16)
    await world.run(600)
    world.station.energy = Energy(session_since_ms=world.station.energy.session_since_ms)
    await world.run(600)
    world.station.unplug()
    await world.run(5)
    begin, end = world.ledger.of("StartTransaction")[0], world.ledger.of("StopTransaction")[0]
    assert end["meter_stop"] - begin["meter_start"] == pytest.approx(1200 * 3680 / 3600, abs=3)


async def test_a_clock_that_was_not_set_is_counted_back_from_the_answer(world):
    real_s = world.station.wall_s
    world.station.wall_s, world.station.clock_set = 100.0, False
    world.ledger.clock = lambda: real_s
    world.plug()
    await world.run(10)
    world.station.charge(16)
    await world.run(300)
    world.station.unplug()
    await world.run(60)
    real_s += 370
    await world.connect()
    begin, end = world.ledger.of("StartTransaction")[0], world.ledger.of("StopTransaction")[0]
    assert times([begin, end]) == pytest.approx([real_s - 369, real_s - 59], abs=2)


async def test_a_fault_ends_the_transaction(world):
    await world.connect()
    world.plug()
    await world.run(5)
    world.station.charge(16)
    await world.run(60)
    world.station.fail(Fault.RCM_TRIGGERED)
    await world.run(5)
    assert world.ledger.of("StopTransaction")[0]["reason"] == "Other"
    last = world.ledger.of("StatusNotification")[-1]
    assert (last["status"], last["error_code"]) == ("Faulted", "GroundFailure")


async def test_who_refuses_a_message_is_asked_again_and_then_it_is_given_up(world):
    await world.connect()
    await world.ask(ask16.ChangeConfiguration("TransactionMessageAttempts", "3"))
    await world.ask(ask16.ChangeConfiguration("TransactionMessageRetryInterval", "10"))
    tries = []

    def refuse(**words):
        tries.append(world.station.wall_s)
        raise RuntimeError("the data base is away")

    world.csms.route_map["StartTransaction"]["_on_action"] = refuse
    await session(world, 120)
    assert len(tries) == 3
    assert [b - a for a, b in pairwise(tries)] == [10, 20]
    end = world.ledger.of("StopTransaction")[0]
    assert end["transaction_id"] == -1  # nobody ever gave it a number


async def test_what_waits_is_bounded_and_begins_and_ends_stay(world, monkeypatch):
    monkeypatch.setattr("evsed.services.ocpp.book.MOST_WAITING", 10)
    for _ in range(3):
        await session(world, 600)
    assert world.book.waiting() == 10
    await world.connect()
    assert len(told(world)) == 6


async def test_a_boot_that_is_pending_is_repeated_and_nothing_else_said(world):
    world.ledger.boot_status, world.ledger.interval = "Pending", 20
    await world.connect()
    world.plug()
    await world.run(50)
    assert [action for action, _ in world.ledger.messages] == ["BootNotification"] * 3
    world.ledger.boot_status, world.ledger.interval = "Accepted", 300
    await world.run(20)
    assert world.ledger.of("StartTransaction")


async def test_a_heartbeat_comes_when_nothing_else_was_said(world):
    world.ledger.interval = 60
    await world.connect()
    await world.run(200)
    assert len(world.ledger.of("Heartbeat")) == 3


async def test_a_disk_that_refuses_for_a_while_loses_no_transaction(world, monkeypatch):
    await world.connect()
    world.plug()
    world.station.step(1000)

    def refuse(*_words):
        raise sqlite3.OperationalError("disk I/O error")

    with monkeypatch.context() as broken:
        broken.setattr(world.book, "set_note", refuse)  # the last thing that is written
        with pytest.raises(sqlite3.OperationalError):
            world.look()
    assert world.point.running is None
    assert world.book.waiting() == 0
    await world.run(2)
    assert len(world.ledger.of("StartTransaction")) == 1


async def test_a_damaged_database_is_put_aside(tmp_path):
    world = ChargerWorld(tmp_path)
    world.book.close()
    file = tmp_path / "ocpp" / "ocpp.db"
    file.write_bytes(b"nonsense" * 1000)
    for part in ("-wal", "-shm"):
        file.with_name(file.name + part).unlink(missing_ok=True)
    world.start()
    assert world.book.waiting() == 0
    assert list(file.parent.glob("broken-*"))
    world.book.close()


async def test_the_dead_man_current_holds_from_the_start_until_somebody_listens(tmp_path):
    world = ChargerWorld(tmp_path, agreed=offline(offline_da=80, offline_after_s=30))
    assert world.limit == (80, 80)
    await world.connect()
    assert world.limit == (None, 80)
    await world.run(200)
    assert world.limit == (None, 80)  # signs of life come in time
    await world.cut()
    await world.run(29)
    assert world.limit == (None, 80)
    await world.run(2)
    assert world.limit == (80, 80)
    await world.connect()
    assert world.limit == (None, 80)
    await world.cut()
    world.book.close()
    assert json.dumps(world.orders) == "[]"
