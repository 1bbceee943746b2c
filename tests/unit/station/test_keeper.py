import logging
import os
import threading
import time

import pytest
from scenarios.street import Street, quick_board

from evsed.charging.commands import Enable, RenewLimit, SetChargingCurrent, SetLimit
from evsed.errors import RejectedError
from evsed.station.counters import Counters, Ledger
from evsed.station.keeper import Keeper


@pytest.fixture
def street():
    return Street(quick_board()).start()


@pytest.fixture
def keeper(street, tmp_path):
    return Keeper(street.station, Ledger(tmp_path / "ledger.json"), tmp_path / "recordings")


def said(caplog, level=logging.INFO):
    return [one.getMessage() for one in caplog.records if one.levelno >= level]


def test_what_changed_is_told_in_order(street, keeper, caplog):
    caplog.set_level(logging.INFO)
    street.charge()
    street.vehicle.lose_its_diode()
    street.until(state="E")
    keeper.look()
    told = said(caplog)
    order = [
        "state B2: vehicle_not_asking",
        "state C2: charging",
        "contactor closed",
        "contactor open",
        "state E: fault",
        "fault: diode_short",
    ]
    assert [told.index(line) for line in order] == sorted(told.index(line) for line in order)
    assert said(caplog, logging.WARNING) == ["fault: diode_short"]
    street.doze_s(61)
    keeper.look()
    assert "fault gone: diode_short" in said(caplog)


def test_a_second_fault_is_told_although_the_state_stays(street, keeper, caplog):
    street.vehicle.short_the_pilot()
    street.until(state="E").set(temperature=70.0)
    street.until(errors=["pilot_fault", "temperature_high"], within_ms=11_000)
    keeper.look()
    assert said(caplog, logging.WARNING) == ["fault: pilot_fault", "fault: temperature_high"]


def test_welded_contacts_are_told_at_the_highest_level(street, keeper, caplog):
    street.charge().set(weld=True)
    street.vehicle.open_s2()
    street.until(state="E")
    keeper.look()
    assert said(caplog, logging.CRITICAL) == ["fault: contactor_welded"]


def test_commands_are_told_with_their_source_and_refusals_with_their_reason(street, keeper, caplog):
    caplog.set_level(logging.INFO)
    street.send(Enable(False))
    with pytest.raises(RejectedError):
        street.send(SetChargingCurrent(1))
    keeper.look()
    assert "Enable(on=False) from test" in said(caplog)
    (refused,) = [line for line in said(caplog) if "refused" in line]
    assert "SetChargingCurrent(current_da=1) from test refused: " in refused
    assert "6.0 to 32.0 A expected" in refused


def test_silence_of_an_owner_is_told_and_so_is_his_return(street, keeper, caplog):
    caplog.set_level(logging.INFO)
    street.send(SetLimit(owner="sun", current_da=100, lease_ms=1000, fallback_da=0))
    street.send(SetLimit(owner="guard", lease_ms=1000, fallback_da=75))
    for _ in range(3):
        street.wait_s(1)
        keeper.look()
    street.send(RenewLimit("guard")).wait_s(0.1)
    keeper.look()
    assert sorted(said(caplog, logging.WARNING)) == [
        "guard has fallen silent: at most 7.5 A",
        "sun has fallen silent: charging is paused",
    ]
    assert said(caplog)[-1] == "guard has been heard again"


def test_a_fault_leaves_a_recording_and_the_ledger_follows(street, keeper, tmp_path):
    street.charge()
    keeper.look()
    street.vehicle.short_the_pilot()
    street.until(state="E").wait_s(2)
    keeper.look()
    (file,) = (tmp_path / "recordings").iterdir()
    assert file.name.endswith("-pilot_fault.jsonl")
    assert Ledger(tmp_path / "ledger.json").load().closings == 1


def test_a_full_disk_is_told_and_tried_again_and_nothing_is_lost(street, keeper, tmp_path, caplog):
    (tmp_path / "recordings").write_text("in the way")
    street.vehicle.short_the_pilot()
    street.until(state="E").wait_s(2)
    keeper.look()
    assert len(said(caplog, logging.ERROR)) == 1
    (tmp_path / "recordings").unlink()
    for _ in range(100):
        keeper.look()
    assert not (tmp_path / "recordings").exists()
    keeper.look()
    assert len(list((tmp_path / "recordings").iterdir())) == 1
    assert len(said(caplog, logging.ERROR)) == 1


