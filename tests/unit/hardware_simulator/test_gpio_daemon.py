"""The GPIO daemon's commands in virtual time, without sockets."""

import struct

import pytest

from evsed.board.description import Board
from evsed.hardware.simulator.circuit import Circuit
from evsed.hardware.simulator.gpio_daemon import GpioDaemon

DEAD_MAN = (
    b"ld v0 p0 ld v1 12 tag 0 mils 20 lda p0 cmp v0 jz 1 sta v0 ld v1 12 jmp 0 "
    b"tag 1 dcr v1 jnz 0 w 17 0 hp 18 1000 0 w 18 0 halt"
)
STORE, RUN, STOP, STATUS, UPDATE = 38, 40, 41, 45, 117
NOT_READY = -62


class Bench:
    def __init__(self, board: Board) -> None:
        self.circuit = Circuit(board)
        self.daemon = GpioDaemon(self.circuit)

    def wait_ms(self, ms: float) -> None:
        self.circuit.advance_to_us(self.circuit.now_us + round(ms * 1000))

    def arm(self) -> int:
        script = self.daemon.execute(STORE, 0, len(DEAD_MAN), DEAD_MAN)
        assert isinstance(script, int)
        assert self.daemon.execute(RUN, script, 0, struct.pack("<i", 0)) == NOT_READY
        self.wait_ms(2)
        assert self.daemon.execute(RUN, script, 0, struct.pack("<i", 0)) == 0
        return script

    def refresh(self, script: int, count: int) -> None:
        assert self.daemon.execute(UPDATE, script, 0, struct.pack("<i", count)) == 0

    def state(self, script: int) -> int:
        answer = self.daemon.execute(STATUS, script, 0)
        assert isinstance(answer, tuple)
        return int(struct.unpack_from("<i", answer[1])[0])

    def reports(self, gpio: int) -> list[tuple[int, int, int, int]]:
        heard: list[tuple[int, int, int, int]] = []
        handle = self.daemon.reports.open(lambda data: heard.append(struct.unpack("<HHII", data)))
        assert handle is not None
        assert self.daemon.execute(19, handle, 1 << gpio) == 0
        return heard


@pytest.fixture
def bench(board: Board) -> Bench:
    return Bench(board)


def test_the_dead_man_holds_while_it_is_refreshed_and_trips_after(bench: Bench) -> None:
    script = bench.arm()
    bench.daemon.execute(86, 18, 1000, struct.pack("<I", 266_666))
    bench.daemon.execute(4, 17, 1)
    for count in range(1, 100):
        bench.refresh(script, count)
        bench.wait_ms(100)
    assert bench.circuit.read_pin(17) == 1
    assert bench.state(script) == 3
    assert bench.circuit.dead_man == "running"
    bench.refresh(script, 100)
    bench.wait_ms(240)
    assert bench.circuit.read_pin(17) == 1
    bench.wait_ms(40)
    assert bench.circuit.read_pin(17) == 0
    assert bench.circuit.read_pin(18) == 0
    assert bench.state(script) == 1
    assert bench.circuit.dead_man == "halted"


def test_a_stopped_dead_man_can_be_run_again(bench: Bench) -> None:
    script = bench.arm()
    bench.daemon.execute(4, 17, 1)
    assert bench.daemon.execute(STOP, script, 0) == 0
    bench.wait_ms(1000)
    assert bench.circuit.read_pin(17) == 1
    assert bench.daemon.execute(RUN, script, 0) == 0
    bench.wait_ms(1000)
    assert bench.circuit.read_pin(17) == 0


def test_a_glitch_filter_swallows_short_pulses_and_delays_edges(bench: Bench) -> None:
    heard = bench.reports(5)
    bench.daemon.execute(97, 5, 1000)
    for on in (True, False, True):
        bench.circuit.set({"aux": {"AUX_IN1": on}})
        bench.wait_ms(0.5)
    assert heard == []
    bench.wait_ms(5)
    assert [(tick, word >> 5 & 1) for _, _, tick, word in heard] == [(2000, 1)]


def test_an_edge_puts_the_watchdog_off(bench: Bench) -> None:
    heard = bench.reports(5)
    bench.daemon.execute(9, 5, 10)
    bench.wait_ms(9)
    bench.circuit.set({"aux": {"AUX_IN1": True}})
    bench.wait_ms(25)
    assert [(flags, tick) for _, flags, tick, _ in heard] == [
        (0, 9_000),
        (0x25, 19_000),
        (0x25, 29_000),
    ]


def test_a_paused_handle_hears_nothing(bench: Bench) -> None:
    heard = bench.reports(5)
    assert bench.daemon.execute(20, 0, 0) == 0
    bench.circuit.set({"aux": {"AUX_IN1": True}})
    assert heard == []


def test_software_pwm_is_told_back_and_ends_with_a_write(bench: Bench) -> None:
    assert bench.daemon.execute(6, 23, 100) == 250
    assert bench.daemon.execute(7, 23, 400) == 400
    assert bench.daemon.execute(5, 23, 60) == 0
    assert bench.daemon.execute(83, 23, 0) == 60
    assert bench.daemon.execute(23, 23, 0) == 400
    assert bench.daemon.execute(22, 23, 0) == 100
    assert bench.circuit.read_pin(23) == 1
    bench.daemon.execute(4, 23, 0)
    assert bench.daemon.execute(83, 23, 0) == -92
    assert bench.daemon.execute(6, 23, 10) == -21


def test_a_square_wave_is_read_by_its_phase(bench: Bench) -> None:
    bench.daemon.execute(86, 18, 1000, struct.pack("<I", 250_000))
    levels = []
    for _ in range(100):
        levels.append(bench.daemon.execute(3, 18, 0))
        bench.wait_ms(0.01)
    assert sum(level for level in levels if isinstance(level, int)) == 25
