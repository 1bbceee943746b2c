"""Runs scripts at a desk: a virtual clock, a charger made of plain values, effects written down.

Source: lua.md section 16.
"""

import contextlib
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from evsed.errors import RejectedError
from evsed.host.mqtt.address import MOST_CLIENTS, check_filter, check_topic, read_address
from evsed.host.pace import Allowance
from evsed.services.script.calls import SETTERS, BadValueError, checked_lease
from evsed.services.script.output import LINES_AT_ONCE, LINES_PER_S, clean_line
from evsed.services.script.parameters import stored_text
from evsed.services.script.worker.engine import Engine, Value
from evsed.services.script.worker.files import Files

#: 2026-01-01 00:00 UTC
EPOCH_S: Final = 1767225600
_CONNECTED_AFTER_MS: Final = 100
_BANNER_LINES: Final = 2
_STATES: Final = ("A", "B1", "B2", "C1", "C2", "D1", "D2", "E", "F")
_ZONE: Final = "UTC0"

_EVSE: Final[Mapping[str, Any]] = {
    "state": "A",
    "error": 0,
    "enabled": True,
    "available": True,
    "requireauth": False,
    "pendingauth": False,
    "chargingcurrent": 16.0,
    "defaultchargingcurrent": 32.0,
    "maxchargingcurrent": 32.0,
    "lowtemperature": 0.0,
    "hightemperature": 0.0,
    "consumptionlimit": 0.0,
    "chargingtimelimit": 0.0,
    "underpowerlimit": 0.0,
    "defaultconsumptionlimit": 0.0,
    "defaultchargingtimelimit": 0.0,
    "defaultunderpowerlimit": 0.0,
    "limitreached": False,
}
_METER: Final[Mapping[str, Any]] = {
    "mode": 0,
    "acvoltage": 230,
    "threephases": False,
    "power": 0,
    "chargingtime": 0,
    "sessiontime": 0,
    "consumption": 0,
    "totalconsumption": 0,
    "voltage": [0.0, 0.0, 0.0],
    "current": [0.0, 0.0, 0.0],
}
_BOARD: Final[Mapping[str, Any]] = {
    "devicename": "desk",
    "proximity": False,
    "socketlock": False,
    "rcm": False,
    "temperaturesensor": False,
    "onewire": False,
    "energymeter": 2,
    "energymeterthreephases": True,
    "serials": [],
    "serialnames": [],
    "auxinputs": [],
    "auxoutputs": [],
    "auxanaloginputs": [],
}


@dataclass(slots=True)
class _Client:
    """One MQTT client of the desk's broker, which everybody can reach."""

    owner: str | None
    connected_ms: int | None = None
    closed: bool = False


