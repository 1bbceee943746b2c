"""Owned limits as interfaces show them and set them: who holds the charger back, for how long.

What the user sets with /state is one of them and keeps its meaning; nothing here is stored.
Source: charging.md section 18.10; decision 0018.
"""

import asyncio
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from evsed.charging.commands import ClearLimit, LapseLimits, RenewLimit, SetLimit
from evsed.charging.owned_limits import LONGEST_MS, PAUSE_DA, OwnedLimit
from evsed.charging.snapshot import Snapshot
from evsed.errors import RejectedError
from evsed.operations.values import amperes, number
from evsed.operations.writing import Change
from evsed.settings.section import known_part
from evsed.station.alarms import Alarm
from evsed.station.limit_words import silence
from evsed.station.rules_in_force import MODBUS, SUPERVISION
from evsed.station.station import Station
from evsed.units import amperes as from_tenths
from evsed.units import tenths

#: What a limit is written with: A, s, A.
WRITABLE: Final[Mapping[str, object]] = {"current": None, "expires": None, "fallback": None}
LEAST_A: Final = 6
MOST_A: Final = 63
LONGEST_S: Final = LONGEST_MS // 1000
#: The scheduler as a source of writes.
SCHEDULE: Final = "schedule"
#: The charging profiles of a management system, as one limit.
OCPP: Final = "ocpp"
#: Whose limits are made elsewhere, or whose names would mislead.
RESERVED: Final = frozenset(
    {"user", "settings", "board", "cable", "thermal", MODBUS, SUPERVISION, SCHEDULE, OCPP}
)
#: Whoever writes over Modbus.
MODBUS_CLIENTS: Final = MODBUS
OWNER: Final = "[a-z][a-z0-9_-]{0,31}"
SCRIPT: Final = "script"

_MS: Final = 1000
_USER: Final = "user"
_SET_POINT: Final = "chargingCurrent"
_ENABLED: Final = "enabled"
#: The values of /state that are the user's limit.
_USERS: Final = frozenset({_SET_POINT, _ENABLED})


