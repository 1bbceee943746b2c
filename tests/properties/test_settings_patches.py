"""Whatever a client posts to a section is refused with a sentence, or taken and kept."""

import json
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from evsed.board.reader import read_board
from evsed.errors import RejectedError
from evsed.settings.sections import SECTIONS

BOARD = read_board(Path(__file__).parents[2] / "boards" / "sim.yaml")

TEXTS = st.one_of(
    st.text(max_size=70),
    st.sampled_from(
        [
            *("", "home", "evse-2", "EVSE", "-a", "12345678", "a" * 64, "10.0.0.1", "10.0.0.300"),
            *(
                "255.255.0.0",
                "255.0.255.0",
                "pool.ntp.org",
                "::1",
                "Europe/Oslo",
                "UTC0",
                "CET-1CEST",
            ),
            *(
                "CET-1CEST,M3.5.0,M10.5.0/3",
                "none",
                "at",
                "modbus",
                "even",
                "8",
                "1.5",
                "cur",
                "\ud800",
            ),
            *("enable", "ch_cur_6a", "stable", "testing"),
        ]
    ),
)
NUMBERS = st.one_of(
    st.integers(-2, 2**33), st.floats(), st.sampled_from([0, 1, 6, 16.0, 255, 16777215, 10**400])
)
SCALARS = st.one_of(st.none(), st.booleans(), NUMBERS, TEXTS)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3)
)
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
SCHEDULES = st.lists(
    st.fixed_dictionaries({}, optional={"action": TEXTS, **dict.fromkeys(DAYS, NUMBERS | SCALARS)}),
    max_size=3,
)
PORTS = st.lists(
    st.fixed_dictionaries(
        {},
        optional=dict.fromkeys(("mode", "baudRate", "dataBits", "stopBits", "parity"), SCALARS),
    ),
    max_size=3,
)


def patches(name: str):
    if name == "serial":
        return PORTS | VALUES
    keys = st.sampled_from([*SECTIONS[name].keys, "foo"])
    return st.dictionaries(keys, SCHEDULES | VALUES, max_size=5) | VALUES


@given(
    st.sampled_from(sorted(SECTIONS)).flatmap(lambda name: st.tuples(st.just(name), patches(name)))
)
def test_a_patch_is_refused_or_kept(case):
    name, patch = case
    section = SECTIONS[name]
    before = section.default(BOARD)
    try:
        after = section.patched(before, patch, BOARD)
    except RejectedError:
        return
    shown = json.dumps(section.shown(after), allow_nan=False)
    assert "password" not in shown
    kept = json.loads(json.dumps(section.kept(after), allow_nan=False))
    assert section.restored(kept, BOARD) == (after, ())
