"""The board the simulator's tests stand on, built by hand, and the simulator in real time."""

import asyncio
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from evsed.board.description import (
    AcRelay,
    Adc,
    Aux,
    AuxAnalogInput,
    AuxInput,
    AuxOutput,
    Board,
    Button,
    Channel,
    EnergyMeter,
    Leds,
    Limits,
    MeterChannels,
    Onewire,
    OtaChannel,
    OutputPin,
    Pilot,
    Proximity,
    Rcm,
    Sim,
    SimVehicle,
    SocketLock,
    Watchdog,
)
from evsed.hardware.simulator.control_client import SimulatorClient
from evsed.hardware.simulator.process import SimulatorProcess


@pytest.fixture
def board() -> Board:
    """Return a three-phase socket board with everything fitted."""
    return Board(
        device_name="by hand",
        platform="sim",
        adcs=(
            Adc(name="adc0", type="mcp3208", bus=0, cs=0, vref_mv=3300),
            Adc(name="adc1", type="mcp3008", bus=0, cs=1, vref_mv=3300),
        ),
        leds=Leds(charging=OutputPin(gpio=23), error=OutputPin(gpio=24, active_low=True)),
        button=Button(gpio=22),
        pilot=Pilot(gpio=18, adc_channel=Channel(0, 0), levels_mv=(2405, 2099, 1792, 1484, 728)),
        proximity=Proximity(adc_channel=Channel(0, 1), levels_mv=(1650, 820, 430)),
        ac_relay=AcRelay(gpios=(17,), feedback_gpios=(27,), min_off_time_ms=0),
        socket_lock=SocketLock(
            gpios=(20, 21), detection_gpio=26, detection_delay_ms=50, min_break_time_ms=100
        ),
        rcm=Rcm(gpio=16, test_gpio=25),
        energy_meter=EnergyMeter(
            current=MeterChannels(
                adc_channels=(Channel(0, 2), Channel(0, 3), Channel(0, 4)),
                scale=0.090909,
                invert=(),
            ),
            voltage=MeterChannels(
                adc_channels=(Channel(0, 5), Channel(0, 6), Channel(0, 7)), scale=0.47, invert=()
            ),
        ),
        aux=Aux(
            inputs=(AuxInput(name="AUX_IN1", gpio=5),),
            outputs=(AuxOutput(name="AUX_OUT1", gpio=6),),
            analog_inputs=(AuxAnalogInput(name="AUX_AN1", adc_channel=Channel(1, 0)),),
        ),
        onewire=Onewire(gpio=4, temperature_sensor=True),
        limits=Limits(max_current_a=63, phases=3, ventilation=True),
        watchdog=Watchdog(deadman=True, deadman_time_ms=250),
        sim=Sim(vehicle=SimVehicle(phases=3, ramp_a_per_s=100.0), cable_a=32),
        ota=(OtaChannel(name="stable", path="file:///stable.json"),),
    )


class RunningSimulator:
    """The simulator's process as a thread: real sockets, real time."""

    def __init__(self, board: Board, folder: Path) -> None:
        self.folder = folder
        self.process = SimulatorProcess(board, folder)
        self._ended = asyncio.Event()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()))
        self._thread.start()
        assert self._ready.wait(60)

    @property
    def port(self) -> int:
        return int((self.folder / "pigpio.port").read_text())

    @property
    def client(self) -> SimulatorClient:
        return SimulatorClient(self.folder / "sim.sock")

    def get(self) -> dict[str, Any]:
        return asyncio.run(self.client.get())

    def set(self, **changes: object) -> dict[str, Any]:
        return asyncio.run(self.client.set(changes))

    def on_loop(self, ask: Callable[[], Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(_call(ask), self._loop).result(60)

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._ended.set)
        self._thread.join(60)

    async def _run(self) -> None:
        self._loop = asyncio.get_running_loop()
        await self.process.start()
        self._ready.set()
        await self._ended.wait()
        await self.process.stop()


async def _call(ask: Callable[[], Any]) -> Any:
    return ask()


@pytest.fixture
def simulator(board: Board) -> Iterator[RunningSimulator]:
    """Yield a running simulator in a folder whose name is short enough for a socket."""
    with tempfile.TemporaryDirectory() as folder:
        running = RunningSimulator(board, Path(folder) / "sim")
        yield running
        running.stop()


@pytest.fixture
def eventually() -> Callable[[Callable[[], Any]], Any]:
    """Return what asks again and again for up to a minute, until the answer is true."""

    def ask(condition: Callable[[], Any]) -> Any:
        deadline = time.monotonic() + 60
        while not (answer := condition()):
            assert time.monotonic() < deadline, "did not come true in time"
            time.sleep(0.002)
        return answer

    return ask
