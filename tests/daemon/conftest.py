"""Each test gets a circuit and a daemon of its own, in a folder short enough for sockets."""

import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from daemon_world import Daemon, RunningSimulator, pair


@pytest.fixture
def folder() -> Iterator[Path]:
    """Yield a folder for everything."""
    with tempfile.TemporaryDirectory(prefix="evsed-test-") as name:
        yield Path(name)


@pytest.fixture
def simulator(folder: Path) -> Iterator[RunningSimulator]:
    """Yield a circuit nobody is attached to yet."""
    with RunningSimulator(folder / "sim") as running:
        yield running


@pytest.fixture
def daemon(folder: Path, simulator: RunningSimulator) -> Iterator[Daemon]:
    """Yield a daemon attached to the circuit, past its self-check."""
    with Daemon(folder, simulator=simulator) as running:
        yield running.ready()


@pytest.fixture
def charging(daemon: Daemon) -> Daemon:
    """Return the daemon, a vehicle charging at it."""
    daemon.charge()
    return daemon


@pytest.fixture(scope="module")
def street() -> Iterator[tuple[RunningSimulator, Daemon]]:
    """Yield circuit and daemon for a whole module: its tests leave the vehicle where they like."""
    with tempfile.TemporaryDirectory(prefix="evsed-test-") as name, pair(Path(name)) as both:
        yield both


@pytest.fixture
def figure() -> Callable[[str, object], None]:
    """Return what notes a measured figure; ``pytest -rP`` shows them."""

    def note(name: str, value: object) -> None:
        sys.stdout.write(f"measured: {name}: {value}\n")

    return note
