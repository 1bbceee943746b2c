"""Calls and answers over one WebSocket, framed and judged by the ``ocpp`` library.

Whatever the other side sends ends as an answer, as an error in the protocol's own words, or as the
end of the connection; nothing of it is believed before its schema has been checked.
Source: OCPP-J 1.6 section 4, OCPP 2.0.1 part 4.
"""

import asyncio
import logging
import re
import uuid
from collections.abc import Callable
from typing import Any, Final, Protocol

from ocpp.exceptions import OCPPError
from ocpp.messages import Call, CallError, CallResult, unpack, validate_payload

from evsed.services.ocpp.talk import GoneError, Payload, RefusedError, Talk

#: So long an answer is waited for; then it is looked whether anybody is there at all.
ANSWER_S: Final = 30.0
#: Who does not answer these is not there.
_PROBE: Final = "Heartbeat"
_SIGNS: Final = frozenset({"BootNotification", _PROBE})
#: More is not read; 20 profiles of 48 periods are a tenth of it.
MOST_BYTES: Final = 256 * 1024
_MALFORMED: Final = "FormatViolation"
#: 1.6 writes some of the codes otherwise. Source: OCPP-J 1.6 section 4.2.3, errata 5.
_WORDS: Final = {
    "1.6": {
        _MALFORMED: "FormationViolation",
        "OccurrenceConstraintViolation": "OccurenceConstraintViolation",
    }
}
_ACTION: Final = re.compile(r"[A-Za-z0-9]{1,50}")
_MOST_ID: Final = 64
_MOST_WORDS: Final = 200

_log = logging.getLogger(__name__)


class Socket(Protocol):
    """A connection that carries texts."""

    async def send(self, text: str) -> None:
        """Send a text; raises ``GoneError``."""

    async def receive(self) -> str:
        """Return the next text; raises ``GoneError``."""


def patience(_action: str) -> float:
    """Return how long an answer is waited for, s."""
    return ANSWER_S


