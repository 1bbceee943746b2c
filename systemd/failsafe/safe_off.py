#!/usr/bin/python3 -IS
"""Opens the contactor and holds the control pilot at -12 V, whatever has become of the daemon.

It knows only the pins the daemon has noted at its start, and the standard library. It can be run at
any time, as often as one likes. It tries pigpio's daemon, then the kernel's GPIO device; a pilot on
the kernel's PWM it writes there. The plug lock stays as it is.

Exit status: 0 the board is safe, or there are no pins; 1 something could not be driven; 2 the pins
cannot be read.
"""

import argparse
import contextlib
import errno
import fcntl
import glob
import os
import re
import socket
import stat
import struct
import sys
import time
from collections.abc import Callable
from functools import partial

PINS = "/run/evsed/pins"
TITLE = ["evsed-pins", "1"]
#: longest wait for pigpio's daemon, s
TIMEOUT_S = 0.3

_MOST_BYTES = 4096
_PWM_FILE = re.compile(r"/sys/class/pwm/pwmchip[0-9]{1,3}/pwm[0-9]{1,3}/duty_cycle")
_HOSTS = ("localhost", "127.0.0.1", "::1")
#: pigpio's daemon listens on one of both, with -l (the service of Raspberry Pi OS) on the first
_LOOPBACKS = ("::1", "127.0.0.1")

# pigpio's socket protocol: command, two parameters, length of what follows; the answer ends with
# the result.
_READ, _WRITE, _HARDWARE_PWM = 3, 4, 86
_FRAME = struct.Struct("<IIII")
_ANSWER = struct.Struct("<IIIi")
_PILOT_HZ, _ALWAYS_PPM = 1000, 1_000_000

# linux/gpio.h, version 2 of the interface
_GET_CHIP_INFO = 0x8044B401
_GET_LINE = 0xC250B407
_GET_VALUES = 0xC010B40E
_LINE_OUTPUT = 1 << 3
_ATTRIBUTE_VALUES = 2
_LINE_TRIES, _LINE_PAUSE_S = 5, 0.01
_CHIP_LABELS = (b"pinctrl-bcm2835", b"pinctrl-bcm2711", b"pinctrl-bcm2712", b"pinctrl-rp1")


class BadPinsError(Exception):
    """The file of pins is not what the daemon writes."""


class Pins:
    """What is to be driven: lists of (GPIO, level), and one duty cycle in ns at most."""

    def __init__(self) -> None:
        self.contactor: list[tuple[int, int]] = []
        self.pilot: list[tuple[int, int]] = []
        self.pwm: list[tuple[str, int]] = []
        #: host and port of pigpio's daemon
        self.pigpiod: tuple[str, int] | None = None
        #: whether the pins are those of this computer, and not a simulated one's
        self.kernel = False


def read_pins(path: str) -> Pins:
    """Return the pins of a file, or raise BadPinsError; FileNotFoundError when there is none."""
    file = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        if not stat.S_ISREG(os.fstat(file).st_mode):
            raise BadPinsError("not a plain file")
        text = os.read(file, _MOST_BYTES + 1)
    finally:
        os.close(file)
    if len(text) > _MOST_BYTES:
        raise BadPinsError("too long")
    try:
        lines = [line.split() for line in text.decode("ascii").splitlines()]
        if not lines or lines[0] != TITLE or lines[-1] != ["end"]:
            raise BadPinsError("not whole")
        return _pins(lines[1:-1])
    except (ValueError, IndexError) as error:
        raise BadPinsError(str(error)) from error


def _pins(lines: list[list[str]]) -> Pins:
    """Return the pins in the lines; whoever wrote them need not be trusted."""
    pins = Pins()
    for line in lines:
        kind = line[0]
        if kind in {"contactor", "pilot"}:
            getattr(pins, kind).append((_number(line[1], 53), _number(line[2], 1)))
        elif kind == "pwm" and _PWM_FILE.fullmatch(line[1]):
            pins.pwm.append((line[1], _number(line[2], 1_000_000)))
        elif kind == "pigpiod" and line[1] in _HOSTS:
            pins.pigpiod = (line[1], _number(line[2], 65535))
        elif kind == "kernel":
            pins.kernel = True
        else:
            raise BadPinsError(f"unknown line: {' '.join(line)[:60]}")
    return pins


