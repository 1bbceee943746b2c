"""SPI through the kernel's records, 1-wire files, the control socket, and the process itself."""

import asyncio
import ctypes
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

import pytest

from evsed.board.description import Adc, Board
from evsed.errors import HardwareError, RejectedError
from evsed.hardware.simulator.control_client import SimulatorClient
from evsed.hardware.simulator.onewire import SENSOR, OnewireTree, crc8, slave_text
from evsed.hardware.simulator.spi_client import SimulatedSpiPort

ROOT = Path(__file__).parents[3]


class Transfer(ctypes.Structure):
    """struct spi_ioc_transfer."""

    _fields_ = (
        ("tx_buf", ctypes.c_uint64),
        ("rx_buf", ctypes.c_uint64),
        ("len", ctypes.c_uint32),
        ("speed_hz", ctypes.c_uint32),
        ("delay_usecs", ctypes.c_uint16),
        ("bits_per_word", ctypes.c_uint8),
        ("cs_change", ctypes.c_uint8),
        ("nbits_and_pad", ctypes.c_uint8 * 4),
    )


class Conversions:
    """Records for conversions, with their buffers."""

    def __init__(self, frames: list[bytes], *, stride: int = 3, delay_us: int = 0) -> None:
        count = len(frames)
        self.tx = ctypes.create_string_buffer(b"".join(frames), 3 * count)
        self.rx = ctypes.create_string_buffer(b"\xaa" * (stride * count), stride * count)
        self.stride = stride
        self.records = (Transfer * count)()
        for place, record in enumerate(self.records):
            record.tx_buf = ctypes.addressof(self.tx) + 3 * place
            record.rx_buf = ctypes.addressof(self.rx) + stride * place
            record.len = 3
            record.speed_hz = 1_000_000
            record.delay_usecs = delay_us
            record.cs_change = place < count - 1
        self.request = 0x40006B00 | ctypes.sizeof(self.records) << 16

    def answers(self) -> list[bytes]:
        raw = self.rx.raw
        places = range(0, len(raw), self.stride)
        return [raw[place : place + 3] for place in places]

    def values(self, mask: int = 0xFFF) -> list[int]:
        return [int.from_bytes(answer, "big") & mask for answer in self.answers()]


def frame(channel: int) -> bytes:
    return bytes([0x06 | channel >> 2, (channel & 3) << 6, 0])


@pytest.fixture
def port(simulator: Any, board: Board) -> Iterator[SimulatedSpiPort]:
    port = SimulatedSpiPort(simulator.folder / "spi.sock", board.adcs[0])
    yield port
    port.close()


def test_one_call_takes_a_whole_window_in_the_time_of_the_bus(
    simulator: Any, port: SimulatedSpiPort
) -> None:
    simulator.on_loop(lambda: run_pwm(simulator, 266_666))
    simulator.set(vehicle="connected")
    window = Conversions([frame(0)] * 232)
    begin = time.monotonic()
    port.exchange(window.request, window.records)
    assert 232 * 43e-6 <= time.monotonic() - begin < 30
    mv = [value * 3300 / 4096 for value in window.values()]
    high = [one for one in mv if one > 1106]
    assert median(high) == pytest.approx(2250, abs=5)
    assert len(high) / len(mv) == pytest.approx(0.2667, abs=0.03)
    assert not any(answer[1] & 0x10 for answer in window.answers())


def run_pwm(simulator: Any, duty_ppm: int) -> None:
    with simulator.process.live as circuit:
        circuit.set_pwm(18, 1000, duty_ppm)


def test_a_mixed_pattern_gives_each_input_its_own(simulator: Any, port: SimulatedSpiPort) -> None:
    simulator.set(noise=0, cable=13)
    pattern = Conversions([frame(channel) for channel in (0, 1, 5)] * 20, delay_us=10)
    port.exchange(pattern.request, pattern.records)
    values = pattern.values()
    assert set(values[1::3]) == {round(1980 * 4096 / 3300)}
    assert set(values[0::3]) == {round(100 * 4096 / 3300)}
    assert len(set(values[2::3])) > 5


