"""Whatever is logged, the lines of the ring are short, printable and honest about their origin."""

import random
import unicodedata

import pytest

from evsed.services.log.lines import INDENT, MAX_CHARACTERS, MAX_LINES, clean_lines


def test_a_record_of_several_lines_becomes_several_lines():
    assert clean_lines("failed\r\nTraceback\n  File\r  x\n") == [
        "failed",
        f"{INDENT}Traceback",
        f"{INDENT}  File",
        f"{INDENT}  x",
    ]


def test_an_empty_record_is_one_empty_line():
    assert clean_lines("") == [""]
    assert clean_lines("\n") == [""]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a\x00b", "a?b"),
        ("a\tb", "a b"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07", "?]0;title?"),
        ("\x9b31m", "?31m"),
        ("a\u2028b\u202eb", "a?b?b"),
        ("\ud800", "?"),
        ("grün 電", "grün 電"),
    ],
)
def test_what_could_steer_a_terminal_is_replaced(text, line):
    assert clean_lines(text) == [line]


def test_a_long_line_is_cut_and_says_so():
    (line,) = clean_lines("x" * 1_000_000)
    assert len(line) <= MAX_CHARACTERS
    assert line.endswith("...")


def test_of_a_record_with_very_many_lines_both_ends_are_kept():
    lines = clean_lines("\n".join(str(number) for number in range(5000)))
    assert len(lines) == MAX_LINES + 1
    assert lines[0] == "0"
    assert lines[-1] == f"{INDENT}4999"
    assert f"{INDENT}[... {5000 - MAX_LINES} lines left out ...]" in lines


def test_lines_of_any_text_can_be_sent_and_counted():
    dice = random.Random(7)  # noqa: S311  # a test repeats
    for _ in range(300):
        text = "".join(chr(dice.randrange(0x3000)) for _ in range(dice.randrange(60)))
        for line in clean_lines(text + dice.choice(["", "\n", "\ud812", "\x85"])):
            assert not any(unicodedata.category(letter) in {"Cc", "Zl", "Zp"} for letter in line)
            assert b"\n" not in line.encode()
