import json
import math

import pytest

from evsed.charging.commands import (
    SetChargingCurrent,
)
from evsed.charging.snapshot import Snapshot
from evsed.charging.states import ChargingState, Fault
from evsed.errors import RejectedError
from evsed.operations.state_fields import (
    STATE_FIELDS,
    WRITABLE,
    Terms,
    command_for,
    state_object,
)
from evsed.operations.values import EnergyUnit

KEYS = [
    "state",
    "available",
    "enabled",
    "pendingAuth",
    "limitReached",
    "chargingCurrent",
    "consumptionLimit",
    "chargingTimeLimit",
    "underPowerLimit",
    "errors",
    "sessionTime",
    "chargingTime",
    "consumption",
    "totalConsumption",
    "power",
    "voltage",
    "current",
]
WS, WH = Terms(max_charging_current_a=32), Terms(energy_unit=EnergyUnit.WH)


def test_the_state_has_the_seventeen_keys_in_their_order():
    assert list(state_object(Snapshot(), WS)) == KEYS


def test_the_state_shows_a_charging_station():
    now = Snapshot(
        state=ChargingState.C2,
        charging_current_da=135,
        session_time_ms=1_820_999,
        charging_time_ms=1_740_000,
        session_energy_ws=9_320_000,
        total_energy_ws=412_900_000,
        power_w=3680,
        voltages_v=(231.44, 0.0, math.nan),
        currents_a=(15.996, 0.0, -0.001),
    )
    shown = state_object(now, WS)
    assert shown["chargingCurrent"] == 13.5
    assert (shown["sessionTime"], shown["chargingTime"]) == (1820, 1740)
    assert (shown["consumption"], shown["totalConsumption"]) == (9_320_000, 412_900_000)
    assert shown["voltage"] == [231.4, 0.0, 0.0]
    assert shown["current"] == [16.0, 0.0, 0.0]


def test_errors_are_null_or_names_in_the_order_of_their_bits():
    both = Snapshot(faults=Fault.TEMPERATURE_FAULT | Fault.PILOT_FAULT)
    assert state_object(Snapshot(), WS)["errors"] is None
    assert state_object(both, WS)["errors"] == ["pilot_fault", "temperature_fault"]


def test_watt_hours_round_counters_down_and_limits_up():
    now = Snapshot(session_energy_ws=7199, total_energy_ws=3599, consumption_limit_ws=1)
    shown = state_object(now, WH)
    assert (shown["consumption"], shown["totalConsumption"]) == (1, 0)
    assert shown["consumptionLimit"] == 1


def test_currents_are_rounded_to_the_nearest_tenth():
    current = WRITABLE["chargingCurrent"]
    assert command_for(current, 13.54, WS) == SetChargingCurrent(135)
    assert command_for(current, 13.57, WS) == SetChargingCurrent(136)
    assert command_for(current, 5.9999999, WS) == SetChargingCurrent(60)


def test_the_ceiling_of_the_current_is_the_users_maximum():
    with pytest.raises(RejectedError, match=r"6\.\.16"):
        command_for(WRITABLE["chargingCurrent"], 16.1, Terms(max_charging_current_a=16))


def test_a_field_that_is_only_read_cannot_be_written():
    with pytest.raises(RejectedError, match="power: cannot be written"):
        command_for(next(row for row in STATE_FIELDS if row.name == "power"), 1, WS)


@pytest.mark.parametrize("row", STATE_FIELDS, ids=lambda row: row.name)
def test_every_row_describes_itself_and_reads_as_json(row):
    assert row.about
    json.dumps(row.read(Snapshot()), allow_nan=False)