class Desk:
    """The host of an engine, and everything around it.

    Args:
        board: fields of ``boardconfig`` that differ from a bare board.
        initial: values at the start, by module.
        epoch_s: the wall clock at the start.
        serial: whether a port in mode ``script`` exists.
        replies: what the device on that port answers, see ``serialReply`` of a vector.
        parameters: stored values by component and key.
    """

    def __init__(
        self,
        *,
        board: Mapping[str, Any] | None = None,
        initial: Mapping[str, Mapping[str, Any]] | None = None,
        epoch_s: int = EPOCH_S,
        serial: bool = False,
        replies: Sequence[Mapping[str, Any]] = (),
        parameters: Mapping[str, Mapping[str, Value]] | None = None,
    ) -> None:
        self.board = {**_BOARD, **(board or {})}
        given = initial or {}
        self.now_ms = 0
        self.calls: list[tuple[str, list[Any]]] = []
        self.output: list[str] = []
        self._epoch_s = epoch_s
        self._evse = {**_EVSE, **given.get("evse", {})}
        self._meter = {**_METER, **given.get("energymeter", {})}
        self._aux: dict[str, Any] = {
            **dict.fromkeys(self.board["auxinputs"], False),
            **dict.fromkeys(self.board["auxanaloginputs"], 0),
            **given.get("aux", {}),
        }
        self._serial, self._replies = serial, list(replies)
        self._taken, self._port = False, 0
        self._port_owner: str | None = None
        self._arriving: list[tuple[int, bytes]] = []
        self._clients: list[_Client] = []
        self._component: str | None = None
        self._allowance = Allowance(LINES_PER_S, LINES_AT_ONCE, lambda: self.now_ms / 1000)
        self._parameters = {name: dict(stored) for name, stored in (parameters or {}).items()}

    # What the engine asks.

    def call(self, name: str, arguments: Sequence[Value]) -> tuple[Any, ...]:
        """Do what a script asks for and write it down."""
        module = name.partition(".")[0]
        if name in SETTERS:
            return self._set(name, arguments[0])
        if name == "evse.lease":
            return self._lease(*arguments)
        if module == "serial":
            return self._serial_call(name, arguments)
        if module == "mqtt":
            return self._mqtt_call(name, arguments)
        if module == "aux":
            return self._aux_call(name, arguments)
        return self._act(name)

    def state(self) -> Mapping[str, Mapping[str, Any]]:
        """Return everything the getters read, in the types scripts expect."""
        evse = {key: _as_float(value) for key, value in self._evse.items()}
        letter = self._evse["state"]
        evse["state"] = _STATES.index(letter) if letter in _STATES else int(letter)
        evse["error"] = int(self._evse["error"])
        meter = {key: _as_whole(value) for key, value in self._meter.items()}
        return {"evse": evse, "energymeter": meter}

    def stored(self, component: str) -> Mapping[str, str]:
        """Return the stored parameters as texts."""
        found = self._parameters.get(component, {})
        return {key: stored_text(value) for key, value in found.items()}

    def quarantined(self, component: str) -> bool:
        """Nothing is quarantined at a desk."""
        del component
        return False

    def mqtt_state(self, client: int) -> str:
        """A broker at a desk takes a tenth of a second to answer."""
        since_ms = self._clients[client - 1].connected_ms
        if since_ms is None:
            return "disconnected"
        return "connected" if self.now_ms >= since_ms else "connecting"

    def write(self, lines: list[str], suppressed: int) -> None:
        """Take finished lines, as many as a charger would."""
        for line in lines:
            if self._allowance.take():
                self._print(clean_line(line))
            else:
                suppressed += 1
        if suppressed:
            self._print(f"[{suppressed} lines suppressed]")

    def _print(self, line: str) -> None:
        self.output.append(line)

    def changed(self, components: list[dict[str, Any]]) -> None:
        """Not of interest at a desk: whoever runs it asks for the list."""

    def entered(self, component: str | None) -> None:
        """Note whose are the port and the clients that are opened next."""
        self._component = component

    def release(self, component: str) -> None:
        """Free what a component has opened."""
        if self._port_owner == component:
            self._taken = False
        for client in self._clients:
            if client.owner == component:
                client.connected_ms, client.closed = None, True

    def uptime_s(self) -> float:
        """Return virtual seconds."""
        return self.now_ms / 1000

    def wall_s(self) -> float:
        """Return virtual Unix seconds."""
        return self._epoch_s + self.now_ms / 1000

    # What whoever sits at the desk does.

    def advance(self, to_ms: int) -> None:
        """Let virtual time pass."""
        self.now_ms = max(self.now_ms, to_ms)

    def set(self, changes: Mapping[str, Any]) -> None:
        """Change values: ``{"evse.state": "B1", "aux.IN1": true}``."""
        for path, value in changes.items():
            module, _, name = path.partition(".")
            {"evse": self._evse, "energymeter": self._meter, "aux": self._aux}[module][name] = value

    def arrive(self, data: bytes) -> None:
        """Have bytes arrive on the serial port."""
        self._arriving.append((self.now_ms, data))

    def store(self, component: str, values: Mapping[str, Value]) -> None:
        """Store parameters of a component, and forget those that are None."""
        stored = self._parameters.setdefault(component, {})
        stored.update(values)
        for key in [key for key, value in values.items() if value is None]:
            del stored[key]

    def connected(self) -> list[int]:
        """Return the numbers of the MQTT clients that are connected."""
        numbers = range(1, len(self._clients) + 1)
        return [number for number in numbers if self.mqtt_state(number) == "connected"]

    def _note(self, name: str, arguments: Sequence[Value]) -> None:
        given = list(arguments)
        while given and given[-1] is None:
            given.pop()
        self.calls.append((name, given))

    def _act(self, name: str) -> tuple[Any, ...]:
        self._note(name, ())
        if name == "energymeter.resettotalconsumption":
            self._meter["totalconsumption"] = 0
        return (True,)

    def _set(self, name: str, value: Value) -> tuple[Any, ...]:
        setter = SETTERS[name]
        values = self._evse if name.startswith("evse.") else self._meter
        try:
            checked = setter.check(value, {**values, "bestmode": self.board["energymeter"]})
        except BadValueError as error:
            return False, str(error)
        self._note(name, [checked])
        values[setter.value] = checked
        if setter.value == "maxchargingcurrent":
            for lower in ("chargingcurrent", "defaultchargingcurrent"):
                self._evse[lower] = min(self._evse[lower], checked)
        return (True,)

    def _lease(self, seconds: Value, amps: Value = None) -> tuple[Any, ...]:
        try:
            checked = checked_lease(seconds, amps, self.state()["evse"])
        except BadValueError as error:
            return False, str(error), error.place
        self._hold(*checked)
        self._note("evse.lease", checked if checked[0] else (0,))
        return (True,)

    def _hold(self, seconds: float, amps: float) -> None:
        """Not of interest here: silence limits the charger, and there is none."""

    def _aux_call(self, name: str, arguments: Sequence[Value]) -> tuple[Any, ...]:
        line = arguments[0]
        if name == "aux.write":
            self._note(name, arguments)
            return (True,)
        if name == "aux.analogread":
            # The recorded programs read 0 from an analog input a desk does not have.
            return True, int(self._aux.get(str(line), 0))
        if line not in self.board["auxinputs"]:
            return False, "unknow input name"
        return True, bool(self._aux[str(line)])

    def _serial_call(self, name: str, arguments: Sequence[Value]) -> tuple[Any, ...]:
        if name == "serial.open":
            if not self._serial or self._taken:
                return True, None
            self._taken, self._port_owner = True, self._component
            self._port += 1
            return True, self._port
        if arguments[0] != self._port or not self._taken:
            return name == "serial.close", "serial error"
        if name == "serial.read":
            return True, self._received()
        if name == "serial.write":
            data = str(arguments[1]).encode("latin-1")
            self._note(name, [data.hex()])
            self._reply(data)
        elif name == "serial.close":
            self._taken = False
        return (True,)

    def _received(self) -> str | None:
        here = [data for at_ms, data in self._arriving if at_ms <= self.now_ms]
        if not here:
            return None
        data = b"".join(here)
        later = [one for one in self._arriving if one[0] > self.now_ms]
        self._arriving = [(self.now_ms, data[256:])] if data[256:] else []
        self._arriving += later
        return data[:256].decode("latin-1")

    def _reply(self, data: bytes) -> None:
        if self._replies and self._replies[0]["to"] == data.hex():
            reply = self._replies.pop(0)
            if reply["bytes"] is not None:
                at_ms = self.now_ms + int(reply["after"])
                self._arriving.append((at_ms, bytes.fromhex(reply["bytes"])))

    def _mqtt_call(self, name: str, arguments: Sequence[Value]) -> tuple[Any, ...]:
        try:
            _check_mqtt(name, arguments)
        except RejectedError as error:
            return False, error.reason
        if name == "mqtt.client":
            if sum(not client.closed for client in self._clients) >= MOST_CLIENTS:
                return False, "too many mqtt clients"
            self._note(name, arguments)
            self._clients.append(_Client(self._component))
            return True, len(self._clients)
        client = self._clients[int(arguments[0] or 0) - 1]
        if name == "mqtt.close":
            client.connected_ms, client.closed = None, True
            return (True,)
        if client.closed:
            return False, "mqtt client is closed"
        self._note(name, arguments[1:])
        if name == "mqtt.connect" and client.connected_ms is None:
            client.connected_ms = self.now_ms + _CONNECTED_AFTER_MS
        elif name == "mqtt.disconnect":
            client.connected_ms = None
        return (True,)


