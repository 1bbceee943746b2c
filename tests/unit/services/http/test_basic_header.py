import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evsed.services.http.basic import read_basic


def header(pair: bytes, scheme="Basic"):
    return f"{scheme} {base64.b64encode(pair).decode()}"


@pytest.mark.parametrize(
    ("value", "pair"),
    [
        (header(b"admin:secret"), ("admin", "secret")),
        (header(b"admin:se:cr:et"), ("admin", "se:cr:et")),
        (header(b":"), ("", "")),
        (header(b"admin:"), ("admin", "")),
        (header("Zoë:ü".encode()), ("Zoë", "ü")),
        (header("Zoë:ü".encode("latin-1")), ("Zoë", "ü")),
        (header(b"a:b", "bAsIc"), ("a", "b")),
        (header(b"a:b", "Basic ") + " ", ("a", "b")),
    ],
)
def test_user_and_password_are_split_at_the_first_colon(value, pair):
    assert read_basic(value) == pair


@pytest.mark.parametrize(
    "value",
    [
        "",
        "Basic",
        "Basic ",
        "Bearer YTpi",
        "YTpi",
        header(b"no colon"),
        "Basic YTpi!",
        "Basic YTp i",
        "Basic YTp",
        "Basic YTpiYQ=",
        "Basic \u00fc",
        "Basic \udcff",
    ],
)
def test_what_is_not_basic_is_nothing(value):
    assert read_basic(value) is None


@given(st.text(max_size=60))
def test_any_header_is_read_without_raising(text):
    for value in (text, f"Basic {text}"):
        pair = read_basic(value)
        assert pair is None or ":" not in pair[0]


@given(st.text(max_size=20).filter(lambda text: ":" not in text), st.text(max_size=20))
def test_what_a_client_sends_in_utf_8_arrives(user, password):
    assert read_basic(header(f"{user}:{password}".encode())) == (user, password)
