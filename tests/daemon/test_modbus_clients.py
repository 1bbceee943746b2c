"""Foreign Modbus clients at the running daemon, over TCP and over a serial line."""

import contextlib
import http.client
import os
import select
import tempfile
import time
import tty
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from daemon_world import PATIENCE_S, ROOT, Daemon, RunningSimulator, eventually
from modbus_clients import (
    BLOCKS,
    Registers,
    Rest,
    board_with_serial,
    check_equal,
    mbpoll,
    over_line,
    over_tcp,
    raw,
    read_all,
    same_moment,
    serial_pair,
    switch_on,
    taken_port,
)

from evsed.ending import AGAIN
from evsed.services.modbus.line import sealed

LINE = {"baudRate": 19200, "dataBits": "8", "stopBits": "1", "parity": "disable"}


@pytest.fixture(scope="module")
def shared() -> Iterator[tuple[Daemon, int]]:
    """Yield a daemon whose Modbus port is any free one, and that port."""
    with tempfile.TemporaryDirectory(prefix="evsed-test-") as name:
        folder = Path(name)
        with (
            RunningSimulator(folder / "sim") as simulator,
            Daemon(folder, "--modbus-port", "0", simulator=simulator) as running,
        ):
            yield running.ready(), switch_on(running)


@pytest.fixture
def served(shared: tuple[Daemon, int]) -> tuple[Daemon, int]:
    """Return the daemon as it was at first, and its port."""
    return as_at_first(shared[0]), shared[1]


@pytest.fixture(scope="module")
def shared_line() -> Iterator[tuple[Daemon, Path]]:
    """Yield a daemon with Modbus on a serial port, and the other end of the line."""
    with tempfile.TemporaryDirectory(prefix="evsed-test-") as name:
        folder = Path(name)
        with serial_pair(folder) as (ours, theirs):
            board = board_with_serial(folder, ours)
            with (
                RunningSimulator(folder / "sim", board) as simulator,
                Daemon(folder, "--board", str(board), simulator=simulator) as running,
            ):
                running.ready().post("/config/serial", [{"mode": "modbus", **LINE}])
                yield running, theirs


@pytest.fixture
def line(shared_line: tuple[Daemon, Path]) -> tuple[Daemon, Path]:
    """Return the daemon as it was at first, and the other end of its line."""
    return as_at_first(shared_line[0]), shared_line[1]


def as_at_first(daemon: Daemon) -> Daemon:
    daemon.street(vehicle="none")
    daemon.until("A")
    daemon.post("/config/evse", {"maxChargingCurrent": 63, "defaultChargingCurrent": 16})
    daemon.post("/state", {"enabled": True, "chargingCurrent": 16, "consumptionLimit": 0})
    return daemon


def charge_and_leave(daemon: Daemon) -> None:
    """Leave counters behind, and nothing that moves."""
    daemon.charge()
    eventually(lambda: daemon.get("/state")["consumption"] > 3600)
    daemon.street(vehicle="none")
    daemon.until("A")


def polled(*words: str) -> Registers:
    found = {}
    for first, count in BLOCKS.items():
        found[first] = list(mbpoll("-r", str(first), "-c", str(count), *words).values())
    return Registers(found)


def test_pymodbus_reads_what_rest_shows(served):
    daemon, port = served
    daemon.charge()
    with over_tcp(port) as modbus, Rest(daemon) as rest:
        check_equal(*same_moment(lambda: read_all(modbus), rest))


def test_mbpoll_reads_what_rest_shows(served):
    daemon, port = served
    charge_and_leave(daemon)
    with Rest(daemon) as rest:
        ask = ("-m", "tcp", "-p", str(port), "127.0.0.1")
        check_equal(*same_moment(lambda: polled(*ask), rest))


def test_mbpoll_writes_what_rest_shows(served):
    daemon, port = served
    ask = ("-m", "tcp", "-p", str(port))
    mbpoll(*ask, "-r", "106", "127.0.0.1", "80")
    mbpoll(*ask, "-r", "107", "127.0.0.1", "0", "10000")
    state = daemon.get("/state")
    assert (state["chargingCurrent"], state["consumptionLimit"]) == (8.0, 36_000_000)


