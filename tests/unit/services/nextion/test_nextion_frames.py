"""Frames cut from bytes, and instructions made of values."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evsed.services.nextion.commands import Write, command_in
from evsed.services.nextion.protocol import (
    END,
    FRAME_LIMIT,
    INSTRUCTION_LIMIT,
    FrameCutter,
    is_words,
    number,
    text,
)


@pytest.mark.parametrize(
    ("data", "frames"),
    [
        (b"sub en" + END, [b"sub en"]),
        (b"sub en", []),
        (END + END + b"sub en" + END, [b"sub en"]),
        (b"\xff\xff" + b"sub en" + END, [b"sub en"]),
        (b"q\x01\xff" + END + b"sub en" + END, [b"q\x01\xff", b"sub en"]),
        (b"q\xff\xff\xff\xff" + END, [b"q\xff\xff\xff\xff"]),
        (b"a" + END + b"b" + END + b"c", [b"a", b"b"]),
        (b"a\xff\xffb" + END, [b"a\xff\xffb"]),
        (b"x" * FRAME_LIMIT + END, [b"x" * FRAME_LIMIT]),
        (b"x" * (FRAME_LIMIT + 1) + END + b"sub en" + END, [b"sub en"]),
        (b"x" * 100_000 + END + b"sub en" + END, [b"sub en"]),
    ],
)
def test_frames_are_cut_at_the_last_three_of_a_run(data: bytes, frames: list[bytes]) -> None:
    assert FrameCutter().feed(data) == frames


def test_what_is_not_complete_is_kept() -> None:
    cutter = FrameCutter()
    assert [cutter.feed(piece) for piece in (b"sub ", b"en\xff", b"\xff", b"\xffun")] == [
        *([], [], []),
        [b"sub en"],
    ]
    cutter.reset()
    assert cutter.feed(b"sub" + END) == [b"sub"]


def test_a_frame_that_never_ends_is_not_kept() -> None:
    cutter = FrameCutter()
    for _ in range(1000):
        assert cutter.feed(b"x" * 200) == []
        assert len(cutter._begun) <= FRAME_LIMIT + 4
    assert cutter.feed(b"sub en" + END + b"sub en" + END) == [b"sub en"]


_PIECES = st.lists(
    st.sampled_from(
        [b"sub en", b"chCur 60", b"\xff", b"\xff\xff", END, b"q\x01", b"x" * 200, b"\x24"]
    ),
    max_size=12,
)


@given(_PIECES, st.data())
def test_commands_are_the_same_however_the_bytes_arrive(
    pieces: list[bytes], data: st.DataObject
) -> None:
    stream = b"".join(pieces)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    cutter, found = FrameCutter(), []
    for begin, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        found += cutter.feed(stream[begin:end])
    whole = [command_in(frame.rstrip(END)) for frame in FrameCutter().feed(stream)]
    in_pieces = [command_in(frame.rstrip(END)) for frame in found]
    assert [one for one in in_pieces if one] == [one for one in whole if one]


@given(st.lists(st.binary(max_size=600), max_size=30))
def test_whatever_arrives_little_is_kept_and_no_frame_is_too_long(pieces: list[bytes]) -> None:
    cutter = FrameCutter()
    for piece in pieces:
        for frame in cutter.feed(piece):
            assert 0 < len(frame) <= FRAME_LIMIT
            command_in(frame)
            is_words(frame)
        assert len(cutter._begun) <= FRAME_LIMIT + 4


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0, "0"), (-525, "-525"), (2**31, "2147483647"), (-(2**40), "-2147483648")],
)
def test_a_number_sticks_at_what_a_display_can_hold(value: int, shown: str) -> None:
    assert number("temp", value) == f"temp.val={shown}".encode() + END


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("", ""),
        ('Box "A" \\ 1', r"Box \"A\" \\ 1"),
        ("two\r\nlines\x00\x7f\x85", "twolines"),
        ("Gar\u00e1\u017e", "Gar\u00e1\u017e"),
        ("\ud800x", "x"),
        ("a" * 80, "a" * 49),
        ("a" * 48 + '"', "a" * 48),
        ("a" * 48 + "\u00e1", "a" * 48),
        ("\U0001f50c" * 20, "\U0001f50c" * 12),
    ],
)
def test_a_text_is_escaped_and_cut_between_characters(value: str, shown: str) -> None:
    assert text("devName", value) == f'devName.txt="{shown}"'.encode() + END


@given(st.text())
def test_a_text_never_breaks_out_of_its_instruction(value: str) -> None:
    sent = text("devName", value)
    assert len(sent) <= INSTRUCTION_LIMIT + len(END)
    assert sent.endswith(b'"' + END)
    inside = sent.removeprefix(b'devName.txt="').removesuffix(b'"' + END)
    inside.decode("utf-8")
    assert END[:1] not in inside
    assert b'"' not in inside.replace(b"\\\\", b"").replace(b'\\"', b"")


@pytest.mark.parametrize(
    ("frame", "wanted"),
    [
        (b"en 1", Write("en", "enabled", value=True)),
        (b"avail 0", Write("avail", "available", value=False)),
        (b"chCur 135", Write("chCur", "chargingCurrent", 13.5)),
        (b"chCur 0060", Write("chCur", "chargingCurrent", 6.0)),
        (b"consumLim 4294967295", Write("consumLim", "consumptionLimit", 4294967295 * 3600)),
        (b"chTimeLim 4294967295", Write("chTimeLim", "chargingTimeLimit", 4294967295)),
        (b"uPowerLim 65535", Write("uPowerLim", "underPowerLimit", 65535)),
        (b"EN 1", None),
        (b"en1", None),
        (b"\xb2", None),
        (b"auth 1", None),
        (b"auth ", None),
        (b"sub", None),
        (b"unsub ", None),
    ],
)
def test_settings_come_in_the_units_of_the_api(frame: bytes, wanted: object) -> None:
    assert command_in(frame) == wanted


@pytest.mark.parametrize(
    "frame",
    [
        *(b"en", b"en ", b"en 2", b"en 256", b"en  1", b"en 1 ", b"avail yes", b"chCur 59"),
        *(b"chCur 631", b"chCur +60", b"uPowerLim 65536", b"consumLim 4294967296", b"chCur 1e2"),
        b"chTimeLim " + b"9" * 240,
    ],
)
def test_a_setting_that_is_not_permitted_is_refused_by_name(frame: bytes) -> None:
    refused = command_in(frame)
    assert type(refused).__name__ == "Refused"
    assert refused.command == frame.split(b" ")[0].decode()