def _number(word: str, most: int) -> int:
    if not word.isdigit() or int(word[:9]) > most:
        raise BadPinsError(f"not a number from 0 to {most}: {word[:20]}")
    return int(word)


def make_safe(pins: Pins, *, through_pigpiod: bool = True) -> tuple[list[str], list[str]]:
    """Make the board safe; return what did it, and what went wrong: two lists of texts."""
    done: list[str] = []
    failed: list[str] = []

    def has(name: str, way: Callable[[], None]) -> bool:
        try:
            way()
        except OSError as error:
            failed.append(f"{name}: {error}")
            return False
        done.append(name)
        return True

    lines = [*pins.contactor, *pins.pilot]
    asked = through_pigpiod and pins.pigpiod is not None
    if lines and not (asked and has("pigpiod", lambda: through_daemon(pins))) and pins.kernel:
        has("kernel GPIO", lambda: through_kernel(lines))
    for path, duty_ns in pins.pwm:
        has("kernel PWM", partial(_write_pwm, path, duty_ns))
    return done, failed


def is_safe(pins: Pins, done: list[str]) -> bool:
    """Tell whether what was done is enough."""
    lines = not pins.contactor and not pins.pilot
    lines = lines or "pigpiod" in done or "kernel GPIO" in done
    return lines and done.count("kernel PWM") == len(pins.pwm)


def through_daemon(pins: Pins) -> None:
    """Drive the pins through pigpio's daemon and read them back, or raise OSError."""
    frames = [_FRAME.pack(_WRITE, gpio, level, 0) for gpio, level in pins.contactor]
    for gpio, level in pins.pilot:
        duty = struct.pack("<I", _ALWAYS_PPM if level else 0)
        frames.append(_FRAME.pack(_HARDWARE_PWM, gpio, _PILOT_HZ, len(duty)) + duty)
        frames.append(_FRAME.pack(_WRITE, gpio, level, 0))  # and independent of the PWM block
    wanted = [*pins.contactor, *pins.pilot]
    frames += [_FRAME.pack(_READ, gpio, 0, 0) for gpio, _ in wanted]
    if pins.pigpiod is None:
        raise OSError(errno.ENODEV, "no pigpio here")
    with _connected(*pins.pigpiod) as daemon:
        # All at once: a daemon too slow to answer in time carries them out all the same.
        daemon.sendall(b"".join(frames))
        results = [_ANSWER.unpack(answer)[3] for answer in _answers(daemon, len(frames))]
    writes = len(frames) - len(wanted)
    if any(result < 0 for result in results[:writes]):
        raise OSError(errno.EIO, f"refused: {results[:writes]}")
    levels = results[writes:]
    if levels != [level for _, level in wanted]:
        raise OSError(errno.EIO, f"the pins read back as {levels}")


def _connected(host: str, port: int) -> socket.socket:
    """Return a connection to pigpio's daemon.

    By number: looking up a name reads files and loads code, and the disk may be what hangs.
    """
    failure = OSError(errno.ECONNREFUSED, "nobody listens")
    for place in _LOOPBACKS if host == "localhost" else (host,):
        try:
            link = socket.socket(socket.AF_INET6 if ":" in place else socket.AF_INET)
        except OSError as error:  # a kernel without IPv6
            failure = error
            continue
        link.settimeout(TIMEOUT_S)
        try:
            link.connect((place.encode(), port))
        except OSError as error:
            link.close()
            failure = error
        else:
            return link
    raise failure


def _answers(daemon: socket.socket, count: int) -> list[bytes]:
    """Return so many answers of the daemon; all of them within the time for one."""
    end, data = time.monotonic() + TIMEOUT_S, b""
    while len(data) < count * _ANSWER.size:
        daemon.settimeout(max(0.001, end - time.monotonic()))
        part = daemon.recv(4096)
        if not part:
            raise OSError(errno.ECONNRESET, "closed by pigpio's daemon")
        data += part
    return [data[at : at + _ANSWER.size] for at in range(0, count * _ANSWER.size, _ANSWER.size)]


