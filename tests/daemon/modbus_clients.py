"""The Modbus side of a running daemon: its port, foreign clients, and what REST says meanwhile."""

import contextlib
import http.client
import json
import re
import socket
import struct
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from daemon_world import BOARD, PATIENCE_S, Daemon, eventually
from pymodbus.client import ModbusSerialClient, ModbusTcpClient

_LISTENING = re.compile(r"modbus: listening on \S+ port (\d+)")


def switch_on(daemon: Daemon) -> int:
    """Return the port after Modbus TCP was switched on."""
    daemon.post("/config/modbus", {"tcpEnabled": True})
    return port_of(daemon)


def port_of(daemon: Daemon) -> int:
    return int(eventually(lambda: _LISTENING.findall(daemon.log))[-1])


class Registers:
    """Values by address, as pymodbus or mbpoll delivered them."""

    def __init__(self, blocks: Mapping[int, Sequence[int]]) -> None:
        self._words = {
            first + place: word
            for first, words in blocks.items()
            for place, word in enumerate(words)
        }

    def u16(self, address: int) -> int:
        return self._words[address]

    def i16(self, address: int) -> int:
        return int(struct.unpack(">h", self.data(address, 1))[0])

    def u32(self, address: int) -> int:
        return int.from_bytes(self.data(address, 2), "big")

    def u64(self, address: int) -> int:
        return int.from_bytes(self.data(address, 4), "big")

    def text(self, address: int, count: int) -> str:
        return self.data(address, count).rstrip(b"\0").decode()

    def data(self, address: int, count: int) -> bytes:
        return b"".join(self._words[address + place].to_bytes(2, "big") for place in range(count))


BLOCKS = {100: 12, 200: 19, 300: 18, 400: 21, 900: 12}


def read_all(client: Any) -> Registers:
    """Return every register, read by pymodbus."""
    found = {}
    for first, count in BLOCKS.items():
        answer = client.read_holding_registers(first, count=count, device_id=1)
        assert not answer.isError(), answer
        found[first] = answer.registers
    return Registers(found)


