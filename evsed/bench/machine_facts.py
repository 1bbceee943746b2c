"""What one must know of a machine to read its figures."""

import os
import platform
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from evsed.host.machine import Machine

_CPUINFO: Final = Path("/proc/cpuinfo")


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """The machine, and whether it grants what punctuality needs."""

    python: str
    kernel: str
    machine: str
    cores: int
    load_average: float
    #: None when granted, otherwise why not
    real_time_control: str | None
    real_time_event_loop: str | None

    def __str__(self) -> str:
        control = _granted(self.real_time_control)
        events = _granted(self.real_time_event_loop)
        return (
            f"machine: {self.machine}, {self.cores} cores, load average {self.load_average:.1f} "
            f"at start\nsystem: {self.kernel}, Python {self.python}\n"
            f"SCHED_FIFO: control thread {control}, event loop {events}"
        )


def _granted(refused: str | None) -> str:
    return "granted" if refused is None else f"refused ({refused})"


def facts(real_time_control: str | None, real_time_event_loop: str | None) -> Facts:
    """Return the facts of this machine."""
    return Facts(
        python=platform.python_version(),
        kernel=f"{platform.system()} {platform.release().partition('-')[0]}",
        machine=_machine(),
        cores=os.cpu_count() or 1,
        load_average=os.getloadavg()[0],
        real_time_control=real_time_control,
        real_time_event_loop=real_time_event_loop,
    )


def _machine() -> str:
    """Return the model of a board, or the processor of another computer."""
    chip = Machine().chip
    if not chip or chip == platform.machine():
        for line in _CPUINFO.read_text().splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    return chip or platform.machine()
