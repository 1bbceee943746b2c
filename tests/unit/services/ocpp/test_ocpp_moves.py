"""An owner who moves to another management system, and versions that go back and forth."""

import sqlite3
from contextlib import closing

import pytest
from csms_world import Ledger
from load_world import share_profile
from ocpp.v16 import call

from evsed.services.ocpp.shelf import system_of

PROFILE = share_profile(10.0)
ENTRY = {"idTag": "GOOD", "idTagInfo": {"status": "Accepted"}}


async def session(world):
    world.plug()
    await world.run(5)
    world.station.charge(16)
    await world.run(600, 10)
    world.station.unplug()
    await world.run(5)


def bill(ledger):
    return [(kind, words) for kind, words in ledger.messages if "Transaction" in kind]


async def test_another_system_gets_nothing_of_the_last_and_its_words_count_no_more(world):
    old, new = world.ledger, Ledger()
    await world.ask(call.SendLocalList(1, "Full", [ENTRY]))
    await world.ask(call.SetChargingProfile(0, PROFILE))
    await world.ask(call.ChangeConfiguration("MeterValueSampleInterval", "30"))
    await world.ask(call.ChangeConfiguration("AllowOfflineTxForUnknownId", "false"))
    await world.cut()
    await session(world)
    left = world.book.waiting()
    assert left > 5
    await world.move("two", new)
    assert (world.book.waiting(), world.limit) == (0, (None, None))
    assert await world.talk.present("GOOD") == "Invalid"
    assert world.point.variables.whole("MeterValueSampleInterval") == 60
    await world.connect()
    await session(world)
    assert len(bill(new)) == 2
    await world.cut()
    await session(world)
    await world.move("one", old)  # it was a slip
    assert (world.book.waiting(), world.limit[0]) == (left, 100)
    await world.connect()
    assert [kind for kind, _ in bill(old)] == ["StartTransaction", "StopTransaction"]
    await world.move("two", new)
    await world.connect()
    assert len(bill(new)) == 4


async def test_a_transaction_ends_with_the_move_and_no_energy_is_in_two(world):
    old, new = world.ledger, Ledger()
    world.plug()
    await world.run(5)
    world.station.charge(16)
    await world.run(630, 10)
    await world.move("two", new)
    await world.connect()
    await world.run(600, 10)
    world.station.unplug()
    await world.run(5)
    (_, begun), (_, ended) = bill(new)
    await world.move("one", old)
    await world.connect()
    (_, before), (_, cut) = bill(old)
    assert (before["meter_start"], cut["reason"]) == (0, "Other")
    assert 0 < cut["meter_stop"] == begun["meter_start"] < ended["meter_stop"]
    assert ended["meter_stop"] * 3600 == pytest.approx(world.station.given_mws / 1000, abs=3600)


async def test_out_of_service_by_word_of_the_last_is_in_service_for_the_next(world):
    await world.ask(call.ChangeAvailability(0, "Inoperative"))
    await world.run(3)
    assert not world.station.snapshot.available
    await world.move("two", Ledger())
    await world.run(2)
    assert world.station.snapshot.available
    world.station.show(available=False)  # by somebody here
    await world.run(2)
    assert not world.station.snapshot.available
    world.station.show(available=True)
    await world.move("one", world.ledger)  # whose word counts again
    await world.run(2)
    assert not world.station.snapshot.available


async def test_a_move_that_was_cut_short_is_finished(world, tmp_path, monkeypatch):
    await world.cut()
    await session(world)
    file = tmp_path / "ocpp" / "ocpp.db"
    replace, calls = type(file).replace, []

    def dies(self, target):
        calls.append(target)
        if len(calls) == 2:
            raise OSError("the power went")
        return replace(self, target)

    with monkeypatch.context() as cut:
        cut.setattr(type(file), "replace", dies)
        with pytest.raises(OSError, match="power"):
            await world.move("two", Ledger())
    assert not file.exists()
    world.start()
    assert world.book.waiting() == 0
    await world.move("one", world.ledger)
    assert world.book.waiting() > 5


@pytest.mark.parametrize(
    ("url", "identity", "same"),
    [
        ("wss://csms.example/ocpp", "CP-1", True),
        ("ws://CSMS.example/ocpp/", "CP-1", True),
        ("ws://csms.example/ocpp", "CP-2", False),
        ("ws://csms.example:8080/ocpp", "CP-1", False),
        ("ws://csms.example/tenant", "CP-1", False),
        ("ws://other.example/ocpp", "CP-1", False),
    ],
)
def test_what_is_another_system(url, identity, same):
    one = system_of({"url": "ws://csms.example/ocpp", "identity": "CP-1"})
    assert (system_of({"url": url, "identity": identity}) == one) is same


def set_version(file, number):
    with closing(sqlite3.connect(file)) as database:
        database.execute(f"PRAGMA user_version={number}")


async def test_what_a_newer_version_kept_is_delivered_when_it_returns(world, tmp_path):
    folder = tmp_path / "ocpp"
    await world.cut()
    await session(world)
    world.plug()
    await world.run(5)
    world.station.charge(16)
    await world.run(120, 10)
    newer = world.book.waiting()
    world.book.close()
    set_version(folder / "ocpp.db", 99)
    world.station.unplug()
    world.start()  # the older one
    assert world.book.waiting() == 0
    await session(world)
    older = world.book.waiting()
    await world.kill()  # it cannot read what was put aside yet
    assert world.book.waiting() == older
    [aside] = folder.glob("newer-*-ocpp.db")
    world.book.close()
    set_version(aside, 1)
    world.start()
    assert world.book.waiting() == newer + 1 + older
    assert list(folder.glob("newer-*")) == []
    await world.connect()
    told = bill(world.ledger)
    assert [kind for kind, _ in told] == ["StartTransaction", "StopTransaction"] * 3
    assert told[3][1]["reason"] == "PowerLoss"
    numbers = [words["transaction_id"] for kind, words in told if kind == "StopTransaction"]
    assert numbers == [1001, 1002, 1003]


async def test_what_was_put_aside_is_taken_once(world, tmp_path):
    folder = tmp_path / "ocpp"
    await world.cut()
    await session(world)
    count = world.book.waiting()
    world.book.close()
    aside = folder / "newer-12345678-ocpp.db"
    (folder / "ocpp.db").rename(aside)
    content = aside.read_bytes()
    world.start()
    assert world.book.waiting() == count
    world.book.close()
    aside.write_bytes(content)  # as if it had not been erased any more
    world.start()
    assert world.book.waiting() == count
    world.book.close()
    (folder / "broken-12345678-ocpp.db").write_bytes(b"nonsense" * 1000)
    world.start()
    assert world.book.waiting() == count
    assert (folder / "broken-12345678-ocpp.db").exists()
