"""Link 0 of the chain: the hat's charge pump lets the contactor go, whatever the pins say.

Neither the script in the pin daemon nor the guard is there, so the coil's line stays high.
"""

import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from daemon_world import BOARD, Daemon, RunningSimulator, eventually

Figure = Callable[[str, object], None]

_HEARTBEATS = {
    "one edge a pass": "heartbeatGpio: 13",
    "bursts of 2 kHz, as nsayer's hat wants them": "heartbeatGpio: 13, heartbeatHz: 2000",
}
#: the slowest pump holds for 1 s; the rest is for a busy machine
_OPEN_WITHIN_MS = 1000 + 1000


@pytest.fixture(params=_HEARTBEATS.values(), ids=_HEARTBEATS)
def pumped(
    folder: Path, request: pytest.FixtureRequest
) -> Iterator[tuple[RunningSimulator, Daemon]]:
    """Yield a circuit with a charge pump, and a daemon that charges at it."""
    board = folder / "board.yaml"
    watchdog = f"watchdog: {{deadman: false, {request.param}}}"
    board.write_text(f"{BOARD.read_text()}\n{watchdog}\n")
    with (
        RunningSimulator(folder / "sim", board) as simulator,
        Daemon(folder, "--board", str(board), simulator=simulator) as daemon,
    ):
        daemon.ready().charge()
        yield simulator, daemon


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP], ids=lambda one: one.name)
def test_a_pump_without_passes_lets_the_contactor_go(
    pumped: tuple[RunningSimulator, Daemon], number: signal.Signals, figure: Figure
) -> None:
    simulator, daemon = pumped
    began = time.monotonic()
    daemon.signal(number)
    eventually(lambda: not simulator.closed())
    took_ms = (time.monotonic() - began) * 1000
    figure(f"{number.name} to contactor open by the charge pump, ms", took_ms)
    assert took_ms <= _OPEN_WITHIN_MS
    assert simulator.get()["contactor"]["commanded"], "the pin was not to move"
    time.sleep(0.5)
    assert not simulator.closed()
