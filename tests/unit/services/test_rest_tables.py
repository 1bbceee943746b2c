import json
from dataclasses import replace
from pathlib import Path

import pytest

from evsed.board.reader import read_board
from evsed.charging.snapshot import Snapshot
from evsed.charging.states import PilotMode, Reason
from evsed.errors import RejectedError
from evsed.operations.detail_fields import DETAIL_FIELDS
from evsed.operations.values import EnergyUnit
from evsed.services.rest.board_config import board_object
from evsed.services.rest.detail import detail_object
from evsed.services.rest.energy import evse_object, in_ws
from evsed.settings.schema import EvseSettings

BOARDS = Path(__file__).parents[3] / "boards"
BOARD_KEYS = [
    "deviceName",
    "socketLock",
    "proximity",
    "socketLockMinBreakTime",
    "rcm",
    "temperatureSensor",
    "energyMeter",
    "energyMeterThreePhases",
    "serials",
    "auxInputs",
    "auxOutputs",
    "auxAnalogInputs",
]


@pytest.mark.parametrize("file", sorted(BOARDS.glob("*.yaml")), ids=lambda file: file.stem)
def test_every_shipped_board_has_the_twelve_keys(file):
    shown = board_object(read_board(file))
    assert list(shown) == BOARD_KEYS
    assert all(port["type"] in {"uart", "rs485"} for port in shown["serials"])
    json.dumps(shown)


def test_a_bare_board_shows_that_nothing_is_fitted():
    board = replace(
        read_board(BOARDS / "minimal-single-phase.yaml"),
        socket_lock=None,
        proximity=None,
        rcm=None,
        energy_meter=None,
        onewire=None,
    )
    shown = board_object(board)
    fitted = (shown["socketLock"], shown["proximity"], shown["rcm"], shown["temperatureSensor"])
    assert fitted == (False, False, False, False)
    assert (shown["socketLockMinBreakTime"], shown["energyMeter"]) == (0, "none")


def test_the_detail_tells_why_and_what_is_offered():
    now = Snapshot(reason=Reason.DISABLED, pilot=PilotMode.PWM, offered_da=135, duty_ppm=225_000)
    detail = detail_object(now, None)
    assert (detail["reason"], detail["pilot"]) == ("disabled", "pwm")
    assert (detail["offeredCurrent"], detail["dutyPpm"]) == (13.5, 225_000)
    assert detail["maintenance"] is None


def test_the_detail_carries_the_text_of_a_broken_board_file():
    assert detail_object(Snapshot(), "board.yaml:3:1: bad")["maintenance"] == "board.yaml:3:1: bad"


@pytest.mark.parametrize("row", DETAIL_FIELDS, ids=lambda row: row.name)
def test_every_detail_describes_itself_and_reads_as_json(row):
    assert row.about
    json.dumps(row.read(Snapshot()), allow_nan=False)


def test_the_default_limit_follows_the_energy_unit():
    settings = EvseSettings(default_consumption_limit_ws=3601)
    assert evse_object(settings, EnergyUnit.WS)["defaultConsumptionLimit"] == 3601
    assert evse_object(settings, EnergyUnit.WH)["defaultConsumptionLimit"] == 2


def test_a_patch_in_watt_hours_reaches_the_settings_in_watt_seconds():
    patch = {"defaultConsumptionLimit": 2, "rcm": False}
    assert in_ws(patch, EnergyUnit.WH) == {"defaultConsumptionLimit": 7200, "rcm": False}
    assert in_ws(patch, EnergyUnit.WS) == patch


@pytest.mark.parametrize("value", ["2", None, True, -1, 4294967296, 1e308])
def test_a_wrong_limit_in_watt_hours_is_refused_in_watt_hours(value):
    with pytest.raises(RejectedError, match=r"0\.\.4294967295"):
        in_ws({"defaultConsumptionLimit": value}, EnergyUnit.WH)