def test_a_ledger_that_cannot_be_written_is_told_and_tried_again(street, tmp_path, caplog):
    (tmp_path / "state").write_text("in the way")
    keeper = Keeper(
        street.station, Ledger(tmp_path / "state" / "ledger.json"), tmp_path / "recordings"
    )
    street.send(Enable(False))
    keeper.look()
    keeper.look()
    (line,) = said(caplog, logging.ERROR)
    assert line.startswith("energy ledger: could not be written")
    (alarm,) = keeper.alarms()
    assert alarm.name == "energy_not_saved"
    assert "File exists" in alarm.text or "Not a directory" in alarm.text
    (tmp_path / "state").unlink()
    for _ in range(31):
        keeper.look()
    assert Ledger(tmp_path / "state" / "ledger.json").load().enabled is False
    assert keeper.alarms() == ()


@pytest.mark.parametrize(
    ("previous", "expected"), [(None, "BEGAN AT 0"), ('{"version": 1}', "version before it")]
)
def test_a_ledger_that_was_damaged_stays_an_alarm(street, tmp_path, previous, expected):
    (tmp_path / "ledger.json").write_text("noise")
    if previous:
        (tmp_path / "ledger.json.previous").write_text(previous)
    ledger = Ledger(tmp_path / "ledger.json")
    ledger.load()
    keeper = Keeper(street.station, ledger, tmp_path / "recordings")
    street.send(Enable(False))
    keeper.look()
    (alarm,) = keeper.alarms()
    assert alarm.name == "energy_damaged"
    assert expected in alarm.text


def test_recordings_that_cannot_be_written_do_not_hold_up_the_ledger(street, keeper, tmp_path):
    (tmp_path / "recordings").write_text("in the way")
    street.vehicle.short_the_pilot()
    street.until(state="E").wait_s(2)
    keeper.look()
    street.send(Enable(False))
    keeper.look()
    assert Ledger(tmp_path / "ledger.json").load().enabled is False


def test_a_disk_that_hangs_is_told_while_the_worker_waits_for_it(street, tmp_path):
    file = tmp_path / "ledger.json"
    fresh = tmp_path / "ledger.json.new"
    os.mkfifo(fresh)  # opening it for writing waits until somebody reads
    keeper = Keeper(street.station, Ledger(file), tmp_path / "recordings")
    now_s = [0.0]
    keeper._disk.clock_s = lambda: now_s[0]
    street.send(Enable(False))
    worker = threading.Thread(target=keeper.look)
    worker.start()
    try:
        began = time.monotonic()
        while not keeper.alarms() and time.monotonic() - began < 10:
            now_s[0] += 1
            time.sleep(0.01)
        (alarm,) = keeper.alarms()
        assert "not answered" in alarm.text
    finally:
        reader = os.open(fresh, os.O_RDONLY | os.O_NONBLOCK)
        worker.join(10)
        os.close(reader)
    assert not worker.is_alive()


def test_the_worker_survives_a_bad_disk_and_writes_everything_when_it_stops(
    street, tmp_path, caplog
):
    folder = tmp_path / "state"
    folder.write_text("in the way")
    keeper = Keeper(street.station, Ledger(folder / "ledger.json"), folder / "recordings")
    street.send(Enable(False))
    keeper.start()
    deadline = time.monotonic() + 5
    while not said(caplog, logging.ERROR) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert keeper._thread.is_alive()
    folder.unlink()
    keeper.stop()
    assert not keeper._thread.is_alive()
    assert Ledger(folder / "ledger.json").load().enabled is False


def test_a_worn_contactor_is_told_once(tmp_path, caplog):
    counters = Counters(closings=99_999, loaded_openings=1_999)
    street = Street(counters=counters).start()
    keeper = Keeper(street.station, Ledger(tmp_path / "ledger.json"), tmp_path / "recordings")
    keeper.look()
    street.charge().set(reaction=-1).wait_s(2)
    street.send(Enable(False)).wait_s(7)
    keeper.look()
    assert [line for line in said(caplog, logging.WARNING) if line.startswith("contactor:")] == [
        "contactor: 100000 closings; it is due for replacement",
        "contactor: 2000 openings under load; replace it",
    ]
    street.send(Enable(True)).wait_s(1)
    keeper.look()
    assert len([line for line in said(caplog) if line.startswith("contactor:")]) == 2


def test_the_worker_goes_on_after_an_unexpected_failure(street, tmp_path, caplog):
    class Broken(Ledger):
        def due(self, snapshot):
            self.asked = getattr(self, "asked", 0) + 1
            if self.asked == 1:
                raise ZeroDivisionError("for once")
            return super().due(snapshot)

    ledger = Broken(tmp_path / "ledger.json")
    keeper = Keeper(street.station, ledger, tmp_path / "recordings")
    keeper.start()
    deadline = time.monotonic() + 10
    while getattr(ledger, "asked", 0) < 2 and time.monotonic() < deadline:
        time.sleep(0.01)
    keeper.stop()
    assert ledger.asked >= 2
    assert "keeper: unexpected failure" in said(caplog)
