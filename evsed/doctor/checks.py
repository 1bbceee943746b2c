"""Looks at this computer with the eyes of a charger. Reads, connects, changes nothing.

Source: platform.md sections 6, 7, 8 and 14.
"""

import grp
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from evsed.board.description import Board
from evsed.doctor.boot_config import check_config, find_config, settings
from evsed.doctor.devices import (
    GROUPS,
    check_converters,
    check_gpio_chip,
    check_serial_ports,
)
from evsed.doctor.finding import Finding, advice, bad, good
from evsed.hardware.pi.loopback import connected

_PIGPIOD: Final = ("localhost", 8888)
_CONNECT_S: Final = 0.5
_USER: Final = "evsed"
_ROOM_MIB: Final = 200
_MIB: Final = 1024 * 1024
_SYNCHRONIZED: Final = "run/systemd/timesync/synchronized"
_CLOCKS: Final = (_SYNCHRONIZED, "dev/rtc0", "dev/rtc")
_INSTRUCTIONS: Final = "see /usr/share/doc/evsed/installation.md.gz, Wiring"
#: pigpio reaches the pins of the processor; theirs are on a chip of their own
_NO_PIGPIO: Final = re.compile(r"Raspberry Pi (5|500|Compute Module 5)")
#: where systemd looks for its settings, and what the distribution has put there
_MANAGER_PLACES: Final = ("etc", "run", "usr/local/lib", "usr/lib")
_WATCHDOG_FILE: Final = "/usr/share/evsed/50-evsed-watchdog.conf"


@dataclass(frozen=True, slots=True, kw_only=True)
class Patient:
    """What is looked at.

    Args:
        board: None when its file cannot be used.
        root: where /dev, /proc, /sys and the rest are; another folder in tests.
        pigpiod: host and port of the pin daemon.
        state_dir: where the daemon keeps things.
    """

    board: Board | None
    root: Path = Path("/")
    pigpiod: tuple[str, int] = _PIGPIOD
    state_dir: Path = Path("/var/lib/evsed")


def examine(patient: Patient) -> Iterator[Finding]:
    """Yield what every check finds, in the order in which one would mend it."""
    board = patient.board
    if board is not None and board.platform != "sim":
        yield from _firmware(patient, board)
        yield from check_converters(patient.root, board)
        yield from _pin_daemon(patient)
        yield from _pilot(patient, board)
        yield from _audio(patient)
        yield from check_gpio_chip(patient.root)
        yield from check_serial_ports(patient.root, board)
        yield from _hardware_watchdog(patient)
    yield from _groups()
    yield from _real_time(patient)
    yield from _guard(patient)
    yield from _clock(patient)
    yield from _room(patient)


def _firmware(patient: Patient, board: Board) -> Iterator[Finding]:
    file = find_config(patient.root)
    if file is None:
        yield advice("firmware settings", "no config.txt: is this a Pi?", _INSTRUCTIONS)
        return
    yield from check_config(settings(file.read_text(encoding="utf-8", errors="replace")), board)


def _pilot(patient: Patient, board: Board) -> Iterator[Finding]:
    if board.pilot.pwm != "sysfs":
        return
    chip = patient.root / "sys/class/pwm" / f"pwmchip{board.pilot.pwm_chip}"
    if chip.exists():
        yield good("pilot", f"kernel PWM, {chip.name}")
    else:
        remedy = "dtoverlay=pwm with the pilot's pin in config.txt, then reboot"
        yield bad("pilot", f"there is no {chip.name}", remedy)


def _pin_daemon(patient: Patient) -> Iterator[Finding]:
    """Every board needs it: contactor, lock and inputs go through it, wherever the pilot goes."""
    model = _NO_PIGPIO.match(_read(patient.root / "proc/device-tree/model"))
    if model:
        seen = f"{model[0]}: pigpio cannot drive its pins, so evsed cannot switch a contactor"
        yield bad("computer", seen, "a Raspberry Pi 4, 3, Zero 2 W or Compute Module 4")
        return
    try:
        with connected(*patient.pigpiod, _CONNECT_S):
            yield good("pin daemon", f"answers at {patient.pigpiod[0]} port {patient.pigpiod[1]}")
    except OSError as error:
        remedy = "apt install pigpio (Debian 13: build it), systemctl enable --now pigpiod"
        yield bad("pin daemon", f"does not answer: {error}", remedy)
        return
    if _listens_everywhere(patient):
        seen = "pigpiod takes commands from the network: anybody there can close the contactor"
        remedy = (
            "start it with -l; on Raspberry Pi OS: raspi-config, Interface Options, Remote GPIO"
        )
        yield bad("pin daemon", seen, remedy)
    if "-t0" in _pin_daemon_options(patient.root):
        seen = "pigpiod was started with -t 0 and uses the pilot's PWM block as its clock"
        yield bad("pin daemon", seen, "start it without -t")


def _pin_daemon_options(root: Path) -> list[str]:
    """Return the options of the running daemon, each with its value behind it."""
    for name in (root / "proc").glob("[0-9]*/comm"):
        if _read(name).strip() == "pigpiod":
            words = _read(name.parent / "cmdline").strip("\0").split("\0")[1:]
            return re.sub(r"(-[a-z]) (?!-)", r"\1", " ".join(words)).split()
    return []


