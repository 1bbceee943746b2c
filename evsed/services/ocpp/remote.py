"""What the management system may ask for, in words of neither version. Source: see ``point``."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from evsed.services.ocpp import transactions, variables
from evsed.services.ocpp.moment import seconds_of
from evsed.services.ocpp.point import Point
from evsed.services.ocpp.profiles import (
    MAX_AHEAD_S,
    BadProfileError,
    Period,
    Profile,
    Step,
    check_profile,
    composite,
)
from evsed.services.ocpp.talk import BOOT_REASON, GoneError, RefusedError, Talk
from evsed.services.ocpp.tokens import ACCEPTED, Verdict
from evsed.units import amperes, watts

REJECTED: Final = "Rejected"
#: The lock is given so long to open.
_UNLOCK_MS: Final = 5_000
_MOST_NUMBER: Final = 2**31 - 1

Payload = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """A start from afar; see ``start``."""

    token: str
    kind: str
    profile: Profile | None
    number: int | None


#: Kinds of tokens nobody has to be asked about. Source: OCPP 2.0.1 part 2 sections C02 and C05.
_KNOWN: Final = frozenset({"Central", "NoAuthorization"})


def start(
    talk: Talk,
    token: str,
    profile: Profile | None = None,
    number: int | None = None,
    kind: str = "",
) -> bool:
    """Let somebody charge, from afar; tell whether it is begun.

    Not before the boot was accepted. Source: OCPP 1.6 section 4.2, 2.0.1 B02.FR.05.

    The one who asks has to be asked again whether the token may, unless he has chosen otherwise;
    that is done after the answer.

    Args:
        talk: where it was asked for.
        token: who is to charge.
        profile: holds for the transaction.
        number: the management system's own.
        kind: of the token, in a word of 2.0.1; empty: 1.6 has none.
    """
    point, wish = talk.point, Wish(token=token, kind=kind, profile=profile, number=number)
    now = point.now
    if now is None or not talk.booted or point.running is not None:
        return False
    if not now.available or now.faults:
        return False
    unasked = number is None and not point.variables.on(variables.REMOTE_AUTHORIZE)
    if unasked or kind in _KNOWN:
        return talk.later(partial(_authorized, talk, Verdict(ACCEPTED), wish))
    return talk.later(partial(_asked, talk, wish))


async def _asked(talk: Talk, wish: Wish) -> None:
    verdict = await talk.verdict_on(wish.token, wish.kind)
    if verdict.status == ACCEPTED:
        await _authorized(talk, verdict, wish)


async def _authorized(talk: Talk, verdict: Verdict, wish: Wish) -> None:
    if talk.point.running is None:
        talk.point.authorized(
            wish.token,
            kind=wish.kind,
            parent=verdict.parent,
            remote_start=wish.number,
            profile=wish.profile,
        )


def reset(talk: Talk, reason: str) -> None:
    """Stop what runs, then start the charger anew."""
    talk.point.stop(reason)
    talk.point.restart_wanted = True
    talk.point.book.set_note(BOOT_REASON, "RemoteReset")


async def unlock(talk: Talk) -> str:
    """Open the lock of the socket outlet; return the answer in the words of 1.6."""
    point = talk.point
    now = point.now
    if now is None or now.locked is None:
        return "NotSupported"
    point.stop("UnlockCommand")
    until_ms = point.ms + _UNLOCK_MS
    while (now := point.now) is not None and now.locked:
        if point.ms >= until_ms:
            return "UnlockFailed"
        await asyncio.sleep(0.05)
    return "Unlocked"


def install(talk: Talk, profile: Profile) -> bool:
    """Follow a profile; tell whether it can be followed."""
    try:
        talk.point.install(profile)
    except BadProfileError as error:
        talk.last_error = f"a profile was refused: {error}"
        return False
    return True


def profile_of(
    sent: Payload, schedule: Payload, *, number: int, transaction: str = "", place: int = 1
) -> Profile:
    """Return the profile of a message; both versions spell nearly all of it alike.

    Args:
        sent: the profile.
        schedule: its schedule.
        number: of the profile.
        transaction: our own name of the one it is for.
        place: the connector, or EVSE, it is for.

    Raises:
        BadProfileError: it cannot be followed.
    """
    purpose = str(sent["chargingProfilePurpose"])
    try:
        profile = Profile(
            id=_number(number),
            stack=_number(sent["stackLevel"]),
            purpose=_PURPOSES.get(purpose, purpose),
            kind=str(sent["chargingProfileKind"]),
            repeats=str(sent.get("recurrencyKind", "")),
            unit=str(schedule["chargingRateUnit"]),
            periods=tuple(_period(one) for one in _few(schedule["chargingSchedulePeriod"])),
            start_s=_time(schedule.get("startSchedule")),
            duration_s=None if schedule.get("duration") is None else _number(schedule["duration"]),
            valid_from_s=_time(sent.get("validFrom")),
            valid_to_s=_time(sent.get("validTo")),
            transaction=transaction,
            place=place,
        )
    except (ValueError, OverflowError) as error:
        raise BadProfileError(str(error)) from error
    check_profile(profile)
    return profile


def schedule_of(talk: Talk, ahead_s: int, unit: str) -> dict[str, Any]:
    """Return what will be permitted, as both versions spell it."""
    point = talk.point
    ahead_s = min(max(ahead_s, 0), MAX_AHEAD_S)
    steps = composite(point.profiles, point.time_s, ahead_s, point.mains, point.followed)
    periods = [
        {
            "startPeriod": one.start_s,
            "limit": _limit_in(unit, one, point),
            "numberPhases": one.phases,
        }
        for one in steps
    ]
    return {
        "duration": ahead_s,
        "chargingRateUnit": unit,
        "chargingSchedulePeriod": periods,
    }


def _limit_in(unit: str, step: Step, point: Point) -> float:
    """Return what a step permits, which is never more than the charger has."""
    most_da = point.agreed.most_da
    limit_da = most_da if step.limit_da is None else min(step.limit_da, most_da)
    if unit == "W":
        return round(watts(limit_da, point.mains.volts, step.phases), 1)
    return amperes(limit_da)


def sampled(event: Payload, point: Point) -> list[tuple[str, float, str, str]]:
    """Return what was measured as measurand, value, unit and phase."""
    sample = event.get("sample")
    if sample is None:
        return []
    if event.get("kind") in {transactions.START, transactions.STOP}:
        wanted = [variables.MEASURANDS[0]]
    else:
        aligned = event.get("context") == transactions.CLOCK
        wanted = point.variables.words(variables.ALIGNED if aligned else variables.SAMPLED)
    rows = [
        ("Energy.Active.Import.Register", round(event["meter"] / 3600, 1), "Wh", ""),
        ("Power.Active.Import", float(sample["power"]), "W", ""),
        ("Current.Offered", amperes(sample["offered"]), "A", ""),
    ]
    for place, value in enumerate(sample["currents"], 1):
        rows.append(("Current.Import", round(value, 2), "A", f"L{place}"))
    for place, value in enumerate(sample["voltages"], 1):
        if value > 0:
            rows.append(("Voltage", round(value, 1), "V", f"L{place}-N"))
    return [row for row in rows if row[0] in wanted]


#: What takes a while, and has not ended.
_BUSY: Final = frozenset({"Uploading", "Downloading", "Downloaded", "Installing"})


async def say_progress(action: str, talk: Talk) -> None:
    """Say how far an upload or an update is; ``Idle`` when there is none."""
    status, request = (talk.point.book.note(one) for one in (action, f"{action} request"))
    told: dict[str, Any] = {"status": status if status in _BUSY else "Idle"}
    if status in _BUSY and request:
        told["requestId"] = int(request)
    await quietly(talk, (action, told))


async def quietly(talk: Talk, message: tuple[str, Payload]) -> None:
    """Say something that is no transaction's; a refusal is noted only."""
    try:
        await talk.say(message)
    except RefusedError as error:
        talk.last_error = f"{message[0]} was refused: {error}"


async def if_connected(talk: Talk, message: tuple[str, Payload]) -> None:
    """Say something if there is somebody to listen."""
    try:
        if talk.booted:
            await quietly(talk, message)
    except GoneError:
        pass


#: 1.6 has another name for one of them.
_PURPOSES: Final = {"ChargePointMaxProfile": "ChargingStationMaxProfile"}


def _few(periods: Sequence[Payload]) -> Sequence[Payload]:
    if len(periods) > 1000:
        raise ValueError("too many periods")
    return periods


def _period(sent: Payload) -> Period:
    return Period(
        start_s=_number(sent["startPeriod"]),
        limit=float(sent["limit"]),
        phases=None if sent.get("numberPhases") is None else _number(sent["numberPhases"]),
    )


def _number(value: Any) -> int:
    if isinstance(value, bool) or not -_MOST_NUMBER <= value <= _MOST_NUMBER:
        raise ValueError("a number is out of range")
    return int(value)


def _time(text: Any) -> float | None:
    return None if text is None else seconds_of(str(text))
