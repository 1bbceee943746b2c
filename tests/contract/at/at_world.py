"""A charger on paper: the real rules, settings and operations, with the figures of the vectors."""

import asyncio
import heapq
import itertools
import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from evsed.board.description import (
    Aux,
    AuxInput,
    AuxOutput,
    SerialPort,
)
from evsed.board.reader import read_board
from evsed.charging.commands import Authorize
from evsed.charging.requests import accept
from evsed.charging.snapshot import Snapshot
from evsed.charging.states import ChargingState, Fault
from evsed.host.machine import Memory
from evsed.host.network import FoundNetwork, NetworkState
from evsed.operations.operations import Operations
from evsed.operations.picture import Facts
from evsed.services.at.commands import commands_for
from evsed.services.at.session import AtSession
from evsed.settings.administrator import Administrator
from evsed.settings.store import SettingsStore
from evsed.station.counters import Counters
from evsed.station.station import Station, initial_memory

ROOT = Path(__file__).parents[3]
VECTORS = json.loads((Path(__file__).parent / "vectors.json").read_text())
_SIM = read_board(ROOT / "boards" / "sim.yaml")

_EVSE_KEYS = (
    *("socketOutlet", "rcm", "temperatureThreshold", "requireAuth", "maxChargingCurrent"),
    *("defaultChargingCurrent", "defaultConsumptionLimit", "defaultChargingTimeLimit"),
    *("defaultUnderPowerLimit", "socketLockOperatingTime", "socketLockBreakTime"),
    *("socketLockDetectionHigh", "socketLockRetryCount", "energyMeterMode"),
    *("energyMeterAcVoltage", "energyMeterThreePhases"),
)
_WIFI_KEYS = (
    *("enabled", "ssid", "staticEnabled"),
    *("staticIp", "staticGateway", "staticNetmask", "staticDns"),
)


class PaperStation(Station):
    """A station without a thread: the rules take commands, the figures never move."""

    def __init__(self, board: Any, state: dict[str, Any], evse: Any) -> None:
        self._board, self.state = board, state
        counters = Counters(total_energy_ws=state["totalConsumption"])
        memory = initial_memory(board, evse, Administrator(), counters)
        limits = replace(
            memory.limits,
            consumption_ws=state["consumptionLimit"],
            charging_time_s=state["chargingTimeLimit"],
            under_power_w=state["underPowerLimit"],
        )
        self.memory = replace(
            memory,
            enabled=state["enabled"],
            available=state["available"],
            charging_current_da=round(state["chargingCurrent"] * 10),
            limits=limits,
        )
        self.authorized = 0

    @property
    def snapshot(self) -> Snapshot:
        state, memory = self.state, self.memory
        return Snapshot(
            state=ChargingState(state["state"]),
            faults=Fault(sum(Fault[name.upper()].value for name in state["errors"])),
            enabled=memory.enabled,
            available=memory.available,
            pending_auth=state["pendingAuth"],
            limit_reached=state["limitReached"],
            charging_current_da=memory.charging_current_da,
            consumption_limit_ws=memory.limits.consumption_ws,
            charging_time_limit_s=memory.limits.charging_time_s,
            under_power_limit_w=memory.limits.under_power_w,
            session_time_ms=state["sessionTime"] * 1000 + 999,
            charging_time_ms=state["chargingTime"] * 1000,
            session_energy_ws=state["consumption"],
            total_energy_ws=memory.energy.total_mws // 1000,
            power_w=state["power"],
            voltages_v=tuple(state["voltage"]),
            currents_a=tuple(state["current"]),
            temperature_low_cdeg=round(state["temperatureLow"] * 100),
            temperature_high_cdeg=round(state["temperatureHigh"] * 100),
            temperature_sensors=state["temperatureSensorCount"],
        )

    async def send(self, command: Any, *, source: str) -> None:
        assert source == "AT"
        self.memory = accept(self.memory, command, 0)
        self.authorized += isinstance(command, Authorize)

    #: what the inherited ``write`` looks at
    _administrator = Administrator()
    _hat = SimpleNamespace(lock=None, aux=None)


