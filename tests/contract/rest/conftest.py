"""A station on a simulated hat, served over HTTP; virtual time, ten times as fast as real time."""

import asyncio
import contextlib
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import aiohttp
import pytest

from evsed.board.reader import read_board
from evsed.charging.states import Reason
from evsed.hardware.simulator.circuit import Circuit
from evsed.hardware.simulator.hat import simulated_hat
from evsed.host.clock import ShiftedClock
from evsed.host.machine import Machine
from evsed.host.network import UnmanagedNetwork
from evsed.operations.operations import Operations
from evsed.services.http.service import Door, HttpService
from evsed.services.rest.body import BodyReader
from evsed.services.rest.routes import RestApi, RestParts
from evsed.settings.administrator import Administrator
from evsed.settings.store import SettingsStore
from evsed.station.station import Station

#: where the daemon as a process is: ``daemon_world``
sys.path.insert(0, str(Path(__file__).parents[2] / "daemon"))

BOARDS = Path(__file__).parents[3] / "boards"
PASS_MS = 20


class InProcess:
    """The simulated circuit as the REST interface wants it."""

    def __init__(self, circuit):
        self.circuit = circuit

    async def get(self):
        return self.circuit.get()

    async def set(self, changes):
        self.circuit.set(changes)
        return self.circuit.get()


class Served:
    """One running charger and a client of it."""

    def __init__(self, board, state_dir, *, station=None, administrator=None, **parts):
        self.board = board
        self.circuit = Circuit(board)
        self.settings = SettingsStore(state_dir, board)
        self.settings.load()
        self.station = Station(
            simulated_hat(self.circuit),
            board,
            self.settings.evse,
            administrator or Administrator(),
            state_dir,
        )
        self.station.control_pass._clock_ms = lambda: self.circuit.now_us // 1000
        self.operations = Operations(
            station=station or self.station,
            settings=self.settings,
            board=board,
            machine=Machine(simulated=True),
            network=UnmanagedNetwork(),
            clock=ShiftedClock(),
        )
        built = RestParts(
            **{
                "operations": self.operations,
                "simulator": InProcess(self.circuit),
                "bodies": BodyReader(time_s=0.5),
            }
            | parts
        )
        self.api = RestApi(built)
        self.http = HttpService(Door(address="127.0.0.1", port=0), self.api.routes())
        self.passing = True

    def run_ms(self, duration_ms):
        """Let virtual time pass, with a control pass every 20 ms."""
        for _ in range(duration_ms // PASS_MS):
            self.circuit.advance_to_us(self.circuit.now_us + PASS_MS * 1000)
            self.station.control_pass.run()

    async def keep_running(self):
        while True:
            await asyncio.sleep(0.002)
            if self.passing:
                self.run_ms(PASS_MS)

    async def until(self, **wanted):
        """Let at most five seconds pass until the state has these values."""
        for _ in range(250):
            state = (await self.get("state")).json
            if wanted.items() <= state.items():
                return state
            self.run_ms(PASS_MS)
        pytest.fail(f"{wanted} was not reached: {state}")

    async def get(self, path):
        return await self.ask("GET", path)

    async def post(self, path, value=None):
        return await self.ask("POST", path, **({} if value is None else {"json": value}))

    async def ask(self, method, path, **request):
        """Ask for a path below /api/v1 (or, after ``../``, below /api)."""
        below = f"/api/{path[3:]}" if path.startswith("../") else f"/api/v1/{path}"
        async with self.client.request(method, below, **request) as answer:
            text = await answer.text()
            kind = answer.headers.get("Content-Type", "")
            value = await answer.json() if kind == "application/json" and text else None
            return SimpleNamespace(
                status=answer.status, headers=answer.headers, type=kind, text=text, json=value
            )

    @contextlib.asynccontextmanager
    async def serving(self):
        self.station._mailbox.open()
        while self.station.snapshot.reason is Reason.SELF_CHECK:
            self.run_ms(PASS_MS)
        serving = asyncio.gather(self.http.serve(), self.api.events.serve(), self.keep_running())
        try:
            await asyncio.wait_for(self.http.ready.wait(), 5)
            base = f"http://127.0.0.1:{self.http.port}"
            async with aiohttp.ClientSession(base) as self.client:
                yield self
        finally:
            serving.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await serving
            self.station._mailbox.close()


@pytest.fixture
def folder():
    """Yield a folder whose name is short enough for sockets in it."""
    with tempfile.TemporaryDirectory(prefix="evsed-test-") as name:
        yield Path(name)


@pytest.fixture
async def full(tmp_path):
    async with Served(read_board(BOARDS / "sim.yaml"), tmp_path).serving() as served:
        yield served


@pytest.fixture
async def bare(tmp_path):
    board = replace(
        read_board(BOARDS / "minimal-single-phase.yaml"), rcm=None, proximity=None, onewire=None
    )
    async with Served(board, tmp_path, simulator=None).serving() as served:
        yield served


@pytest.fixture
def serve(tmp_path):
    """Return a way to serve the simulated board with other parts."""
    return lambda **parts: Served(read_board(BOARDS / "sim.yaml"), tmp_path, **parts).serving()


@pytest.fixture
def administered(tmp_path):
    """Return a way to serve a charger whose administrator has decided something."""

    def served(administrator):
        board = read_board(BOARDS / "sim.yaml")
        return Served(board, tmp_path, administrator=administrator).serving()

    return served
