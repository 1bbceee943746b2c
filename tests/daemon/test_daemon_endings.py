"""Every way the daemon can end: the contactor open, the pilot low, and an honest exit status."""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from daemon_world import (
    Daemon,
    RunningSimulator,
    alive,
    descendants,
    eventually,
    milliseconds_until,
)

Figure = Callable[[str, object], None]

_FAILING = Path(__file__).with_name("failing_daemon.py")
_WATCHED = Path(__file__).with_name("watched_daemon.py")
SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
#: the daemon promises 200 ms; this is what a busy machine may add
_NOTICED_MS = 200 + 800


@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
def test_a_signal_ends_an_idle_daemon(
    simulator: RunningSimulator, daemon: Daemon, number: signal.Signals
) -> None:
    daemon.signal(number)
    assert daemon.wait() == 0
    assert simulator.safe()
    assert "Traceback" not in daemon.log


@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
def test_a_signal_while_charging_lets_the_vehicle_stop_drawing_first(
    simulator: RunningSimulator, charging: Daemon, number: signal.Signals
) -> None:
    simulator.set(reaction=600)
    charging.signal(number)
    eventually(lambda: simulator.pilot() == "high")
    assert simulator.closed()
    eventually(lambda: not simulator.closed())
    assert not simulator.get()["s2"]
    assert charging.wait() == 0
    assert simulator.safe()
    assert "Traceback" not in charging.log


def test_a_vehicle_that_goes_on_drawing_is_cut_off_after_six_seconds(
    simulator: RunningSimulator, charging: Daemon, figure: Figure
) -> None:
    simulator.set(reaction=-1)
    charging.signal(signal.SIGTERM)
    took_ms = milliseconds_until(lambda: not simulator.closed())
    figure("SIGTERM to open, car ignores it, ms", took_ms)
    assert 5500 < took_ms < 8000
    assert charging.wait() == 0
    assert simulator.safe()


def test_a_second_signal_opens_at_once(simulator: RunningSimulator, charging: Daemon) -> None:
    simulator.set(reaction=-1)
    charging.signal(signal.SIGTERM)
    eventually(lambda: simulator.pilot() == "high")
    assert simulator.closed()
    charging.signal(signal.SIGTERM)
    eventually(lambda: not simulator.closed(), 2)
    assert charging.wait() == 0
    assert simulator.safe()


def test_after_a_kill_a_vehicle_that_goes_on_asking_waits_until_it_stops(
    folder: Path, simulator: RunningSimulator, charging: Daemon
) -> None:
    simulator.set(reaction=-1)
    charging.signal(signal.SIGKILL)
    charging.wait()
    eventually(lambda: not simulator.closed())  # by the dead-man
    with Daemon(folder, simulator=simulator) as daemon:
        daemon.ready()
        eventually(lambda: daemon.reason() == "unclean_end")
        assert daemon.state() == "C1"
        simulator.set(vehicle="connected")
        daemon.until("B2")
        simulator.set(vehicle="charging")
        daemon.until("C2")


def test_after_a_kill_a_vehicle_with_s2_goes_on_by_itself(
    folder: Path, simulator: RunningSimulator, charging: Daemon
) -> None:
    charging.signal(signal.SIGKILL)
    charging.wait()
    with Daemon(folder, simulator=simulator) as daemon:
        daemon.ready().until("C2")


def test_an_error_in_the_control_thread_opens_the_contactor(
    folder: Path, simulator: RunningSimulator
) -> None:
    now = folder / "now"
    with Daemon(folder, simulator=simulator, program=(str(_FAILING), str(now))) as daemon:
        daemon.charge()
        now.touch()
        took_ms = milliseconds_until(lambda: not simulator.closed())
        assert took_ms < _NOTICED_MS
        assert daemon.wait() == 1
        assert simulator.safe()
        assert "a bug in the rules" in daemon.log