class Dialog:
    """A ``Link`` over a socket.

    Args:
        socket: what carries the texts.
        talk: who answers.
        patience: see there.
    """

    def __init__(
        self, socket: Socket, talk: Talk, patience: Callable[[str], float] = patience
    ) -> None:
        self._socket, self._talk, self._patience = socket, talk, patience
        self._one_call = asyncio.Lock()
        #: what was not answered in time: number, action, and the answer once it has come
        self._overdue: tuple[str, str] = ("", "")
        self._late: Payload | None = None
        self._asked: tuple[str, str, asyncio.Future[Payload]] | None = None
        self._answered: tuple[str, str] = ("", "")
        self._end: GoneError | None = None

    async def run(self) -> None:
        """Take what comes until the connection ends.

        Raises:
            GoneError: it has ended.
        """
        try:
            while True:
                await self._take(await self._socket.receive())
        except GoneError as error:
            self._end = error
            raise
        finally:
            self._end = self._end or GoneError("the connection was closed")
            if self._asked is not None and not self._asked[2].done():
                self._asked[2].set_exception(self._end)

    async def call(self, action: str, payload: Payload, message: str | None = None) -> Payload:
        """See ``Link``."""
        number = message or str(uuid.uuid4())
        async with self._one_call:
            if self._end is not None:
                raise self._end
            if (late := self._taken_late(number)) is not None:
                return late
            try:
                return await self._exchange(number, action, payload)
            except TimeoutError:
                return await self._missed(number, action)

    async def _exchange(self, number: str, action: str, payload: Payload) -> Payload:
        answer: asyncio.Future[Payload] = asyncio.get_running_loop().create_future()
        self._asked = number, action, answer
        try:
            await self._socket.send(Call(number, action, dict(payload)).to_json())
            async with asyncio.timeout(self._patience(action)):
                return await answer
        finally:
            self._asked = None

    async def _missed(self, number: str, action: str) -> Payload:
        """Find out whether nobody is there, or only this is not answered.

        One is an outage; the other counts as a refusal, so that what waits behind it gets its turn.
        """
        why = f"{action} was not answered in {self._patience(action):g} s"
        self._overdue, self._late = (number, action), None
        if action in _SIGNS or not await self._is_there():
            self._end = GoneError(why)
            raise self._end
        if (late := self._taken_late(number)) is not None:
            return late
        raise RefusedError(why)

    async def _is_there(self) -> bool:
        try:
            await self._exchange(str(uuid.uuid4()), _PROBE, {})
        except TimeoutError:
            return False
        except RefusedError:
            pass  # an answer all the same
        return True

    def _taken_late(self, number: str) -> Payload | None:
        if self._overdue[0] != number:
            return None
        late, self._late = self._late, None
        return late

    async def _take(self, text: str) -> None:
        try:
            message = unpack(text)
        except (OCPPError, ValueError, TypeError, RecursionError, LookupError):
            self._talk.last_error = "something came that is no message of OCPP"
            return
        if isinstance(message, Call):
            await self._obey(message)
        elif isinstance(message, CallResult):
            await self._result(message)
        elif self._is_asked(message.unique_id):
            self._refuse(f"{message.error_code}: {message.error_description}"[:_MOST_WORDS])

    def _is_asked(self, number: object) -> bool:
        return self._asked is not None and number == self._asked[0] and not self._asked[2].done()

    def _refuse(self, why: str) -> None:
        if self._asked is not None and not self._asked[2].done():
            self._asked[2].set_exception(RefusedError(why))

    async def _result(self, result: CallResult) -> None:
        if self._asked is not None and self._is_asked(result.unique_id):
            _number, action, answer = self._asked
            trouble = await self._trouble_of(result, action)
            if trouble:
                self._refuse(f"the answer is none: {trouble}")
            elif not answer.done():
                answer.set_result(result.payload)
        elif result.unique_id == self._overdue[0] and not await self._trouble_of(
            result, self._overdue[1]
        ):
            self._late = result.payload

    async def _trouble_of(self, result: CallResult, action: str) -> str:
        """Return what is wrong with an answer; empty: nothing."""
        result.action = action
        try:
            await validate_payload(result, self._talk.dialect.version)
        except (OCPPError, ValueError, TypeError, RecursionError, ArithmeticError) as error:
            return type(error).__name__
        return ""

    async def _obey(self, call: Call) -> None:
        """Do what is asked for; who has rejected this charger has nothing to say to it.

        Source: OCPP 1.6 section 4.2, OCPP 2.0.1 part 2 B03.FR.07.
        """
        if not isinstance(call.unique_id, str) or not 0 < len(call.unique_id) <= _MOST_ID:
            return  # nobody could tell what an answer belongs to
        key = f"{call.unique_id} {call.action}"
        if self._answered[0] == key:
            await self._socket.send(self._answered[1])  # asked twice, done once
            return
        await self._talk.room()
        if self._talk.rejected:
            if self._talk.dialect.version != "1.6":
                await self._socket.send(_error(call, "SecurityError"))
            return
        text = await self._answer_to(call)
        self._answered = key, text
        await self._socket.send(text)

    async def _answer_to(self, call: Call) -> str:
        version = self._talk.dialect.version
        words = _WORDS.get(version, {})
        try:
            if not isinstance(call.action, str) or not _ACTION.fullmatch(call.action):
                return _error(call, "NotImplemented")
            if isinstance(call.payload, dict):
                call.payload = self._talk.dialect.tidied(call.payload)
            await validate_payload(call, version)
            answer = await self._talk.dialect.handle(self._talk, call.action, call.payload)
        except OCPPError as error:
            return _error(call, words.get(error.code, error.code), str(error.description))
        except (ValueError, TypeError, LookupError, RecursionError, ArithmeticError) as error:
            return _error(call, words.get(_MALFORMED, _MALFORMED), type(error).__name__)
        except Exception:  # noqa: BLE001  # whatever was asked for, the others must be answered too
            _log.exception("ocpp: %s failed", call.action)
            return _error(call, "InternalError")
        if answer is None:
            return _error(call, "NotSupported")
        result: Any = call.create_call_result(answer)
        return str(result.to_json())


def _error(call: Call, code: str, words: str = "") -> str:
    return str(CallError(call.unique_id, code, words[:_MOST_WORDS], {}).to_json())
