"""Keeps one worker running while the engine is on, and answers for it. Source: lua.md 4, 7, 11."""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

import evsed
from evsed.errors import RejectedError
from evsed.host.worker_process import Kind, Message, WorkerProcess
from evsed.operations.operations import Operations
from evsed.services.script.components import (
    Component,
    Parameter,
    checked,
    shown_component,
    shown_parameters,
    values_to_store,
)
from evsed.services.script.journal import Journal
from evsed.services.script.output import Output, Ring
from evsed.services.script.parameters import Parameters, Value
from evsed.services.script.rpc import Brokers, Calls, SerialPorts
from evsed.services.script.state import script_board
from evsed.services.script.watch import TreeWatch
from evsed.settings.services import ScriptSettings

_PAUSES_S: Final = (1, 2, 5, 10, 30)
_DEATHS: Final = 5
_STUCK: Final = 3
_WITHIN_S: Final = 600.0
_READY_S: Final = 2.0
_NO_LUA: Final = 69
#: How a component stands that raised an error.
_FAILED: Final = "failed"
#: Stands for the exit status of a worker that could not even be started.
_NOT_STARTED: Final = -1

_WORKER: Final = Kind(
    module="evsed.services.script.worker",
    name="script",
    silent_s=3.0,
    stop_s=0.3,
    lines_per_s=3000,
    lines_at_once=600,
    line_bytes=2048,
)

_log = logging.getLogger(__name__)