class LimitDesk:
    """Shows, sets and ends limits; one for all interfaces.

    Args:
        station: what charges.
    """

    def __init__(self, station: Station) -> None:
        self._station = station
        self._writing = asyncio.Lock()
        #: who wrote what counts as the user's limit last, by its name on the wire
        self._set_by: dict[str, str] = {}

    def note(self, changes: Sequence[Change], source: str) -> None:
        """Remember who wrote what counts as the user's limit."""
        self._set_by.update((key, source) for key, _ in changes if key in _USERS)

    def signs_of_life(
        self, changes: Sequence[Change], renew: str | None, source: str
    ) -> tuple[RenewLimit, ...]:
        """Return the commands that say who has been heard with a write.

        Args:
            changes: what is written.
            renew: the owner who writes, if he is one.
            source: who writes; a schedule is nobody who could fall silent.
        """
        heard = {renew}
        if source != SCHEDULE and any(key in _USERS for key, _ in changes):
            heard.add(SUPERVISION)
        waiting = (one.owner for one in self._station.snapshot.owned if one.lease_ms is not None)
        return tuple(RenewLimit(owner) for owner in waiting if owner in heard)

    def alarms(self) -> tuple[Alarm, ...]:
        """Return who has fallen silent; never blocks."""
        owned = self._station.snapshot.owned
        return tuple(Alarm("manager_silent", silence(one)) for one in owned if one.lapsed)

    def shown(self) -> dict[str, Any]:
        """Return what is permitted now, who is to be asked for more, and every limit."""
        now = self._station.snapshot
        least_da = min((one.current_da for one in now.holders), default=PAUSE_DA)
        return {
            "permitted": from_tenths(least_da),
            "limitedBy": now.limited_by,
            "limits": self._rows(now),
        }

    def of(self, owner: str) -> dict[str, Any] | None:
        """Return the limit of an owner; None when he has none."""
        rows = self._rows(self._station.snapshot)
        return next((row for row in rows if row["owner"] == owner), None)

    async def set(self, owner: str, value: object, *, whole: bool, source: str) -> None:
        """Set the limit of one owner; a sign of life of his.

        Args:
            owner: who; not one of those whose limits are made elsewhere.
            value: an object with ``current`` (A), ``expires`` (s) and ``fallback`` (A).
            whole: what is absent is none; otherwise what is absent stays.
            source: who asks, for the log.

        Raises:
            RejectedError: a value is not permitted; nothing has changed.
            TimeoutError: no control pass took it within one second.
        """
        _check_owner(owner)
        async with self._writing:
            known = {} if whole else self._written(owner)
            wanted = limit_of(owner, known | known_part(value, WRITABLE))
            await self._station.send(wanted, source=source)

    async def hold(
        self,
        owner: str,
        current_da: int | None,
        *,
        lease_s: int,
        fallback_da: int | None,
        source: str,
    ) -> None:
        """Set the limit of a service of our own, or renew it when it says the same.

        Args:
            owner: whose.
            current_da: tenths of an ampere, 0 for a pause; None for no limit now.
            lease_s: how long it holds without another word.
            fallback_da: what is in force afterwards, as ``current_da``; None: nothing.
            source: who asks, for the log.

        Raises:
            RejectedError: the charging rules refused it; nothing has changed.
            TimeoutError: no control pass took it within one second.
        """
        known = next((one for one in self._station.snapshot.owned if one.owner == owner), None)
        wanted = SetLimit(
            owner=owner, current_da=current_da, lease_ms=lease_s * _MS, fallback_da=fallback_da
        )
        if current_da is None and fallback_da is None:
            if known is not None:
                await self._station.send(ClearLimit(owner), source=source)
        elif known is not None and _same(known, wanted):
            await self._station.send(RenewLimit(owner), source=source)
        else:
            await self._station.send(wanted, source=source)

    async def let_go(self, owner: str, *, source: str) -> None:
        """End the limit of a service of our own.

        Raises:
            TimeoutError: no control pass took it within one second.
        """
        await self._station.send(ClearLimit(owner), source=source)

    async def heard(self, owner: str, *, source: str) -> None:
        """Take a sign of life of an owner; nothing when nobody waits for him.

        Raises:
            TimeoutError: no control pass took it within one second.
        """
        signs = self.signs_of_life((), owner, source)
        if signs:
            await self._station.write(signs, source=source)

    async def clear(self, owner: str, *, source: str) -> None:
        """End the limit of one owner.

        Raises:
            RejectedError: it is not one that can be ended here.
            TimeoutError: no control pass took it within one second.
        """
        if owner in RESERVED:
            raise RejectedError("is not a limit that can be ended here", key=owner)
        async with self._writing:
            await self._station.send(ClearLimit(owner), source=source)

    async def lease(
        self, component: str | None, seconds: object, fallback_a: object, *, source: str
    ) -> None:
        """Wait for a script: when it is silent for too long, or ends, its fallback is in force.

        Args:
            component: of the script; None for what belongs to none.
            seconds: how long it may be silent; 0 ends the lease.
            fallback_a: 6 to 63, or 0 for a pause.
            source: who asks.

        Raises:
            RejectedError: a value is not permitted.
            TimeoutError: no control pass took it within one second.
        """
        await self._station.send(lease_of(component, seconds, fallback_a), source=source)

    async def scripts_ended(self, component: str | None = None, *, source: str) -> None:
        """Let the leases of one component fall back, or, without one, those of all scripts.

        Raises:
            TimeoutError: no control pass took it within one second.
        """
        wanted = None if component is None else script_owner(component)
        owners = tuple(
            one.owner
            for one in self._station.snapshot.owned
            if is_script(one.owner) and wanted in {None, one.owner} and not one.lapsed
        )
        if owners:
            await self._station.send(LapseLimits(owners), source=source)

    def _written(self, owner: str) -> dict[str, object]:
        """Return what the owner wrote, as it is written."""
        row = self.of(owner)
        return {} if row is None else {key: row[key] for key in WRITABLE}

    def _rows(self, now: Snapshot) -> list[dict[str, Any]]:
        owned = {limit.owner: limit for limit in now.owned}
        held = [
            _owned_row(owned.pop(one.owner), now.at_ms)
            if one.owner in owned
            else _row(one.owner, one.current_da, **self._users(one.owner, now))
            for one in now.holders
        ]
        return held + [_owned_row(limit, now.at_ms) for limit in owned.values()]

    def _users(self, owner: str, now: Snapshot) -> dict[str, Any]:
        """Return what only the user's row has."""
        if owner != _USER:
            return {}
        key = _SET_POINT if now.enabled else _ENABLED
        return {"current": from_tenths(now.charging_current_da), "setBy": self._set_by.get(key)}


