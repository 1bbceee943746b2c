"""The firmware's settings of a Pi, ``config.txt``: what a board needs of them. Nothing is changed.

Source: platform.md section 14; the file's form is that of Raspberry Pi's documentation: one
``name=value`` a line without spaces around the sign, comments on lines of their own, nothing
counts behind the 98th character.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from evsed.board.description import Board
from evsed.doctor.finding import Finding, advice, bad, good

#: where the file is, newest place first
PLACES: Final = ("boot/firmware/config.txt", "boot/config.txt")
_TOPIC: Final = "firmware settings"
#: sections that hold for every Pi; the others may be for another one, and are left out
_EVERYWHERE: Final = frozenset({"all", ""})
_LONGEST: Final = 98


def find_config(root: Path) -> Path | None:
    """Return the file of this computer; None when it is no Pi."""
    return next((root / place for place in PLACES if (root / place).is_file()), None)


def settings(text: str) -> list[str]:
    """Return the settings that hold for every Pi, in order, as the firmware reads them."""
    found, section = [], ""
    for whole in text.splitlines():
        line = whole.strip()[:_LONGEST]
        if line.startswith("["):
            section = line.strip("[]").strip().lower()
        elif line and not line.startswith("#") and section in _EVERYWHERE:
            found.append(line)
    return found


def check_config(lines: Sequence[str], board: Board) -> Iterator[Finding]:
    """Yield what is missing for a board."""
    findings = [
        *_not_understood(lines),
        *_spi(lines),
        *_pilot(lines, board),
        *_held_low(lines, board),
        *_released(lines),
        *_onewire(lines, board),
    ]
    yield from findings or [good(_TOPIC, "all that this board needs")]


def _not_understood(lines: Sequence[str]) -> Iterator[Finding]:
    """Lines that look like a setting to a person, and are none to the firmware."""
    for line in lines:
        value = line.partition("#")[0].strip()
        clean = re.sub(r"\s*=\s*", "=", value)
        if value != line:
            seen = f"the firmware takes a comment behind a setting for its value: {line}"
            yield bad(_TOPIC, seen, f"{clean}, and the comment on a line of its own")
        elif clean != line:
            yield bad(_TOPIC, f"the firmware does not know spaces around a '=': {line}", clean)


def _spi(lines: Sequence[str]) -> Iterator[Finding]:
    if _parameter(lines, "spi") not in {"on", "", "true", "1"}:
        yield bad(_TOPIC, "SPI is off: the converter cannot be read", "dtparam=spi=on")


def _pilot(lines: Sequence[str], board: Board) -> Iterator[Finding]:
    pwm = [line for line in lines if re.match(r"dtoverlay=pwm(-2chan)?(,|$)", line)]
    if board.pilot.pwm == "sysfs":
        if not pwm:
            function = 4 if board.pilot.gpio in {12, 13} else 2
            line = f"dtoverlay=pwm,pin={board.pilot.gpio},func={function}"
            yield bad(_TOPIC, "the kernel's PWM is not on the pilot's pin", line)
    elif pwm:
        remedy = f"remove {pwm[0]}: pigpio drives the pilot itself"
        yield bad(_TOPIC, "two drivers for one PWM block", remedy)
    if _parameter(lines, "audio") not in {"off", "false", "0"}:
        seen = "the analog audio output uses the PWM block of the pilot"
        yield bad(_TOPIC, seen, "dtparam=audio=off")


def _held_low(lines: Sequence[str], board: Board) -> Iterator[Finding]:
    """Link 6: until the daemon runs, the firmware keeps the contactor open."""
    relay = board.ac_relay
    level = "dh" if relay.active_low else "dl"
    missing = [gpio for gpio in relay.gpios if not {"op", level} <= _gpio_words(lines, gpio)]
    if missing:
        pins = ",".join(map(str, missing))
        seen = f"nothing holds the contactor open from power-on (GPIO {pins})"
        yield bad(_TOPIC, seen, f"gpio={pins}=op,{level}")


def _released(lines: Sequence[str]) -> Iterator[Finding]:
    if "dtparam=strict_gpiod" not in lines:
        seen = "a pin that a dead program held keeps its level"
        yield advice(_TOPIC, seen, "dtparam=strict_gpiod")


def _onewire(lines: Sequence[str], board: Board) -> Iterator[Finding]:
    wanted = board.onewire
    there = [line for line in lines if re.match(r"dtoverlay=w1-gpio(,|$)", line)]
    pins = {int(match[1]) if (match := re.search(r"gpiopin=(\d+)", line)) else 4 for line in there}
    if wanted is not None and wanted.gpio not in pins:
        line = f"dtoverlay=w1-gpio,gpiopin={wanted.gpio}"
        yield bad(_TOPIC, "no 1-wire bus on the pin of the temperature sensors", line)


def _parameter(lines: Sequence[str], name: str) -> str | None:
    """Return the last value of a device tree parameter; None when it is not there."""
    value = None
    for line in lines:
        if line.startswith("dtparam="):
            for word in line.removeprefix("dtparam=").split(","):
                key, _, given = word.partition("=")
                value = given if key == name else value
    return value


def _gpio_words(lines: Sequence[str], gpio: int) -> set[str]:
    """Return what the last ``gpio`` line that names a pin says of it."""
    words: set[str] = set()
    for line in lines:
        match = re.fullmatch(r"gpio=([0-9,-]+)=([a-z0-9,]+)", line)
        if match and gpio in _pins(match[1]):
            words = set(match[2].split(","))
    return words


def _pins(text: str) -> set[int]:
    pins: set[int] = set()
    for part in filter(None, text.split(",")):
        first, _, last = part.partition("-")
        if first.isdigit() and (last or first).isdigit():
            pins |= set(range(int(first), int(last or first) + 1))
    return pins
