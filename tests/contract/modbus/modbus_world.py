"""A charger that stands still at a chosen state; its rules and settings are the real ones."""

import asyncio
import heapq
import itertools
import json
from collections.abc import Callable
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path
from typing import Any

from evsed.board.reader import read_board
from evsed.charging.commands import ApplyRules, Authorize, Together
from evsed.charging.holding import hold
from evsed.charging.memory import Memory
from evsed.charging.owned_limits import begin, expire
from evsed.charging.requests import accept
from evsed.charging.snapshot import Snapshot
from evsed.charging.states import ChargingState, Fault
from evsed.host.clock import ShiftedClock
from evsed.host.machine import Machine
from evsed.host.network import UnmanagedNetwork
from evsed.operations.operations import Operations
from evsed.operations.state_fields import Terms, state_object
from evsed.services.modbus.service import ModbusService
from evsed.settings.administrator import Administrator
from evsed.settings.modbus_access import ModbusAccess
from evsed.settings.schema import EVSE, EvseSettings, wire_evse
from evsed.settings.store import SettingsStore
from evsed.station.rules_in_force import rules_in_force, waited_for
from evsed.station.station import Station
from evsed.units import tenths

BOARD = read_board(Path(__file__).parents[3] / "boards" / "sim.yaml")
VECTORS = json.loads((Path(__file__).parent / "modbus_vectors.json").read_text(encoding="utf-8"))
BASE = VECTORS["base_state"]
ANYWHERE = (ip_network("0.0.0.0/0"), ip_network("::/0"))

_PLAIN = {
    "available": "available",
    "enabled": "enabled",
    "pendingAuth": "pending_auth",
    "limitReached": "limit_reached",
    "consumptionLimit": "consumption_limit_ws",
    "chargingTimeLimit": "charging_time_limit_s",
    "underPowerLimit": "under_power_limit_w",
    "power": "power_w",
    "consumption": "session_energy_ws",
    "totalConsumption": "total_energy_ws",
    "temperatureSensorCount": "temperature_sensors",
    "offered": "offered_da",
}


def snapshot_of(state: dict[str, Any]) -> Snapshot:
    """Return the snapshot a state in the words of REST describes."""
    found = {name: state[wire] for wire, name in _PLAIN.items() if wire in state}
    return Snapshot(
        **found,
        state=ChargingState(state["state"]),
        faults=_faults(state["errors"]),
        charging_current_da=tenths(state["chargingCurrent"]),
        session_time_ms=state["sessionTime"] * 1000,
        charging_time_ms=state["chargingTime"] * 1000,
        voltages_v=tuple(state["voltage"]),
        currents_a=tuple(state["current"]),
        temperature_low_cdeg=round(state["temperatureLow"] * 100),
        temperature_high_cdeg=round(state["temperatureHigh"] * 100),
    )


def _faults(names: list[str]) -> Fault:
    faults = Fault.NONE
    for name in names:
        faults |= Fault[name.upper()]
    return faults


def board_of(fitted: dict[str, Any]):
    """Return the simulated board with what a vector takes away from it."""
    board = BOARD
    lock = replace(board.socket_lock, min_break_time_ms=fitted["socketLockMinBreakTime"])
    meter = board.energy_meter
    if fitted["energyMeter"] == "cur":
        meter = replace(meter, voltage=None)
    return replace(
        board,
        proximity=board.proximity if fitted["proximity"] else None,
        rcm=board.rcm if fitted["rcm"] else None,
        socket_lock=lock,
        energy_meter=meter,
        limits=replace(board.limits, max_current_a=fitted.get("maxCurrent", 63)),
    )


class StillStation(Station):
    """Takes commands by the charging rules; has no hat, and no time passes."""

    aux = None
    snapshot = Snapshot()

    def __init__(
        self, board, evse: EvseSettings, snapshot: Snapshot, administrator: Administrator
    ) -> None:
        self._board = board
        self.now_ms = 0
        self.memory = Memory(
            rules=rules_in_force(board, evse, administrator),
            owned=begin(waited_for(administrator), self.now_ms),
            enabled=snapshot.enabled,
            available=snapshot.available,
            charging_current_da=snapshot.charging_current_da,
        )
        self.memory = replace(
            self.memory,
            limits=replace(
                self.memory.limits,
                consumption_ws=snapshot.consumption_limit_ws,
                charging_time_s=snapshot.charging_time_limit_s,
                under_power_w=snapshot.under_power_limit_w,
            ),
        )
        self.snapshot = replace(snapshot, owned=self.memory.owned)
        self.authorized = 0
        self.silent = False

    async def write(self, steps, *, source: str) -> None:
        rules = [self._command(step) for step in steps]
        await self.send(Together(tuple(rules)), source=source)

    async def send(self, command, *, source: str) -> None:
        assert source.startswith("modbus")
        await asyncio.sleep(0)
        if self.silent:
            raise TimeoutError
        self.memory = accept(self.memory, command, self.now_ms)
        self.authorized += isinstance(command, Authorize)
        self._show()

    def pass_s(self, seconds: int) -> None:
        """Let time pass, for what waits for somebody."""
        self.now_ms += seconds * 1000
        self.memory = hold(self.memory, expire(self.memory.owned, self.now_ms))
        self._show()

    def _show(self) -> None:
        memory, limits = self.memory, self.memory.limits
        self.snapshot = replace(
            self.snapshot,
            enabled=memory.enabled,
            available=memory.available,
            charging_current_da=memory.charging_current_da,
            owned=memory.owned,
            consumption_limit_ws=limits.consumption_ws,
            charging_time_limit_s=limits.charging_time_s,
            under_power_limit_w=limits.under_power_w,
        )

    def _command(self, step):
        if isinstance(step, EvseSettings):
            return ApplyRules(rules_in_force(self._board, step, Administrator()))
        return step