def test_closed_connections_to_the_pin_daemon_are_noticed_within_200_ms(
    simulator: RunningSimulator, charging: Daemon, figure: Figure
) -> None:
    began = time.monotonic()
    simulator.set(pigpiod={"closeAll": True})
    eventually(lambda: not simulator.closed())
    took_ms = (time.monotonic() - began) * 1000
    figure("connections closed to contactor open, ms", took_ms)
    assert took_ms < _NOTICED_MS
    assert charging.wait() == 1
    assert simulator.safe()
    assert "control thread failed" in charging.log


def test_a_stalled_pin_daemon_is_noticed_within_200_ms(
    folder: Path, simulator: RunningSimulator, figure: Figure
) -> None:
    notes = folder / "notes"
    with Daemon(folder, simulator=simulator, program=(str(_WATCHED), str(notes))) as daemon:
        daemon.ready().charge()
        notes.write_text("")
        began = time.monotonic()
        simulator.set(pigpiod={"stallMs": 3000})
        assert daemon.wait() == 1
        noticed_ms = (float(notes.read_text().split()[0]) - began) * 1000
    figure("stall to making safe, ms", noticed_ms)
    assert 0 < noticed_ms < _NOTICED_MS
    eventually(simulator.safe)


def test_a_stall_leaves_the_contactor_to_the_dead_man(
    simulator: RunningSimulator, charging: Daemon, figure: Figure
) -> None:
    began = time.monotonic()
    simulator.set(pigpiod={"stallMs": 3000})
    eventually(lambda: not simulator.closed())
    took_ms = (time.monotonic() - began) * 1000
    figure("stall to contactor open, ms", took_ms)
    assert took_ms < 600 + 400
    assert charging.wait() == 1


def test_a_pin_daemon_that_goes_away_leaves_the_contactor_to_the_dead_man(
    simulator: RunningSimulator, charging: Daemon
) -> None:
    simulator.set(pigpiod={"refuse": True, "closeAll": True})
    eventually(simulator.safe, 2)
    assert charging.wait() == 1


@pytest.mark.parametrize("fault", [{"wrongEcho": True}, {"shortAnswer": True}])
def test_answers_that_make_no_sense_end_the_daemon_safely(
    simulator: RunningSimulator, charging: Daemon, fault: dict[str, bool]
) -> None:
    simulator.set(pigpiod=fault)
    eventually(lambda: not simulator.closed(), 2)
    assert charging.wait() == 1
    eventually(simulator.safe)


def test_a_daemon_that_started_its_simulator_takes_it_down_again(folder: Path) -> None:
    with Daemon(folder, environment={"TMPDIR": str(folder)}) as daemon:
        daemon.ready().charge()
        children = descendants(daemon.popen.pid)
        assert children
        daemon.signal(signal.SIGTERM)
        assert daemon.wait() == 0
    eventually(lambda: not alive(children))
    assert not list(folder.glob("evsed-sim-*"))


def test_a_daemon_whose_simulator_dies_ends_and_leaves_nothing_behind(folder: Path) -> None:
    with Daemon(folder, environment={"TMPDIR": str(folder)}) as daemon:
        daemon.ready()
        children = descendants(daemon.popen.pid)
        for pid in children:
            os.kill(pid, signal.SIGKILL)
        assert daemon.wait() == 1
    eventually(lambda: not alive(children))
    assert not list(folder.glob("evsed-sim-*"))
    assert "Exception ignored" not in daemon.log


@pytest.mark.parametrize("after_s", [0.4, 0.8, 1.4])
def test_a_signal_during_the_start_leaves_nothing_behind(folder: Path, after_s: float) -> None:
    with Daemon(folder, environment={"TMPDIR": str(folder)}) as daemon:
        time.sleep(after_s)  # somewhere between nothing and everything running
        children = descendants(daemon.popen.pid)
        daemon.signal(signal.SIGTERM)
        assert daemon.wait() in {0, -signal.SIGTERM}
    eventually(lambda: not alive(children))
    assert not list(folder.glob("evsed-sim-*"))
