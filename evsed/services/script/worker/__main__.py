"""The process: ``python -I -m evsed.services.script.worker FD``. Source: lua.md section 12."""

import os
import socket
import sys
import time
from pathlib import Path
from typing import Final

from evsed.services.script.worker.engine import Engine
from evsed.services.script.worker.files import Files
from evsed.services.script.worker.guard import Guard
from evsed.services.script.worker.hardening import harden, no_more_threads
from evsed.services.script.worker.link import GoneError, Link
from evsed.services.script.worker.lua54 import NoLuaError
from evsed.services.script.worker.remote_host import RemoteHost

#: Exit statuses: no Lua on this machine; a task did not end.
NO_LUA: Final = 69
_LONGEST_WAIT_S: Final = 1.0


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
    harden(str(first["tz"]))
    time.tzset()
    os.chdir(first["root"])
    guard = Guard(link)
    guard.start()
    no_more_threads()
    host = RemoteHost(link, first, guard)
    try:
        engine = Engine(host, Files(Path(first["root"])), _now_ms)
    except NoLuaError:
        return NO_LUA
    with guard.watching(init=True):
        engine.start(str(first["version"]))
    link.send({"t": "ready"})
    _loop(link, engine, guard)
    return 0


def _loop(link: Link, engine: Engine, guard: Guard) -> None:
    while True:
        with guard.watching():
            due_ms = engine.run()
        wait_s = _LONGEST_WAIT_S
        if due_ms is not None:
            wait_s = min(wait_s, max(0.0, (due_ms - _now_ms()) / 1000))
        message = link.next(wait_s)
        if message is None:
            continue
        match message.get("t"):
            case "ping":
                link.send({"t": "pong", "n": message.get("n")})
            case "stop":
                return
            case "mqtt":
                link.send({"t": "took"})
                with guard.watching():
                    engine.deliver(int(message["c"]), str(message["topic"]), str(message["data"]))
            case "restart":
                with guard.watching(init=True):
                    engine.restart(str(message["id"]))
                link.send({"t": "restarted"})


def _now_ms() -> int:
    return time.monotonic_ns() // 1_000_000


if __name__ == "__main__":
    # Nothing is worth being tidied up, and a script must not be able to hold the process back.
    status = main()
    sys.stdout.flush()
    os._exit(status)