class ScriptService:
    """The engine as the rest of the daemon sees it.

    Args:
        operations: settings, and what scripts may ask for.
        root: the folder scripts call ``/usr``.
        ring: keeps what they print.
        ports: the serial port for scripts.
        brokers: makes MQTT for scripts, given who takes messages, as lines for the worker, and
            who takes a line for the user.
    """

    name = "script"

    def __init__(
        self,
        operations: Operations,
        root: Path,
        *,
        ring: Ring,
        ports: SerialPorts,
        brokers: Callable[[Callable[[bytes], None], Callable[[str], None]], Brokers],
    ) -> None:
        self._operations = operations
        self._root = root
        self._output = Output(ring, journal=Journal().write)
        self._parameters = Parameters(root / "lua" / "params.yaml")
        self._calls = Calls(
            operations,
            self._parameters,
            ports,
            brokers(self._relay, self._output.say),
            self._output.say,
        )
        self._worker: WorkerProcess | None = None
        self._components: list[Message] = []
        self._stuck: dict[str, deque[float]] = {}
        self._deaths: deque[float] = deque(maxlen=_DEATHS)
        #: set when somebody wants the worker started afresh, or ended
        self._again = asyncio.Event()
        self._watch = TreeWatch(root / "lua")
        self._restarted = asyncio.Condition()
        self._restarts = 0

    # What settings and clients ask for.

    async def apply(self, before: ScriptSettings, after: ScriptSettings) -> None:
        """Follow the settings; wait until the entry file has run, two seconds at most."""
        if before.enabled != after.enabled:
            await self._start_afresh()

    async def zone_changed(self, _before: object, _after: object) -> None:
        """Have scripts see the local time of another zone."""
        if self._worker is not None:
            self._worker.send({"t": "zone", "tz": self._operations.picture().time_zone_rule})

    async def reload(self) -> None:
        """Start all scripts again; nothing while the engine is off."""
        if self._enabled:
            await self._start_afresh()

    def output(self, index: int) -> tuple[Sequence[str], int]:
        """Return the output that is kept from an index on, and how many lines there were."""
        return self._output.lines(index)

    def components(self) -> Sequence[Component]:
        """Return the components in their order."""
        return [shown_component(one) for one in self._components]

    def component(self, name: str) -> Sequence[Parameter] | None:
        """Return the parameters of the component with this id, in order; None when unknown."""
        found = self._find(name)
        return None if found is None else shown_parameters(found)

    async def set_component(self, name: str, values: Mapping[str, Value]) -> None:
        """Change some parameters of a known component, and start it again.

        Raises:
            RejectedError: an unknown key, or a value of the wrong type; nothing was changed.
            StorageError: the disk refused.
        """
        found = self._find(name)
        if found is None:
            raise RejectedError("there is no such component", key=name)
        stored = values_to_store(found, values)
        await asyncio.to_thread(self._parameters.change, name, stored)
        self._stuck.pop(name, None)
        await self._restart_component(name)

    def files_changed(self) -> None:
        """Look whether files have changed; a hint, the folder is looked at anyway."""
        self._watch.hint()

    def files_replaced(self) -> None:
        """Start afresh: all the files are others now."""
        self._deaths.clear()
        self._again.set()

    # Life.

    async def serve(self) -> None:
        """Run workers, one after the other, until cancelled."""
        await asyncio.to_thread((self._root / "lua").mkdir, parents=True, exist_ok=True)
        watching = asyncio.create_task(self._watch_files())
        try:
            while True:
                self._again.clear()
                if self._enabled:
                    await asyncio.to_thread((self._root / "lua").mkdir, parents=True, exist_ok=True)
                    await self._run_worker()
                else:
                    self._output.restart()
                    await self._again.wait()
        finally:
            watching.cancel()
            await self._calls.end()

    @property
    def _enabled(self) -> bool:
        return self._operations.store.settings.script.enabled

    async def _run_worker(self) -> None:
        """Run one worker until it ends or is to be started afresh."""
        self._output.restart()
        self._components = []
        worker = self._worker = WorkerProcess(self._take, _WORKER)
        first = await self._first_message()
        running = asyncio.create_task(worker.run(lambda: (first,)))
        again = asyncio.create_task(self._again.wait())
        try:
            await asyncio.wait({running, again}, return_when=asyncio.FIRST_COMPLETED)
            if again.done():
                await worker.stop()
        finally:
            for task in (running, again):
                task.cancel()
            await asyncio.gather(running, again, return_exceptions=True)
            self._worker = None
            self._components = []
            self._calls.release_all()
            await self._calls.fall_back()
        if not self._again.is_set():
            await self._after_death(_status(running), worker.last_words)

    async def _first_message(self) -> Message:
        picture = self._operations.picture()
        return {
            "t": "init",
            "root": str(self._root.absolute()),
            "version": evsed.__version__,
            "board": script_board(self._operations.board),
            "uptime": picture.facts.uptime_s,
            "tz": picture.time_zone_rule,
            "state": self._calls.state(),
            "quarantined": [name for name in self._stuck if self._is_quarantined(name)],
        }

    async def _after_death(self, status: int, last_words: str) -> None:
        """Say so, and wait longer each time; too many deaths and it stays down."""
        if status == _NO_LUA:
            self._output.say("script: no Lua 5.4 engine")
            _log.error("script: no Lua 5.4 engine on this machine")
            await self._again.wait()
            return
        now_s = time.monotonic()
        self._deaths.append(now_s)
        recent = [at_s for at_s in self._deaths if now_s - at_s < _WITHIN_S]
        _log.warning("script: the worker ended with %s", status)
        for line in last_words.splitlines():
            _log.warning("script: %s", line)
        self._output.say(f"script engine ended ({status})")
        if len(recent) >= _DEATHS:
            self._output.say("script engine stays down: it ended too often")
            _log.error("script: ended %d times in ten minutes and stays down", _DEATHS)
            await self._again.wait()
            return
        pause_s = _PAUSES_S[min(len(recent), len(_PAUSES_S)) - 1]
        try:
            async with asyncio.timeout(pause_s):
                await self._again.wait()
        except TimeoutError:
            pass

    async def _start_afresh(self) -> None:
        self._deaths.clear()
        self._stuck.clear()
        self._again.set()
        if not self._enabled:
            while self._worker is not None:  # noqa: ASYNC110  # ends within its 300 ms
                await asyncio.sleep(0.01)
            return
        try:
            async with asyncio.timeout(_READY_S):
                while self._again.is_set() or self._worker is None:  # noqa: ASYNC110  # soon
                    await asyncio.sleep(0.01)
                await self._worker.ready.wait()
        except TimeoutError:
            pass

    async def _watch_files(self) -> None:
        async for _ in self._watch.changes():
            if self._enabled and self._operations.store.settings.script.auto_reload:
                _log.info("script: files have changed, starting again")
                self._deaths.clear()
                self._again.set()

    # Messages of the worker.

    async def _take(self, message: Message) -> None:
        worker = self._worker
        if worker is None:
            return
        if message.get("t") == "call":
            answer = await self._calls.answer(
                str(message.get("f")), message.get("a", ()), message.get("id")
            )
            worker.send({"t": "ret", "n": message.get("n"), **answer})
        elif message.get("t") == "restarted":
            async with self._restarted:
                self._restarts += 1
                self._restarted.notify_all()
        elif message.get("t") == "comp":
            self._components = [checked(one) for one in message["list"]]
            for one in self._components:
                if one["status"] == _FAILED:
                    await self._calls.fall_back(one["id"])
        else:
            self._note(worker, message)

    def _note(self, worker: WorkerProcess, message: Message) -> None:
        match message.get("t"):
            case "out":
                lines = [str(line) for line in message.get("l", ())]
                self._output.take(lines, int(message.get("suppressed", 0)))
            case "took":
                self._calls.took(int(message["count"]))
            case "ready":
                worker.ready.set()
            case "stuck":
                self._note_stuck(message.get("id"), int(message.get("ms", 0)))

    def _relay(self, line: bytes) -> None:
        if self._worker is not None:
            self._worker.send_line(line)

    def _note_stuck(self, component: object, ms: int) -> None:
        who = "init.lua"
        if isinstance(component, str):
            self._stuck.setdefault(component, deque(maxlen=_STUCK)).append(time.monotonic())
            who = f"component {component}"
        self._output.say(f"{who} did not come back within {ms} ms")
        _log.warning("script: %s did not come back within %d ms", who, ms)

    def _is_quarantined(self, component: str) -> bool:
        times = self._stuck[component]
        return len(times) == _STUCK and time.monotonic() - times[0] < _WITHIN_S

    def _find(self, name: str) -> Message | None:
        return next((one for one in self._components if one["id"] == name), None)

    async def _restart_component(self, name: str) -> None:
        """Have the worker start a component again; wait until it has, two seconds at most."""
        worker = self._worker
        if worker is None:
            return
        before = self._restarts
        worker.be_patient()
        worker.send({"t": "restart", "id": name})
        try:
            async with asyncio.timeout(_READY_S), self._restarted:
                await self._restarted.wait_for(lambda: self._restarts > before)
        except TimeoutError:
            pass


def _status(running: "asyncio.Task[int]") -> int:
    """Return how a worker ended."""
    error = running.exception()
    if error is None:
        return running.result()
    _log.error("script: no worker could be started: %r", error)
    return _NOT_STARTED
