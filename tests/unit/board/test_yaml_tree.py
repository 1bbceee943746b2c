"""The strict YAML underneath: what it accepts, and where it says that something is wrong."""

import pytest

from evsed.board.yaml_tree import MAX_BYTES, REFUSED, Problems, parse_tree, read_tree, shown
from evsed.errors import BadFileError


def _value(text):
    problems = Problems()
    root = parse_tree(f"key: {text}\n", problems)
    assert problems.found == []
    return root.value["key"].node.value


def _wrong(text):
    problems = Problems()
    parse_tree(text, problems)
    return [(one.mark.line, one.mark.column, one.key, one.text) for one in problems.found]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("17", 17),
        ("-1", -1),
        ("1_000", 1000),
        ("0", 0),
        ("1.5", 1.5),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("yes", True),
        ("Off", False),
        ("", None),
        ("~", None),
        ('"17"', "17"),
        ("'yes'", "yes"),
        ("em:0", "em:0"),
    ],
)
def test_plain_words_mean_what_yaml_says(text, value):
    found = _value(text)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize("text", ["010", "0x10", "1:30", "0b1", "2024-01-01", "="])
def test_surprising_readings_of_yaml_stay_texts(text):
    assert _value(text) == text


def test_a_number_of_thousands_of_digits_is_infinite_at_once():
    assert _value("9" * 5000) == float("inf")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a: 1\nb:\n  c: 1\n  c: 2\n", (4, 3, "b.c", "the key is there twice, first in line 3")),
        ("a: &x 1\n", (1, 4, "a", "anchors are not permitted")),
        ("a: !!int 1\n", (1, 4, "a", "tags are not permitted: 'tag:yaml.org,2002:int'")),
        ("a: *x\n", (1, 4, "a", "aliases are not permitted")),
        ("? [1]\n: 2\n", (1, 3, "", "a key must be a word")),
        ("&k a: 2\n", (1, 1, "?", "anchors are not permitted")),
        ("a: 1\n---\nb: 2\n", (2, 1, "", "only one document is permitted")),
        ('a: "\\0"\n', (1, 4, "a", "'\\x00' holds control characters")),
        ("a: 1\n b: 2\n", (2, 3, "", "not YAML: mapping values are not allowed here")),
        ("a: \x01\n", (1, 4, "", "character 0x1 is not permitted")),
    ],
)
def test_what_is_not_permitted_is_named_with_its_place(text, problem):
    assert problem in _wrong(text)


@pytest.mark.parametrize("text", ['a: "\\UFFFFFFFF"', "%YAML 1." + "9" * 5000 + "\n--- a"])
def test_errors_that_the_parser_lets_through_are_problems_too(text):
    [(_, _, _, words)] = _wrong(text)
    assert words.startswith("not YAML: ")


@pytest.mark.parametrize("text", ["[" * 60_000, "? " * 20_000, "{a: " * 10_000, "- " * 20_000])
def test_deep_nesting_is_refused_at_once(text):
    [(_, _, _, words)] = _wrong(text)
    assert words == "nested too deeply"


def test_an_empty_text_is_an_empty_document():
    assert parse_tree("# nothing\n", Problems()).value is None


def test_a_refused_value_leaves_its_neighbours_alone():
    root = parse_tree("a: *x\nb: [1, *y, 2]\n", Problems())
    assert root.value["a"].node.value is REFUSED
    assert [item.value for item in root.value["b"].node.value] == [1, REFUSED, 2]


def test_problems_beyond_a_hundred_are_only_counted(tmp_path):
    problems = Problems()
    parse_tree("a: 1\n" * 200, problems)
    assert (len(problems.found), problems.more) == (100, 99)
    assert problems.lines(tmp_path)[-1] == f"{tmp_path}: and 99 more"


@pytest.mark.parametrize(
    ("data", "place", "words"),
    [
        (b"a: 1\nb: \xff\n", (2, 4), "not UTF-8: byte 0xff"),
        (b"#" * (MAX_BYTES + 1), (1, 1), "the file is larger than 65536 bytes"),
    ],
)
def test_bytes_that_are_no_text_are_named(tmp_path, data, place, words):
    path = tmp_path / "file.yaml"
    path.write_bytes(data)
    problems = Problems()
    assert read_tree(path, problems) is None
    [found] = problems.found
    assert ((found.mark.line, found.mark.column), found.text) == (place, words)


def test_the_largest_permitted_file_with_a_byte_order_mark_is_read(tmp_path):
    path = tmp_path / "file.yaml"
    path.write_bytes(b"\xef\xbb\xbfa: 1 #" + b"x" * (MAX_BYTES - 9))
    assert read_tree(path, Problems()).value["a"].node.value == 1


@pytest.mark.parametrize("name", ["missing.yaml", "", "nul\0.yaml"])
def test_a_file_that_cannot_be_read_is_a_bad_file(tmp_path, name):
    with pytest.raises(BadFileError, match="cannot be read"):
        read_tree(tmp_path / name, Problems())


@pytest.mark.parametrize(
    ("value", "text"),
    [({}, "a mapping"), ((), "a list"), (None, "nothing"), (True, "true"), ("a", "'a'")],
)
def test_values_are_shown_in_words(value, text):
    assert shown(value) == text


def test_long_and_unprintable_values_are_shown_short():
    assert shown("x" * 100) == f"'{'x' * 39}…"
    assert "\ud800" not in shown("\ud800")