def _listens_everywhere(patient: Patient) -> bool:
    """Whether the port is open on an address that is not this computer's own."""
    port = f"{patient.pigpiod[1]:04X}"
    open_to_all = re.compile(rf"^\s*\d+: 0+:{port} \S+ 0A ", re.MULTILINE)
    tables = (_read(patient.root / "proc/net" / name) for name in ("tcp", "tcp6"))
    return any(open_to_all.search(table) for table in tables)


def _audio(patient: Patient) -> Iterator[Finding]:
    modules = _read(patient.root / "proc/modules")
    if re.search(r"^snd_bcm2835 ", modules, re.MULTILINE):
        seen = "the driver of the analog output is loaded; it uses the pilot's PWM block"
        yield bad("audio", seen, "dtparam=audio=off in config.txt, then reboot")
    else:
        yield good("audio", "nothing else uses the PWM block")


def _hardware_watchdog(patient: Patient) -> Iterator[Finding]:
    """Link 5: the processor starts anew when the kernel or process 1 hangs."""
    if not (patient.root / "dev/watchdog").exists():
        yield advice("hardware watchdog", "no /dev/watchdog", "dtparam=watchdog=on in config.txt")
        return
    if any(
        re.search(r"^RuntimeWatchdogSec=(?!0|off)\S", text, re.MULTILINE)
        for text in _manager_settings(patient.root)
    ):
        yield good("hardware watchdog", "fed by systemd")
        return
    remedy = f"sudo install -D -t /etc/systemd/system.conf.d {_WATCHDOG_FILE}, then reboot"
    yield advice("hardware watchdog", "not in use: a frozen kernel stays frozen", remedy)


def _manager_settings(root: Path) -> Iterator[str]:
    for place in _MANAGER_PLACES:
        folder = root / place / "systemd"
        yield _read(folder / "system.conf")
        yield from map(_read, (folder / "system.conf.d").glob("*.conf"))


def _groups() -> Iterator[Finding]:
    missing = []
    for name in GROUPS:
        try:
            members = grp.getgrnam(name).gr_mem
        except KeyError:
            members = []
        if _USER not in members:
            missing.append(name)
    if missing:
        remedy = "systemd-sysusers, or: " + "; ".join(f"gpasswd -a {_USER} {g}" for g in missing)
        yield bad("groups", f"user {_USER} is not in {', '.join(missing)}", remedy)
    else:
        yield good("groups", f"user {_USER} is in {', '.join(GROUPS)}")


def _real_time(patient: Patient) -> Iterator[Finding]:
    share = _read(patient.root / "proc/sys/kernel/sched_rt_runtime_us").strip()
    if share == "0":
        seen = "the kernel gives real-time threads no time at all"
        yield bad("real time", seen, "sysctl kernel.sched_rt_runtime_us=950000")
        return
    pid = _main_pid(patient.root)
    limit = re.search(
        r"^Max realtime priority\s+(\S+)", _read(patient.root / f"proc/{pid}/limits"), re.MULTILINE
    )
    if pid is None or limit is None:
        yield advice("real time", "the service does not run", "systemctl status evsed")
    elif limit[1] != "unlimited" and int(limit[1]) < 40:
        yield bad("real time", f"LimitRTPRIO is {limit[1]}", "LimitRTPRIO=60 in evsed.service")
    else:
        yield good("real time", "the service may use it")


def _main_pid(root: Path) -> str | None:
    """Return the process that is the daemon, by the control group of its service."""
    text = _read(root / "sys/fs/cgroup/system.slice/evsed.service/cgroup.procs")
    return text.split()[0] if text.split() else None


def _guard(patient: Patient) -> Iterator[Finding]:
    run = patient.root / "run/evsed-guard"
    try:
        (run / "socket").stat()
        there = True
    except PermissionError:
        there = run.is_dir()
    except OSError:
        there = False
    if there:
        yield good("guard", "listens")
    else:
        yield bad("guard", "does not run", "systemctl enable --now evsed-guard")


def _clock(patient: Patient) -> Iterator[Finding]:
    if any((patient.root / name).exists() for name in _CLOCKS):
        yield good("clock", "synchronized, or kept by a real-time clock")
    else:
        seen = "not synchronized: schedules and time stamps are wrong"
        yield advice("clock", seen, "timedatectl set-ntp true, or fit a real-time clock")


def _room(patient: Patient) -> Iterator[Finding]:
    place = next(
        (one for one in (patient.state_dir, *patient.state_dir.parents) if one.exists()), Path("/")
    )
    free = shutil.disk_usage(place).free // _MIB
    if free < _ROOM_MIB:
        yield bad("disk", f"{free} MiB free for {patient.state_dir}", "remove files, apt clean")
    elif not os.access(place, os.W_OK) and os.geteuid() == 0:
        yield bad("disk", f"{place} cannot be written", "mount it writable; look into dmesg")
    else:
        yield good("disk", f"{free} MiB free")


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