def test_what_is_written_is_on_rest_when_the_answer_comes(served):
    daemon, port = served
    with over_tcp(port) as modbus, Rest(daemon) as rest:
        for current_da in (61, 320, 137, 60):
            assert not modbus.write_register(106, current_da, device_id=1).isError()
            assert rest.get("/state")["chargingCurrent"] == current_da / 10
        assert not modbus.write_registers(304, [16, 100], device_id=1).isError()
        evse = rest.get("/config/evse")
        assert (evse["maxChargingCurrent"], evse["defaultChargingCurrent"]) == (16, 10.0)


def test_what_is_written_is_told_to_those_who_listen(served, figure):
    daemon, port = served
    events = http.client.HTTPConnection("127.0.0.1", daemon.port, timeout=PATIENCE_S)
    with over_tcp(port) as modbus, contextlib.closing(events):
        events.request("GET", "/api/v1/events")
        answer = events.getresponse()
        began_s = time.monotonic()
        assert not modbus.write_register(106, 77, device_id=1).isError()
        while b'"chargingCurrent":7.7' not in answer.readline():
            assert time.monotonic() < began_s + PATIENCE_S
        figure("from a write to its event, ms", round((time.monotonic() - began_s) * 1000))


def test_a_write_pauses_the_vehicle(served):
    daemon, port = served
    daemon.charge()
    with over_tcp(port) as modbus:
        assert not modbus.write_register(103, 0, device_id=1).isError()
        daemon.until("C1")


def test_a_restart_is_answered_before_it_happens(folder):
    with (
        RunningSimulator(folder / "sim") as simulator,
        Daemon(folder, "--modbus-port", "0", simulator=simulator) as daemon,
    ):
        with over_tcp(switch_on(daemon.ready())) as modbus:
            assert not modbus.write_register(421, 1, device_id=1).isError()
        assert daemon.wait() == AGAIN
        assert "restart asked for by modbus 127.0.0.1" in daemon.log


def test_a_port_that_is_taken_answers_500_and_stays_off(folder):
    with (
        taken_port() as (taken, port),
        RunningSimulator(folder / "sim") as simulator,
        Daemon(folder, "--modbus-port", str(port), simulator=simulator) as running,
    ):
        running.ready()
        status, said = running.ask("POST", "/config/modbus", {"tcpEnabled": True})
        assert (status, "cannot listen" in said) == (500, True)
        assert running.get("/config/modbus") == {"tcpEnabled": False, "unitId": 1}
        taken.close()
        assert switch_on(running) == port


def test_sixteen_half_open_connections_do_not_stop_a_health_poll(served):
    daemon, port = served
    with over_tcp(port) as modbus, Rest(daemon) as rest:
        half_open = [raw(port, bytes.fromhex("00010000000601")) for _ in range(16)]
        for _ in range(20):
            assert modbus.read_holding_registers(100, count=12, device_id=1).registers
            assert rest.get("/info")["uptime"] >= 0
        for connection in half_open:
            connection.close()


def test_pymodbus_reads_over_a_line_what_rest_shows(line):
    daemon, theirs = line
    charge_and_leave(daemon)
    with over_line(theirs) as modbus, Rest(daemon) as rest:
        check_equal(*same_moment(lambda: read_all(modbus), rest))


def test_pymodbus_writes_over_a_line(line):
    daemon, theirs = line
    with over_line(theirs) as modbus, Rest(daemon) as rest:
        assert not modbus.write_register(106, 80, device_id=1).isError()
        assert rest.get("/state")["chargingCurrent"] == 8.0
        assert not modbus.write_registers(107, [0, 10_000], device_id=1).isError()
        assert rest.get("/state")["consumptionLimit"] == 36_000_000
        assert modbus.write_register(106, 59, device_id=1).exception_code == 3
        assert modbus.read_coils(100, count=1, device_id=1).exception_code == 1


def test_mbpoll_reads_over_a_line_what_rest_shows(line):
    daemon, theirs = line
    charge_and_leave(daemon)
    ask = ("-m", "rtu", "-b", "19200", "-P", "none", "-a", "1", str(theirs))
    with Rest(daemon) as rest:
        check_equal(*same_moment(lambda: polled(*ask), rest))


