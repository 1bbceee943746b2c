"""OCPP 2.0.1: the tables from what happens here to its words, and from its words to what to do."""

import re
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any, Final

from evsed.services.ocpp import remote, transactions
from evsed.services.ocpp.book import Waiting
from evsed.services.ocpp.moment import stamp
from evsed.services.ocpp.point import SECURITY, Point
from evsed.services.ocpp.profiles import TX, BadProfileError, Profile
from evsed.services.ocpp.talk import BOOT_REASON, Judgement, Message, Payload, Talk
from evsed.services.ocpp.tokens import ACCEPTED
from evsed.services.ocpp.v201_report import GET_SET, answer_profiles
from evsed.services.ocpp.v201_report import answer as _answer

_CARD: Final = re.compile(r"([0-9A-Fa-f]{8}|[0-9A-Fa-f]{14}|[0-9A-Fa-f]{20})")
_EVSE: Final = {"id": 1, "connectorId": 1}
_TYPES: Final = {
    transactions.START: "Started",
    transactions.UPDATE: "Updated",
    transactions.STOP: "Ended",
}
#: What 1.6 calls otherwise, or has and this version has not.
_REASONS: Final = {
    "SoftReset": "ImmediateReset",
    "HardReset": "ImmediateReset",
    "UnlockCommand": "Other",
}
#: The EVSEs a profile may be for. Source: OCPP 2.0.1 part 2 sections K01 and 3.4.
_PLACES: Final[Mapping[str, frozenset[int]]] = {
    "ChargingStationMaxProfile": frozenset({0}),
    "TxDefaultProfile": frozenset({0, 1}),
    "TxProfile": frozenset({1}),
}
_FAULTS: Final = {
    "rcm_triggered": "GroundFault",
    "rcm_selftest_fault": "GroundFault",
    "overcurrent": "OvercurrentFault",
    "supply_fault": "PowerQuality",
}
_CONTEXTS: Final = {
    transactions.START: "Transaction.Begin",
    transactions.UPDATE: "Sample.Periodic",
    transactions.STOP: "Transaction.End",
}


class Ocpp201:
    """The dialect."""

    version = "2.0.1"
    longest_token = 36
    subprotocol = "ocpp2.0.1"

    def boot(self, point: Point, reason: str) -> Message:
        """See ``Dialect``."""
        agreed = point.agreed
        told = {
            "vendorName": "evsed",
            "model": agreed.model[:20],
            "serialNumber": agreed.serial[:25],
            "firmwareVersion": agreed.firmware[:50],
        }
        station = {key: value for key, value in told.items() if value}
        return "BootNotification", {"reason": reason, "chargingStation": station}

    def statuses(self, point: Point) -> dict[str, Message]:
        """See ``Dialect``."""
        if point.now is None or transactions.is_settling(point.now):
            return {}
        told = {
            "timestamp": stamp(point.time_s),
            "connectorStatus": point.availability,
            "evseId": 1,
            "connectorId": 1,
        }
        return {"1": ("StatusNotification", told)}

    def event(self, point: Point, waiting: Waiting, at_s: float) -> Message | None:
        """See ``Dialect``."""
        event = waiting.event
        kind = event["kind"]
        if kind == SECURITY:
            told = {"type": event["what"], "timestamp": stamp(at_s)}
            return "SecurityEventNotification", told
        optional = {
            "chargingState": event.get("state"),
            "stoppedReason": _reason(event),
            "remoteStartId": event.get("remoteStart"),
        }
        info = {key: value for key, value in optional.items() if value is not None}
        told = {
            "eventType": _TYPES[kind],
            "timestamp": stamp(at_s),
            "triggerReason": event["trigger"],
            "seqNo": event["seq"],
            "offline": event["offline"],
            "transactionInfo": {"transactionId": waiting.tx, **info},
            "evse": _EVSE,
        }
        if event.get("token"):
            told["idToken"] = _token(event["token"], event.get("tokenKind", ""))
        values = _meter_value(point, event, at_s, event.get("context") or _CONTEXTS[kind])
        if values:
            told["meterValue"] = values
        return "TransactionEvent", told

    def meter(self, point: Point, event: Payload) -> Message | None:
        """See ``Dialect``."""
        values = _meter_value(point, event, point.time_s, event["context"])
        return ("MeterValues", {"evseId": 1, "meterValue": values}) if values else None

    def judgement(self, answer: Payload) -> Judgement:
        """See ``Dialect``."""
        info = answer.get("idTokenInfo")
        if info is None:
            return Judgement()
        said = _said(info)
        return Judgement(status=info["status"], said=said)

    def authorize(self, token: str, kind: str) -> Message:
        """See ``Dialect``."""
        return "Authorize", {"idToken": _token(token, kind)}

    def tidied(self, payload: dict[str, Any]) -> dict[str, Any]:
        """See ``Dialect``."""
        return payload

    async def handle(self, talk: Talk, action: str, payload: Payload) -> Payload | None:
        """See ``Dialect``."""
        handler = _HANDLERS.get(action)
        if handler is None:
            return None
        answer = handler(talk, payload)
        return answer if isinstance(answer, Mapping) else await answer


