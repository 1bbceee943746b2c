"""Every numeric field of the tables at both edges and just outside; the tables make the cases."""

import pytest
import yaml
from board_texts import changed, complaints, full_document

from evsed.board.kinds import ListOf, Scalar, Section
from evsed.board.table import BOARD


def _walk(section, path=""):
    for key in section.keys:
        inner = f"{path}.{key.name}" if path else key.name
        yield from _walk_kind(key.kind, inner)


def _walk_kind(kind, path):
    items = getattr(kind, "items", kind)  # the list of converters is wrapped once more
    if isinstance(items, Section):
        yield from _walk(items, path)
    elif isinstance(items, ListOf):
        yield from _walk_kind(items.item, f"{path}[0]")
    elif isinstance(items, Scalar):
        yield path, items


SCALARS = list(_walk(BOARD))
NUMBERS = [(path, kind) for path, kind in SCALARS if kind.low is not None]
FULL = full_document()


def _cases():
    for path, kind in NUMBERS:
        above = "above" in kind.wanted
        step = 1 if "whole" in kind.wanted else 0.001
        yield path, kind.low + (step if above else 0), True
        yield path, kind.high, True
        yield path, kind.low - (0 if above else step), False
        yield path, kind.high + step, False


def _prepared(path, value):
    """Make room for a value in a full board: nothing else may object to it."""
    document = FULL
    if path.startswith("serials[0].direction"):
        document = changed(
            document, "serials[0]", {"type": "rs485", "name": "A", "device": "/dev/x"}
        )
    return changed(document, path, value)


def _range_complaints(lines, path, kind):
    return [line for line in lines if f": {path}: " in line and kind.wanted in line]


def test_the_full_board_is_good_and_the_tables_yield_many_numbers(tmp_path):
    assert complaints(tmp_path, FULL) == []
    assert len(NUMBERS) > 40


@pytest.mark.parametrize(("path", "value", "good"), list(_cases()))
def test_a_number_is_taken_up_to_its_edges_and_not_beyond(tmp_path, path, value, good):
    kind = dict(NUMBERS)[path]
    found = _range_complaints(complaints(tmp_path, _prepared(path, value)), path, kind)
    assert (found == []) is good
    assert len(found) <= 1


@pytest.mark.parametrize(("path", "kind"), SCALARS, ids=[path for path, _ in SCALARS])
@pytest.mark.parametrize("wrong", [[1], {"a": 1}, None, float("nan"), float("inf"), -(10**40)])
def test_no_key_takes_a_value_of_a_wrong_shape(tmp_path, path, kind, wrong):
    lines = complaints(tmp_path, _prepared(path, wrong))
    assert len(_range_complaints(lines, path, kind)) == 1


@pytest.mark.parametrize(("path", "kind"), NUMBERS, ids=[path for path, _ in NUMBERS])
@pytest.mark.parametrize("wrong", [True, "1"])
def test_truth_values_and_texts_are_not_numbers(tmp_path, path, kind, wrong):
    lines = complaints(tmp_path, _prepared(path, wrong))
    assert len(_range_complaints(lines, path, kind)) == 1


@pytest.mark.parametrize(
    "path", [path for path, kind in SCALARS if kind.wanted.startswith(("one of", "true", "a text"))]
)
def test_every_word_flag_and_text_refuses_a_strange_number(tmp_path, path):
    lines = complaints(tmp_path, _prepared(path, 77.5))
    assert any(f": {path}: 77.5 is not permitted, expected " in line for line in lines)


def test_the_place_in_a_message_is_that_of_the_value(tmp_path):
    text = yaml.safe_dump(changed(FULL, "pilot.window", 41), sort_keys=False)
    line = next(n for n, line in enumerate(text.splitlines(), 1) if "window:" in line)
    wanted = f"{line}:11: pilot.window: 41 is not permitted, expected a whole number 5 … 40 ms"
    assert complaints(tmp_path, text) == [wanted]