def through_kernel(lines: list[tuple[int, int]]) -> None:
    """Drive the pins through the GPIO chip of this computer, each for itself, or raise OSError."""
    chip = _open_chip()
    failure = None
    try:
        for gpio, level in lines:
            try:
                _drive(chip, gpio, level)
            except OSError as error:
                failure = OSError(error.errno, f"GPIO {gpio}: {error.strerror}")
    finally:
        os.close(chip)
    if failure is not None:
        raise failure


def _open_chip() -> int:
    """Return the open chip of the header; the kernel numbers chips as it likes."""
    for path in sorted(glob.glob("/dev/gpiochip*")):
        try:
            chip = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        except OSError:
            continue
        info = bytearray(68)  # name 32, label 32, number of lines
        try:
            fcntl.ioctl(chip, _GET_CHIP_INFO, info)
        except OSError:
            info = bytearray(68)
        if bytes(info[32:64]).rstrip(b"\0") in _CHIP_LABELS:
            return chip
        os.close(chip)
    raise OSError(errno.ENODEV, "no GPIO chip of a Pi")


def _drive(chip: int, gpio: int, level: int) -> None:
    """Make a line an output of this level, read it back; it stays so where the kernel lets it."""
    value = (level, 1)  # bits, mask: of the first line asked for
    attribute = struct.pack("=IIQQ", _ATTRIBUTE_VALUES, 0, *value)
    request = bytearray(
        struct.pack("=I252x32s", gpio, b"evsed safe-off")
        + struct.pack("=QI20x", _LINE_OUTPUT, 1)
        + attribute.ljust(24 * 10, b"\0")
        + struct.pack("=II20xi", 1, 0, -1)
    )
    _take_line(chip, request)
    line = struct.unpack("=i", request[-4:])[0]
    try:
        values = bytearray(struct.pack("=QQ", 0, 1))
        fcntl.ioctl(line, _GET_VALUES, values)
        if struct.unpack("=QQ", values)[0] & 1 != level:
            raise OSError(errno.EIO, "does not follow")
    finally:
        os.close(line)


def _take_line(chip: int, request: bytearray) -> None:
    """Ask for a line; one that is taken may be so by another helper, for a moment."""
    for tries_left in reversed(range(_LINE_TRIES)):
        try:
            fcntl.ioctl(chip, _GET_LINE, request)
        except OSError as error:
            if error.errno != errno.EBUSY or not tries_left:
                raise
            time.sleep(_LINE_PAUSE_S)
        else:
            return


def _write_pwm(path: str, duty_ns: int) -> None:
    file = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(file, b"%d\n" % duty_ns)
    finally:
        os.close(file)


def say(priority: int, text: str) -> None:
    """Write a line to the journal; elsewhere without its priority.

    Never raises: a journal that takes no more must not end the guard.
    """
    mark = f"<{priority}>" if "JOURNAL_STREAM" in os.environ else ""
    with contextlib.suppress(OSError):
        os.write(2, f"{mark}{text}\n".encode(errors="backslashreplace"))


def main() -> int:
    """Make the board safe once."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--pins", default=PINS, metavar="FILE", help="default: %(default)s")
    parser.add_argument(
        "--kernel", action="store_true", help="pigpio's daemon is gone: leave it out"
    )
    given = parser.parse_args()
    began = time.monotonic()
    try:
        pins = read_pins(given.pins)
    except FileNotFoundError:
        say(6, "safe-off: no pins have been in use")
        return 0
    except (OSError, BadPinsError) as error:
        say(2, f"safe-off: {given.pins}: {error}")
        return 2
    done, failed = make_safe(pins, through_pigpiod=not given.kernel)
    took_ms = round((time.monotonic() - began) * 1000)
    safe = is_safe(pins, done)
    for text in failed:
        say(4 if safe else 2, f"safe-off: {text}")
    if safe:
        say(5, f"safe-off: contactor open, pilot low, by {', '.join(done)}, in {took_ms} ms")
    else:
        say(2, "safe-off: the board could not be made safe")
    return 0 if safe else 1


if __name__ == "__main__":
    sys.exit(main())