def test_answers_go_where_the_records_point_and_nowhere_else(
    simulator: Any, port: SimulatedSpiPort
) -> None:
    simulator.set(noise=0)
    spread = Conversions([frame(1)] * 5, stride=4)
    port.exchange(spread.request, spread.records)
    assert len(set(spread.answers())) == 1
    assert spread.rx.raw[3::4] == b"\xaa" * 5
    backwards = Conversions([frame(1), frame(0)])
    first = backwards.records[0].rx_buf
    backwards.records[0].rx_buf, backwards.records[1].rx_buf = first + 3, first
    port.exchange(backwards.request, backwards.records)
    assert backwards.answers()[1] == spread.answers()[0]


def test_a_ten_bit_converter_has_its_own_frame(simulator: Any, board: Board) -> None:
    simulator.set(noise=0, aux={"AUX_AN1": 1650})
    port = SimulatedSpiPort(simulator.folder / "spi.sock", board.adcs[1])
    one = Conversions([bytes([0x01, 0x80, 0])])
    port.exchange(one.request, one.records)
    assert one.values(0x3FF) == [512]
    assert not one.answers()[0][1] & 4
    port.close()


def test_a_dead_converter_leaves_the_line_floating(simulator: Any, port: SimulatedSpiPort) -> None:
    simulator.set(adcDead=True)
    one = Conversions([frame(0)] * 3)
    port.exchange(one.request, one.records)
    assert set(one.answers()) == {b"\xff\xff\xff"}


def test_a_frame_without_a_start_bit_gives_zeros(port: SimulatedSpiPort) -> None:
    one = Conversions([bytes(3)])
    port.exchange(one.request, one.records)
    assert one.answers() == [bytes(3)]


def test_a_kernel_would_not_take_these_records(port: SimulatedSpiPort) -> None:
    one = Conversions([frame(0)] * 2)
    with pytest.raises(OSError, match="Invalid argument"):
        port.exchange(one.request + (1 << 16), one.records)
    one.records[0].len = 2
    with pytest.raises(OSError, match="Invalid argument"):
        port.exchange(one.request, one.records)


def test_a_missing_simulator_is_a_hardware_error(tmp_path: Path) -> None:
    adc = Adc(name="cp", type="mcp3208", bus=0, cs=0, vref_mv=3300)
    with pytest.raises(HardwareError, match="cp at"):
        SimulatedSpiPort(tmp_path / "none.sock", adc)


def test_nonsense_on_the_spi_socket_ends_that_connection_only(
    simulator: Any, port: SimulatedSpiPort
) -> None:
    with socket.socket(socket.AF_UNIX) as other:
        other.settimeout(60)
        other.connect(str(simulator.folder / "spi.sock"))
        other.sendall(b"\xff" * 8)
        assert other.recv(1) == b""
    one = Conversions([frame(0)])
    port.exchange(one.request, one.records)
    assert one.values() != [0]


# -- 1-wire ---------------------------------------------------------------------------------------


def test_the_sensor_files_follow_the_temperature(simulator: Any, eventually: Any) -> None:
    file = simulator.folder / "w1" / SENSOR / "temperature"
    assert file.read_text() == "25000\n"
    simulator.set(temperature=-10.5)
    assert file.read_text() == "-10500\n"
    simulator.set(tempFault=True)
    assert not file.parent.exists()
    simulator.set(tempFault=False)
    assert file.read_text() == "-10500\n"
    bulk = simulator.folder / "w1" / "w1_bus_master1" / "therm_bulk_read"
    bulk.write_text("trigger\n")
    eventually(lambda: bulk.read_text() == "1\n")


def test_the_slave_file_has_a_good_checksum() -> None:
    assert slave_text(0x0550) == (
        "50 05 4b 46 7f ff 0c 10 1c : crc=1c YES\n50 05 4b 46 7f ff 0c 10 1c t=85000\n"
    )
    assert crc8(bytes.fromhex("50054b467fff0c101c")) == 0


def test_steps_of_the_sensor_are_a_sixteenth_of_a_degree(tmp_path: Path) -> None:
    OnewireTree(tmp_path).show(41.27, present=True)
    assert (tmp_path / SENSOR / "temperature").read_text() == "41250\n"