class PaperWifi:
    """A managed radio that does nothing in the air."""

    def __init__(self, state: dict[str, Any]) -> None:
        wifi = state["wifi"]
        self.found = state.get("wifiScan", [])
        self.scanning: asyncio.Event | None = None
        self.state = NetworkState(
            ip=wifi["ip"],
            mac=wifi["mac"].upper(),
            rssi=wifi["rssi"],
            connected=wifi["connected"],
            ap_ip=wifi["apIp"],
            ap_mac=wifi["apMac"].upper(),
            ap_enabled=wifi["apEnabled"],
            ap_ssid=wifi["apSsid"],
            ap_clients=wifi["apClients"],
        )

    async def scan(self) -> tuple[FoundNetwork, ...]:
        if self.scanning is not None:
            await self.scanning.wait()
        return tuple(
            FoundNetwork(ssid=one["ssid"], rssi=one["rssi"], secured=one["auth"])
            for one in self.found
        )

    def switch_access_point(self, *, on: bool) -> None:
        self.state = replace(self.state, ap_enabled=on)


class PaperClock:
    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def now_s(self) -> float:
        return self.seconds

    async def set(self, seconds: float) -> None:
        self.seconds = seconds


class PaperOperations(Operations):
    """The desk, with the vectors' facts about the computer."""

    facts: Facts

    def _facts_now(self) -> Facts:
        return self.facts


class PaperTimers:
    """A clock that moves when a test moves it."""

    def __init__(self) -> None:
        self.now_s = 1000.0
        self._calls: list[Any] = []
        self._numbers = itertools.count()

    def time(self) -> float:
        return self.now_s

    def call_at(self, when: float, callback: Any) -> Any:
        call = [when, next(self._numbers), callback]
        heapq.heappush(self._calls, call)
        return _Handle(call)

    def advance(self, seconds: float) -> None:
        until_s = self.now_s + seconds
        while self._calls and self._calls[0][0] <= until_s:
            when, _, callback = heapq.heappop(self._calls)
            self.now_s = max(self.now_s, when)
            if callback is not None:
                callback()
        self.now_s = until_s


class _Handle:
    def __init__(self, call: list[Any]) -> None:
        self._call = call

    def cancel(self) -> None:
        self._call[2] = None


class PaperWriter:
    """A port that notes what is written to it; ``room`` bytes fit until it is emptied."""

    baud_rate, bits_per_character, usb = 115200, 10, False

    def __init__(self) -> None:
        self.sent = bytearray()
        self.room = 10**9
        self.made_room = asyncio.Event()

    @property
    def pending(self) -> int:
        return 0 if self.room > 10**6 else len(self.sent)

    def write(self, data: bytes) -> bool:
        if len(self.sent) + len(data) > self.room:
            return False
        self.sent += data
        return True

    def set_baud_rate(self, baud_rate: int) -> None:
        raise AssertionError(f"a session of AT commands never does: {baud_rate}")

    async def drained(self, timeout_s: float) -> bool:
        self.made_room.clear()
        try:
            await asyncio.wait_for(self.made_room.wait(), timeout_s)
        except TimeoutError:
            return False
        return True

    def discard_input(self) -> None:
        pass

    def take(self) -> bytes:
        """Return what was sent since the last call."""
        taken = bytes(self.sent)
        self.sent.clear()
        self.made_room.set()
        return taken


