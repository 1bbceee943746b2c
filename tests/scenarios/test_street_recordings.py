"""Every fault leaves a flight recording, and its replay shows what was seen."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from evsed.charging.commands import (
    Authorize,
    ClearLimit,
    Enable,
    LapseLimits,
    MakeAvailable,
    RenewLimit,
    SetChargingCurrent,
    SetLimit,
)
from evsed.station.recorder import write_recording
from evsed.station.replay import replay as run_trace
from evsed.station.trace import Trace, parse_trace
from scenarios.street import Street, quick_board

Story = Callable[[Street], object]


def recorded(street: Street, folder: Path) -> Trace:
    """Write the only recording of a street and read it back."""
    (recording,) = street.station.recorder.recordings
    path = write_recording(recording, folder)
    with path.open(encoding="utf-8") as lines:
        return parse_trace(lines, source=path.name)


def short(street: Street) -> None:
    street.charge().wait_s(2)
    street.vehicle.short_the_pilot()


def diode(street: Street) -> None:
    street.charge().wait_s(2)
    street.vehicle.lose_its_diode()


def heat(street: Street) -> None:
    street.charge().wait_s(2).set(temperature=70.0)


def lost_sensor(street: Street) -> None:
    street.charge().wait_s(2).set(tempFault=True)


def trip(street: Street) -> None:
    street.change_settings(rcm=True).charge().wait_s(2).set(rcm=True)


def failed_test(street: Street) -> None:
    street.change_settings(rcm=True).set(rcmTestOk=False)
    street.vehicle.plug_in()


def jam(street: Street) -> None:
    street.change_settings(socket_outlet=True).set(lockJam=True)
    street.vehicle.plug_in()


def weld(street: Street) -> None:
    street.charge().wait_s(2).set(weld=True)
    street.vehicle.open_s2()


def stuck(street: Street) -> None:
    street.set(contactorStuck=True)
    street.vehicle.close_s2()


def dead_converter(street: Street) -> None:
    street.charge().wait_s(2).set(adcDead=True)


def open_proximity(street: Street) -> None:
    street.change_settings(socket_outlet=True).charge().wait_s(2).set(cable=0)


def busy(street: Street) -> None:
    """Commands of every kind before the fault."""
    street.change_settings(require_auth=True).send(Authorize())
    street.charge().wait_s(2).send(SetChargingCurrent(100)).wait_s(2).send(Enable(False))
    street.wait_s(3).send(Enable(True)).until(state="C2", contactor=True).wait_s(2)
    street.send(MakeAvailable(False)).wait_s(2).send(MakeAvailable(True)).wait_s(2)
    street.vehicle.short_the_pilot()


def owners(street: Street) -> None:
    """Limits of others: one from before the recording begins, one that falls silent in it."""
    street.send(SetLimit(owner="house", current_da=200, lease_ms=60_000, fallback_da=160))
    street.charge().wait_s(2)
    street.vehicle.unplug()
    street.until(state="A").wait_s(1)
    street.send(SetLimit(owner="sun", current_da=120, lease_ms=3_000, fallback_da=0))
    street.charge().wait_s(2).until(state="C1", reason="controller_lost").wait_s(2)
    street.send(RenewLimit("sun")).until(state="C2", contactor=True, offered=12.0).wait_s(1)
    street.send(ClearLimit("sun")).until(offered=20.0).wait_s(1)
    street.send(LapseLimits(("house",))).until(offered=16.0).wait_s(1)
    street.vehicle.short_the_pilot()


STORIES: dict[str, Story] = {
    story.__name__: story
    for story in (
        short,
        diode,
        heat,
        lost_sensor,
        trip,
        failed_test,
        jam,
        weld,
        stuck,
        dead_converter,
        open_proximity,
        busy,
        owners,
    )
}


@pytest.mark.parametrize("name", STORIES)
def test_a_replay_of_the_recording_holds_all_its_expectations(name: str, tmp_path: Path) -> None:
    street = Street(quick_board()).start().wait_s(1)
    STORIES[name](street)
    street.until(state="E", within_ms=45_000).wait_s(2)
    trace = recorded(street, tmp_path)
    verdict = run_trace(trace)
    assert verdict.differences == ()
    assert verdict.checked >= 1


def test_the_recording_is_named_after_the_fault_and_says_what_was_fitted(tmp_path: Path) -> None:
    street = Street(quick_board(), max_charging_current_a=20).start()
    short(street)
    street.until(state="E").wait_s(2)
    path = write_recording(street.station.recorder.recordings.popleft(), tmp_path)
    assert path.name.endswith("-pilot_fault.jsonl")
    header = json.loads(path.read_text().splitlines()[0])
    assert header["board"]["socketLock"] is True
    assert header["settings"]["maxChargingCurrent"] == 20


def test_recordings_of_one_second_do_not_overwrite_one_another(tmp_path: Path) -> None:
    street = Street(quick_board()).start()
    short(street)
    street.until(state="E").wait_s(2)
    (recording,) = street.station.recorder.recordings
    assert len({write_recording(recording, tmp_path) for _ in range(3)}) == 3


def test_the_oldest_recordings_go(tmp_path: Path) -> None:
    street = Street(quick_board()).start()
    short(street)
    street.until(state="E").wait_s(2)
    for number in range(25):
        (tmp_path / f"20200101T0000{number:02}-pilot_fault.jsonl").touch()
    path = write_recording(street.station.recorder.recordings.popleft(), tmp_path)
    kept = sorted(tmp_path.iterdir())
    assert len(kept) == 20
    assert kept[-1] == path


def test_a_fault_at_power_up_is_recorded_from_power_up_on(tmp_path: Path) -> None:
    street = Street(quick_board())
    street.circuit.advance_to_us(10**10)  # the computer has been running for hours
    street._next_pass_us = street.circuit.now_us
    street.vehicle.short_the_pilot()
    street.until(state="E").wait_s(2)
    trace = recorded(street, tmp_path)
    assert max(event.t_ms for event in trace.events) < 5000


def test_a_station_without_faults_leaves_no_recording(street: Street) -> None:
    street.charge().wait_s(2)
    street.vehicle.unplug()
    street.until(state="A").wait_s(2)
    assert not street.station.recorder.recordings


def test_weeks_of_one_session_do_not_grow_the_recorder(quick: Street) -> None:
    quick.vehicle.plug_in()
    quick.until(state="B2")
    for number in range(1200):
        quick.send(SetChargingCurrent(60 + number % 2)).send(Enable(bool(number % 2)))
    assert len(quick.station.recorder._events) == 2048
