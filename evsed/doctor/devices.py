"""The device files of a board: whether they are there, and free, and the daemon may use them."""

import grp
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from evsed.board.description import Board
from evsed.doctor.finding import Finding, advice, bad, good
from evsed.host.serial_console import console_user

#: the daemon's, by the package
GROUPS: Final = ("gpio", "spi", "dialout")
_OWN_UART: Final = re.compile(r"/dev/(serial|ttyAMA|ttyS)\d+")


def check_converters(root: Path, board: Board) -> Iterator[Finding]:
    """Look at the converters' SPI devices."""
    for adc in board.adcs:
        name = f"dev/spidev{adc.bus}.{adc.cs}"
        topic = f"converter {adc.name}"
        if not (root / name).exists():
            yield bad(topic, f"/{name} is not there", "dtparam=spi=on in config.txt, then reboot")
        elif not _is_shared(root / name):
            remedy = "udevadm control --reload; udevadm trigger --subsystem-match=spidev"
            yield bad(topic, f"/{name} is not for the group spi", remedy)
        else:
            yield good(topic, f"/{name}")


def check_gpio_chip(root: Path) -> Iterator[Finding]:
    """Look at what the fail-safe helpers use when the pin daemon has failed."""
    chips = list((root / "dev").glob("gpiochip*"))
    if not chips:
        seen = "no /dev/gpiochip*: nothing opens the contactor when pigpio's daemon fails"
        yield bad("kernel GPIO", seen, "a kernel of Raspberry Pi OS or Debian has it")
    elif not all(_is_shared(chip) for chip in chips):
        seen = "/dev/gpiochip* is not for the group gpio: the guard needs it if pigpiod fails"
        remedy = "udevadm control --reload; udevadm trigger --subsystem-match=gpio"
        yield bad("kernel GPIO", seen, remedy)
    else:
        yield good("kernel GPIO", "there, should pigpio's daemon fail")


def check_serial_ports(root: Path, board: Board) -> Iterator[Finding]:
    """Look at the serial ports; the Pi's own is the system's console as delivered."""
    for port in board.serials:
        device = root / port.device.lstrip("/")
        topic = f"serial port {port.name}"
        if not device.exists():
            yield _missing(topic, port.device)
        elif (user := console_user(str(device), root)) is not None:
            yield bad(topic, f"{port.device} is not free", user)
        elif not _is_shared(device):
            remedy = f"chgrp dialout {port.device}, chmod g+rw {port.device}; then a udev rule"
            yield bad(topic, f"{port.device} is not for the group dialout", remedy)
        else:
            yield good(topic, port.device)


def _missing(topic: str, device: str) -> Finding:
    seen = f"{device} is not there"
    if _OWN_UART.fullmatch(device):
        return bad(topic, seen, "enable_uart=1 in config.txt, then reboot")
    return advice(topic, seen, "plug its adapter in; it is used as soon as it is there")


def _is_shared(device: Path) -> bool:
    """Whether the daemon's groups, or everybody, may read and write a device."""
    status = device.stat()
    ids = {group.gr_gid for group in grp.getgrall() if group.gr_name in GROUPS}
    group_may = status.st_gid in ids and status.st_mode & 0o060 == 0o060
    return group_may or status.st_mode & 0o006 == 0o006
