"""A management system that is connected and does not answer."""

import json
from itertools import pairwise

from ocpp.v16 import call


async def session(world, seconds=120):
    world.plug()
    await world.run(seconds)
    world.station.unplug()
    await world.run(120)


async def test_what_is_never_answered_is_tried_again_and_then_the_next_has_its_turn(world):
    await world.ask(call.ChangeConfiguration("TransactionMessageAttempts", "3"))
    await world.ask(call.ChangeConfiguration("TransactionMessageRetryInterval", "10"))
    world.socket.swallows.add('"StartTransaction"')
    tries, exchange = [], world.talk.link._exchange

    async def note(number, action, payload):
        if action == "StartTransaction":
            tries.append((world.station.wall_s, number))
        return await exchange(number, action, payload)

    world.talk.link._exchange = note
    await session(world)
    assert [b - a for (a, _), (b, _) in pairwise(tries)] == [10, 20]
    assert len({number for _, number in tries}) == 1
    assert world.ledger.of("StopTransaction")[0]["transaction_id"] == -1
    assert len(world.ledger.of("BootNotification")) == 1  # the connection was good
    assert world.book.waiting() == 0


async def test_who_answers_nothing_is_connected_to_anew_and_is_told_once(world):
    world.socket.swallows.add("[2,")
    await session(world, 5)
    assert world.socket is None
    assert world.book.next().attempts == 0  # an outage is no refusal
    await world.connect()
    told = [action for action, _ in world.ledger.messages if "Transaction" in action]
    assert told == ["StartTransaction", "StopTransaction"]
    assert world.ledger.of("StopTransaction")[0]["transaction_id"] == 1001


async def test_an_answer_that_comes_late_is_taken(world):
    world.socket.swallows.add('"StartTransaction"')
    world.plug()
    await world.run(2)
    [sent] = map(json.loads, world.socket.swallowed)
    await world.socket.other.send(
        json.dumps([3, sent[1], {"transactionId": 77, "idTagInfo": {"status": "Accepted"}}])
    )
    world.station.unplug()
    await world.run(120)
    assert len(world.socket.swallowed) == 1
    assert world.ledger.of("StopTransaction")[0]["transaction_id"] == 77


async def test_a_status_that_is_not_answered_keeps_nothing_else_waiting(world):
    world.socket.swallows.add('"StatusNotification"')
    await session(world, 5)
    assert len(world.ledger.of("StopTransaction")) == 1


async def test_a_pause_between_two_attempts_is_kept_over_connections(world):
    def refuse(**_words):
        raise RuntimeError("the data base is away")

    world.csms.route_map["StartTransaction"]["_on_action"] = refuse
    world.plug()
    await world.run(2)
    assert world.book.next().attempts == 1
    await world.cut()
    await world.connect()
    assert world.ledger.of("StartTransaction") == []
    await world.run(60)
    assert len(world.ledger.of("StartTransaction")) == 1


async def test_a_token_is_judged_here_when_nobody_answers(world):
    await world.ask(call.ChangeConfiguration("AllowOfflineTxForUnknownId", "true"))
    world.socket.swallows.add('"Authorize"')
    world.talk.link._patience = lambda _action: 60.0
    world.talk.ask_s = 0.01
    assert await world.talk.present("04AABBCC") == "Accepted"
    await world.run(2)  # and the next is asked as ever
    assert world.socket is not None


async def test_a_system_that_knows_no_meter_values_gets_begins_and_ends_at_once(world):
    world.csms.route_map["MeterValues"].clear()
    await session(world, 600)
    told = [action for action, _ in world.ledger.messages if "Transaction" in action]
    assert told == ["StartTransaction", "StopTransaction"]
    assert world.book.waiting() == 0