WORDS = {"uint16": 1, "uint32": 2, "uint64": 4}


class Bus:
    """The master of a two-wire line on which every station hears itself."""

    def __init__(self, folder: Path) -> None:
        self.ours = folder / "tty-bus"
        self._master, slave = os.openpty()
        tty.setraw(self._master)
        tty.setraw(slave)
        self.ours.symlink_to(os.ttyname(slave))

    def ask(self, request: bytes, length: int) -> bytes:
        """Return the answer, and let its sender hear it."""
        os.write(self._master, request)
        answer = self._read(length)
        os.write(self._master, answer)
        return answer

    def _read(self, length: int) -> bytes:
        data = b""
        while len(data) < length and select.select([self._master], [], [], PATIENCE_S)[0]:
            data += os.read(self._master, length - len(data))
        return data

    def quiet_for(self, seconds: float) -> bool:
        return not select.select([self._master], [], [], seconds)[0]


def test_a_station_that_hears_itself_does_not_answer_itself(folder):
    bus = Bus(folder)
    board = board_with_serial(folder, bus.ours, "rs485")
    with (
        RunningSimulator(folder / "sim", board) as simulator,
        Daemon(folder, "--board", str(board), simulator=simulator) as daemon,
    ):
        daemon.ready().post("/config/serial", [{"mode": "modbus", **LINE}])
        for current_da in (80, 90, 100, 100):
            write = sealed(bytes.fromhex(f"0106006a{current_da:04x}"))
            assert bus.ask(write, 8) == write
            read = sealed(bytes.fromhex("0103006a0001"))
            assert bus.ask(read, 7) == sealed(bytes.fromhex(f"010302{current_da:04x}"))
            assert bus.quiet_for(0.2)


class Evcc:
    """Reads and writes a value of evcc's configuration as evcc does."""

    def __init__(self, client, config):
        self._client, self._config = client, config

    def _words(self, source):
        register = source["register"]
        count = WORDS[register["encoding"]]
        found = self._client.read_holding_registers(
            register["address"], count=count, device_id=source["id"]
        )
        return b"".join(word.to_bytes(2, "big") for word in found.registers)

    def number(self, source):
        return int.from_bytes(self._words(source), "big") * source.get("scale", 1)

    def text(self, source):
        return self._words(source).replace(b"\0", b"").decode()

    def write(self, name, value):
        source = self._config[name]
        assert source["register"]["type"] == "writesingle"
        word = int(value * source.get("scale", 1))
        done = self._client.write_register(
            source["register"]["address"], word, device_id=source["id"]
        )
        assert not done.isError()


def test_the_configuration_for_evcc_works(served):
    daemon, port = served
    text = (ROOT / "docs/examples/evcc-modbus.yaml").read_text(encoding="utf-8")
    config = yaml.safe_load(text)["chargers"][0]
    daemon.charge()
    with over_tcp(port) as modbus, Rest(daemon) as rest:
        evcc = Evcc(modbus, config)
        assert evcc.text(config["status"]) == "C2"
        evcc.write("maxcurrent", 10)
        assert rest.get("/state")["chargingCurrent"] == 10.0
        evcc.write("maxcurrentmillis", 6.5)
        assert rest.get("/state")["chargingCurrent"] == 6.5
        eventually(lambda: rest.get("/state")["totalConsumption"] >= 3600)
        time.sleep(0.02)
        state = rest.get("/state")
        energy = evcc.number(config["energy"])
        assert energy == pytest.approx(state["totalConsumption"] / 3_600_000, abs=0.002)
        amperes = [evcc.number(one) for one in config["currents"]]
        assert amperes == pytest.approx(rest.get("/state")["current"], abs=1.5)
        volts = [evcc.number(one) for one in config["voltages"]]
        assert volts == pytest.approx(rest.get("/state")["voltage"], abs=5)
        assert evcc.number(config["power"]) == pytest.approx(rest.get("/state")["power"], abs=900)
        evcc.write("enable", 0)
        assert evcc.number(config["enabled"]) == 0
        daemon.until("C1")
