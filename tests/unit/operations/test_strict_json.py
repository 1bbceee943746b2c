import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evsed.errors import RejectedError
from evsed.operations.strict_json import parse

REFUSED = [
    (b"", "empty"),
    (b"  \n", "empty"),
    (b"\xef\xbb\xbf", "empty"),
    (b"true garbage", "column 6"),
    (b"\xff\xfe1\x00", "not UTF-8"),
    ("true".encode("utf-16"), "not UTF-8"),
    (b"NaN", "NaN"),
    (b"[Infinity]", "Infinity"),
    (b'{"a":-Infinity}', "-Infinity"),
    (b"1e400", "too large"),
    (b"-1e400", "too large"),
    (b"9" * 5000, "too many digits"),
    (b"[" * 50_000, "too deeply"),
    (b'{"a":' * 10_000 + b"1" + b"}" * 10_000, "too deeply"),
    (b'{"a":1,"a":1}', "twice"),
    (b'[{"b":{"a":1,"a":2}}]', "twice"),
    (b'"\\ud800"', "surrogate"),
    (b'{"\\udfff":[1]}', "surrogate"),
    (b'{"a":[["\\ud83d"]]}', "surrogate"),
    (b'"\\ude97\\ud83d"', "surrogate"),
    (b'"\\ud83d\\\\\\ude97"', "surrogate"),
    (b'["", "\\ud83d\\ud83d\\ude97"]', "surrogate"),
    (b"{'a':1}", "not JSON"),
    (b"[1,]", "not JSON"),
    (b"01", "not JSON"),
    (b'"\n"', "not JSON"),
]

TAKEN = [
    (b"true", True),
    (b"\xef\xbb\xbftrue", True),
    (b" 16.0 ", 16.0),
    (b'"\\ud83d\\ude97"', "\N{AUTOMOBILE}"),
    (b'"\\\\ud83d"', "\\ud83d"),
    (b'"\\uD83D\\uDE97\\\\"', "\N{AUTOMOBILE}\\"),
    (b'{"a":[1,null,{"b":"x"}]}', {"a": [1, None, {"b": "x"}]}),
    (b"9" * 4000, int("9" * 4000)),
    (b"1e-400", 0.0),
]


@pytest.mark.parametrize(("body", "told"), REFUSED)
def test_what_is_not_strict_json_is_refused_with_one_sentence(body, told):
    with pytest.raises(RejectedError, match=told) as refusal:
        parse(body)
    assert "\n" not in str(refusal.value)
    assert len(str(refusal.value)) < 200


@pytest.mark.parametrize(("body", "value"), TAKEN)
def test_strict_json_is_taken(body, value):
    assert parse(body) == value


def check_returns_or_refuses(body):
    """Check that what is returned is JSON: written again it is read as the same."""
    try:
        value = parse(body)
    except RejectedError:
        return
    assert parse(json.dumps(value).encode()) == value


@given(st.binary(max_size=60))
def test_whatever_is_fed_it_returns_or_refuses(body):
    check_returns_or_refuses(body)


@given(st.text(alphabet='{}[]",:\\u d8e1.-NIa', max_size=40))
def test_json_like_text_returns_or_refuses(text):
    check_returns_or_refuses(text.encode())


@given(st.text(st.characters(categories=("Lu", "Cs", "So"), include_characters='"\\u'), max_size=8))
def test_exactly_the_texts_that_cannot_be_encoded_are_refused(text):
    body = json.dumps([text]).encode()
    try:
        whole = text.encode("utf-16", "surrogatepass").decode("utf-16")
    except UnicodeDecodeError:
        with pytest.raises(RejectedError, match="surrogate"):
            parse(body)
    else:
        assert parse(body) == [whole]
