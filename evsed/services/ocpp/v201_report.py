"""OCPP 2.0.1: variables and profiles as they are read, written and reported."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Final

from evsed.services.ocpp import remote, variables
from evsed.services.ocpp.moment import stamp
from evsed.services.ocpp.profiles import Period, Profile
from evsed.services.ocpp.talk import Payload, Talk
from evsed.services.ocpp.tokens import ACCEPTED
from evsed.services.ocpp.variables import BY_PLACE, KEYS_AT_ONCE, Variable

REJECTED: Final = "Rejected"
_ACTUAL: Final = "Actual"
_MOST_TEXT: Final = 1000
_REPORTS: Final = frozenset({"ConfigurationInventory", "FullInventory", "SummaryInventory"})
_TYPES: Final = {one: one for one in ("boolean", "integer", "decimal", "MemberList")}
_SUMMARY: Final = "AvailabilityState"


def answer(good: bool) -> Payload:
    """Return yes or no."""
    return {"status": ACCEPTED if good else REJECTED}


def _found(asked: Payload) -> tuple[Variable | None, str]:
    """Return the variable that is meant, and the word for why there is none."""
    if asked.get("attributeType", _ACTUAL) != _ACTUAL:
        return None, "NotSupportedAttributeType"
    component, variable = asked["component"], asked["variable"]
    name = component["name"].casefold()
    if name not in variables.COMPONENTS or not _is_here(name, component.get("evse")):
        return None, "UnknownComponent"
    one = variables.by_place(name, variable["name"], variable.get("instance", ""))
    return one, "" if one is not None else "UnknownVariable"


def _is_here(name: str, evse: Payload | None) -> bool:
    """Tell whether a component is at an EVSE we have, if one is named."""
    if evse is None:
        return True
    own = name in {"evse", "connector"}
    return own and evse["id"] == 1 and evse.get("connectorId", 1) == 1


def _get(talk: Talk, asked: Payload) -> Payload:
    rows = []
    for one in asked["getVariableData"][:KEYS_AT_ONCE]:
        variable, status = _found(one)
        row = {"component": one["component"], "variable": one["variable"]}
        if variable is not None and variable.access == variables.WRITE:
            status = REJECTED
        elif variable is not None:
            row["attributeValue"] = _text(talk, variable)
            status = ACCEPTED
        rows.append({"attributeStatus": status, **row})
    return {"getVariableResult": rows}


def _set(talk: Talk, asked: Payload) -> Payload:
    rows = []
    for one in asked["setVariableData"][:KEYS_AT_ONCE]:
        variable, status = _found(one)
        if variable is not None:
            status = talk.point.variables.change(variable, one["attributeValue"])
        row = {"component": one["component"], "variable": one["variable"]}
        rows.append({"attributeStatus": status, **row})
    return {"setVariableResult": rows}


def _text(talk: Talk, variable: Variable) -> str:
    if variable.variable == "DateTime":
        return stamp(talk.point.time_s)
    return talk.point.variables.text(variable)[:_MOST_TEXT]


def _base_report(talk: Talk, asked: Payload) -> Payload:
    if asked["reportBase"] not in _REPORTS:
        return {"status": "NotSupported"}
    wanted = [
        one
        for one in BY_PLACE.values()
        if asked["reportBase"] == "FullInventory"
        or (one.variable == _SUMMARY) == (asked["reportBase"] == "SummaryInventory")
    ]
    return answer(talk.later(partial(_report, talk, asked["requestId"], wanted)))


async def _report(talk: Talk, request: int, wanted: Sequence[Variable]) -> None:
    parts = [wanted[at : at + KEYS_AT_ONCE] for at in range(0, len(wanted), KEYS_AT_ONCE)]
    for number, part in enumerate(parts):
        told = {
            "requestId": request,
            "generatedAt": stamp(talk.point.time_s),
            "seqNo": number,
            "tbc": number < len(parts) - 1,
            "reportData": [_row(talk, one) for one in part],
        }
        await remote.quietly(talk, ("NotifyReport", told))


def _row(talk: Talk, variable: Variable) -> dict[str, Any]:
    attribute: dict[str, Any] = {"type": _ACTUAL, "mutability": variable.access}
    if variable.access != variables.WRITE:
        attribute["value"] = _text(talk, variable)
    return {
        "component": _component(variable),
        "variable": {"name": variable.variable, **_instance(variable)},
        "variableAttribute": [attribute],
        "variableCharacteristics": {
            "dataType": _TYPES.get(variable.kind, "string"),
            "supportsMonitoring": False,
            **_range(variable),
        },
    }


def _range(variable: Variable) -> dict[str, Any]:
    """Return what a value that can be changed may be."""
    if variable.words:
        return {"valuesList": ",".join(variable.words)}
    if variable.access == variables.BOTH and variable.kind == "integer":
        low = 0 if variable.never else variable.low
        return {"minLimit": low, "maxLimit": variable.high}
    return {}


def _instance(variable: Variable) -> dict[str, str]:
    return {"instance": variable.instance} if variable.instance else {}


def _component(variable: Variable) -> dict[str, Any]:
    places: Mapping[str, dict[str, int]] = {"EVSE": {"id": 1}, "Connector": _CONNECTOR}
    place = places.get(variable.component)
    return {"name": variable.component, **({} if place is None else {"evse": place})}


_CONNECTOR: Final = {"id": 1, "connectorId": 1}


# --- profiles ---


def answer_profiles(talk: Talk, asked: Payload) -> Payload:
    """GetChargingProfiles: they follow after the answer."""
    wanted = asked["chargingProfile"]
    numbers = wanted.get("chargingProfileId")
    found = [
        one
        for one in talk.point.profiles
        if (numbers is None or one.id in numbers)
        and wanted.get("chargingProfilePurpose") in {None, one.purpose}
        and wanted.get("stackLevel") in {None, one.stack}
        and asked.get("evseId") in {None, one.place}
    ]
    if not found:
        return {"status": "NoProfiles"}
    return answer(talk.later(partial(_report_profiles, talk, asked["requestId"], found)))


async def _report_profiles(talk: Talk, request: int, found: Sequence[Profile]) -> None:
    for number, one in enumerate(found):
        told = {
            "requestId": request,
            "chargingLimitSource": "CSO",
            "evseId": one.place,
            "tbc": number < len(found) - 1,
            "chargingProfile": [_told(one)],
        }
        await remote.quietly(talk, ("ReportChargingProfiles", told))


def _told(profile: Profile) -> dict[str, Any]:
    schedule = {
        "id": profile.id,
        "chargingRateUnit": profile.unit,
        "chargingSchedulePeriod": [
            {"startPeriod": one.start_s, "limit": one.limit, **_phases(one)}
            for one in profile.periods
        ],
        **dict(_optional(("startSchedule", profile.start_s))),
    }
    if profile.duration_s is not None:
        schedule["duration"] = profile.duration_s
    told = {
        "id": profile.id,
        "stackLevel": profile.stack,
        "chargingProfilePurpose": profile.purpose,
        "chargingProfileKind": profile.kind,
        "chargingSchedule": [schedule],
        **dict(_optional(("validFrom", profile.valid_from_s), ("validTo", profile.valid_to_s))),
    }
    texts = {"recurrencyKind": profile.repeats, "transactionId": profile.transaction}
    return told | {key: text for key, text in texts.items() if text}


def _phases(period: Period) -> dict[str, int]:
    return {} if period.phases is None else {"numberPhases": period.phases}


def _optional(*times: tuple[str, float | None]) -> Iterator[tuple[str, str]]:
    for key, at_s in times:
        if at_s is not None:
            yield key, stamp(at_s)


GET_SET: Final[Mapping[str, Callable[[Talk, Payload], Payload]]] = {
    "GetVariables": _get,
    "SetVariables": _set,
    "GetBaseReport": _base_report,
}
