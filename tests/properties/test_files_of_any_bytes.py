"""Whatever stands in a file, reading it ends in a value or in a named complaint, soon."""

import json
import logging
import tempfile
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evsed.board.description import Board
from evsed.board.reader import find_board, read_board, salvage
from evsed.errors import BadFileError, RejectedError
from evsed.settings.administrator import Administrator, read_administrator
from evsed.settings.schema import EVSE, EvseSettings, default_evse, patched_evse, wire_evse
from evsed.settings.store import SettingsStore

SIM = find_board("sim")
SIM_TEXT = SIM.read_text(encoding="utf-8")
BOARD = read_board(SIM)
FEW = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])

YAML_PIECES = st.one_of(
    st.sampled_from([":", ": ", "\n", "  ", "- ", "[", "]", "{", "}", ",", '"', "'", "\\", "#"]),
    st.sampled_from(
        ["? ", "| ", "> ", "&x ", "*x", "!t ", "<<", "@", "`", "=", "~", "%YAML 1.1\n"]
    ),
    st.sampled_from(["---\n", "...\n", "\\U", "\\x", "\t", "\ufeff", "\x00", "é", "\U0001f50c"]),
    st.sampled_from(["a", "1", ".inf", "pilot", "gpio", "http: ", "\u2028"]),
)
TEXTS = st.lists(YAML_PIECES, max_size=60).map("".join)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)


@pytest.fixture(scope="module")
def folder():
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


@pytest.fixture(autouse=True)
def quiet_log():
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def _outcome(read, *given):
    """Return the value, or the complaint that a refusal makes."""
    try:
        return read(*given), ""
    except (BadFileError, RejectedError) as error:
        return None, str(error)


def _read_all(path, data):
    """Read one file in every role it could have."""
    path.write_bytes(data)
    for read, kind in ((read_board, Board), (read_administrator, Administrator)):
        found, complaint = _outcome(read, path)
        assert isinstance(found, kind) or complaint.startswith((f"{path}:", f"{path} describes no"))
        complaint.encode()  # can be printed
    assert len(salvage(path)) == 2


def _load(folder, data):
    (folder / "settings.json").write_bytes(data)
    store = SettingsStore(folder, BOARD)
    store.load()
    return store.evse


@FEW
@given(data=st.binary(max_size=300))
def test_any_bytes(folder, data):
    _read_all(folder / "file.yaml", data)
    assert isinstance(_load(folder, data), EvseSettings)


@FEW
@given(text=TEXTS)
def test_any_pieces_of_yaml(folder, text):
    _read_all(folder / "file.yaml", text.encode())


@FEW
@given(place=st.integers(0, len(SIM_TEXT)), cut=st.integers(0, 40), piece=TEXTS)
def test_any_damage_to_a_good_board(folder, place, cut, piece):
    damaged = SIM_TEXT[:place] + piece + SIM_TEXT[place + cut :]
    _read_all(folder / "file.yaml", damaged.encode())


@FEW
@given(key=st.sampled_from(list(yaml.safe_load(SIM_TEXT))), value=JSON)
def test_any_value_for_any_section(folder, key, value):
    document = yaml.safe_load(SIM_TEXT) | {key: value}
    _read_all(
        folder / "file.yaml",
        yaml.safe_dump(document, allow_unicode=True).encode("utf-8", "replace"),
    )


@FEW
@given(place=st.integers(0, 700), piece=st.binary(max_size=4))
def test_any_damage_to_the_settings(folder, place, piece):
    good = json.dumps({"version": 1, "evse": wire_evse(default_evse(BOARD))}).encode()
    assert isinstance(_load(folder, good[:place] + piece + good[place + 2 :]), EvseSettings)


@FEW
@given(patch=st.dictionaries(st.sampled_from(list(EVSE)), JSON))
def test_any_patch_is_refused_with_its_key_or_gives_settings_within_their_ranges(patch):
    after, complaint = _outcome(patched_evse, default_evse(BOARD), patch)
    if after is None:
        assert complaint.split(": ")[0] in patch
        assert "is not permitted, expected" in complaint
        return
    shown = wire_evse(after)
    assert patched_evse(EvseSettings(), shown) == after
    assert shown["defaultChargingCurrent"] <= shown["maxChargingCurrent"]


@FEW
@given(
    ceiling_a=st.integers(6, 63),
    current_da=st.integers(60, 630),
    threshold_c=st.integers(40, 80),
    flags=st.lists(st.booleans(), min_size=4, max_size=4),
)
def test_settings_survive_the_file(folder, ceiling_a, current_da, threshold_c, flags):
    wanted = EvseSettings(
        max_charging_current_a=ceiling_a,
        default_charging_current_da=min(current_da, ceiling_a * 10),
        temperature_threshold_c=threshold_c,
        require_auth=flags[0],
        rcm=flags[1],
        socket_outlet=flags[2],
        energy_meter_three_phases=flags[3],
    )
    document = {"version": 1, "evse": wire_evse(wanted)}
    assert _load(folder, json.dumps(document).encode()) == wanted
