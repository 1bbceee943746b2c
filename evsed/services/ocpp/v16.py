"""OCPP 1.6: the tables from what happens here to its words, and from its words to what to do."""

import math
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any, Final

from evsed.services.ocpp import remote, transactions, variables
from evsed.services.ocpp.book import Waiting
from evsed.services.ocpp.moment import Moment, stamp
from evsed.services.ocpp.point import Point
from evsed.services.ocpp.profiles import STATION, TX, BadProfileError, Profile
from evsed.services.ocpp.talk import Judgement, Message, Payload, Talk
from evsed.services.ocpp.tokens import ACCEPTED
from evsed.services.ocpp.transactions import charging_state

REJECTED: Final = "Rejected"
#: A transaction whose begin was never accepted has this number. Source: OCPP 1.6 errata 3.18.
_NO_NUMBER: Final = -1
_WH: Final = 3600

_ERRORS: Final[Mapping[str, str]] = {
    "rcm_triggered": "GroundFailure",
    "rcm_selftest_fault": "GroundFailure",
    "lock_fault": "ConnectorLockFailure",
    "unlock_fault": "ConnectorLockFailure",
    "temperature_high": "HighTemperature",
    "overcurrent": "OverCurrentFailure",
    "contactor_welded": "PowerSwitchFailure",
    "contactor_open_fault": "PowerSwitchFailure",
    "pilot_fault": "EVCommunicationError",
    "diode_short": "EVCommunicationError",
    "supply_fault": "UnderVoltage",
    "temperature_fault": "InternalError",
    "controller_fault": "InternalError",
}
#: The connectors a profile may be for. Source: OCPP 1.6 sections 3.13.1 and 5.16.
_PLACES: Final[Mapping[str, frozenset[int]]] = {
    "ChargePointMaxProfile": frozenset({0}),
    "TxDefaultProfile": frozenset({0, 1}),
    "TxProfile": frozenset({1}),
}
_STATUSES: Final[Mapping[str, str]] = {transactions.CONNECTED: "Preparing"}


def status_of(point: Point, now: Moment) -> tuple[str, str]:
    """Return status and error code of the connector."""
    if now.faults:
        return "Faulted", next((_ERRORS[one] for one in now.faults if one in _ERRORS), "OtherError")
    if point.availability == "Unavailable":
        return "Unavailable", "NoError"
    if not now.session:
        return ("Available" if point.grant is None else "Preparing"), "NoError"
    if point.running is None:
        return ("Finishing" if point.held else "Preparing"), "NoError"
    state = charging_state(now)
    return _STATUSES.get(state, state), "NoError"


class Ocpp16:
    """The dialect."""

    version = "1.6"
    longest_token = 20
    subprotocol = "ocpp1.6"

    def boot(self, point: Point, _reason: str) -> Message:
        """See ``Dialect``."""
        agreed = point.agreed
        told = {
            "chargePointVendor": "evsed",
            "chargePointModel": agreed.model[:20],
            "chargePointSerialNumber": agreed.serial[:25],
            "firmwareVersion": agreed.firmware[:50],
        }
        return "BootNotification", {key: value for key, value in told.items() if value}

    def statuses(self, point: Point) -> dict[str, Message]:
        """See ``Dialect``."""
        now = point.now
        if now is None or transactions.is_settling(now):
            return {}
        status, error = status_of(point, now)
        whole = status if status in {"Faulted", "Unavailable"} else "Available"
        return {
            "0": _status(0, whole, error, point),
            "1": _status(1, status, error, point),
        }

    def event(self, point: Point, waiting: Waiting, at_s: float) -> Message | None:
        """See ``Dialect``."""
        event = waiting.event
        number = point.book.remote_of(waiting.tx)
        # What was begun in the other version has no number here.
        known = int(number) if number.lstrip("-").isdecimal() else _NO_NUMBER
        match event["kind"]:
            case transactions.START:
                return "StartTransaction", {
                    "connectorId": 1,
                    "idTag": event["token"][:20],
                    "meterStart": event["meter"] // _WH,
                    "timestamp": stamp(at_s),
                }
            case transactions.STOP:
                return "StopTransaction", {
                    "transactionId": known,
                    **({"idTag": event["token"][:20]} if event["token"] else {}),
                    "meterStop": event["meter"] // _WH,
                    "timestamp": stamp(at_s),
                    "reason": event["reason"],
                }
            case "security":
                return None
        return _meter_values(point, event, known, at_s)

    def meter(self, point: Point, event: Payload) -> Message | None:
        """See ``Dialect``."""
        running = point.running
        number = "" if running is None else point.book.remote_of(running.id)
        known = int(number) if number.lstrip("-").isdecimal() else _NO_NUMBER
        return _meter_values(point, event, known, point.time_s)

    def judgement(self, answer: Payload) -> Judgement:
        """See ``Dialect``."""
        info = answer.get("idTagInfo")
        number = answer.get("transactionId")
        remote_name = "" if number is None else str(number)
        if info is None:
            return Judgement(remote=remote_name)
        said = {
            "status": info["status"],
            "expiry": info.get("expiryDate"),
            "parent": info.get("parentIdTag"),
        }
        return Judgement(remote=remote_name, status=info["status"], said=said)

    def authorize(self, token: str, _kind: str) -> Message:
        """See ``Dialect``."""
        return "Authorize", {"idTag": token[:20]}

    def tidied(self, payload: dict[str, Any]) -> dict[str, Any]:
        """See ``Dialect``: limits have one decimal, but many send what a division left."""
        return {key: _tidied(key, value) for key, value in payload.items()}

    async def handle(self, talk: Talk, action: str, payload: Payload) -> Payload | None:
        """See ``Dialect``."""
        handler = _HANDLERS.get(action)
        if handler is None:
            return None
        answer = handler(talk, payload)
        return answer if isinstance(answer, Mapping) else await answer


