"""The charge point itself: joins moments, transactions, profiles and tokens. Knows no message.

Time is that of the moments, so that a day takes a test a second. What it wants of the charger goes
out as orders, which the daemon carries out.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Final

from evsed.services.ocpp import shelf, transactions, variables
from evsed.services.ocpp.book import Book
from evsed.services.ocpp.moment import Moment
from evsed.services.ocpp.profiles import (
    MAX_PROFILES,
    STATION,
    TX,
    Mains,
    Period,
    Profile,
    least_da,
    permitted_da,
    with_profile,
)
from evsed.services.ocpp.tokens import ACCEPTED, Tokens
from evsed.services.ocpp.transactions import Register, Terms, Told, Transaction
from evsed.services.ocpp.variables import Variables
from evsed.units import watts

#: The charger waits so long for a vehicle after it was authorized (``GRANT_MS`` of the rules).
_GRANT_MS: Final = 60_000
#: A limit is said again so often; the charger believes it for ``LEASE_S``.
_REPEAT_MS: Final = 5_000
#: What is offered while the management system is away leaves everything as it is.
UNLIMITED_DA: Final = 630
_PAUSE_DA: Final = 0
_DAY_S: Final = 86_400
_PARTS: Final = ("ChargingStation", "EVSE", "Connector")
#: The transaction of somebody who is waited for.
_EXPECTED: Final = "expected"
#: Kind of a message that is no transaction's.
SECURITY: Final = "security"

_log = logging.getLogger(__name__)

Order = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreed:
    """What the owner has chosen, and what the board is."""

    id_tag: str
    meter_interval_s: int
    offline_da: int
    offline_after_s: int
    volts: int = 230
    phases: int = 3
    #: what the owner permits at most
    most_da: int = 630
    security_profile: int = 0
    model: str = "evsed"
    serial: str = ""
    firmware: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """Somebody was authorized, and a vehicle is waited for."""

    token: str
    until_ms: int
    kind: str = ""
    parent: str = ""
    remote_start: int | None = None
    profile: Profile | None = None


class Point:
    """One charger with one connector.

    Args:
        book: what outlives a restart.
        agreed: what the owner has chosen.
        order: takes what is wanted of the charger.
    """

    def __init__(self, book: Book, agreed: Agreed, order: Callable[[Order], None]) -> None:
        self.book, self.agreed, self.order = book, agreed, order
        self.variables = Variables(
            book,
            {
                variables.METER_INTERVAL: lambda: agreed.meter_interval_s,
                variables.PROFILE: lambda: agreed.security_profile,
                "ChargingStation.AvailabilityState": lambda: self.availability,
                "EVSE.AvailabilityState": lambda: self.availability,
                **{f"{one}.SupplyPhases": lambda: agreed.phases for one in _PARTS},
                "EVSE.Power": lambda: watts(agreed.most_da, agreed.volts, agreed.phases),
                "LocalAuthListCtrlr.Entries": book.count_listed,
                "Connector.AvailabilityState": lambda: self.availability,
            },
            self._set_password,
        )
        self.tokens = Tokens(book, self.variables)
        self.now: Moment | None = None
        self._first = True
        kept = book.open_tx()
        self.running = None if kept is None else transactions.from_kept(kept)
        self.profiles: tuple[Profile, ...] = tuple(_profile(one) for one in book.profiles())
        self.grant: Grant | None = None
        #: nobody may begin by himself until the vehicle has left
        self.held = book.note("held") != ""
        #: by the charger's clock, when the management system was heard last
        self.heard_ms: int | None = None
        #: the other side's Unix seconds when the charger's clock was 0; None: it has not said
        self.told_clock_s: float | None = None
        #: somebody listens at this moment
        self.online = False
        #: a meter value is due although no transaction runs
        self.meter_due = False
        self._slot: int | None = None
        #: a restart was asked for; it waits until no transaction runs
        self.restart_wanted = False
        lost, last = (book.note("register") or "0 0").split()
        self._register = Register(lost_ws=int(lost), last_ws=int(last))
        #: where the register stood when a transaction ended last: no other has this energy
        self._billed_ws = int(book.note("billed") or 0)
        self._limit: tuple[int | None, int | None] | None = None
        self._limit_ms = 0

    @property
    def time_s(self) -> float:
        """Unix seconds of the last look; the other side's while our clock is not set."""
        if self.now is None:
            return 0.0
        if self.now.clock_set or self.told_clock_s is None:
            return self.now.wall_s
        return self.told_clock_s + self.ms / 1000

    @property
    def ms(self) -> int:
        """The charger's clock at the last look."""
        return 0 if self.now is None else self.now.at_ms

    @property
    def meter_ws(self) -> int:
        """The register at the last look."""
        return self._register.ws

    @property
    def availability(self) -> str:
        """The state of the connector, in the words of 2.0.1."""
        now = self.now
        if now is None or (now.state == "F" and not now.faults) or not now.available:
            return "Unavailable"
        if now.faults:
            return "Faulted"
        return "Occupied" if now.session else "Available"

    @property
    def mains(self) -> Mains:
        """What watts are made of here."""
        return Mains(volts=self.agreed.volts, phases=self.agreed.phases)

    def look(self, now: Moment) -> None:
        """Take one moment in.

        Raises:
            OSError, sqlite3.Error: the disk refused; the next look finds the same again. Limits
                follow the time nevertheless.
        """
        first = self._first
        register = self._register.read(now.total_energy_ws)
        known = self.running, self.grant, self.profiles, self._billed_ws
        try:
            with self.book.together():
                self._follow(now, register, first=first)
        except BaseException:
            self.running, self.grant, self.profiles, self._billed_ws = known  # nothing was kept
            self.now = now
            self.limit()
            raise
        self.now, self._first = now, False
        self._register = register
        if self.grant is not None and now.at_ms >= self.grant.until_ms:
            self.grant = None
        self._availability(now, first=first)
        if self.restart_wanted and self.running is None:
            self.restart_wanted = False
            self.order({"t": "restart"})
        self.limit()
        self._align()

    def _follow(self, now: Moment, register: Register, *, first: bool) -> None:
        if transactions.is_unplugged(now):
            self._hold(on=False)
        if first and self.running is not None and not transactions.is_of(self.running, now):
            self._keep(transactions.lost(self.running, now, register), register)
        begin_ws = max(0, register.ws - now.session_energy_ws)
        before_ws = max(begin_ws, min(self._billed_ws, register.ws))
        told = transactions.follow(self.running, now, register, before_ws, self._terms())
        self._keep(told, register)

    def secure(self, what: str) -> None:
        """Have an event told that concerns security, in a word of OCPP 2.0.1 part 2 appendix 1."""
        now = self.now
        if now is not None:
            event = {"kind": SECURITY, "what": what, "at": transactions.at_of(now)}
            self.book.put(SECURITY, "", event)

    # --- meter values out of turn ---

    def measure(self, why: str) -> bool:
        """Have the transaction that runs say what is measured now; False: none does."""
        running, now = self.running, self.now
        if running is None or now is None:
            return False
        told = transactions.measured(running, now, self._register, why=why)
        for _kind, _name, event in told.events:
            event["offline"] = not self.online
        try:
            with self.book.together():
                self._keep(told, self._register)
        except BaseException:
            self.running = running  # nothing was kept
            raise
        return True

    def _align(self) -> None:
        """Measure when the clock says so, counted from midnight. Source: OCPP 1.6 section 3.16."""
        interval_s = self.variables.whole(variables.ALIGNED_INTERVAL)
        if not interval_s or not self.variables.words(variables.ALIGNED):
            self._slot = None
            return
        day, second = divmod(int(self.time_s), _DAY_S)
        slot = day * _DAY_S + second // interval_s * interval_s
        before, self._slot = self._slot, slot
        if before is not None and slot > before and not self.measure(transactions.CLOCK_TRIGGER):
            self.meter_due = True

    # --- who may charge ---

    def authorized(
        self,
        token: str,
        *,
        kind: str = "",
        parent: str = "",
        remote_start: int | None = None,
        profile: Profile | None = None,
    ) -> None:
        """Let somebody charge who has been found to be permitted to."""
        self.grant = Grant(
            token=token,
            until_ms=self.ms + _GRANT_MS,
            kind=kind,
            parent=parent,
            remote_start=remote_start,
            profile=profile,
        )
        self._hold(on=False)
        self.limit()  # his profile is in force before anything is offered
        self.order({"t": "authorize"})

    def stop(self, reason: str, token: str = "") -> bool:
        """Stop the transaction that runs; it ends when the contactor has opened.

        Args:
            reason: why.
            token: of somebody who wants it; empty: of nobody.
        """
        if self.running is None:
            return False
        if not self.running.ending:
            self.running = replace(self.running, ending=reason, ending_ms=self.ms, stopper=token)
        self.book.save_tx(self.running.id, self.running.as_json(), is_open=True)
        self._hold(on=True)
        self.limit()
        return True

    def judged(self, transaction: str, token: str, status: str, parent: str = "") -> None:
        """Take what the management system says of the one who charges, and of his group.

        Without energy it goes on, if it is not to stop. Source: OCPP 1.6 section 3.4.3, 2.0.1 E05.
        """
        running = self.running
        if running is None or running.id != transaction:
            return
        if parent and parent != running.parent:
            running = self.running = replace(running, parent=parent)
            self.book.save_tx(running.id, running.as_json(), is_open=True)
        if status == ACCEPTED:
            return
        _log.warning("ocpp: the management system does not accept token %s: %s", token, status)
        if self.variables.on(variables.STOP_ON_INVALID):
            self.stop("DeAuthorized")
            return
        self.running = replace(running, denied=True)
        self.book.save_tx(running.id, self.running.as_json(), is_open=True)
        self.limit()

    # --- what may be taken ---

    def install(self, profile: Profile) -> None:
        """Follow a profile from now on.

        Raises:
            BadProfileError: it cannot be followed; nothing has changed.
        """
        self._set_profiles(with_profile(self.profiles, profile))

    def clear(self, wanted: Callable[[Profile], bool]) -> bool:
        """Forget some profiles; tell whether there were any."""
        kept = tuple(one for one in self.profiles if not wanted(one))
        found = len(kept) < len(self.profiles)
        if found:
            self._set_profiles(kept)
        return found

    @property
    def followed(self) -> tuple[str, float] | None:
        """Our name of the transaction that runs, and its begin by the clock of now."""
        running, now = self.running, self.now
        if running is None:
            return None
        if now is None or running.start_ms is None or running.boot != now.boot:
            return running.id, running.start_s
        # It may have begun with the look that is being taken, which is later than the last.
        return running.id, self.time_s - max(0, now.at_ms - running.start_ms) / 1000

    @property
    def away(self) -> bool:
        """Whether the management system has not been heard for too long."""
        after_ms = self.agreed.offline_after_s * 1000
        return self.heard_ms is None or self.ms - self.heard_ms >= after_ms

    def limit(self) -> None:
        """Say what may be taken when it has changed, and now and then when it has not."""
        now = self.now
        if now is None:
            return
        offline_da = self.agreed.offline_da
        known = now.clock_set or self.told_clock_s is not None
        permitted = permitted_da if known else least_da
        told_da = permitted(*self._in_view())
        lowest_da = min(UNLIMITED_DA if told_da is None else told_da, offline_da)
        if self._paused:
            told_da = lowest_da = _PAUSE_DA
        elif self.away and offline_da < UNLIMITED_DA:
            told_da = lowest_da
        limit = told_da, None if lowest_da == UNLIMITED_DA else lowest_da
        if limit != self._limit or now.at_ms - self._limit_ms >= _REPEAT_MS:
            self._limit, self._limit_ms = limit, now.at_ms
            self.order({"t": "limit", "current": limit[0], "fallback": limit[1]})

    def _in_view(self) -> tuple[tuple[Profile, ...], float, Mains, tuple[str, float] | None]:
        """Return what the limit follows from; of who is waited for, his profile as well."""
        profiles, followed, grant = self.profiles, self.followed, self.grant
        if followed is None and grant is not None and grant.profile is not None:
            expected = replace(grant.profile, purpose=TX, transaction=_EXPECTED)
            profiles, followed = (*profiles, expected), (_EXPECTED, self.time_s)
        return profiles, self.time_s, self.mains, followed

    @property
    def _paused(self) -> bool:
        running = self.running
        return self.held or (running is not None and (bool(running.ending) or running.denied))

    # --- in and out of service ---

    def make_available(self, *, on: bool) -> str:
        """Take the charger into service or out of it; return the answer."""
        if on:
            self.book.set_note(shelf.INOPERATIVE, "")
            self.order({"t": "available", "on": True})
            return ACCEPTED
        if self.running is not None:
            self.book.set_note(shelf.INOPERATIVE, "scheduled")
            return "Scheduled"
        self._take_out()
        return ACCEPTED

    def _availability(self, now: Moment, *, first: bool) -> None:
        wanted = self.book.note(shelf.INOPERATIVE)
        if wanted == shelf.LIFTED:
            self.make_available(on=True)
        elif wanted == "scheduled" and self.running is None:
            self._take_out()
        elif wanted == "ordered" and not now.available:
            self.book.set_note(shelf.INOPERATIVE, "yes")
        elif wanted == "ordered" or (wanted == "yes" and first):
            self._take_out()
        elif wanted == "yes" and now.available:
            self.book.set_note(shelf.INOPERATIVE, "")  # somebody here has decided otherwise

    def _take_out(self) -> None:
        if self.book.note(shelf.INOPERATIVE) != "ordered":
            self.book.set_note(shelf.INOPERATIVE, "ordered")
        self.order({"t": "available", "on": False})

    # --- below ---

    def _terms(self) -> Terms:
        grant = self.grant
        return Terms(
            token=self.agreed.id_tag if grant is None else grant.token,
            interval_s=self.variables.whole(variables.METER_INTERVAL),
            offline=not self.online,
            remote_start=None if grant is None else grant.remote_start,
            held=self.held,
            kind="" if grant is None else grant.kind,
            parent="" if grant is None else grant.parent,
        )

    def _keep(self, told: Told, register: Register) -> None:
        """Write down what a look has brought; together with it, memory changes."""
        before = self.running
        for kind, name, event in told.events:
            self.book.put(kind, name, event)
            if kind == transactions.STOP:
                self._billed_ws = int(event["meter"])
                self.book.set_note("billed", str(self._billed_ws))
        for one, is_open in ((told.ended, False), (told.transaction, True)):
            if one is not None and (one != before or not is_open):
                self.book.save_tx(one.id, one.as_json(), is_open=is_open)
        if told.events or register.lost_ws != self._register.lost_ws:
            self.book.set_note("register", f"{register.lost_ws} {register.last_ws}")
        self.running = told.transaction
        if told.ended is not None:
            ended = told.ended.id
            self.clear(lambda one: one.transaction == ended)
        if told.transaction is not None and (before is None or before.id != told.transaction.id):
            self._begun(told.transaction)

    def _begun(self, begun: Transaction) -> None:
        grant, self.grant = self.grant, None
        if grant is not None and grant.profile is not None:
            own = replace(grant.profile, purpose=TX, transaction=begun.id)
            # There is room for it, whatever was installed since it was taken.
            self._set_profiles(with_profile(self.profiles, own, MAX_PROFILES + 1))

    def _hold(self, *, on: bool) -> None:
        if on or self.held:  # a refusal of the disk may have taken back what was kept
            self.held = on
            self.book.set_note("held", "until unplugged" if on else "")

    def _set_profiles(self, profiles: tuple[Profile, ...]) -> None:
        self.book.set_profiles((place, asdict(one)) for place, one in enumerate(profiles))
        self.profiles = profiles
        self.limit()

    def _set_password(self, text: str) -> bool:
        if not 16 <= len(text) <= 40 or not text.isascii() or not text.isprintable():
            return False
        self.order({"t": "password", "value": text})
        self.secure("ReconfigurationOfSecurityParameters")
        return True


def _profile(kept: dict[str, Any]) -> Profile:
    """Return what was kept, by a version that knew no places or by one with more words."""
    kept.setdefault("place", 0 if kept["purpose"] == STATION else 1)
    periods = tuple(Period(**_known(Period, one)) for one in kept.pop("periods"))
    return Profile(**_known(Profile, kept), periods=periods)


def _known(kind: type[Any], kept: Mapping[str, Any]) -> dict[str, Any]:
    names = {one.name for one in fields(kind)}
    return {key: value for key, value in kept.items() if key in names}
