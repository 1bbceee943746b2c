"""Values of parameters on disk: every text comes back as it was."""

import os
import stat

import pytest

from evsed.errors import StorageError
from evsed.services.script.parameters import Parameters

TEXTS = [
    "on", "off", "yes", "0123", "1:30", "null", "~", "", " ", "true", "6.500000", "1e3", "- a",
    "a: b", "# no", "{x}", "'", '"', "\\n", "two\nlines\n", "\n\n", "tab\t", "\x00\x07\x7f\x85",
    "\u2028\ufeff", "\U0001f697 \u00e4\u00f6", "x" * 4096, "%TAG", "@", "`", "!!int 5", "&a", "*a",
    "2026-01-01", "=", "<<", ".inf", "\r\n", "mqtt://u:p@h:1883/#x",
]  # fmt: skip


@pytest.fixture
def file(tmp_path):
    return tmp_path / "lua" / "params.yaml"


@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
def test_a_text_comes_back_as_it_was(file, text):
    Parameters(file).change("a", {"k": text})
    assert Parameters(file).of("a") == {"k": text}


@pytest.mark.parametrize(
    ("value", "text"),
    [(6, "6"), (6.0, "6"), (6.5, "6.5"), (0.1, "0.1"), (1e300, "1e+300"), (True, "true"),
     (False, "false"), (-3, "-3"), (2**53 + 1, str(2**53 + 1))],
)  # fmt: skip
def test_a_value_is_kept_in_its_shortest_form(file, value, text):
    Parameters(file).change("a", {"k": value})
    assert Parameters(file).of("a") == {"k": text}


def test_a_file_written_by_hand_keeps_its_texts(file):
    file.parent.mkdir()
    file.write_text("a:\n  n: on\n  o: 0123\n  p: 1:30\n  q: null\n  r: ~\n  s:\nb: {x: 1}\n")
    assert Parameters(file).of("a") == {
        "n": "on", "o": "0123", "p": "1:30", "q": "null", "r": "~", "s": "",
    }  # fmt: skip


def test_what_is_not_mentioned_stays(file):
    file.parent.mkdir()
    file.write_text("other: {x: on}\na: {k: 1, unknown: 0123}\n")
    Parameters(file).change("a", {"k": 2})
    assert Parameters(file).of("a") == {"k": "2", "unknown": "0123"}
    assert Parameters(file).of("other") == {"x": "on"}
    Parameters(file).change("a", {"k": None})
    assert Parameters(file).of("a") == {"unknown": "0123"}


@pytest.mark.parametrize("content", [b"a: [", b"- a", b"\xff\xfe\xfd", b"a: " + b"x" * 300_000])
def test_a_file_that_is_not_understood_is_left_alone(file, content):
    file.parent.mkdir()
    file.write_bytes(content)
    with pytest.raises(StorageError):
        Parameters(file).of("a")
    with pytest.raises(StorageError):
        Parameters(file).change("a", {"k": 1})
    assert file.read_bytes() == content


def test_a_part_that_is_not_understood_is_told(file):
    file.parent.mkdir()
    file.write_text("a: [1]\nb: {k: v}\n")
    with pytest.raises(StorageError, match="a is not a mapping"):
        Parameters(file).of("a")
    assert Parameters(file).of("b") == {"k": "v"}


def test_only_the_daemon_can_read_it(file):
    Parameters(file).change("a", {"k": "secret"})
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_power_cut_before_the_new_file_is_in_place_leaves_the_old_one(file, monkeypatch):
    Parameters(file).change("a", {"k": "old"})

    def cut(*_args, **_kwargs):
        raise OSError(5, "power cut")

    monkeypatch.setattr(os, "fsync", cut)
    with pytest.raises(StorageError):
        Parameters(file).change("a", {"k": "new"})
    assert Parameters(file).of("a") == {"k": "old"}
