"""Contactor open, then pilot low: on the existing connection, else on a fresh one."""

import contextlib
import socket
import struct
from collections.abc import Callable
from typing import Final

from evsed.board.description import Board
from evsed.errors import HardwareError
from evsed.hardware.pi.link import Link
from evsed.hardware.pi.loopback import connected
from evsed.hardware.pi.pilot_output import ALWAYS_PPM, PILOT_HZ

_TIMEOUT_S: Final = 0.3
_WRITE: Final = 4  # Source: pigpiod-protocol.md section 3
_HARDWARE_PWM: Final = 86
_ANSWER: Final = 16


class SafeOff:
    """Makes a board safe; idempotent, never raises, may be called from any thread.

    Args:
        board: which pins, which levels.
        address: host and port of the pin daemon.
        link: the control thread's link, once there is one.
        pilot_low: drives the pilot low where the pin daemon does not drive it.
    """

    def __init__(self, board: Board, address: tuple[str, int]) -> None:
        self._address = address
        self._frames = safe_frames(board)
        self.link: Link | None = None
        self.pilot_low: Callable[[], None] | None = None

    def __call__(self) -> None:
        """Make the board safe."""
        if not self._through_link():
            self.fresh()
        if self.pilot_low is not None:
            with contextlib.suppress(HardwareError):
                self.pilot_low()

    def fresh(self) -> bool:
        """Make the board safe through a new connection; return whether the daemon took it all."""
        try:
            with connected(*self._address, _TIMEOUT_S) as connection:
                # all at once: even a daemon too slow to answer in time will carry them out
                connection.sendall(b"".join(self._frames))
                answers = _receive(connection, _ANSWER * len(self._frames))
        except OSError:
            return False
        results = [answer[3] for answer in struct.iter_unpack("<IIIi", answers)]
        return len(results) == len(self._frames) and all(result >= 0 for result in results)

    def _through_link(self) -> bool:
        link = self.link
        if link is None or link.lost:
            return False
        try:
            with link.calls("safe-off", 0):
                for frame in self._frames:
                    command, gpio, value, _ = struct.unpack_from("<IIII", frame)
                    if command == _WRITE:
                        link.pi.write(gpio, value)
                    else:
                        (ppm,) = struct.unpack_from("<I", frame, _ANSWER)
                        link.pi.hardware_PWM(gpio, value, ppm)
        except HardwareError:
            return False
        return True


def safe_frames(board: Board) -> tuple[bytes, ...]:
    """Return the pin daemon's commands that open the contactor, then hold the pilot low."""
    relay, pilot = board.ac_relay, board.pilot
    frames = [struct.pack("<IIII", _WRITE, gpio, relay.active_low, 0) for gpio in relay.gpios]
    if pilot.pwm != "sysfs":
        low_ppm = ALWAYS_PPM if pilot.inverted else 0
        frames.append(struct.pack("<IIIII", _HARDWARE_PWM, pilot.gpio, PILOT_HZ, 4, low_ppm))
    return tuple(frames)


def _receive(connection: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        part = connection.recv(count - len(data))
        if not part:
            break
        data += part
    return data[: len(data) // _ANSWER * _ANSWER]