class Client:
    """A charger, and a session with it."""

    def __init__(self, folder: Path, given: dict[str, Any] | None = None, **options: Any) -> None:
        self.state = _merged(VECTORS["base_state"], given or {})
        self.board = _board(self.state["board"])
        self.folder, self.options = folder, options
        self.timers = PaperTimers()
        self.writer = PaperWriter()

    async def start(self) -> "Client":
        store = SettingsStore(self.folder, self.board)
        await _store(store, self.state)
        self.wifi = PaperWifi(self.state)
        self.station = PaperStation(self.board, self.state, store.evse)
        self.operations = PaperOperations(
            station=self.station,
            settings=store,
            board=self.board,
            machine=None,
            network=self.wifi,
            clock=PaperClock(self.state["time"]),
        )
        self.operations.facts = _facts(self.state)
        self.store = store
        self.open()
        return self

    def open(self) -> None:
        """Open the port."""
        self.session = AtSession(
            self.operations,
            commands_for(self.board),
            self.wifi,
            timers=self.timers,
            **self.options,
        )
        self.session.opened(self.writer)

    async def close(self) -> None:
        await self.session.closed("stopped")

    async def send(self, *pieces: bytes) -> bytes:
        """Send some pieces; return everything that was answered."""
        answer = b""
        for piece in pieces:
            self.session.received(piece)
            await self.settled()
            answer += self.writer.take()
        return answer

    async def settled(self) -> None:
        """Wait until the session has nothing more to do."""
        for _ in range(400):
            await asyncio.sleep(0)
            if self.idle:
                return
            if self.session._asking is not None:
                await asyncio.sleep(0.001)

    @property
    def idle(self) -> bool:
        session = self.session
        nothing_left = not session._cutter._waiting and session._asking is None
        return nothing_left and not session._arrived.is_set()

    def subscribed(self) -> dict[str, int]:
        active = self.session._subscriptions._active
        return {name: round(one.period_s * 1000) for name, one in active.items()}

    def shown(self) -> dict[str, Any]:
        """Return everything a command may change, by the names of the vectors."""
        now, store = self.station.snapshot, self.store
        wifi = store.settings.wifi
        return {
            "enabled": now.enabled,
            "available": now.available,
            "chargingCurrent": now.charging_current_da / 10,
            "consumptionLimit": now.consumption_limit_ws,
            "chargingTimeLimit": now.charging_time_limit_s,
            "underPowerLimit": now.under_power_limit_w,
            "totalConsumption": now.total_energy_ws,
            "timezone": store.settings.scheduler.timezone,
            "time": self.operations.clock.seconds,
            "hostname": store.settings.discovery.hostname,
            "instanceName": store.settings.discovery.instance_name,
            **store.shown("evse"),
            **{f"wifi.{key}": value for key, value in store.shown("wifi").items()},
            "wifi.password": wifi.password,
            "wifi.apEnabled": self.wifi.state.ap_enabled,
            **{f"serials.{place}": one for place, one in enumerate(store.shown("serial"))},
            "$restart": self.operations._restart is not None,
            "$authorize": self.station.authorized > 0,
            "$sub": self.subscribed(),
        }


def _merged(base: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in given.items():
        both = isinstance(value, dict) and isinstance(base.get(key), dict)
        merged[key] = _merged(base[key], value) if both else value
    return merged


def _board(told: dict[str, Any]) -> Any:
    lock = _SIM.socket_lock
    assert lock is not None
    meter = _SIM.energy_meter
    return replace(
        _SIM,
        device_name=told["deviceName"],
        socket_lock=replace(lock, min_break_time_ms=told["socketLockMinBreakTime"])
        if told["socketLock"]
        else None,
        proximity=_SIM.proximity if told["proximity"] else None,
        rcm=_SIM.rcm if told["rcm"] else None,
        onewire=_SIM.onewire if told["temperatureSensor"] else None,
        energy_meter=_meter(meter, told),
        serials=tuple(
            SerialPort(type=one["type"], name=one["name"], device=f"/dev/tty{place}")
            for place, one in enumerate(told["serials"])
        ),
        aux=Aux(
            inputs=tuple(AuxInput(name=name, gpio=5) for name in told["auxInputs"]),
            outputs=tuple(AuxOutput(name=name, gpio=6) for name in told["auxOutputs"]),
            analog_inputs=_SIM.aux.analog_inputs[: len(told["auxAnalogInputs"])],
        ),
    )


def _meter(meter: Any, told: dict[str, Any]) -> Any:
    if told["energyMeter"] == "none":
        return None
    count = 3 if told["energyMeterThreePhases"] else 1
    current = replace(meter.current, adc_channels=meter.current.adc_channels[:count])
    voltage = replace(meter.voltage, adc_channels=meter.voltage.adc_channels[:count])
    with_voltage = told["energyMeter"] == "cur_vlt"
    return replace(meter, current=current, voltage=voltage if with_voltage else None)


async def _store(store: SettingsStore, state: dict[str, Any]) -> None:
    wifi = {key: state["wifi"][key] for key in _WIFI_KEYS}
    evse = {key: state[key] for key in _EVSE_KEYS}
    if not state["board"]["proximity"]:
        evse["socketOutlet"] = False
    patches = {
        "evse": evse,
        "wifi": wifi | {"password": "first secret"},
        "discovery": {"hostname": state["hostname"], "instanceName": state["instanceName"]},
        "serial": state["serials"],
        "scheduler": {"timezone": state["timezone"]},
    }
    for section, patch in patches.items():
        await store.save(section, store.check(section, patch))


def _facts(state: dict[str, Any]) -> Facts:
    used, total = state["memory"]["used"], state["memory"]["total"]
    return Facts(
        uptime_s=state["uptime"],
        version=state["appVersion"],
        built_date=state["appDate"],
        built_time=state["appTime"],
        platform=state["idfVersion"],
        chip=state["chip"],
        cores=state["chipCores"],
        revision=state["chipRevision"],
        memory=Memory(used=used, free=total - used, largest_block=0, least_free=0),
    )