def _reason(event: Payload) -> str | None:
    """Return why a transaction ended; faults have names of their own here."""
    faults = [_FAULTS[one] for one in event.get("faults", ()) if one in _FAULTS]
    if faults:
        return faults[0]
    reason = event.get("reason")
    return None if reason is None else _REASONS.get(reason, reason)


def _said(info: Payload) -> dict[str, Any]:
    """Return what is remembered of a token."""
    return {
        "status": info["status"],
        "expiry": info.get("cacheExpiryDateTime"),
        "parent": info.get("groupIdToken", {}).get("idToken"),
    }


def _token(token: str, kind: str = "") -> dict[str, str]:
    guessed = "ISO14443" if _CARD.fullmatch(token) else "Local"
    return {"idToken": token[:36], "type": kind or guessed}


def _meter_value(point: Point, event: Payload, at_s: float, context: str) -> list[dict[str, Any]]:
    values = [
        {
            "value": value,
            "measurand": measurand,
            "context": context,
            "unitOfMeasure": {"unit": unit},
            **({"phase": phase} if phase else {}),
        }
        for measurand, value, unit, phase in remote.sampled(event, point)
    ]
    return [{"timestamp": stamp(at_s), "sampledValue": values}] if values else []


# --- what is asked for ---


def _is_here(asked: Payload) -> bool:
    return asked.get("evseId", 1) in {0, 1}


def _start(talk: Talk, asked: Payload) -> Payload:
    profile = None
    try:
        if "chargingProfile" in asked:
            profile = _profile(asked["chargingProfile"])
    except BadProfileError:
        return _answer(good=False)
    if not _is_here(asked) or (profile is not None and profile.purpose != TX):
        return _answer(good=False)
    token, number = asked["idToken"], asked["remoteStartId"]
    return _answer(remote.start(talk, token["idToken"], profile, number, token["type"]))


def _stop(talk: Talk, asked: Payload) -> Payload:
    running = talk.point.running
    here = running is not None and running.id == asked["transactionId"]
    return _answer(here and talk.point.stop("Remote"))


def _change_availability(talk: Talk, asked: Payload) -> Payload:
    if asked.get("evse", _EVSE)["id"] != 1:
        return _answer(good=False)
    return {"status": talk.point.make_available(on=asked["operationalStatus"] == "Operative")}


def _reset(talk: Talk, asked: Payload) -> Payload:
    if "evseId" in asked:
        return _answer(good=False)
    if asked["type"] == "OnIdle" and talk.point.running is not None:
        talk.point.restart_wanted = True
        talk.point.book.set_note(BOOT_REASON, "ScheduledReset")
        return {"status": "Scheduled"}
    remote.reset(talk, "SoftReset")
    return _answer(good=True)


