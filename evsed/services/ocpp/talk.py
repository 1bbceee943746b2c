"""What is said to the management system, and in which order.

The boot first, then statuses, then what waits in the book: strictly in order, one at a time, each
with the same number until it is answered. Time is that of the point.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

from evsed.services.ocpp import transactions, variables
from evsed.services.ocpp.book import Waiting
from evsed.services.ocpp.moment import seconds_of
from evsed.services.ocpp.point import UNLIMITED_DA, Point
from evsed.services.ocpp.tokens import ACCEPTED, INVALID, Verdict, is_same
from evsed.services.ocpp.transactions import Transaction

Payload = Mapping[str, Any]
Message = tuple[str, Payload]

_BOOT_AGAIN_S: Final = 60
_LEAST_PAUSE_S: Final = 5
_LONGEST_PAUSE_S: Final = 86_400
#: A heartbeat comes so often within the time after which the dead-man current is in force.
_SIGNS: Final = 3
#: Kept: why the next start, and of which start of the computer the last was.
BOOT_REASON: Final = "boot reason"
_COMPUTER: Final = "computer"
#: Why the charger introduces itself over another connection.
_AGAIN: Final = "Unknown"
#: How a management system begins that does not know a message at all.
_UNKNOWN_THERE: Final = ("NotImplemented", "NotSupported")
_CONCURRENT: Final = "ConcurrentTx"
ASK_S: Final = 20.0
#: What may wait to be done after an answer.
MOST_TODO: Final = 100

_log = logging.getLogger(__name__)


class RefusedError(Exception):
    """The management system has answered that it cannot, or not at all; the text says which."""


class GoneError(Exception):
    """The connection has ended, or nothing was answered in time."""


class Link(Protocol):
    """A connection to the management system."""

    async def call(self, action: str, payload: Payload, message: str | None = None) -> Payload:
        """Say something and return the answer.

        Args:
            action: what.
            payload: with which words.
            message: its number; None: any.

        Raises:
            RefusedError: it was refused, or the answer is none.
            GoneError: nobody listens any more.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What the answer to a message of a transaction says.

    Args:
        remote: how the other side calls the transaction; empty: as we do.
        status: of the token; empty: nothing is said.
        said: what to remember of the token.
    """

    remote: str = ""
    status: str = ""
    said: Payload | None = None

    @property
    def parent(self) -> str:
        """The group of the token; empty: none."""
        return "" if self.said is None else str(self.said.get("parent") or "")


class Dialect(Protocol):
    """A version of OCPP: the same said in other words."""

    version: str
    subprotocol: str
    #: no identifier has more characters
    longest_token: int

    def boot(self, point: Point, reason: str) -> Message:
        """Return how the charger introduces itself."""

    def statuses(self, point: Point) -> dict[str, Message]:
        """Return what is said of the connectors now, by connector."""

    def event(self, point: Point, waiting: Waiting, at_s: float) -> Message | None:
        """Return a message of a transaction; None: this version has none for it."""

    def meter(self, point: Point, event: Payload) -> Message | None:
        """Return what is measured, beside transactions; None: nobody wants it."""

    def judgement(self, answer: Payload) -> Judgement:
        """Return what the answer to one says."""

    def authorize(self, token: str, kind: str) -> Message:
        """Return the question whether somebody may charge."""

    def tidied(self, payload: dict[str, Any]) -> dict[str, Any]:
        """Return what was asked without what only the schema minds."""

    async def handle(self, talk: "Talk", action: str, payload: Payload) -> Payload | None:
        """Do what the management system asks for; None: that is not done here."""


class Talk:
    """The conversation of one point, over one connection after the other."""

    def __init__(self, point: Point, dialect: Dialect) -> None:
        self.point, self.dialect = point, dialect
        self.link: Link | None = None
        #: the other side has taken us
        self.booted = False
        #: it wants to have nothing to do with us
        self.rejected = False
        #: said once after what was asked has been answered
        self.todo: list[Callable[[], Awaitable[None]]] = []
        self.last_error = ""
        #: so long somebody with a token waits for the management system
        self.ask_s = ASK_S
        #: stands for what else may be asked of the daemon; set by the process
        self.errands: Errands = NoErrands()
        #: waits until the daemon has taken what it was asked for; set by the process
        self.room: Callable[[], Awaitable[object]] = _at_once
        self._boot_ms = self._retry_ms = 0
        self._said_ms = 0
        self._statuses: dict[str, Message] = {}
        self._reason = point.book.note(BOOT_REASON)

    def attach(self, link: Link) -> None:
        """Talk over a new connection."""
        self.link, self.rejected = link, False
        self._set_booted(on=False)
        self._statuses = {}
        self._boot_ms = 0

    def detach(self) -> None:
        """The connection has ended; what was asked for over it is not done over the next."""
        self.link = None
        self._set_booted(on=False)
        self.todo.clear()

    def _set_booted(self, *, on: bool) -> None:
        self.booted = self.point.online = on

    def later(self, work: Callable[[], Awaitable[None]]) -> bool:
        """Have something done after the answer; False: too much waits already."""
        if len(self.todo) >= MOST_TODO:
            return False
        self.todo.append(work)
        return True

    async def pump(self) -> None:
        """Say everything that is due.

        Raises:
            GoneError: the connection has ended.
        """
        if self.link is None:
            return
        if not self.booted and self.point.ms >= self._boot_ms:
            await self.boot()
        await self._do()
        if not self.booted:
            return
        await self._say_statuses()
        await self._deliver()
        if self.point.meter_due:
            self.point.meter_due = False
            await self.say_meter(transactions.CLOCK)
        if self.point.ms - self._said_ms >= self._pause_ms():
            await self.heartbeat()

    async def _do(self) -> None:
        while self.todo:
            await self.todo.pop(0)()

    async def say(self, message: Message, number: str | None = None) -> Payload:
        """Say something and return the answer."""
        if self.link is None:
            raise GoneError("not connected")
        answer = await self.link.call(*message, number)
        self._said_ms = self.point.ms
        if self.booted:
            self.point.heard_ms = self.point.ms
        return answer

    async def boot(self) -> None:
        """Introduce the charger; until it is taken nothing else is said."""
        answer: Payload = {}
        try:
            answer = await self.say(self.dialect.boot(self.point, self._boot_reason()))
        except RefusedError as error:
            self.last_error = f"the boot was refused: {error}"
        interval = answer.get("interval")
        pause_s = interval if isinstance(interval, int) and interval > 0 else _BOOT_AGAIN_S
        pause_s = min(max(pause_s, _LEAST_PAUSE_S), _LONGEST_PAUSE_S)
        self._boot_ms = self.point.ms + pause_s * 1000
        self._set_booted(on=answer.get("status") == ACCEPTED)
        self.rejected = answer.get("status") == "Rejected"
        if self.booted:
            self.point.heard_ms = self.point.ms
            self._clock(answer)
            self.point.limit()
            self.later(self._tell_firmware)
            self._begin(pause_s)
        elif answer:
            self.last_error = f"the boot was answered: {answer.get('status')}"

    def _boot_reason(self) -> str:
        """Return why the charger introduces itself, in a word of 2.0.1."""
        known, now = self.point.book.note(_COMPUTER), self.point.now
        if self._reason or now is None:
            return self._reason
        return "ApplicationReset" if known == now.boot else "PowerUp"

    def _begin(self, heartbeat_s: int) -> None:
        """Take that the charger was accepted."""
        point = self.point
        started = self._boot_reason() not in {"ApplicationReset", _AGAIN}
        told, self._reason, self.last_error = self._reason, _AGAIN, ""
        with point.book.together():
            # The heartbeats' interval is that of the last acceptance. Source: OCPP 1.6 section 4.2.
            point.variables.keep(variables.BY_KEY[variables.HEARTBEAT], str(heartbeat_s))
            if told != _AGAIN:  # what was noted since is for the next start
                point.book.set_note(BOOT_REASON, "")
            point.book.set_note(_COMPUTER, "" if point.now is None else point.now.boot)
            if started:
                point.secure("StartupOfTheDevice")

    async def _tell_firmware(self) -> None:
        """Tell what became of an update that was asked for before the restart."""
        before = self.point.book.note("firmware before")
        if not before:
            return
        self.point.book.set_note("firmware before", "")
        status = "InstallationFailed" if before == self.point.agreed.firmware else "Installed"
        self.point.book.set_note("FirmwareStatusNotification", status)
        told: dict[str, Any] = {"status": status}
        request = self.point.book.note("FirmwareStatusNotification request")
        if request:
            told["requestId"] = int(request)
        try:
            await self.say(("FirmwareStatusNotification", told))
        except RefusedError as error:
            self.last_error = f"the state of the firmware was refused: {error}"

    async def heartbeat(self) -> None:
        """Give a sign of life."""
        try:
            self._clock(await self.say(("Heartbeat", {})))
        except RefusedError as error:
            self.last_error = f"a heartbeat was refused: {error}"
            self._said_ms = self.point.ms

    def forget_statuses(self, place: str = "") -> None:
        """Have the statuses said again, or that of one connector."""
        for one in list(self._statuses) if not place else [place]:
            self._statuses.pop(one, None)

    async def present(self, token: str) -> str:
        """Take a token that somebody holds up here; return what became of it."""
        point = self.point
        if point.running is not None:
            return await self._stop_with(token, point.running)
        verdict = await self.verdict_on(token)
        if verdict.status == ACCEPTED:
            point.authorized(token, parent=verdict.parent)
        return verdict.status

    async def _stop_with(self, token: str, running: Transaction) -> str:
        """Stop a transaction by its own token, or by one of the same group."""
        own = is_same(running.token, token)
        if not own and running.parent:
            verdict = await self.verdict_on(token)
            own = verdict.status == ACCEPTED and is_same(verdict.parent, running.parent)
        now = self.point.running
        there = now is not None and now.id == running.id
        return ACCEPTED if own and there and self.point.stop("Local", token) else _CONCURRENT

    async def verdict_on(self, token: str, kind: str = "") -> Verdict:
        """Return whether somebody may charge; ``kind`` of the token as in ``remote.start``."""
        point = self.point
        if len(token) > self.dialect.longest_token:
            return Verdict(INVALID)
        if self.link is None or not self.booted:
            return point.tokens.offline(token, point.time_s)
        beforehand = point.tokens.beforehand(token, point.time_s)
        if beforehand is not None:
            return beforehand
        try:
            async with asyncio.timeout(self.ask_s):
                answer = await self.say(self.dialect.authorize(token, kind))
        except (GoneError, RefusedError, TimeoutError):
            return point.tokens.offline(token, point.time_s)
        judgement = self.dialect.judgement(answer)
        if judgement.said is not None:
            point.tokens.heard(token, judgement.said, point.time_s)
        return Verdict(judgement.status, judgement.parent)

    async def _say_statuses(self) -> None:
        for place, message in self.dialect.statuses(self.point).items():
            known = self._statuses.get(place)
            if known is not None and _same(known, message):
                continue
            try:
                await self.say(message)
            except RefusedError as error:
                self.last_error = f"a status was refused: {error}"
            self._statuses[place] = message

    async def say_meter(self, context: str = "Trigger") -> None:
        """Say what is measured now, beside transactions."""
        now = self.point.now
        if now is None:
            return
        event = transactions.sample_of(now, self.point.meter_ws, context)
        message = self.dialect.meter(self.point, event)
        try:
            if message is not None:
                await self.say(message)
        except RefusedError as error:
            self.last_error = f"a meter value was refused: {error}"

    async def _deliver(self) -> None:
        """Deliver what waits, the oldest first; what is asked for meanwhile is not kept waiting."""
        book = self.point.book
        while (waiting := book.next()) is not None:
            await self._do()
            if not self.booted:
                return
            if waiting.attempts and self.point.ms < self._retry_ms:
                return
            message = self.dialect.event(self.point, waiting, self._at_s(waiting))
            if message is None:
                book.delivered(waiting)
                continue
            try:
                answer = await self.say(message, waiting.message)
            except RefusedError as error:
                if not self._refused(waiting, error):
                    return
                continue
            judgement = self.dialect.judgement(answer)
            with book.together():
                self._judge(waiting, judgement)
                book.delivered(waiting, judgement.remote)

    def _judge(self, waiting: Waiting, judgement: Judgement) -> None:
        token = str(waiting.event.get("token", ""))
        if not token:
            return
        if judgement.status and waiting.event.get("kind") == transactions.START:
            self.point.judged(waiting.tx, token, judgement.status, judgement.parent)
        if judgement.said is not None:
            self.point.tokens.heard(token, judgement.said, self.point.time_s)

    def _refused(self, waiting: Waiting, error: RefusedError) -> bool:
        """Count a refusal; return whether the message has been given up."""
        book, chosen = self.point.book, self.point.variables
        book.refused(waiting)
        attempts = waiting.attempts + 1
        meter = waiting.event.get("kind") == transactions.UPDATE
        if not waiting.tx or (meter and str(error).startswith(_UNKNOWN_THERE)):
            # Others do not wait for it, and it is of no use to say it again.
            book.delivered(waiting)
            return True
        self.last_error = f"a message of a transaction was refused: {error}"
        self._retry_ms = self.point.ms + attempts * chosen.whole(variables.RETRY) * 1000
        if attempts < chosen.whole(variables.ATTEMPTS):
            return False
        _log.error("ocpp: given up after %s refusals: %s", attempts, dict(waiting.event))
        book.delivered(waiting)
        self._retry_ms = 0
        return True

    def _at_s(self, waiting: Waiting) -> float:
        """Return when it happened; a clock that was not set then is counted back now."""
        at = waiting.event["at"]
        now = self.point.now
        if now is None or at["set"] or at["boot"] != now.boot:
            return float(at["wall"])
        return self.point.time_s - (now.at_ms - int(at["ms"])) / 1000

    def _clock(self, answer: Payload) -> None:
        told = answer.get("currentTime")
        try:
            self.point.told_clock_s = seconds_of(str(told)) - self.point.ms / 1000
        except ValueError:
            self.point.told_clock_s = None

    def _pause_ms(self) -> int:
        pause_s = self.point.variables.whole(variables.HEARTBEAT) or _LONGEST_PAUSE_S
        if self.point.agreed.offline_da < UNLIMITED_DA:
            pause_s = min(pause_s, max(1, self.point.agreed.offline_after_s // _SIGNS))
        return pause_s * 1000


async def _at_once() -> None:
    """There is room."""


class Errands(Protocol):
    """What takes long, and is done beside the conversation."""

    def upload(self, talk: Talk, request: Payload) -> str:
        """Pack and send a diagnosis; return the file's name, empty: that cannot be done."""

    def update(self, talk: Talk, request: Payload) -> bool:
        """Fetch and install firmware; False: that cannot be done."""


class NoErrands:
    """Nothing takes long here."""

    def upload(self, _talk: Talk, _request: Payload) -> str:
        """Not here."""
        return ""

    def update(self, _talk: Talk, _request: Payload) -> bool:
        """Not here."""
        return False


def _same(one: Message, other: Message) -> bool:
    """Tell whether two statuses say the same, their times aside."""
    return {**one[1], "timestamp": ""} == {**other[1], "timestamp": ""}
