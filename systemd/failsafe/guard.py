#!/usr/bin/python3 -IS
"""Opens the contactor when the daemon falls silent: it has died, or its control thread hangs.

The daemon connects and sends a beat at least every 50 ms, each answered with a word. End of file,
or 250 ms without a beat after the first: contactor open, pilot low, connection closed. One process,
one thread, the standard library, and nothing of the daemon's code.
"""

import argparse
import contextlib
import ctypes
import importlib.machinery
import os
import selectors
import signal
import socket
import sys
import time
import types
from typing import Any

HELLO, ANSWER = b"ready", b"alive"
SILENCE_MS = 250

_FOLDER = os.path.dirname(os.path.realpath(__file__))
_MOST_CLIENTS = 4
_LOCK_MEMORY = 1 | 2  # MCL_CURRENT | MCL_FUTURE


def _load_safe_off() -> Any:
    """Return the program beside this one; installed programs have no ending."""
    for name in ("safe-off", "safe_off.py"):
        path = os.path.join(_FOLDER, name)
        if os.path.exists(path):
            loader = importlib.machinery.SourceFileLoader("safe_off", path)
            module = types.ModuleType("safe_off")
            loader.exec_module(module)
            return module
    raise ImportError("safe-off is not beside the guard")


sys.dont_write_bytecode = True
safe_off = _load_safe_off()


class Client:
    """One daemon: its pins as they were when it connected, and when it was heard."""

    def __init__(self, connection: socket.socket, pins: Any) -> None:
        self.connection = connection
        self.pins = pins
        #: until when the next beat must have come; None before the first
        self.due_ns: int | None = None


class Guard:
    """Listens, watches, acts."""

    def __init__(self, pins_file: str, silence_ms: int) -> None:
        self._pins_file = pins_file
        self._silence_ns = silence_ms * 1_000_000
        self._clients: dict[int, Client] = {}
        self._selector = selectors.DefaultSelector()
        self._door = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)

    def listen(self, path: str) -> None:
        """Take connections at a path."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
        self._door.bind(path)
        os.chmod(path, 0o660)
        self._door.listen(_MOST_CLIENTS)
        self._door.setblocking(False)
        self._selector.register(self._door, selectors.EVENT_READ)

    def run(self) -> None:
        """Watch for ever."""
        while True:
            for key, _ in self._selector.select(self._patience_s()):
                client = self._clients.get(key.fd)
                if client is None:
                    self._accept()
                else:
                    self._hear(client)
            self._find_silent()

    def _patience_s(self) -> float | None:
        dues = [one.due_ns for one in self._clients.values() if one.due_ns is not None]
        if not dues:
            return None
        return max(0, min(dues) - time.monotonic_ns()) / 1e9

    def _accept(self) -> None:
        try:
            connection, _ = self._door.accept()
        except OSError:
            return
        connection.setblocking(False)
        if len(self._clients) >= _MOST_CLIENTS:
            connection.close()
            return
        try:
            pins = safe_off.read_pins(self._pins_file)
            connection.send(HELLO)
        except (OSError, safe_off.BadPinsError) as error:
            safe_off.say(3, f"guard: a connection is refused: {error}")
            connection.close()
            return
        self._clients[connection.fileno()] = Client(connection, pins)
        self._selector.register(connection, selectors.EVENT_READ)
        safe_off.say(6, "guard: watching the daemon")

    def _hear(self, client: Client) -> None:
        try:
            beat = client.connection.recv(64)
            if beat:
                client.due_ns = time.monotonic_ns() + self._silence_ns
                client.connection.send(ANSWER)
                return
        except BlockingIOError:
            return
        except OSError:
            pass
        self._act(client, "the daemon has gone")

    def _find_silent(self) -> None:
        now_ns = time.monotonic_ns()
        for client in list(self._clients.values()):
            if client.due_ns is None or now_ns < client.due_ns:
                continue
            if self._has_spoken(client):  # it was this process that came late
                self._hear(client)
            else:
                self._act(client, "the daemon is silent")

    def _has_spoken(self, client: Client) -> bool:
        try:
            return bool(client.connection.recv(64, socket.MSG_PEEK))
        except OSError:
            return False

    def _act(self, client: Client, why: str) -> None:
        began_ns = time.monotonic_ns()
        done, failed = safe_off.make_safe(client.pins)
        took_us = (time.monotonic_ns() - began_ns) // 1000
        self._selector.unregister(client.connection)
        del self._clients[client.connection.fileno()]
        client.connection.close()
        if safe_off.is_safe(client.pins, done):
            by = ", ".join(done)
            safe_off.say(5, f"guard: {why}: contactor open, pilot low, by {by}, in {took_us} us")
        else:
            safe_off.say(2, f"guard: {why}, and the board could not be made safe: {failed}")


def lock_memory() -> None:
    """Keep this process out of the swap; a system that refuses is told about, no more."""
    if ctypes.CDLL(None, use_errno=True).mlockall(_LOCK_MEMORY) != 0:
        safe_off.say(4, f"guard: memory not locked: {os.strerror(ctypes.get_errno())}")


def notify_ready() -> None:
    """Tell the service manager, where there is one."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.connect("\0" + address[1:] if address[0] == "@" else address)
        manager.send(b"READY=1")


def main() -> None:
    """Be the guard."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--socket", required=True, metavar="PATH", help="where the daemon connects")
    parser.add_argument(
        "--pins", default=safe_off.PINS, metavar="FILE", help="default: %(default)s"
    )
    parser.add_argument("--silence-ms", type=int, default=SILENCE_MS, metavar="N")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    if "JOURNAL_STREAM" in os.environ:  # nor wait for a journal that hangs with its disk
        os.set_blocking(2, False)
    lock_memory()
    guard = Guard(given.pins, given.silence_ms)
    guard.listen(given.socket)
    notify_ready()
    safe_off.say(6, "guard: listening")
    guard.run()


if __name__ == "__main__":
    main()