def _tidied(key: str, value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _tidied(name, part) for name, part in value.items()}
    if isinstance(value, list):
        return [_tidied(key, part) for part in value]
    if key == "limit" and isinstance(value, float) and math.isfinite(value):
        return math.floor(value * 10 + 1e-6) / 10
    return value


def _status(connector: int, status: str, error: str, point: Point) -> Message:
    told = {
        "connectorId": connector,
        "status": status,
        "errorCode": error,
        "timestamp": stamp(point.time_s),
    }
    if point.now is not None and point.now.faults:
        told["info"] = ",".join(point.now.faults)[:50]
    return "StatusNotification", told


def _decimal(value: float) -> str:
    """Return a number as 1.6 has it, a text, without an exponent."""
    return f"{value:.2f}".rstrip("0").rstrip(".")


def _meter_values(point: Point, event: Payload, number: int, at_s: float) -> Message | None:
    rows = remote.sampled(event, point)
    if not rows:
        return None
    values = [
        {
            "value": _decimal(value),
            "measurand": measurand,
            "unit": unit,
            "context": event.get("context", "Sample.Periodic"),
            **({"phase": phase} if phase else {}),
        }
        for measurand, value, unit, phase in rows
    ]
    return "MeterValues", {
        "connectorId": 1,
        **({"transactionId": number} if number != _NO_NUMBER else {}),
        "meterValue": [{"timestamp": stamp(at_s), "sampledValue": values}],
    }


# --- what is asked for ---


def _answer(good: bool) -> Payload:
    return {"status": ACCEPTED if good else REJECTED}


def _remote_start(talk: Talk, asked: Payload) -> Payload:
    if asked.get("connectorId", 1) != 1:
        return _answer(good=False)
    profile = None
    if "chargingProfile" in asked:
        sent = asked["chargingProfile"]
        try:
            profile = _profile(sent)
        except BadProfileError:
            return _answer(good=False)
        if profile.purpose != TX:
            return _answer(good=False)
    return _answer(remote.start(talk, asked["idTag"], profile))


def _remote_stop(talk: Talk, asked: Payload) -> Payload:
    return _answer(_is_running(talk.point, asked["transactionId"]) and talk.point.stop("Remote"))


def _is_running(point: Point, number: int) -> bool:
    running = point.running
    return running is not None and point.book.remote_of(running.id) == str(number)


def _change_availability(talk: Talk, asked: Payload) -> Payload:
    if asked["connectorId"] not in {0, 1}:
        return _answer(good=False)
    return {"status": talk.point.make_available(on=asked["type"] == "Operative")}


def _get_configuration(talk: Talk, asked: Payload) -> Payload:
    wanted = asked.get("key") or list(variables.BY_KEY)
    known, unknown = [], []
    for key in wanted[: variables.KEYS_AT_ONCE]:
        variable = variables.by_key(key)
        if variable is None:
            unknown.append(key)
        elif variable.access != variables.WRITE:
            readonly = variable.access == variables.READ
            value = talk.point.variables.text(variable)[:500]
            known.append({"key": variable.key, "readonly": readonly, "value": value})
    return {"configurationKey": known, "unknownKey": unknown}


def _change_configuration(talk: Talk, asked: Payload) -> Payload:
    variable = variables.by_key(asked["key"])
    return {"status": talk.point.variables.change(variable, asked["value"])}


def _reset(talk: Talk, asked: Payload) -> Payload:
    remote.reset(talk, f"{asked['type']}Reset")
    return _answer(good=True)


async def _unlock(talk: Talk, asked: Payload) -> Payload:
    if asked["connectorId"] != 1:
        return {"status": "NotSupported"}
    return {"status": await remote.unlock(talk)}


def _data_transfer(_talk: Talk, _asked: Payload) -> Payload:
    return {"status": "UnknownVendorId"}


def _clear_cache(talk: Talk, _asked: Payload) -> Payload:
    return _answer(talk.point.tokens.forget())


def _list_version(talk: Talk, _asked: Payload) -> Payload:
    return {"listVersion": talk.point.tokens.version}


