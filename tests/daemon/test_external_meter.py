"""A daemon whose energy comes from a meter that is asked over Modbus."""

import contextlib
import subprocess

import pytest
import yaml
from daemon_world import BOARD, Daemon, RunningSimulator, eventually
from meter_world import EmulatedMeter, Load, em340, sdm

WH_WS = 3600


def board_with_meter(folder, serials=None, **meter):
    board = yaml.safe_load(BOARD.read_text(encoding="utf-8"))
    board["externalMeter"] = {"interval": 200, **meter}
    if serials is not None:
        board["serials"] = serials
        del board["energyMeter"]
    file = folder / "board.yaml"
    file.write_text(yaml.safe_dump(board), encoding="utf-8")
    return file


@contextlib.contextmanager
def running(folder, board):
    with (
        RunningSimulator(folder / "sim", board) as simulator,
        Daemon(folder, "--board", str(board), simulator=simulator) as daemon,
    ):
        yield daemon.ready()


def source(daemon):
    return daemon.get("/reason")["meterSource"]


def alarms(daemon):
    return [alarm["name"] for alarm in daemon.get("/reason")["alarms"]]


def test_a_meter_by_address_counts_is_lost_and_makes_up_for_what_it_missed(folder):
    load = Load(amperes=(3.0, 3.0, 3.0))
    meter = EmulatedMeter(sdm(load, phases=3))
    board = board_with_meter(folder, model="sdm630", host="127.0.0.1", port=meter.port)
    try:
        with running(folder, board) as daemon:
            assert daemon.get("/board-config")["energyMeter"] == "cur_vlt"
            daemon.post("/config/evse", {"energyMeterThreePhases": True})
            eventually(lambda: source(daemon) == "external")
            daemon.charge()
            eventually(lambda: daemon.get("/state")["power"] == round(sum(load.watts)))
            assert daemon.get("/state")["voltage"] == pytest.approx(load.volts, abs=0.1)
            assert alarms(daemon) == []

            meter.close()
            eventually(lambda: alarms(daemon) == ["meter_lost"])
            assert source(daemon) == "board"
            eventually(lambda: daemon.get("/state")["power"] > 9_000)  # what the vehicle draws

            load.kwh += 0.06
            meter = EmulatedMeter(sdm(load, phases=3), port=meter.port)
            eventually(lambda: source(daemon) == "external", 30)
            eventually(lambda: daemon.get("/state")["consumption"] >= 49 * WH_WS)
            assert daemon.get("/state")["consumption"] <= 72 * WH_WS
            assert alarms(daemon) == []
            assert "no reading comes; the board's own channels are counted instead" in daemon.log
    finally:
        meter.close()


@contextlib.contextmanager
def wire(device, port):
    """A serial line from a device to a meter that speaks RTU."""
    words = [f"pty,rawer,link={device}", f"tcp:127.0.0.1:{port}"]
    with subprocess.Popen(["socat", *words], stdin=subprocess.DEVNULL) as socat:
        try:
            eventually(device.exists)
            yield
        finally:
            socat.terminate()


def test_a_meter_on_a_serial_line_counts_and_what_is_offered_stands_in_for_it(folder):
    load = Load(amperes=(2.0, 2.0, 2.0))
    device = folder / "tty-meter"
    serials = [{"type": "rs485", "name": "BUS", "device": str(device)}]
    board = board_with_meter(folder, serials, model="em340", serial="BUS", fallback="assumed")
    line = {"mode": "meter", "baudRate": 9600, "dataBits": "8", "stopBits": "1"}
    with EmulatedMeter(em340(load), rtu=True) as meter, running(folder, board) as daemon:
        with wire(device, meter.port):
            daemon.post("/config/serial", [{**line, "parity": "disable"}])
            daemon.post("/config/evse", {"energyMeterThreePhases": True})
            eventually(lambda: source(daemon) == "external", 30)
            daemon.charge()
            eventually(lambda: daemon.get("/state")["power"] == round(sum(load.watts)))
        eventually(lambda: alarms(daemon) == ["meter_lost"])
        assert source(daemon) == "assumed"
        offered_a = daemon.get("/reason")["offeredCurrent"]
        eventually(lambda: daemon.get("/state")["power"] == round(3 * 230 * offered_a))
        with wire(device, meter.port):
            eventually(lambda: source(daemon) == "external", 30)
            assert alarms(daemon) == []