# -- control socket -------------------------------------------------------------------------------


def test_what_is_set_is_read_back(simulator: Any) -> None:
    state = simulator.set(vehicle="connected", maxCurrent=10, noise=2, pigpiod={"stallMs": 0})
    assert (state["vehicle"], state["maxCurrent"], state["noise"]) == ("connected", 10.0, 2.0)
    assert simulator.get()["pilot"]["mode"] == "low"
    assert state["pigpiod"]["refuse"] is False


def test_a_bad_value_comes_back_as_a_rejection_with_its_key(simulator: Any) -> None:
    with pytest.raises(RejectedError) as caught:
        simulator.set(rcm=True, phases=4)
    assert caught.value.key == "phases"
    assert caught.value.reason == "must be a whole number from 1 to 3"
    assert simulator.get()["rcm"] is False


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b"plug in", "not JSON"),
        (b"[]", "must be"),
        (b'{"set": 3}', "must be an object"),
        (b'{"get": false}', "must be"),
        (b'{"set": {"noise": NaN}}', "must be a number"),
        (b'{"set": {"vehicle": ["none"]}}', "must be one of"),
    ],
)
def test_a_bad_line_is_answered_and_the_connection_lives(
    simulator: Any, line: bytes, words: str
) -> None:
    with socket.socket(socket.AF_UNIX) as control:
        control.settimeout(60)
        control.connect(str(simulator.folder / "sim.sock"))
        stream = control.makefile("rwb")
        for request, ok in ((line, False), (b'{"get": true}', True)):
            stream.write(request + b"\n")
            stream.flush()
            answer = json.loads(stream.readline())
            assert answer["ok"] is ok
            assert ok or answer["error"].startswith(words)
        stream.close()


def test_a_client_without_a_simulator_says_so(tmp_path: Path) -> None:
    with pytest.raises(HardwareError, match="simulator at"):
        asyncio.run(SimulatorClient(tmp_path / "none.sock").get())


# -- the process ----------------------------------------------------------------------------------


def start(
    folder: Path, board_name: str = "sim", stdin: int = subprocess.PIPE
) -> "subprocess.Popen[bytes]":
    board_file = ROOT / "boards" / f"{board_name}.yaml"
    command = [sys.executable, "-m", "evsed.hardware.simulator"]
    return subprocess.Popen(
        [*command, "--board", str(board_file), "--dir", str(folder)],
        stdin=stdin,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


def ended(process: "subprocess.Popen[bytes]") -> tuple[int, bytes]:
    _, error = process.communicate(timeout=60)
    return process.returncode, error


def test_the_process_serves_until_it_is_told_to_end(tmp_path: Path, eventually: Any) -> None:
    folder = tmp_path / "s"
    process = start(folder)
    eventually((folder / "ready").exists)
    with socket.create_connection(("127.0.0.1", int((folder / "pigpio.port").read_text()))):
        process.send_signal(signal.SIGTERM)
        assert ended(process) == (0, b"")
    assert not (folder / "ready").exists()


def test_the_process_outlives_its_input_by_some_seconds(tmp_path: Path, eventually: Any) -> None:
    folder = tmp_path / "s"
    process = start(folder)
    eventually((folder / "ready").exists)
    assert process.stdin is not None
    process.stdin.close()
    process.stdin = None
    begin = time.monotonic()
    assert ended(process) == (0, b"")
    assert time.monotonic() - begin > 2.5


def test_started_without_an_input_it_stays(tmp_path: Path, eventually: Any) -> None:
    folder = tmp_path / "s"
    process = start(folder, stdin=subprocess.DEVNULL)
    eventually((folder / "ready").exists)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(3.5)
    process.terminate()
    assert ended(process) == (0, b"")


def test_a_bad_board_file_is_named(tmp_path: Path) -> None:
    process = start(tmp_path / "s", "none-such")
    code, error = ended(process)
    assert code == 2
    assert b"none-such.yaml" in error


def test_the_state_is_plain_json_also_with_an_open_cable(simulator: Any) -> None:
    state = simulator.set(cable=0)
    assert json.loads(json.dumps(state, allow_nan=False)) == state
