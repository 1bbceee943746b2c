"""The guard and safe-off beside a charging daemon: links 2b and 3 of the chain, without systemd.

The script in the pin daemon would open the contactor too, so the board here has none.
"""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from daemon_world import BOARD, ROOT, Daemon, Process, RunningSimulator, eventually

Figure = Callable[[str, object], None]

_GUARD = ROOT / "systemd" / "failsafe" / "guard.py"
_SAFE_OFF = ROOT / "systemd" / "failsafe" / "safe_off.py"
#: 250 ms of silence and what a busy machine may add
_SILENT_MS = 250 + 750


class Guard(Process):
    """The guard as a process of its own."""

    def __init__(self, folder: Path) -> None:
        self.socket = folder / "guard.sock"
        runs = len(list(folder.glob("guard*.log")))
        command = [sys.executable, "-IS", str(_GUARD), "--socket", str(self.socket)]
        pins = str(folder / "run" / "pins")
        super().__init__([*command, "--pins", pins], folder / f"guard{runs}.log")
        eventually(lambda: "guard: listening" in self.log)


@pytest.fixture
def simulator(folder: Path) -> Iterator[RunningSimulator]:
    """Yield a circuit whose pin daemon guards nothing."""
    board = folder / "board.yaml"
    board.write_text(BOARD.read_text() + "\nwatchdog: {deadman: false}\n")
    with RunningSimulator(folder / "sim", board) as running:
        yield running


@pytest.fixture
def guard(folder: Path) -> Iterator[Guard]:
    with Guard(folder) as running:
        yield running


@pytest.fixture
def guarded(folder: Path, simulator: RunningSimulator, guard: Guard) -> Iterator[Daemon]:
    """Yield a daemon that has been told of the guard, a vehicle charging at it."""
    with guarded_daemon(folder, simulator) as daemon:
        daemon.ready().charge()
        yield daemon


def guarded_daemon(folder: Path, simulator: RunningSimulator) -> Daemon:
    return Daemon(
        folder,
        *("--board", str(folder / "board.yaml")),
        *("--guard", str(folder / "guard.sock")),
        *("--runtime-dir", str(folder / "run")),
        simulator=simulator,
    )


def _ms_until_open(simulator: RunningSimulator) -> float:
    began = time.monotonic()
    eventually(lambda: not simulator.closed())
    return (time.monotonic() - began) * 1000


def test_nothing_else_opens_the_contactor_of_a_killed_daemon(
    folder: Path, simulator: RunningSimulator
) -> None:
    options = ("--board", str(folder / "board.yaml"))
    with Daemon(folder, *options, simulator=simulator) as daemon:
        daemon.ready().charge()
        daemon.signal(signal.SIGKILL)
        daemon.wait()
        time.sleep(1)  # longer than any link below takes
        assert simulator.closed()
        assert simulator.pilot() == "pwm"


def test_the_end_of_the_daemon_opens_the_contactor_at_once(
    simulator: RunningSimulator, guard: Guard, guarded: Daemon, figure: Figure
) -> None:
    guarded.signal(signal.SIGKILL)
    took_ms = _ms_until_open(simulator)
    figure("kill -9 to contactor open by the guard, ms", took_ms)
    assert took_ms <= _SILENT_MS
    eventually(simulator.safe)
    eventually(lambda: "the daemon has gone: contactor open, pilot low, by pigpiod" in guard.log)


def test_silence_opens_the_contactor(
    simulator: RunningSimulator, guard: Guard, guarded: Daemon, figure: Figure
) -> None:
    guarded.signal(signal.SIGSTOP)
    took_ms = _ms_until_open(simulator)
    figure("SIGSTOP to contactor open by the guard, ms", took_ms)
    assert 150 <= took_ms <= _SILENT_MS
    eventually(simulator.safe)
    eventually(lambda: "the daemon is silent: contactor open" in guard.log)


def test_a_daemon_that_wakes_up_again_finds_a_fault_and_its_guard(
    simulator: RunningSimulator, guarded: Daemon
) -> None:
    guarded.signal(signal.SIGSTOP)
    eventually(simulator.safe)
    guarded.signal(signal.SIGCONT)
    eventually(lambda: guarded.state() == "E")
    assert guarded.get("/state")["errors"] == ["controller_fault"]
    assert not simulator.closed()
    eventually(lambda: "it answers again" in guarded.log)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP], ids=lambda one: one.name)
def test_a_daemon_whose_guard_falls_silent_stops_charging(
    simulator: RunningSimulator, guard: Guard, guarded: Daemon, number: signal.Signals
) -> None:
    guard.signal(number)
    eventually(lambda: not simulator.closed())
    eventually(lambda: guarded.state() == "E")
    assert guarded.get("/state")["errors"] == ["controller_fault"]
    eventually(lambda: "nothing is charged without it" in guarded.log)


