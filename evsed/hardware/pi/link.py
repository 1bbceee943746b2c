"""One connection to the pin daemon: the pigpio client with time-outs.

The client library waits for ever, takes a late answer for the next command's, and spins when the
daemon is gone. Sources: pigpiod-protocol.md section 6; platform.md section 4.
"""
# The client's faults cannot be cured from outside:
# ruff: noqa: SLF001

import contextlib
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, Final

import pigpio

from evsed.errors import HardwareError
from evsed.hardware.pi.loopback import connected
from evsed.hardware.real_time import TRIP, ask_real_time

#: how long the control thread waits for an answer, and how long workers do
_CONTROL_TIMEOUT_S: Final = 0.1
_WORKER_TIMEOUT_S: Final = 0.5
_JOIN_S: Final = 1.0
_HEADER: Final = 16
#: one control pass reads all its inputs with one command
_LEVELS_AGE_NS: Final = 5_000_000
_LINK_ERRORS: Final = (pigpio.error, OSError, struct.error)


class _CommandSocket:
    """What the client sends commands through: whole answers of the right command, or the end.

    The end is declared here, while the client still holds its command lock, so that no other
    thread can take a late answer for its own.
    """

    def __init__(self, plain: socket.socket, on_end: Callable[[], None]) -> None:
        self._plain = plain
        self._on_end = on_end
        self._asked = b""
        self._ended = False

    def send(self, data: bytes) -> int:
        self.sendall(data)
        return len(data)

    def sendall(self, data: bytes) -> None:
        self._asked = bytes(data[:4])
        try:
            if self._ended:
                raise ConnectionError("connection to the pin daemon lost")
            self._plain.sendall(data)
        except OSError:
            self._end()
            raise

    def recv(self, count: int) -> bytes:
        asked, self._asked = self._asked, b""
        try:
            data = _receive(self._plain, _HEADER if asked else count)
            if asked and data[:4] != asked:
                raise ConnectionError("answer to another command")
        except OSError:
            self._end()
            raise
        return data

    def settimeout(self, timeout_s: float) -> None:
        self._plain.settimeout(timeout_s)

    def close(self) -> None:
        self._plain.close()

    def _end(self) -> None:
        self._ended = True
        self._on_end()


def _receive(plain: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        part = plain.recv(count - len(data))
        if not part:
            raise ConnectionError("closed by the pin daemon")
        data += part
    return data


class _ReportSocket:
    """What the client's notification thread reads from: one end of file, not a storm of them."""

    def __init__(self, plain: socket.socket, on_end: Callable[[], None]) -> None:
        self._plain = plain
        self._on_end = on_end

    def recv(self, count: int) -> bytes:
        try:
            data = self._plain.recv(count)
        except OSError:
            data = b""
        if not data:
            self._on_end()
        return data

    def end(self) -> None:
        with contextlib.suppress(OSError):
            self._plain.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._plain.close()


class _Reports(pigpio._callback_thread):
    """The client's notification thread, with the socket above."""

    def __init__(self, control: pigpio._socklock, host: str, port: int) -> None:
        self.on_end: Callable[[], None] = _nothing
        super().__init__(control, host, port)

    def start(self) -> None:
        self.name = "evsed-pin-reports"
        self.sl.s = _ReportSocket(self.sl.s, self._end)
        super().start()

    def run(self) -> None:
        ask_real_time(TRIP)
        super().run()

    def _end(self) -> None:
        self.go = False
        self.on_end()


def _nothing() -> None:
    """Do nothing: nobody waits for the end yet."""


class _Client(pigpio.pi):
    """The client library's commands; only the way it connects is ours, for it has no time-outs."""

    def __init__(self, host: str, port: int, timeout_s: float, on_end: Callable[[], None]) -> None:
        # super().__init__ would wait for ever for a stalled daemon
        self.connected = True
        self._host, self._port = host, port
        self._notify = None
        self.sl = pigpio._socklock()
        plain = connected(host, port, timeout_s)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sl.s = _CommandSocket(plain, on_end)
        try:
            self.read_bank_1()  # a stalled daemon is noticed here, before the library waits for it
            reports = _Reports(self.sl, plain.getpeername()[0], port)  # no name to look up
        except (OSError, struct.error, pigpio.error):
            plain.close()
            raise
        reports.on_end = on_end
        self._notify = reports


class Link:
    """One connection set, for one group of threads.

    Every failure of the connection itself is final: the link is lost, and a new one must be built.

    Args:
        host: name of the machine the daemon runs on.
        port: its port.
        timeout_s: longest wait for one answer.

    Raises:
        HardwareError: the pin daemon does not answer.
    """

    def __init__(self, host: str, port: int, timeout_s: float = _WORKER_TIMEOUT_S) -> None:
        self._lost = threading.Event()
        self._levels = (0, 0)
        try:
            self.pi = _Client(host, port, timeout_s, self._end)
        except _LINK_ERRORS as error:
            raise HardwareError(f"pin daemon at {host} port {port}: {_words(error)}") from error

    def hurry(self) -> None:
        """From now on wait no longer than the control thread can afford."""
        self.pi.sl.s.settimeout(_CONTROL_TIMEOUT_S)

    @property
    def lost(self) -> bool:
        """Whether the connection has ended; no command will work again."""
        return self._lost.is_set()

    @contextlib.contextmanager
    def calls(self, device: str, gpio: int) -> Iterator[None]:
        """Turn whatever the libraries raise inside into an error naming device and pin.

        Raises:
            HardwareError: the link is lost, or the daemon refused the command.
        """
        if self._lost.is_set():
            raise HardwareError(f"{device} on GPIO {gpio}: connection to the pin daemon lost")
        try:
            yield
        except _LINK_ERRORS as error:
            if isinstance(error, OSError | struct.error):
                self._end()
            raise HardwareError(f"{device} on GPIO {gpio}: {_words(error)}") from error

    def level(self, device: str, gpio: int) -> bool:
        """Return the level of a pin, at most 5 ms old: one command serves a whole pass."""
        taken_ns, word = self._levels
        now_ns = time.monotonic_ns()
        if now_ns - taken_ns > _LEVELS_AGE_NS:
            with self.calls(device, gpio):
                word = self.pi.read_bank_1()
                self._levels = (now_ns, word)
        return bool(word >> gpio & 1)

    def close(self) -> None:
        """End the connection; pins stay as they are."""
        self._end()
        reports = self.pi._notify
        if reports is not None:
            reports.join(_JOIN_S)
        self.pi.sl.s.close()

    def _end(self) -> None:
        self._lost.set()
        client: Any = getattr(self, "pi", None)
        if client is not None and client._notify is not None:
            client._notify.go = False
            client._notify.sl.s.end()


def _words(error: BaseException) -> str:
    return str(error) or type(error).__name__
