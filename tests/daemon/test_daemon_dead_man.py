"""A daemon killed or stopped while charging: the pin daemon's script opens the contactor."""

import signal
import time
from collections.abc import Callable
from pathlib import Path

from daemon_world import Daemon, RunningSimulator, eventually, milliseconds_until

Figure = Callable[[str, object], None]

_OPEN_WITHIN_MS = 600


def test_a_killed_daemon_leaves_an_open_contactor_within_600_ms(
    simulator: RunningSimulator, charging: Daemon, figure: Figure
) -> None:
    assert simulator.get()["deadMan"] == "running"
    charging.signal(signal.SIGKILL)
    took_ms = milliseconds_until(lambda: not simulator.closed())
    figure("kill -9 to contactor open, ms", took_ms)
    assert took_ms <= _OPEN_WITHIN_MS
    eventually(simulator.safe)
    assert simulator.get()["deadMan"] == "halted"
    assert charging.wait() == -signal.SIGKILL


def test_a_stopped_daemon_leaves_an_open_contactor_within_600_ms(
    simulator: RunningSimulator, charging: Daemon, figure: Figure
) -> None:
    charging.signal(signal.SIGSTOP)
    took_ms = milliseconds_until(lambda: not simulator.closed())
    figure("SIGSTOP to contactor open, ms", took_ms)
    assert took_ms <= _OPEN_WITHIN_MS
    eventually(simulator.safe)


def test_a_daemon_that_wakes_up_again_says_so_and_does_not_simply_go_on(
    simulator: RunningSimulator, charging: Daemon
) -> None:
    before = charging.get("/reason")["contactor"]["closings"]
    charging.signal(signal.SIGSTOP)
    eventually(lambda: not simulator.closed())
    charging.signal(signal.SIGCONT)
    eventually(lambda: charging.state() == "E")
    assert charging.get("/state")["errors"] == ["controller_fault"]
    assert not simulator.closed()
    assert simulator.pilot() == "low"
    assert not charging.get("/reason")["contactorClosed"]
    assert charging.get("/reason")["contactor"]["closings"] == before
    eventually(lambda: "controller_fault" in charging.log)


def test_a_short_stop_that_the_dead_man_does_not_see_is_a_fault_too(
    simulator: RunningSimulator, charging: Daemon
) -> None:
    charging.signal(signal.SIGSTOP)
    time.sleep(0.15)  # longer than a pass may be late, shorter than the dead-man's patience
    charging.signal(signal.SIGCONT)
    eventually(lambda: charging.state() == "E")
    eventually(simulator.safe)


def test_a_daemon_stopped_while_idle_charges_again_afterwards(
    simulator: RunningSimulator, daemon: Daemon
) -> None:
    daemon.signal(signal.SIGSTOP)
    eventually(lambda: simulator.get()["deadMan"] == "halted")
    daemon.signal(signal.SIGCONT)
    eventually(lambda: simulator.get()["deadMan"] == "running")
    assert simulator.get()["contactor"]["closed"] is False


def test_a_simulator_outlives_the_daemon_that_started_it_so_that_the_dead_man_can_act(
    folder: Path,
) -> None:
    with Daemon(folder, environment={"TMPDIR": str(folder)}) as daemon:
        daemon.ready().charge()
        (world,) = folder.glob("evsed-sim-*")
        daemon.signal(signal.SIGKILL)
        daemon.wait()
        eventually(lambda: not (world / "ready").exists())