async def _unlock(talk: Talk, asked: Payload) -> Payload:
    if asked["evseId"] != 1 or asked["connectorId"] != 1:
        return {"status": "UnknownConnector"}
    if talk.point.running is not None:
        return {"status": "OngoingAuthorizedTransaction"}
    status = await remote.unlock(talk)
    return {"status": status if status == "Unlocked" else "UnlockFailed"}


def _clear_cache(talk: Talk, _asked: Payload) -> Payload:
    return _answer(talk.point.tokens.forget())


def _list_version(talk: Talk, _asked: Payload) -> Payload:
    return {"versionNumber": max(0, talk.point.tokens.version)}


def _send_list(talk: Talk, asked: Payload) -> Payload:
    entries = {
        one["idToken"]["idToken"]: None
        if one.get("idTokenInfo") is None
        else _said(one["idTokenInfo"])
        for one in asked.get("localAuthorizationList", ())
    }
    whole = asked["updateType"] == "Full"
    status = talk.point.tokens.update(asked["versionNumber"], entries, whole=whole)
    return {"status": "Failed" if status == "NotSupported" else status}


def _customer(talk: Talk, asked: Payload) -> Payload:
    """Say, or forget, what is known here of somebody. Source: OCPP 2.0.1 part 2 N09, N10."""
    if "idToken" not in asked:
        return {"status": "Invalid"}  # nothing is kept by another name
    token = asked["idToken"]["idToken"]
    known = talk.point.tokens.all_of(token) if asked["report"] else []
    if asked["clear"]:
        talk.point.tokens.clear(token)
    return _answer(talk.later(partial(_tell_customer, talk, asked["requestId"], known)))


async def _tell_customer(talk: Talk, request: int, known: list[str]) -> None:
    for number, text in enumerate(known or [""]):
        told = {
            "requestId": request,
            "generatedAt": stamp(talk.point.time_s),
            "seqNo": number,
            "tbc": number < len(known) - 1,
            "data": text[:512],
        }
        await remote.quietly(talk, ("NotifyCustomerInformation", told))


def _data_transfer(_talk: Talk, _asked: Payload) -> Payload:
    return {"status": "UnknownVendorId"}


def _network_profile(_talk: Talk, _asked: Payload) -> Payload:
    """The address is the owner's to choose: a wrong one would lock the charger out for good."""
    return _answer(good=False)


def _transaction_status(talk: Talk, asked: Payload) -> Payload:
    name = asked.get("transactionId")
    waiting = talk.point.book.waiting() > 0
    if name is None:
        return {"messagesInQueue": waiting}
    running = talk.point.running
    ongoing = running is not None and running.id == name
    return {"messagesInQueue": waiting, "ongoingIndicator": ongoing}


def _profile(sent: Payload, transaction: str = "", place: int = 1) -> Profile:
    schedules = sent["chargingSchedule"]
    if len(schedules) != 1:
        raise BadProfileError("one schedule expected")
    return remote.profile_of(
        sent, schedules[0], number=sent["id"], transaction=transaction, place=place
    )


def _set_profile(talk: Talk, asked: Payload) -> Payload:
    sent, running, transaction = asked["chargingProfile"], talk.point.running, ""
    purpose = sent["chargingProfilePurpose"]
    place = asked["evseId"]
    if place not in _PLACES.get(purpose, ()):
        return _answer(good=False)
    if purpose == TX:
        if running is None or sent.get("transactionId") != running.id:
            return _answer(good=False)
        transaction = running.id
    try:
        return _answer(remote.install(talk, _profile(sent, transaction, place)))
    except BadProfileError as error:
        talk.last_error = f"a profile was refused: {error}"
        return _answer(good=False)