class Run:
    """An engine at a desk, moved through virtual time.

    Args:
        desk: its surroundings.
        root: the folder scripts call ``/usr``.
    """

    def __init__(self, desk: Desk, root: Path) -> None:
        self.desk = desk
        self._engine = Engine(desk, Files(root), lambda: desk.now_ms)
        self._started = False

    def to(self, at_ms: int) -> None:
        """Run everything that is due up to a time, that time included."""
        desk = self.desk
        if not self._started:
            self._started = True
            self._engine.start("desk")
            del desk.output[:_BANNER_LINES]
        while True:
            due_ms = self._engine.run()
            if due_ms is None or due_ms > at_ms:
                break
            desk.advance(due_ms)
        desk.advance(at_ms)
        self._engine.run()

    def message(self, topic: str, payload: str) -> None:
        """Publish a message at the desk's broker."""
        data = payload.encode().decode("latin-1")
        for client in self.desk.connected():
            self._engine.deliver(client, topic.encode().decode("latin-1"), data)

    def restart(self, component: str) -> None:
        """Start a component again, with the parameters that are stored now."""
        self._engine.restart(component)

    def components(self) -> list[dict[str, Any]]:
        """Return what has been registered."""
        return self._engine.components()


@contextlib.contextmanager
def in_utc() -> Iterator[None]:
    """Have the process's local time be UTC, as scripts of a vector expect."""
    before = os.environ.get("TZ")
    os.environ["TZ"] = _ZONE
    time.tzset()
    try:
        yield
    finally:
        if before is None:
            del os.environ["TZ"]
        else:
            os.environ["TZ"] = before
        time.tzset()


def _check_mqtt(name: str, arguments: Sequence[Value]) -> None:
    """Raise ``RejectedError`` for what a charger would refuse as well."""
    match name:
        case "mqtt.client":
            read_address(str(arguments[0]))
        case "mqtt.subscribe":
            check_filter(str(arguments[1]))
        case "mqtt.publish":
            check_topic(str(arguments[1]))


def _as_float(value: Any) -> Any:
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _as_whole(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return tuple(float(one) for one in value)
    return int(value) if isinstance(value, float) else value
