"""One Lua state with the owner's scripts in it, and everything they may reach.

Lua's texts are bytes: on this side of the border every text is Latin-1. A host function never
raises, because Lua would see a Python object; it returns ``(True, ...)`` or ``(False, message)``.
Coroutines are made, resumed and closed in Lua only. Source: lua.md sections 1, 2 and 12.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from importlib import resources
from typing import Any, Final, Protocol

from evsed.services.script.worker.files import Files
from evsed.services.script.worker.lua54 import new_runtime

ENTRY: Final = "/usr/lua/init.lua"
MEMORY_BYTES: Final = 32 * 1024 * 1024
#: How old the picture may be that a script begins with.
_FRESH_MS: Final = 20
#: Calls of these modules change what the picture shows.
_WRITING: Final = ("evse.", "energymeter.")
#: An unfinished line waits for its end for so long.
_LINE_MS: Final = 1000
#: What one pass may print.
_MOST_LINES: Final = 2000
#: Bytes of one line; whoever keeps it cuts it at 4096.
_LONGEST: Final = 4200
_COLLECT_ABOVE: Final = 24 * 1024 * 1024

Value = str | float | bool | None
#: module, value: as the getters of the modules return them
State = Mapping[str, Mapping[str, Any]]


class Host(Protocol):
    """What the engine asks of whoever runs it; nothing here may raise."""

    @property
    def board(self) -> Mapping[str, Any]:
        """The fields of module ``boardconfig``."""

    def call(self, name: str, arguments: Sequence[Value]) -> tuple[Any, ...]:
        """Carry out a call that has an effect, or reads a device; ``(True, ...)`` or a message."""

    def state(self) -> State:
        """Return everything the getters read, as it is now."""

    def stored(self, component: str) -> Mapping[str, str]:
        """Return the stored parameters of a component, as texts."""

    def quarantined(self, component: str) -> bool:
        """Tell whether a component must not be started."""

    def mqtt_state(self, client: int) -> str:
        """Return ``connected``, ``connecting`` or ``disconnected``."""

    def write(self, lines: list[str], suppressed: int) -> None:
        """Take finished lines of output, and how many more there were."""

    def changed(self, components: list[dict[str, Any]]) -> None:
        """Take the list of components after a change."""

    def entered(self, component: str | None) -> None:
        """Note whose code runs from now on."""

    def release(self, component: str) -> None:
        """Free what a component has opened."""

    def uptime_s(self) -> float:
        """Return seconds since the daemon started."""

    def wall_s(self) -> float:
        """Return Unix seconds."""


class Engine:
    """Runs scripts until it is dropped.

    Args:
        host: what they can reach.
        files: the tree they live in.
        now_ms: a clock that never goes back.
    """

    def __init__(self, host: Host, files: Files, now_ms: Callable[[], int]) -> None:
        self._host, self._files, self._now_ms = host, files, now_ms
        self._state: State = {}
        self._state_ms: int | None = None
        self._line = ""
        self._line_ms = 0
        self._lines: list[str] = []
        self._suppressed = 0
        self._list_due = True
        self._runtime = new_runtime(MEMORY_BYTES)
        self._api = self._build()

    def start(self, version: str) -> None:
        """Run the entry file; whatever goes wrong in it is a line of output."""
        self._say(f"Lua 5.4 (evsed {version})")
        self._say(f"loading file '{ENTRY}'...")
        if self._files.exists("/usr/lua/init.luac"):
            self._say("init.luac is not loaded: compiled files are refused")
        chunk, problem = self._load_entry()
        if chunk is None:
            self._say(problem)
        else:
            self._api["init"](chunk)
        self._publish()

    def run(self) -> int | None:
        """Do everything that is due; return when the next thing is, None for never."""
        self._state_ms = None
        self._flush_old_line()
        due = self._api["run"]()
        self._api["sweep"]()
        self._publish()
        dues = [self._line_ms + _LINE_MS] if self._line else []
        return min([*dues, *([] if due is None else [int(due)])], default=None)

    def deliver(self, client: int, topic: str, data: str) -> None:
        """Hand a message to whoever has subscribed to it."""
        if self._api["count"]() * 1024 > _COLLECT_ABOVE:
            self._api["collect"]()
        self._state_ms = None
        self._api["mqtt"](client, topic, data)
        self._publish()

    def restart(self, component: str) -> None:
        """End one component and start it again with the parameters stored now."""
        self._state_ms = None
        self._api["restart"](component.encode().decode("latin-1"))
        self._publish()

    def components(self) -> list[dict[str, Any]]:
        """Return what has been registered, in order."""
        found = json.loads(_text(self._api["list"]()))
        return found if isinstance(found, list) else []

    # What Lua may call; each of these is wrapped so that it cannot raise.

    def _get(self, module: str, value: str) -> Any:
        if self._state_ms is None:
            self._state, self._state_ms = self._host.state(), self._now_ms()
        found = self._state[module][value]
        return tuple(found) if isinstance(found, list) else found

    def _call(self, name: str, *arguments: Value) -> tuple[Any, ...]:
        answer = self._host.call(name, arguments)
        if name.startswith(_WRITING):
            self._state_ms = None  # a script reads its own writes
        return answer

    def _enter(self, component: str | None = None) -> None:
        """Note whose code runs; until it yields, its picture stays the same.

        Whoever runs after it in the same pass sees the same, unless that is old by then.
        """
        if self._state_ms is None or self._now_ms() - self._state_ms > _FRESH_MS:
            self._state_ms = None
        self._host.entered(None if component is None else _text(component))

    def _write(self, text: str) -> None:
        self._flush_old_line()
        *lines, rest = (self._line + text).split("\n")
        room = max(0, _MOST_LINES - len(self._lines))
        self._lines += [_text(line[:_LONGEST]) for line in lines[:room]]
        self._suppressed += len(lines[room:])
        if lines or not self._line:
            self._line_ms = self._now_ms()
        self._line = rest[:_LONGEST]

    def _stored(self, component: str) -> str:
        return _lua_json(dict(self._host.stored(_text(component))))

    def _changed(self) -> None:
        self._list_due = True

    def _say(self, line: str) -> None:
        self._lines.append(line)

    def _flush_old_line(self) -> None:
        if self._line and self._now_ms() - self._line_ms >= _LINE_MS:
            self._lines.append(_text(self._line))
            self._line = ""

    def _publish(self) -> None:
        if self._lines:
            lines, self._lines = self._lines, []
            suppressed, self._suppressed = self._suppressed, 0
            self._host.write(lines, suppressed)
        if self._list_due:
            self._list_due = False
            self._host.changed(self.components())

    def _load_entry(self) -> tuple[Any, str]:
        ok, text, _ = self._files.read(ENTRY)
        if not ok:
            return None, f"failed to load file '{ENTRY}'"
        chunk, problem = self._api["load"](text, f"@{ENTRY}")
        return chunk or None, _text(problem)

    def _build(self) -> Any:
        functions: dict[str, Callable[..., Any]] = {
            "get": self._get,
            "call": self._call,
            "enter": self._enter,
            "write": self._write,
            "stored": self._stored,
            "quarantined": lambda name: self._host.quarantined(_text(name)),
            "changed": self._changed,
            "release": lambda name: self._host.release(_text(name)),
            "mqtt_state": self._host.mqtt_state,
            "has_output": lambda name: name in self._host.board.get("auxoutputs", ()),
            "now": self._now_ms,
            "uptime": self._host.uptime_s,
            "wall": self._host.wall_s,
            "read_file": self._files.read,
            "write_file": self._files.write,
            "remove_file": self._files.remove,
            "rename_file": self._files.rename,
        }
        host = self._runtime.table()
        for name, function in functions.items():
            host[name] = _never_raising(function)
        host["board"] = _lua_json(dict(self._host.board))
        sources = self._runtime.table()
        folder = resources.files(__package__) / "lua"
        for name in ("watchdog", "json", "sandbox", "components", "modules", "files"):
            sources[name] = (folder / f"{name}.lua").read_text(encoding="latin-1")
        bootstrap = (folder / "bootstrap.lua").read_text(encoding="latin-1")
        return self._runtime.execute(bootstrap, host, sources)


def _never_raising(function: Callable[..., Any]) -> Callable[..., Any]:
    def call(*arguments: Any) -> Any:
        try:
            return function(*arguments)
        except Exception as error:  # noqa: BLE001  # Lua would see a Python object
            return False, f"{type(error).__name__}"

    return call


def _lua_json(value: object) -> str:
    """Return JSON as Lua holds it: its bytes in UTF-8, each as one character."""
    return json.dumps(value, ensure_ascii=False).encode().decode("latin-1")


def _text(lua_text: Any) -> str:
    """Return a text of Lua for people; bytes that are not UTF-8 are replaced."""
    return str(lua_text).encode("latin-1", "replace").decode("utf-8", "replace")
