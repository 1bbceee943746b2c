"""Trace lines to values and back."""

import json

import pytest

from evsed.errors import BadFileError
from evsed.station.trace import FORMAT, Event, Trace, parse_trace, write_trace

HEADER = json.dumps({"format": FORMAT, "name": "n", "passMs": 50})


def parse(*lines: str) -> Trace:
    return parse_trace(lines, source="f.jsonl")


def test_a_trace_is_read_with_blank_lines_passed_over() -> None:
    trace = parse(
        HEADER,
        "\n",
        '{"t": 5, "set": {"vehicle": "none"}, "cmd": [["enabled", true]]}',
        '{"t": 5, "expect": {"state": "A"}}',
    )

    assert (trace.name, trace.pass_ms, trace.board, trace.settings) == ("n", 50, {}, {})
    assert trace.events == (
        Event(t_ms=5, changes={"vehicle": "none"}, commands=(("enabled", True),)),
        Event(t_ms=5, expected={"state": "A"}),
    )


def test_a_header_may_leave_name_and_period_out() -> None:
    trace = parse(json.dumps({"format": FORMAT}))

    assert (trace.name, trace.pass_ms) == ("f.jsonl", 20)


@pytest.mark.parametrize(
    ("lines", "complaint"),
    [
        ((), "f.jsonl:1: the header line is missing"),
        (("", " "), "f.jsonl:1: the header line is missing"),
        (("{",), "f.jsonl:1: not JSON"),
        (("[" * 100_000,), "f.jsonl:1: not JSON"),
        (("[]",), "f.jsonl:1: an object expected, got []"),
        (('{"format": "other"}',), "f.jsonl:1: format: \"evsed-trace/1\" expected, got 'other'"),
        (('{"format": "evsed-trace/1", "board": 1}',), "f.jsonl:1: board: an object expected"),
        (('{"format": "evsed-trace/1", "passMs": 2.5}',), "f.jsonl:1: passMs: a whole number"),
        ((HEADER, "{}"), "f.jsonl:2: t: a whole number of milliseconds expected, got None"),
        ((HEADER, '{"t": true}'), "f.jsonl:2: t: a whole number"),
        ((HEADER, '{"t": -1}'), "f.jsonl:2: t: a whole number"),
        ((HEADER, '{"t": 1, "sett": {}}'), "f.jsonl:2: sett: t, set, cmd or expect expected"),
        ((HEADER, '{"t": 1, "set": []}'), "f.jsonl:2: set: an object expected"),
        ((HEADER, '{"t": 1, "expect": 4}'), "f.jsonl:2: expect: an object expected"),
        ((HEADER, '{"t": 1, "cmd": {}}'), r"f.jsonl:2: cmd: a list of [name, value] expected"),
        ((HEADER, '{"t": 1, "cmd": ["a"]}'), "f.jsonl:2: cmd: [name, value] expected, got 'a'"),
        ((HEADER, '{"t": 1, "cmd": [[1, 2]]}'), "f.jsonl:2: cmd: [name, value] expected"),
        ((HEADER, '{"t": 1, "cmd": [["a"]]}'), "f.jsonl:2: cmd: [name, value] expected"),
        ((HEADER, '{"t": 9}', '{"t": 8}'), "f.jsonl:3: t: 8 is before the previous event"),
    ],
)
def test_what_is_wrong_is_told_with_file_and_line(lines: tuple[str, ...], complaint: str) -> None:
    with pytest.raises(BadFileError) as refused:
        parse(*lines)

    assert str(refused.value).startswith(complaint)


def test_what_is_written_can_be_read_again() -> None:
    trace = Trace(
        name="again",
        pass_ms=20,
        board={"proximity": True},
        settings={"rcm": True},
        events=(
            Event(t_ms=0),
            Event(t_ms=20, changes={"temp": 2.5}, commands=(("authorize", None),)),
            Event(t_ms=20, expected={}),
        ),
    )
    lines = list(write_trace(trace))

    assert all(line.endswith("\n") and line.count("\n") == 1 for line in lines)
    assert parse(*lines) == trace
