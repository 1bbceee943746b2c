"""The engine's host when it lives in the worker: everything is asked of the daemon."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

from evsed.host.pace import Allowance
from evsed.services.script.worker.engine import State, Value
from evsed.services.script.worker.guard import Guard
from evsed.services.script.worker.link import Link, TooLongError

#: Characters; on the wire each may take six bytes. The daemon cuts lines at 4096 bytes.
_LONGEST_LINE = 4200
_BATCH = 64 * 1024
#: A little more than the daemon keeps: it has the last word, and need not read what it drops.
_LINES_PER_S = 220
_LINES_AT_ONCE = 550


class RemoteHost:
    """Calls over the link, and copies of what the daemon sent.

    Args:
        link: to the daemon.
        first: its first message.
        guard: told whose code runs, and when it only waits.
    """

    def __init__(self, link: Link, first: Mapping[str, Any], guard: Guard) -> None:
        self._link, self._guard = link, guard
        self.board: Mapping[str, Any] = first["board"]
        self._state: State = first["state"]
        self._quarantined = frozenset(first["quarantined"])
        self._started_s = time.monotonic() - float(first["uptime"])
        self._fresh = False
        self._number = 0
        self._lines = Allowance(_LINES_PER_S, _LINES_AT_ONCE)
        self._component: str | None = None

    def call(self, name: str, arguments: Sequence[Value]) -> tuple[Any, ...]:
        """Have the daemon carry out a call."""
        answer = self._ask(name, arguments)
        if answer.get("ok"):
            return (True, *answer.get("v", ()))
        return False, str(answer.get("e", "failed")), int(answer.get("arg", 1))

    def state(self) -> State:
        """Return a fresh copy of everything the getters read: the last call's, or a new one."""
        if not self._fresh:
            self._ask("snapshot", ())
        return self._state

    def stored(self, component: str) -> Mapping[str, str]:
        """Return the parameters stored now."""
        answer = self._ask("stored", (component,))
        found = answer.get("v") or [{}]
        return found[0] if isinstance(found[0], dict) else {}

    def quarantined(self, component: str) -> bool:
        """Tell whether a component ended the worker too often."""
        return component in self._quarantined

    def mqtt_state(self, client: int) -> str:
        """Return how the connection stands."""
        ok, *found = self.call("mqtt.state", (client,))
        return str(found[0]) if ok and found else "disconnected"

    def write(self, lines: list[str], suppressed: int) -> None:
        """Send finished lines, in messages of a size the daemon takes, and not too many."""
        batch: list[str] = []
        size = 0
        for line in lines:
            if not self._lines.take():
                suppressed += 1
                continue
            cut = line[:_LONGEST_LINE]
            if batch and size + len(cut) > _BATCH:
                self._link.send({"t": "out", "l": batch, "suppressed": 0})
                batch, size = [], 0
            batch.append(cut)
            size += len(cut) + 1
        self._link.send({"t": "out", "l": batch, "suppressed": suppressed})

    def changed(self, components: list[dict[str, Any]]) -> None:
        """Send the list of components."""
        self._link.send({"t": "comp", "list": components})

    def entered(self, component: str | None) -> None:
        """Note whose code runs."""
        self._component, self._fresh = component, False
        self._guard.entered(component)

    def release(self, component: str) -> None:
        """Have the daemon free what a component opened."""
        self.call("release", (component,))

    def uptime_s(self) -> float:
        """Return seconds since the daemon started."""
        return time.monotonic() - self._started_s

    def wall_s(self) -> float:
        """Return Unix seconds."""
        return time.time()

    def _ask(self, name: str, arguments: Sequence[Value]) -> dict[str, Any]:
        self._number += 1
        message: dict[str, Any] = {"t": "call", "n": self._number, "f": name, "a": list(arguments)}
        if self._component is not None:
            message["id"] = self._component
        try:
            with self._guard.elsewhere():
                self._link.send(message)
                answer = self._link.answer(self._number)
        except TooLongError:
            return {"ok": False, "e": "argument too long"}
        state = answer.get("state")
        self._fresh = isinstance(state, dict)
        if isinstance(state, dict):
            self._state = state
        return answer