def script_owner(component: str | None) -> str:
    """Return the owner's name of a component's limit."""
    return SCRIPT if component is None else f"{SCRIPT}:{component}"


def is_script(owner: str) -> bool:
    """Return whether a limit belongs to a script."""
    return owner == SCRIPT or owner.startswith(f"{SCRIPT}:")


def limit_of(owner: str, values: Mapping[str, object]) -> SetLimit:
    """Return the command that sets a limit.

    Args:
        owner: whose.
        values: ``current``, ``expires``, ``fallback``; None or absent is none.

    Raises:
        RejectedError: a value is not permitted.
    """
    current_da = _current("current", values.get("current"))
    fallback_da = _current("fallback", values.get("fallback"))
    expires = values.get("expires")
    if current_da is None and fallback_da is None:
        raise RejectedError("current or fallback expected", key=owner)
    if fallback_da is not None and expires is None:
        raise RejectedError("a fallback needs a number of seconds here", key="expires")
    lease_ms = None if expires is None else round(number("expires", expires, 1, LONGEST_S) * _MS)
    return SetLimit(owner=owner, current_da=current_da, lease_ms=lease_ms, fallback_da=fallback_da)


def lease_of(
    component: str | None, seconds: object, fallback_a: object = None
) -> SetLimit | ClearLimit:
    """Return the command that waits for a script, or, for 0 seconds, no longer does.

    Raises:
        RejectedError: a value is not permitted.
    """
    owner = script_owner(component)
    if number("seconds", seconds, 0, LONGEST_S) == 0:
        return ClearLimit(owner)
    return limit_of(owner, {"expires": seconds, "fallback": fallback_a})


def _current(key: str, value: object) -> int | None:
    if value is None:
        return None
    if value == PAUSE_DA and not isinstance(value, bool):
        return PAUSE_DA
    try:
        return tenths(amperes(key, value, LEAST_A, MOST_A))
    except RejectedError:
        raise RejectedError(f"0 or a number {LEAST_A}..{MOST_A} expected", key=key) from None


def _check_owner(owner: str) -> None:
    if not re.fullmatch(OWNER, owner):
        raise RejectedError("1 to 32 of a-z, 0-9, - and _, a letter first, expected", key="owner")
    if owner in RESERVED or is_script(owner):
        raise RejectedError("is the name of a limit that is not set here", key=owner)


def _same(known: OwnedLimit, wanted: SetLimit) -> bool:
    told = known.current_da, known.lease_ms, known.fallback_da
    return not known.lapsed and told == (wanted.current_da, wanted.lease_ms, wanted.fallback_da)


def _row(owner: str, in_force_da: int | None, **more: Any) -> dict[str, Any]:
    in_force = None if in_force_da is None else from_tenths(in_force_da)
    return {
        "owner": owner,
        "inForce": in_force,
        "current": in_force,
        "expires": None,
        "fallback": None,
        "left": None,
        "lapsed": False,
        "setBy": None,
        **more,
    }


def _seconds(ms: int) -> int | float:
    return ms / _MS if ms % _MS else ms // _MS


def _owned_row(limit: OwnedLimit, at_ms: int) -> dict[str, Any]:
    left_ms = None if limit.until_ms is None else max(0, limit.until_ms - at_ms)
    return _row(
        limit.owner,
        limit.in_force_da,
        current=None if limit.current_da is None else from_tenths(limit.current_da),
        expires=None if limit.lease_ms is None else _seconds(limit.lease_ms),
        fallback=None if limit.fallback_da is None else from_tenths(limit.fallback_da),
        left=None if left_ms is None else round(left_ms / _MS, 1),
        lapsed=limit.lapsed,
    )