def _clear_profile(talk: Talk, asked: Payload) -> Payload:
    criteria = asked.get("chargingProfileCriteria", {})

    def wanted(one: Profile) -> bool:
        return (
            asked.get("chargingProfileId") in {None, one.id}
            and criteria.get("chargingProfilePurpose") in {None, one.purpose}
            and criteria.get("stackLevel") in {None, one.stack}
            and criteria.get("evseId") in {None, one.place}
        )

    return {"status": ACCEPTED if talk.point.clear(wanted) else "Unknown"}


def _composite(talk: Talk, asked: Payload) -> Payload:
    if not _is_here(asked) or talk.point.now is None:
        return _answer(good=False)
    schedule = remote.schedule_of(talk, asked["duration"], asked.get("chargingRateUnit", "A"))
    told = {"evseId": asked["evseId"], "scheduleStart": stamp(talk.point.time_s), **schedule}
    return {"status": ACCEPTED, "schedule": told}


def _trigger(talk: Talk, asked: Payload) -> Payload:
    if asked.get("evse", _EVSE)["id"] not in {0, 1}:
        return _answer(good=False)
    # Who was accepted does not introduce himself again. Source: OCPP 2.0.1 part 2 F06.FR.17.
    if asked["requestedMessage"] == "BootNotification" and talk.booted:
        return _answer(good=False)
    if asked["requestedMessage"] == "TransactionEvent" and talk.point.running is None:
        return _answer(good=False)
    action = _TRIGGERED.get(asked["requestedMessage"])
    if action is None:
        return {"status": "NotImplemented"}
    return _answer(talk.later(partial(action, talk)))


async def _say_transaction(talk: Talk) -> None:
    talk.point.measure("Trigger")


async def _say_statuses(talk: Talk) -> None:
    talk.forget_statuses()


def _log(talk: Talk, asked: Payload) -> Payload:
    wanted = {
        "url": asked["log"]["remoteLocation"],
        "request": asked["requestId"],
        "action": "LogStatusNotification",
        "words": {"started": "Uploading", "done": "Uploaded", "failed": "UploadFailure"},
    }
    if asked["logType"] != "DiagnosticsLog":
        return _answer(good=False)
    name = talk.errands.upload(talk, wanted)
    return {"status": ACCEPTED, "filename": name} if name else _answer(good=False)


def _firmware(talk: Talk, asked: Payload) -> Payload:
    firmware = asked["firmware"]
    wanted = {
        "url": firmware["location"],
        "when": firmware["retrieveDateTime"],
        "request": asked["requestId"],
    }
    return _answer(talk.errands.update(talk, wanted))


_TRIGGERED: Final[Mapping[str, Callable[[Talk], Awaitable[None]]]] = {
    "BootNotification": Talk.boot,
    "Heartbeat": Talk.heartbeat,
    "StatusNotification": _say_statuses,
    "MeterValues": Talk.say_meter,
    "TransactionEvent": _say_transaction,
    **{
        one: partial(remote.say_progress, one)
        for one in ("LogStatusNotification", "FirmwareStatusNotification")
    },
}
_HANDLERS: Final[Mapping[str, Callable[[Talk, Payload], Payload | Awaitable[Payload]]]] = {
    **GET_SET,
    "RequestStartTransaction": _start,
    "RequestStopTransaction": _stop,
    "ChangeAvailability": _change_availability,
    "Reset": _reset,
    "UnlockConnector": _unlock,
    "ClearCache": _clear_cache,
    "GetLocalListVersion": _list_version,
    "SendLocalList": _send_list,
    "DataTransfer": _data_transfer,
    "SetNetworkProfile": _network_profile,
    "CustomerInformation": _customer,
    "GetTransactionStatus": _transaction_status,
    "SetChargingProfile": _set_profile,
    "ClearChargingProfile": _clear_profile,
    "GetChargingProfiles": answer_profiles,
    "GetCompositeSchedule": _composite,
    "TriggerMessage": _trigger,
    "GetLog": _log,
    "UpdateFirmware": _firmware,
}
