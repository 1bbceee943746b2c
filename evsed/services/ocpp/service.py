"""OCPP as the daemon sees it: a process that is told how the charger stands and asks for things.

The daemon keeps the settings, carries out what is asked for, and holds the limit ``ocpp``, which
falls back in the control pass when nothing is heard of the process for ``LEASE_S``.
Source: decision 34, docs/ocpp.md.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import evsed
from evsed.errors import EvsedError, RejectedError
from evsed.operations.operations import Operations
from evsed.services.ocpp.child import Child
from evsed.services.ocpp.moment import as_json, moment_of
from evsed.services.ocpp.orders import Offered, Orders
from evsed.settings.ocpp import OCPP, OcppSettings
from evsed.units import tenths

#: A look at the charger so often; a line at least once a second, or when something happens.
_LOOK_S: Final = 0.2
_LINE_S: Final = 1.0
#: Pauses before a process that has died is started again.
_PAUSES_S: Final = (1.0, 5.0, 30.0)
_PRESENT_S: Final = 40.0
ABSENT: Final = (
    "OCPP needs the Python library ocpp, which is not installed: "
    "sudo apt install evsed-ocpp, or see docs/ocpp.md"
)
_STATE: Final[Mapping[str, Any]] = {
    "connected": False,
    "accepted": False,
    "queue": 0,
    "transaction": None,
    "token": None,
    "profiles": 0,
    "lastError": "",
}

_log = logging.getLogger(__name__)


def library_is_there() -> bool:
    """Tell whether the optional library is installed."""
    return find_spec("ocpp") is not None


@dataclass(slots=True, kw_only=True)
class _Judging:
    """Tokens that wait for the process's word."""

    last: int = 0
    waiting: dict[int, "asyncio.Future[str]"] = field(default_factory=dict)


class OcppService:
    """Runs the process while the settings say so.

    Args:
        operations: the desk.
        folder: where the process keeps its database.
        boot: which start of the computer this is.
        offered: other services it may ask.
        installed: tells whether the library is there.
    """

    def __init__(
        self,
        operations: Operations,
        folder: Path,
        boot: str,
        offered: Offered,
        installed: Callable[[], bool] = library_is_there,
    ) -> None:
        self._operations, self._folder, self._boot = operations, folder, boot
        self._installed = installed
        self._orders = Orders(operations, offered)
        self._child: Child | None = None
        self._changed = asyncio.Event()
        self._state: dict[str, Any] = dict(_STATE)
        self._judging = _Judging()

    @property
    def _settings(self) -> OcppSettings:
        return self._operations.store.settings.ocpp

    def state(self) -> dict[str, Any]:
        """Return how the connection stands, as GET /ocpp/state shows it."""
        shown = {"enabled": self._settings.enabled, "installed": self._installed()}
        trouble = ABSENT if self._settings.enabled and not shown["installed"] else ""
        return {**shown, **self._state, "lastError": trouble or self._state["lastError"]}

    async def changed(self, _before: OcppSettings, after: OcppSettings) -> None:
        """Take new settings.

        Raises:
            RejectedError: they ask for a library that is not there.
        """
        if after.enabled and not self._installed():
            raise RejectedError(ABSENT, key="enabled")
        self._changed.set()

    async def present(self, token: str) -> str:
        """Take a token somebody holds up here; return ``Accepted`` or why not.

        Raises:
            RejectedError: OCPP is off, or does not run at this moment.
            TimeoutError: nothing was decided in time.
        """
        child = self._child
        if child is None:
            raise RejectedError("OCPP is switched off or does not run; /ocpp/state says why")
        self._judging.last += 1
        number = self._judging.last
        answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._judging.waiting[number] = answer
        try:
            child.send({"t": "token", "n": number, "token": token})
            async with asyncio.timeout(_PRESENT_S):
                return await answer
        finally:
            del self._judging.waiting[number]

    async def serve(self) -> None:
        """Serve until cancelled."""
        lives = 0
        while True:
            self._changed.clear()
            if self._settings.enabled:
                await self._orders.hold_offline(self._settings)
            else:
                await self._orders.release()
            if not self._settings.enabled or not self._installed():
                self._state = dict(_STATE)
                await self._changed.wait()
                lives = 0
                continue
            await self._run()
            if not self._changed.is_set():
                pause_s = _PAUSES_S[min(lives, len(_PAUSES_S) - 1)]
                lives += 1
                _log.warning("ocpp: the process has ended; again in %g s", pause_s)
                await self._rest(pause_s)

    async def _rest(self, pause_s: float) -> None:
        try:
            async with asyncio.timeout(pause_s):
                await self._changed.wait()
        except TimeoutError:
            pass

    async def _run(self) -> None:
        """Run the process until it ends or the settings change."""
        async with Child(self._first(), self._take) as child:
            self._child = child
            tasks = (
                asyncio.create_task(child.listen()),
                asyncio.create_task(self._feed(child)),
                asyncio.create_task(self._changed.wait()),
            )
            try:
                await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            finally:
                self._child = None
                self._state |= {"connected": False, "accepted": False}
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
        if child.last_words:
            _log.error("ocpp: %s", child.last_words)
            self._state["lastError"] = "the process has failed; the log says why"

    def _first(self) -> dict[str, Any]:
        evse, board = self._operations.store.evse, self._operations.board
        return {
            "t": "init",
            "folder": str(self._folder),
            "settings": OCPP.kept(self._settings),
            "board": {
                "volts": evse.energy_meter_ac_voltage_v,
                "phases": board.limits.phases,
                "most_da": tenths(evse.max_charging_current_a),
                "model": board.device_name,
                "firmware": evsed.__version__,
            },
        }

    async def _feed(self, child: Child) -> None:
        """Tell the process how the charger stands."""
        loop = asyncio.get_running_loop()
        told_s, told = 0.0, None
        while True:
            now = self._operations.station.snapshot
            key = (now.state, now.reason, now.contactor_closed, now.session, now.locked)
            if now.at_ms and (key != told or loop.time() - told_s >= _LINE_S):
                told, told_s = key, loop.time()
                clock = self._operations.clock
                moment = moment_of(
                    now, wall_s=clock.now_s(), clock_set=clock.plausible(), boot=self._boot
                )
                child.send({"t": "moment", "moment": as_json(moment)})
            await asyncio.sleep(_LOOK_S)

    async def _take(self, message: Mapping[str, Any]) -> None:
        """Take a line of the process."""
        match message["t"]:
            case "state":
                self._state = {key: message[key] for key in _STATE}
            case "judged":
                waiting = self._judging.waiting.get(message["n"])
                if waiting is not None and not waiting.done():
                    waiting.set_result(message["status"])
            case "log":
                _log.log(message["level"], "%s", message["line"])
            case _:
                await self._obey(message)

    async def _obey(self, message: Mapping[str, Any]) -> None:
        try:
            await self._orders.carry_out(message, self._done)
        except (EvsedError, TimeoutError) as error:
            _log.warning("ocpp: %s was refused: %s", message["t"], error)

    def _done(self, what: str, trouble: str) -> None:
        if self._child is not None:
            self._child.send({"t": "done", "what": what, "trouble": trouble})