class StandingMachine(Machine):
    """A computer that has been up for a given time."""

    seconds = 0

    def uptime_s(self) -> int:
        return self.seconds


class Charger:
    """Operations over a still station, and the Modbus service on top of it."""

    def __init__(self, folder: Path, changes: dict[str, Any] | None = None, **given: Any) -> None:
        state = BASE | (changes or {})
        board = board_of(BASE["board"] | state["board"])
        self.store = SettingsStore(folder, board)
        evse = EvseSettings(**{one.name: one.check(state[wire]) for wire, one in EVSE.items()})
        unit = replace(self.store.settings.modbus, unit_id=state["unitId"])
        self.store._settings = replace(self.store.settings, evse=evse, modbus=unit)
        access = ModbusAccess(**{"address": "127.0.0.1", "port": 0, "allow": ANYWHERE} | given)
        administrator = Administrator(modbus=access)
        self.station = StillStation(board, evse, snapshot_of(state), administrator)
        machine = StandingMachine(simulated=True)
        machine.seconds = state["uptime"]
        self.operations = Operations(
            station=self.station,
            settings=self.store,
            board=board,
            machine=machine,
            network=UnmanagedNetwork(),
            clock=ShiftedClock(),
        )
        facts = replace(self.operations.picture().facts, version=state["appVersion"])
        self.operations._facts = facts
        self.service = ModbusService(self.operations, access)
        self.operations.on_change("modbus", self.service.apply)
        self.desk = self.service.desk

    def state(self) -> dict[str, Any]:
        """Return /state and /config/evse as REST shows them, and the actions."""
        picture = self.operations.picture()
        shown = state_object(picture.snapshot, Terms()) | wire_evse(picture.settings.evse)
        shown["$authorize"] = self.station.authorized > 0
        shown["$restart"] = self.operations._restart is not None
        return shown

    def close(self) -> None:
        if self.operations._restart is not None:
            self.operations._restart.cancel()


class Pipe(asyncio.Transport):
    """A connection whose other side is the test."""

    def __init__(self, peer: str = "127.0.0.1") -> None:
        super().__init__({"peername": (peer, 50000)})
        self.sent = bytearray()
        self.closed = False
        self.reading = True

    def get_extra_info(self, name, default=None):
        return _NoSocket() if name == "socket" else super().get_extra_info(name, default)

    def write(self, data) -> None:
        self.sent += data

    def close(self) -> None:
        self.closed = True

    abort = close

    def is_closing(self) -> bool:
        return self.closed

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True

    def set_write_buffer_limits(self, high=None, low=None) -> None:
        self.limits = (low, high)


class _NoSocket:
    def setsockopt(self, *_: int) -> None:
        """There is none to set anything on."""


def put(connection, data: bytes) -> None:
    """Deliver bytes as the event loop would."""
    while data:
        room = connection.get_buffer(-1)
        assert len(room), "the event loop treats an empty buffer as an error"
        count = min(len(room), len(data))
        room[:count] = data[:count]
        connection.buffer_updated(count)
        data = data[count:]


async def settled(connection) -> None:
    """Wait until nothing is being carried out."""
    for _ in range(3):
        await asyncio.sleep(0)
        if connection._write is not None:
            await asyncio.wait([connection._write])


class Hours:
    """Time that moves when a test moves it."""

    def __init__(self) -> None:
        self.now_s = 1000.0
        self._order = itertools.count()
        self._due: list[tuple[float, int, list[Callable[[], None] | None]]] = []

    def clock(self) -> float:
        return self.now_s

    def call_later(self, delay_s: float, act: Callable[[], None]):
        entry: list[Callable[[], None] | None] = [act]
        heapq.heappush(self._due, (self.now_s + delay_s, next(self._order), entry))
        return _Timer(entry)

    def pass_s(self, seconds: float) -> None:
        until_s = self.now_s + seconds
        while self._due and self._due[0][0] <= until_s:
            self.now_s, _, entry = heapq.heappop(self._due)
            act = entry[0]
            if act is not None:
                act()
        self.now_s = until_s


class _Timer:
    def __init__(self, entry: list) -> None:
        self._entry = entry

    def cancel(self) -> None:
        self._entry[0] = None


class Line:
    """The sending half of a port nobody is connected to."""

    bits_per_character = 10
    usb = False
    pending = 0

    def __init__(self, clock: Callable[[], float], baud_rate: int = 9600) -> None:
        self._clock = clock
        self.baud_rate = baud_rate
        self.sent: list[tuple[float, bytes]] = []
        self.full = False

    def write(self, data: bytes) -> bool:
        if not self.full:
            self.sent.append((self._clock(), data))
        return not self.full
