"""One picture of the charger in the words, types and units of scripts. Pure. Source: lua.md 9."""

from typing import Any, Final

from evsed.board.description import Board
from evsed.charging.snapshot import Snapshot
from evsed.charging.states import ChargingState
from evsed.settings.schema import EvseSettings
from evsed.units import amperes, degrees, limit_wh, whole_wh

_STATES: Final = {
    state: number
    for number, state in enumerate(
        (
            ChargingState.A,
            ChargingState.B1,
            ChargingState.B2,
            ChargingState.C1,
            ChargingState.C2,
            ChargingState.D1,
            ChargingState.D2,
            ChargingState.E,
            ChargingState.F,
        )
    )
}
_MODES: Final = {"dummy": 0, "none": 0, "cur": 1, "cur_vlt": 2}
_SERIAL_TYPES: Final = {"uart": 1, "rs485": 2}


def script_state(now: Snapshot, evse: EvseSettings, board: Board) -> dict[str, dict[str, Any]]:
    """Return what the getters of ``evse`` and ``energymeter`` read."""
    return {
        "evse": {
            "state": _STATES[now.state],
            "error": now.faults.value,
            "enabled": now.enabled,
            "available": now.available,
            "requireauth": evse.require_auth,
            "pendingauth": now.pending_auth,
            "chargingcurrent": amperes(now.charging_current_da),
            "defaultchargingcurrent": amperes(evse.default_charging_current_da),
            "maxchargingcurrent": float(evse.max_charging_current_a),
            "lowtemperature": degrees(now.temperature_low_cdeg),
            "hightemperature": degrees(now.temperature_high_cdeg),
            "consumptionlimit": float(limit_wh(now.consumption_limit_ws)),
            "chargingtimelimit": float(now.charging_time_limit_s),
            "underpowerlimit": float(now.under_power_limit_w),
            "defaultconsumptionlimit": float(limit_wh(evse.default_consumption_limit_ws)),
            "defaultchargingtimelimit": float(evse.default_charging_time_limit_s),
            "defaultunderpowerlimit": float(evse.default_under_power_limit_w),
            "limitreached": now.limit_reached,
        },
        "energymeter": {
            "mode": _MODES[evse.energy_meter_mode],
            "bestmode": _MODES[board.energy_meter_mode],
            "acvoltage": evse.energy_meter_ac_voltage_v,
            "threephases": evse.energy_meter_three_phases,
            "power": now.power_w,
            "chargingtime": now.charging_time_ms // 1000,
            "sessiontime": now.session_time_ms // 1000,
            "consumption": whole_wh(now.session_energy_ws),
            "totalconsumption": whole_wh(now.total_energy_ws),
            "voltage": [float(one) for one in now.voltages_v],
            "current": [float(one) for one in now.currents_a],
        },
    }


def script_board(board: Board) -> dict[str, Any]:
    """Return the fields of ``boardconfig``."""
    return {
        "devicename": board.device_name,
        "proximity": board.proximity is not None,
        "socketlock": board.socket_lock is not None,
        "rcm": board.rcm is not None,
        "temperaturesensor": board.temperature_sensor,
        "onewire": board.onewire is not None,
        "energymeter": _MODES[board.energy_meter_mode],
        "energymeterthreephases": board.energy_meter_three_phases,
        "serials": [_SERIAL_TYPES.get(port.type, 0) for port in board.serials],
        "serialnames": [port.name for port in board.serials],
        "auxinputs": [line.name for line in board.aux.inputs],
        "auxoutputs": [line.name for line in board.aux.outputs],
        "auxanaloginputs": [line.name for line in board.aux.analog_inputs],
    }
