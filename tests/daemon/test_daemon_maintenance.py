"""What cannot be used does not keep the daemon from explaining itself."""

import contextlib
import signal
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from daemon_world import BOARD, Daemon, RunningSimulator, eventually

_COMMANDS = [
    ("/state", {"enabled": True}),
    ("/state/enabled", True),
    ("/state/charging-current", 10),
    ("/state/authorize", {}),
]


def _alone(folder: Path) -> tuple[str, str]:
    """Return the options of a daemon that no other on this computer is in the way of."""
    return "--runtime-dir", str(folder / "run")


def _broken_board(folder: Path) -> str:
    """Return a board file with an unknown key and a wrong value."""
    board = folder / "board.yaml"
    text = BOARD.read_text().replace("  gpio: 18\n", "  gpoi: 18\n")
    board.write_text(text.replace("vref: 3300", "vref: 33000", 1))
    return str(board)


@pytest.fixture(scope="module")
def broken() -> Iterator[Daemon]:
    """Yield a daemon with a broken board file, for the whole module."""
    with (
        tempfile.TemporaryDirectory(prefix="evsed-test-") as name,
        Daemon(Path(name), "--board", _broken_board(Path(name)), *_alone(Path(name))) as daemon,
    ):
        yield daemon


def test_a_broken_board_file_gives_maintenance_mode(broken: Daemon) -> None:
    assert broken.state() == "F"
    detail = broken.get("/reason")
    assert detail["reason"] == "maintenance"
    assert "board.yaml" in detail["maintenance"]
    assert "gpoi" in detail["maintenance"]
    assert "vref" in detail["maintenance"]
    assert not detail["contactorClosed"]
    assert "gpoi" in broken.log


@pytest.mark.parametrize(("path", "body"), _COMMANDS)
def test_commands_are_refused_in_maintenance_mode_with_a_sentence(
    broken: Daemon, path: str, body: object
) -> None:
    status, sentence = broken.ask("POST", path, body)
    assert status == 400
    assert "maintenance mode" in sentence


def test_everything_can_be_read_in_maintenance_mode(broken: Daemon) -> None:
    for path in ("/state", "/config/evse", "/board-config", "/info", "/reason"):
        assert broken.get(path)
    assert "Traceback" not in broken.log


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)
def test_a_signal_ends_maintenance_mode(folder: Path, number: signal.Signals) -> None:
    with Daemon(folder, "--board", _broken_board(folder), *_alone(folder)) as daemon:
        assert daemon.state() == "F"
        daemon.signal(number)
        assert daemon.wait() == 0
        assert "Traceback" not in daemon.log


def test_a_missing_board_file_gives_maintenance_mode(folder: Path) -> None:
    with Daemon(folder, "--board", str(folder / "nowhere.yaml"), *_alone(folder)) as daemon:
        assert daemon.state() == "F"
        assert "nowhere.yaml" in daemon.get("/reason")["maintenance"]


def test_missing_hardware_gives_maintenance_and_a_restart_when_it_comes_back(
    folder: Path, simulator: RunningSimulator
) -> None:
    simulator.set(pigpiod={"refuse": True})
    with Daemon(folder, simulator=simulator) as daemon:
        assert daemon.state() == "F"
        assert "pin daemon" in daemon.get("/reason")["maintenance"]
        assert daemon.ask("POST", "/state/enabled", False)[0] == 400
        assert not simulator.closed()
        simulator.set(pigpiod={"refuse": False})
        assert daemon.wait() == 1
        assert "restarting" in daemon.log
    with Daemon(folder, simulator=simulator) as successor:
        successor.until("A")


def test_hardware_that_never_comes_back_does_not_hold_up_a_signal(
    folder: Path, simulator: RunningSimulator
) -> None:
    simulator.set(pigpiod={"refuse": True})
    with Daemon(folder, simulator=simulator) as daemon:
        assert daemon.state() == "F"
        daemon.signal(signal.SIGTERM)
        assert daemon.wait() == 0


def test_a_port_in_use_is_reported_and_taken_when_it_is_free(
    folder: Path, simulator: RunningSimulator
) -> None:
    with contextlib.ExitStack() as until_free:
        other = until_free.enter_context(socket.create_server(("127.0.0.1", 0)))
        port = str(other.getsockname()[1])
        daemon = Daemon(folder, "--http-port", port, simulator=simulator)
        with daemon:
            eventually(lambda: "http: " in daemon.log)
            assert "in use" in daemon.log
            assert "Traceback" not in daemon.log
            eventually(lambda: simulator.pilot() == "high")  # the station works without it
            until_free.close()
            daemon.until("A")
            assert str(daemon.port) == port


def test_a_state_directory_that_cannot_be_written_is_reported_at_start(
    folder: Path, simulator: RunningSimulator
) -> None:
    in_the_way = folder / "file"
    in_the_way.write_text("")
    with Daemon(folder, "--state-dir", str(in_the_way / "state"), simulator=simulator) as daemon:
        daemon.charge()
        assert "cannot be written" in daemon.log
        status, sentence = daemon.ask("POST", "/config/evse", {"maxChargingCurrent": 20})
        assert status == 500
        assert sentence
        daemon.signal(signal.SIGTERM)
        assert daemon.wait() == 0
        assert "Traceback" not in daemon.log


def test_a_broken_board_file_whose_pins_can_be_read_opens_a_contactor_left_closed(
    folder: Path, simulator: RunningSimulator, charging: Daemon
) -> None:
    charging.signal(signal.SIGKILL)
    charging.wait()
    assert simulator.closed()
    board = folder / "board.yaml"
    board.write_text(BOARD.read_text().replace("vref: 3300", "vref: 33000", 1))
    with Daemon(folder, "--board", str(board), simulator=simulator) as daemon:
        assert daemon.state() == "F"
        assert simulator.safe()
        assert daemon.get("/reason")["reason"] == "maintenance"
