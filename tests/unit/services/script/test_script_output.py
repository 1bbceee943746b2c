"""What is kept of the output of scripts, and how it is counted."""

import socket

import pytest

from evsed.services.log.ring import LogRing
from evsed.services.script.journal import Journal
from evsed.services.script.output import Output


class Clock:
    def __init__(self):
        self.now_s = 100.0

    def __call__(self):
        return self.now_s


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def output(clock):
    return Output(ring(), clock)


def ring():
    return LogRing(1000, clean=lambda line: [line], most_bytes=64 * 1024)


def spread(output, clock, count, text="{}"):
    """Print so slowly that nothing is suppressed."""
    for number in range(count):
        clock.now_s += 0.01
        output.take([text.format(number)])


def test_the_count_is_that_of_all_lines_and_never_falls(output, clock):
    counts = []
    for _ in range(4):
        spread(output, clock, 400)
        counts.append(output.lines(0)[1])
    assert counts == [400, 800, 1200, 1600]
    assert len(output.lines(0)[0]) == 1000


def test_an_index_that_is_gone_begins_at_the_oldest_line(output, clock):
    spread(output, clock, 1500)
    assert output.lines(3)[0][0] == "500"
    assert output.lines(1490) == ([str(number) for number in range(1490, 1500)], 1500)
    assert output.lines(1500) == ([], 1500)
    assert output.lines(1501) == ([], 1500)
    assert output.lines(-5)[0][0] == "500"


def test_at_most_64_kib_are_kept(output, clock):
    spread(output, clock, 100, "x" * 4000)
    kept, count = output.lines(0)
    assert count == 100
    assert len(kept) == 65536 // 4001


def test_a_new_worker_begins_at_zero(output, clock):
    spread(output, clock, 3)
    output.restart()
    assert output.lines(0) == ([], 0)
    output.say("fresh")
    assert output.lines(0) == (["fresh"], 1)


def test_a_flood_is_replaced_by_its_number(output, clock):
    output.take(["x"] * 600)
    assert output.lines(0)[1] == 500
    clock.now_s += 1
    assert output.lines(500) == (["[100 lines suppressed]"], 501)
    output.take(["y"] * 300)
    clock.now_s += 1
    output.take(["z"])
    assert output.lines(700)[0] == ["y", "[100 lines suppressed]", "z"]


@pytest.mark.parametrize(
    ("line", "kept"),
    [
        ("a\tb", "a\tb"),
        ("a\x1b[31mb\x00\x7f\x85c", "a[31mbc"),
        ("\u00e4 \u00a0 \U0001f468\u200d\U0001f469", "\u00e4 \u00a0 \U0001f468\u200d\U0001f469"),
        ("x" * 4096, "x" * 4096),
        ("x" * 4097, "x" * 4096 + " [cut]"),
        ("\u20ac" * 2000, "\u20ac" * 1365 + " [cut]"),
        ("\ud800", "?"),
    ],
)
def test_a_line_is_cleaned_and_cut(output, line, kept):
    output.take([line])
    assert output.lines(0)[0] == [kept]


def test_each_line_goes_to_the_journal_under_a_name_of_its_own(tmp_path, monkeypatch):
    place = tmp_path / "journal"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as journal:
        journal.bind(str(place))
        journal.settimeout(20)
        monkeypatch.setenv("JOURNAL_STREAM", "1:2")
        sending = Journal(place)
        output = Output(ring(), journal=sending.write)
        output.take(["caf\u00e9\x1b"])
        assert journal.recv(1000) == (
            b"PRIORITY=6\nSYSLOG_IDENTIFIER=evsed-script\nMESSAGE=caf\xc3\xa9\n"
        )
        sending._socket.close()


def test_without_a_journal_nothing_is_missed(tmp_path, monkeypatch):
    monkeypatch.setenv("JOURNAL_STREAM", "1:2")
    Journal(tmp_path / "nothing").write("line")
    monkeypatch.delenv("JOURNAL_STREAM")
    Journal(tmp_path / "nothing").write("line")
