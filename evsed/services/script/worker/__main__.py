"""The process: ``python -I -m evsed.services.script.worker FD``. Source: lua.md section 12."""

import os
import socket
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from evsed.host.hardening import SCRIPTS, harden, no_more_threads
from evsed.services.script.worker.engine import Engine
from evsed.services.script.worker.files import Files
from evsed.services.script.worker.guard import Guard
from evsed.services.script.worker.link import GoneError, Link
from evsed.services.script.worker.lua54 import NoLuaError
from evsed.services.script.worker.remote_host import RemoteHost

#: Exit statuses: no Lua on this machine; a task did not end.
NO_LUA: Final = 69
_LONGEST_WAIT_S: Final = 1.0
#: Messages of brokers are counted, and the daemon is told of several at once.
_TOLD_AFTER: Final = 8


def main() -> int:
    """Serve one daemon until it closes the link."""
    link = Link(socket.socket(fileno=int(sys.argv[1])))
    try:
        return _serve(link)
    except GoneError:
        return 0


def _serve(link: Link) -> int:
    first = link.next(_LONGEST_WAIT_S * 10)
    if first is None or first.get("t") != "init":
        return 1
    root = Path(first["root"])
    harden(SCRIPTS, zone_rule=str(first["tz"]), home=root / "lua")
    guard = Guard(link)
    guard.start()
    no_more_threads()
    host = RemoteHost(link, first, guard)
    try:
        engine = Engine(host, Files(root), _now_ms)
    except NoLuaError:
        return NO_LUA
    with guard.watching(init=True):
        engine.start(str(first["version"]))
    link.send({"t": "ready"})
    _loop(link, engine, guard)
    return 0


def _loop(link: Link, engine: Engine, guard: Guard) -> None:
    taken = 0
    while True:
        with guard.watching():
            due_ms = engine.run()
        if taken and (taken >= _TOLD_AFTER or not link.has_more):
            link.send({"t": "took", "count": taken})
            taken = 0
        message = link.next(_wait_s(due_ms))
        if message is None:
            continue
        if message.get("t") == "stop":
            return
        taken += message.get("t") == "mqtt"
        _take(message, link, engine, guard)


def _take(message: Mapping[str, Any], link: Link, engine: Engine, guard: Guard) -> None:
    match message.get("t"):
        case "ping":
            link.send({"t": "pong", "n": message.get("n")})
        case "mqtt":
            with guard.watching():
                engine.deliver(int(message["c"]), str(message["topic"]), str(message["data"]))
        case "zone":
            os.environ["TZ"] = str(message["tz"])
            time.tzset()
        case "restart":
            with guard.watching(init=True):
                engine.restart(str(message["id"]))
            link.send({"t": "restarted"})


def _wait_s(due_ms: int | None) -> float:
    if due_ms is None:
        return _LONGEST_WAIT_S
    return min(_LONGEST_WAIT_S, max(0.0, (due_ms - _now_ms()) / 1000))


def _now_ms() -> int:
    return time.monotonic_ns() // 1_000_000


if __name__ == "__main__":
    # Nothing is worth being tidied up, and a script must not be able to hold the process back.
    status = main()
    sys.stdout.flush()
    os._exit(status)