def test_a_guard_that_comes_back_is_found_again(
    folder: Path, simulator: RunningSimulator, guard: Guard, guarded: Daemon
) -> None:
    guard.signal(signal.SIGKILL)
    eventually(simulator.safe)
    with Guard(folder) as second:
        eventually(lambda: "watching the daemon" in second.log)
        eventually(lambda: "it answers again" in guarded.log)


def test_without_its_guard_a_daemon_does_not_begin_to_charge(
    folder: Path, simulator: RunningSimulator
) -> None:
    with guarded_daemon(folder, simulator) as daemon:
        daemon.street(vehicle="charging")
        eventually(lambda: daemon.state() == "E")
        assert daemon.get("/state")["errors"] == ["controller_fault"]
        assert simulator.get()["contactor"]["closed"] is False


def test_an_orderly_end_leaves_everything_safe(
    simulator: RunningSimulator, guard: Guard, guarded: Daemon
) -> None:
    guarded.signal(signal.SIGTERM)
    assert guarded.wait() == 0
    assert simulator.safe()
    eventually(lambda: "the daemon has gone" in guard.log)
    assert simulator.safe()


def test_a_stranger_with_beats_of_its_own_does_not_keep_a_dead_daemon_alive(
    folder: Path, simulator: RunningSimulator, guarded: Daemon
) -> None:
    stranger = (
        "import socket, sys, time\n"
        "s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)\n"
        "s.connect(sys.argv[1])\n"
        "while True: s.send(b'beat'); time.sleep(0.02)\n"
    )
    command = [sys.executable, "-IS", "-c", stranger, str(folder / "guard.sock")]
    with Process(command, folder / "stranger.log"):
        time.sleep(0.3)
        guarded.signal(signal.SIGKILL)
        eventually(simulator.safe)


@pytest.mark.parametrize("journal", ["gone", "hanging"])
def test_a_journal_that_takes_nothing_does_not_end_the_guard(folder: Path, journal: str) -> None:
    (folder / "pins").write_text("evsed-pins 1\nend\n")
    path = folder / "guard.sock"
    command = [sys.executable, "-IS", str(_GUARD), "--socket", str(path)]
    listener, log = socket.socketpair()
    if journal == "gone":
        listener.close()
    else:
        _fill(log)
    with (
        listener,
        log,
        subprocess.Popen(
            [*command, "--pins", str(folder / "pins")],
            stderr=log,
            env={**os.environ, "JOURNAL_STREAM": "8:4711"},
        ) as guard,
    ):
        try:
            eventually(path.exists)
            for _ in range(3):
                eventually(lambda: _greets(path))
            assert guard.poll() is None
        finally:
            guard.kill()


def _fill(end: socket.socket) -> None:
    end.setblocking(False)
    try:
        while True:
            end.send(b"a line of somebody else\n")
    except BlockingIOError:
        end.setblocking(True)


def _greets(path: Path) -> bool:
    """Return whether the guard takes a daemon, which then ends."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as daemon:
        daemon.settimeout(1)
        try:
            daemon.connect(str(path))
            return daemon.recv(64) == b"ready"
        except OSError:
            return False


def _run_safe_off(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-IS", str(_SAFE_OFF), "--pins", str(folder / "run" / "pins")]
    return subprocess.run([*command, *options], capture_output=True, text=True, check=False)


def test_safe_off_opens_the_contactor_of_a_stopped_daemon_and_may_be_repeated(
    folder: Path, simulator: RunningSimulator, figure: Figure
) -> None:
    options = ("--board", str(folder / "board.yaml"), "--runtime-dir", str(folder / "run"))
    with Daemon(folder, *options, simulator=simulator) as daemon:
        daemon.ready().charge()
        daemon.signal(signal.SIGSTOP)
        began = time.monotonic()
        first = _run_safe_off(folder)
        figure("safe-off, start to end, ms", (time.monotonic() - began) * 1000)
        assert first.returncode == 0, first.stderr
        assert "contactor open, pilot low, by pigpiod" in first.stderr
        eventually(simulator.safe)  # contacts take their time
        assert _run_safe_off(folder).returncode == 0
        assert simulator.safe()


def test_safe_off_without_pins_has_nothing_to_do(folder: Path) -> None:
    assert _run_safe_off(folder).returncode == 0


def test_safe_off_says_so_when_nothing_could_be_driven(
    folder: Path, simulator: RunningSimulator
) -> None:
    pins = folder / "run" / "pins"
    pins.parent.mkdir()
    port = (simulator.folder / "pigpio.port").read_text().strip()
    pins.write_text(f"evsed-pins 1\npigpiod 127.0.0.1 {port}\ncontactor 17 0\npilot 18 0\nend\n")
    simulator.set(pigpiod={"refuse": True, "closeAll": True})
    failed = _run_safe_off(folder)
    assert failed.returncode == 1
    assert "could not be made safe" in failed.stderr
    os.truncate(pins, 20)
    assert _run_safe_off(folder).returncode == 2