def _send_list(talk: Talk, asked: Payload) -> Payload:
    entries = {
        one["idTag"]: None
        if one.get("idTagInfo") is None
        else {
            "status": one["idTagInfo"]["status"],
            "expiry": one["idTagInfo"].get("expiryDate"),
            "parent": one["idTagInfo"].get("parentIdTag"),
        }
        for one in asked.get("localAuthorizationList", ())
    }
    whole = asked["updateType"] == "Full"
    return {"status": talk.point.tokens.update(asked["listVersion"], entries, whole=whole)}


def _profile(sent: Payload, transaction: str = "", place: int = 1) -> Profile:
    return remote.profile_of(
        sent,
        sent["chargingSchedule"],
        number=sent["chargingProfileId"],
        transaction=transaction,
        place=place,
    )


def _set_profile(talk: Talk, asked: Payload) -> Payload:
    sent, point = asked["csChargingProfiles"], talk.point
    purpose, transaction = sent["chargingProfilePurpose"], ""
    place = asked["connectorId"]
    if place not in _PLACES.get(purpose, ()):
        return _answer(good=False)
    if purpose == TX:
        number = sent.get("transactionId")
        if point.running is None or (number is not None and not _is_running(point, number)):
            return _answer(good=False)
        transaction = point.running.id
    try:
        return _answer(remote.install(talk, _profile(sent, transaction, place)))
    except BadProfileError as error:
        talk.last_error = f"a profile was refused: {error}"
        return _answer(good=False)


def _clear_profile(talk: Talk, asked: Payload) -> Payload:
    purpose = asked.get("chargingProfilePurpose")
    purpose = STATION if purpose == "ChargePointMaxProfile" else purpose

    def wanted(one: Profile) -> bool:
        return (
            asked.get("id") in {None, one.id}
            and purpose in {None, one.purpose}
            and asked.get("stackLevel") in {None, one.stack}
            and asked.get("connectorId") in {None, one.place}
        )

    return {"status": ACCEPTED if talk.point.clear(wanted) else "Unknown"}


def _composite(talk: Talk, asked: Payload) -> Payload:
    if asked["connectorId"] not in {0, 1} or talk.point.now is None:
        return _answer(good=False)
    begin = stamp(talk.point.time_s)
    schedule = remote.schedule_of(talk, asked["duration"], asked.get("chargingRateUnit", "A"))
    return {
        "status": ACCEPTED,
        "connectorId": asked["connectorId"],
        "scheduleStart": begin,
        "chargingSchedule": {**schedule, "startSchedule": begin},
    }


def _trigger(talk: Talk, asked: Payload) -> Payload:
    place = asked.get("connectorId")
    if place not in {None, 0, 1}:
        return _answer(good=False)
    action = _TRIGGERED.get(asked["requestedMessage"])
    if action is None:
        return {"status": "NotImplemented"}
    if place is not None and action is _say_statuses:
        return _answer(talk.later(partial(_say_statuses, talk, str(place))))
    return _answer(talk.later(partial(action, talk)))


async def _say_statuses(talk: Talk, place: str = "") -> None:
    talk.forget_statuses(place)


def _diagnostics(talk: Talk, asked: Payload) -> Payload:
    wanted = {
        "url": asked["location"],
        "action": "DiagnosticsStatusNotification",
        "words": {"started": "Uploading", "done": "Uploaded", "failed": "UploadFailed"},
    }
    name = talk.errands.upload(talk, wanted)
    return {"fileName": name} if name else {}


def _firmware(talk: Talk, asked: Payload) -> Payload:
    wanted = {"url": asked["location"], "when": asked["retrieveDate"]}
    talk.errands.update(talk, wanted)
    return {}


_TRIGGERED: Final[Mapping[str, Callable[[Talk], Awaitable[None]]]] = {
    "BootNotification": Talk.boot,
    "Heartbeat": Talk.heartbeat,
    "StatusNotification": _say_statuses,
    "MeterValues": Talk.say_meter,
    **{
        one: partial(remote.say_progress, one)
        for one in ("DiagnosticsStatusNotification", "FirmwareStatusNotification")
    },
}
_HANDLERS: Final[Mapping[str, Callable[[Talk, Payload], Payload | Awaitable[Payload]]]] = {
    "RemoteStartTransaction": _remote_start,
    "RemoteStopTransaction": _remote_stop,
    "ChangeAvailability": _change_availability,
    "GetConfiguration": _get_configuration,
    "ChangeConfiguration": _change_configuration,
    "Reset": _reset,
    "UnlockConnector": _unlock,
    "DataTransfer": _data_transfer,
    "ClearCache": _clear_cache,
    "GetLocalListVersion": _list_version,
    "SendLocalList": _send_list,
    "SetChargingProfile": _set_profile,
    "ClearChargingProfile": _clear_profile,
    "GetCompositeSchedule": _composite,
    "TriggerMessage": _trigger,
    "GetDiagnostics": _diagnostics,
    "UpdateFirmware": _firmware,
}