def mbpoll(*words: str) -> dict[int, int]:
    """Return what mbpoll printed: registers by address."""
    done = subprocess.run(
        ["mbpoll", "-0", "-q", "-1", *words],
        check=False,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found = re.findall(r"^\[(\d+)\]:\s+(\d+)", done.stdout, re.MULTILINE)
    return {int(address): int(word) for address, word in found}


class Rest:
    """One connection that stays open, so that questions follow one another quickly."""

    def __init__(self, daemon: Daemon) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", daemon.port, timeout=PATIENCE_S)

    def get(self, path: str) -> Any:
        self._connection.request("GET", f"/api/v1{path}")
        return json.loads(self._connection.getresponse().read())

    def all(self) -> dict[str, Any]:
        info = self.get("/info")
        kept = ("appVersion", "temperatureLow", "temperatureHigh", "temperatureSensorCount")
        return (
            self.get("/state")
            | self.get("/config/evse")
            | {key: info[key] for key in (*kept, "uptime")}
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()


@contextlib.contextmanager
def connected(client: Any) -> Iterator[Any]:
    """Yield a client of pymodbus while it is connected."""
    assert client.connect()
    try:
        yield client
    finally:
        client.close()


def over_tcp(port: int) -> contextlib.AbstractContextManager[Any]:
    return connected(ModbusTcpClient("127.0.0.1", port=port, timeout=PATIENCE_S))


def over_line(device: Path) -> contextlib.AbstractContextManager[Any]:
    return connected(ModbusSerialClient(str(device), baudrate=19200, timeout=PATIENCE_S / 3))


def same_moment(
    ask: Callable[[], Registers], rest: Rest
) -> tuple[Registers, dict[str, Any], dict[str, Any]]:
    """Return registers, and what REST showed before and after, which is the same but for time."""

    def tried() -> tuple[Registers, dict[str, Any], dict[str, Any]] | None:
        before, registers, after = rest.all(), ask(), rest.all()
        return (registers, before, after) if before | {"uptime": after["uptime"]} == after else None

    return eventually(tried)


def check_equal(registers: Registers, shown: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    """Compare everything with what REST showed at the same moment."""
    _check_live(registers, shown)
    _check_meter(registers, shown)
    _check_settings(registers, shown)
    assert shown["uptime"] <= registers.u32(400) <= after["uptime"]
    assert registers.i16(402) == round(shown["temperatureLow"] * 100)
    assert registers.i16(403) == round(shown["temperatureHigh"] * 100)
    assert registers.u16(404) == shown["temperatureSensorCount"]
    assert registers.text(405, 16) == shown["appVersion"]


def _check_live(registers: Registers, shown: Mapping[str, Any]) -> None:
    assert registers.text(100, 1) == shown["state"]
    assert (registers.u32(101) != 0) is (shown["errors"] is not None)
    for address, key in ((103, "enabled"), (104, "available"), (105, "pendingAuth")):
        assert registers.u16(address) == shown[key]
    assert registers.u16(106) == round(shown["chargingCurrent"] * 10)
    assert registers.u32(107) == -(-shown["consumptionLimit"] // 3600)
    assert registers.u32(109) == shown["chargingTimeLimit"]
    assert registers.u16(111) == shown["underPowerLimit"]
    assert registers.u16(901) == shown["limitReached"]
    assert registers.u64(904) == shown["totalConsumption"] // 3600


def _check_meter(registers: Registers, shown: Mapping[str, Any]) -> None:
    assert registers.u16(200) == shown["power"]
    assert registers.u32(201) == shown["sessionTime"]
    assert registers.u32(203) == shown["chargingTime"]
    assert registers.u32(205) == shown["consumption"] // 3600
    for phase in range(3):
        assert abs(registers.u32(207 + 2 * phase) / 1000 - shown["voltage"][phase]) <= 0.0501
        assert abs(registers.u32(213 + 2 * phase) / 1000 - shown["current"][phase]) <= 0.00501


def _check_settings(registers: Registers, shown: Mapping[str, Any]) -> None:
    wide = {"defaultConsumptionLimit": 306, "defaultChargingTimeLimit": 308}
    narrow = {
        "socketOutlet": 300,
        "rcm": 301,
        "temperatureThreshold": 302,
        "requireAuth": 303,
        "maxChargingCurrent": 304,
        "defaultUnderPowerLimit": 310,
        "socketLockOperatingTime": 311,
        "socketLockBreakTime": 312,
        "socketLockDetectionHigh": 313,
        "socketLockRetryCount": 314,
        "energyMeterAcVoltage": 316,
        "energyMeterThreePhases": 317,
    }
    for key, address in narrow.items():
        assert registers.u16(address) == shown[key], key
    for key, address in wide.items():
        divisor = 3600 if "onsumption" in key else 1
        assert registers.u32(address) == -(-shown[key] // divisor), key
    assert registers.u16(305) == round(shown["defaultChargingCurrent"] * 10)
    assert ("dummy", "cur", "cur_vlt")[registers.u16(315)] == shown["energyMeterMode"]


def board_with_serial(folder: Path, device: Path, kind: str = "uart") -> Path:
    """Return the simulated board with a serial port that is a link in a folder."""
    text = BOARD.read_text(encoding="utf-8")
    wanted = f"serials:\n  - {{type: {kind}, name: LINE, device: {device}}}\n"
    changed = re.sub(r"serials:\n(  - .*\n)+", wanted, text)
    assert changed != text
    board = folder / "board.yaml"
    board.write_text(changed, encoding="utf-8")
    return board


@contextlib.contextmanager
def serial_pair(folder: Path) -> Iterator[tuple[Path, Path]]:
    """Yield two devices; what is written to one is read from the other."""
    ends = folder / "tty-ours", folder / "tty-theirs"
    words = [f"pty,rawer,link={end}" for end in ends]
    with subprocess.Popen(["socat", *words], stdin=subprocess.DEVNULL) as socat:
        try:
            eventually(lambda: all(end.exists() for end in ends))
            yield ends
        finally:
            socat.terminate()


@contextlib.contextmanager
def taken_port() -> Iterator[tuple[socket.socket, int]]:
    """Yield a port somebody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        yield taken, taken.getsockname()[1]


def raw(port: int, data: bytes = b"") -> socket.socket:
    """Return a connection that has sent something."""
    connection = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S)
    connection.sendall(data)
    return connection
