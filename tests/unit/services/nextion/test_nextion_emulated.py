"""The emulated display behaves like one."""

from collections.abc import Callable

import pytest

from evsed.hardware.simulator.display import Console
from evsed.hardware.simulator.display_device import EmulatedDisplay

END = b"\xff\xff\xff"
STARTED = b"\x00\x00\x00" + END + b"\x88" + END


class Bench:
    """A display, and what it says."""

    def __init__(self) -> None:
        self._said = bytearray()
        self.display = EmulatedDisplay(self._said.extend)

    def said(self) -> bytes:
        taken = bytes(self._said)
        self._said.clear()
        return taken

    def take(self, *instructions: str) -> bytes:
        self.display.take(b"".join(one.encode() + END for one in instructions))
        return self.said()


@pytest.fixture
def bench() -> Bench:
    made = Bench()
    made.display.power_up()
    assert made.said().startswith(STARTED + b"unsub" + END + b"sub state" + END)
    return made


def test_it_shows_what_its_page_has(bench: Bench) -> None:
    assert bench.take("power.val=-5", 'state.txt="C\\"2\\\\"') == b""
    assert bench.display.shown == {"power": -5, "state": 'C"2\\'}
    assert bench.take("vltL1.val=1") == b"\x1a" + END
    assert (bench.display.lost, bench.display.shown.get("vltL1")) == (1, None)


def test_it_does_not_take_nonsense(bench: Bench) -> None:
    assert bench.take('state.txt="C"2"', "nonsense") == (b"\x00" + END) * 2


def test_it_restarts_and_says_who_it_is(bench: Bench) -> None:
    assert bench.take("rest").startswith(STARTED)
    assert bench.take("connect").startswith(b"comok 1,")
    assert bench.display.restarts == 2


def test_a_page_that_is_woken_subscribes_again(bench: Bench) -> None:
    assert bench.take("sleep=0") == b""
    bench.display.fall_asleep()
    assert bench.said() == b"\x86" + END
    assert bench.take("sleep=0").startswith(b"unsub" + END + b"sub state")
    bench.display.fall_asleep()
    bench.display.touch()
    assert bench.said().endswith(b"\x87" + END)


def _sent(bench: Bench, data: bytes) -> bytes:
    bench.display.take(data)
    return bench.said()


def test_a_program_is_taken_block_by_block(bench: Bench) -> None:
    assert bench.take("whmi-wris 5000,921600,1") == b"\x05"
    assert _sent(bench, bytes(4000)) == b""
    assert _sent(bench, bytes(96)) == b"\x05"
    assert _sent(bench, bytes(904)).startswith(b"\x05" + STARTED)
    assert bench.display.received is not None
    assert [begin for begin, _ in bench.display.received.parts] == [0, 4096]


def test_parts_are_left_out_when_it_says_so(bench: Bench) -> None:
    bench.display.faults.skip_to = 8192
    bench.take("whmi-wris 9000,921600,1")
    assert _sent(bench, bytes(4096)) == b"\x08\x00\x20\x00\x00"
    assert _sent(bench, bytes(808)).startswith(b"\x05" + STARTED)


@pytest.mark.parametrize(
    ("order", "answers"),
    [
        ("no_ack", (b"\x05", b"")),
        ("wrong_ack", (b"\x05", b"\x06")),
        ("refuse", (b"\x1a" + END, None)),
        ("old", (b"\x1a" + END, None)),
        ("silent", (b"", None)),
    ],
)
def test_faults_to_order(bench: Bench, order: str, answers: tuple[bytes, bytes | None]) -> None:
    setattr(bench.display.faults, order, 1)
    assert bench.take("whmi-wris 9000,921600,1") == answers[0]
    if answers[1] is not None:
        assert _sent(bench, bytes(4096)) == answers[1]


def test_an_old_one_knows_the_old_instruction(bench: Bench) -> None:
    bench.display.faults.old = True
    bench.display.faults.skip_to = 4096
    assert bench.take("whmi-wri 9000,921600,0") == b"\x05"
    assert _sent(bench, bytes(4096)) == b"\x05"


@pytest.fixture
def ordered(bench: Bench) -> Callable[[str], str]:
    lines: list[str] = []
    console = Console(bench.display, lines.append)

    def order(line: str) -> str:
        lines.clear()
        assert console.obey(line)
        return "\n".join(lines)

    return order


def test_a_person_gives_it_orders(bench: Bench, ordered: Callable[[str], str]) -> None:
    ordered("page mains")
    assert bench.said().startswith(b"unsub" + END + b"sub vltL1")
    bench.take("vltL1.val=23000")
    assert ordered("show") == "page mains\n  vltL1 = 23000"
    ordered("press chCur 100")
    assert bench.said() == b"chCur 100" + END
    for line, said in [("sleep", b"\x86"), ("touch", b"\x87"), ("overflow", b"\x24")]:
        ordered(line)
        assert bench.said() == said + END
    ordered("power")
    assert bench.said().startswith(STARTED)


def test_orders_that_are_none_are_answered(bench: Bench, ordered: Callable[[str], str]) -> None:
    assert ordered("nonsense") == ordered("fault nonsense") == "help?"
    assert ordered("page nonsense").startswith("pages: main")
    assert "press WORDS" in ordered("help")
    assert ordered("") == ""
    assert not Console(bench.display, print).obey("quit")


def test_faults_come_and_go_by_order(bench: Bench, ordered: Callable[[str], str]) -> None:
    faults = bench.display.faults
    for line in ("fault silent on", "fault no_ack 2", "fault skip_to 4096"):
        ordered(line)
    assert (faults.silent, faults.no_ack, faults.skip_to) == (True, 2, 4096)
    for line in ("fault silent off", "fault no_ack off", "fault skip_to off"):
        ordered(line)
    assert (faults.silent, faults.no_ack, faults.skip_to) == (False, 0, None)
