"""The five energy fields in the unit of the administrator. Source: rest.md 4, decision 1."""

from collections.abc import Mapping
from typing import Any, Final

from evsed.operations.state_fields import MAX_LIMIT_WH
from evsed.operations.values import EnergyUnit, whole
from evsed.settings.schema import EvseSettings, wire_evse
from evsed.units import limit_wh, ws_from_wh

_DEFAULT_LIMIT: Final = "defaultConsumptionLimit"
_LIMITS: Final = ("consumptionLimit", _DEFAULT_LIMIT)


def in_ws(patch: Mapping[str, object], unit: EnergyUnit) -> dict[str, object]:
    """Return a client's patch with its energies in Ws.

    Raises:
        RejectedError: an energy is out of its range.
    """
    inward = dict(patch)
    if unit is EnergyUnit.WH:
        for key in _LIMITS:
            if key in inward:
                inward[key] = ws_from_wh(whole(key, inward[key], 0, MAX_LIMIT_WH))
    return inward


def evse_object(settings: EvseSettings, unit: EnergyUnit) -> dict[str, Any]:
    """Return the charger's settings as GET /config/evse sends them."""
    wire: dict[str, Any] = dict(wire_evse(settings))
    if unit is EnergyUnit.WH:
        wire[_DEFAULT_LIMIT] = limit_wh(settings.default_consumption_limit_ws)
    return wire
