"""Facts about the computer the daemon runs on: model, memory, versions, time since the start.

Reads small files of the kernel, which never block; no secrets, no serial numbers.
Source: rest.md section 11.
"""

import os
import platform
import re
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import evsed

_KIB: Final = 1024
_PLATFORM_LENGTH: Final = 96
_MONTHS: Final = (
    *("Jan", "Feb", "Mar", "Apr", "May", "Jun"),
    *("Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """Bytes: taken by the daemon, left for it, and the least that was left since the start."""

    used: int
    free: int
    largest_block: int
    least_free: int


class Machine:
    """The computer, seen through the files below ``root``.

    Args:
        root: where /proc and /sys are; another folder in tests.
        simulated: the board is a pretended one; then so is the chip.
    """

    def __init__(self, root: Path = Path("/"), *, simulated: bool = False) -> None:
        self._root = root
        self._started_s = time.clock_gettime(time.CLOCK_BOOTTIME)
        self._least_free: int | None = None
        self.chip = "simulator" if simulated else self._model()
        self.cores = os.cpu_count() or 1
        self.revision = 0 if simulated else self._revision()
        self.platform = self._platform()
        self.built = _build_time()
        self.memory()

    def uptime_s(self) -> int:
        """Return seconds since the daemon started, a suspended machine's sleep included."""
        return int(time.clock_gettime(time.CLOCK_BOOTTIME) - self._started_s)

    def memory(self) -> Memory:
        """Return the memory figures of this moment; 0 where the kernel does not tell."""
        free = self._kib("proc/meminfo", "MemAvailable") * _KIB
        limit = self._left_below_limit()
        free = free if limit is None else min(free, limit)
        block = min(free, self._kib("proc/meminfo", "MemFree") * _KIB)
        known = self._least_free
        self._least_free = free if known is None else min(known, free)
        used = self._kib("proc/self/status", "VmRSS") * _KIB
        return Memory(used=used, free=free, largest_block=block, least_free=self._least_free)

    def build_date(self) -> str:
        """Return the day of the build as C's ``__DATE__`` writes it: ``Feb 21 2025``."""
        built = self.built
        return f"{_MONTHS[built.month - 1]} {built.day:2d} {built.year}"

    def build_time(self) -> str:
        """Return the time of the build, UTC: ``07:13:00``."""
        return f"{self.built:%H:%M:%S}"

    def _text(self, name: str) -> str:
        try:
            return (self._root / name).read_text(encoding="utf-8", errors="replace")
        except OSError:
            return ""

    def _kib(self, name: str, key: str) -> int:
        found = re.search(rf"^{key}:\s+(\d+) kB", self._text(name), re.MULTILINE)
        return int(found[1]) if found else 0

    def _model(self) -> str:
        model = self._text("proc/device-tree/model").rstrip("\0").strip()
        return re.sub(r"\s+Rev [\d.]+$", "", model) or platform.machine()

    def _revision(self) -> int:
        found = re.search(r"^Revision\s*:\s*([0-9a-f]+)$", self._text("proc/cpuinfo"), re.MULTILINE)
        return int(found[1], 16) & 0xF if found else 0

    def _platform(self) -> str:
        named = dict(
            re.findall(r'^(NAME|VERSION_ID)="?([^"\n]*)', self._text("etc/os-release"), re.M)
        )
        system = f"{named.get('NAME', 'Linux').split()[0]} {named.get('VERSION_ID', '')}".strip()
        python = f"Python {platform.python_version()}"
        return f"{python} / Linux {platform.release()} / {system}"[:_PLATFORM_LENGTH]

    def _left_below_limit(self) -> int | None:
        group = re.search(r"^0::/(.*)$", self._text("proc/self/cgroup"), re.MULTILINE)
        if group is None:
            return None
        folder = f"sys/fs/cgroup/{group[1]}"
        limit = self._text(f"{folder}/memory.max").strip()
        used = self._text(f"{folder}/memory.current").strip()
        return max(0, int(limit) - int(used)) if limit.isdigit() and used.isdigit() else None


def machine_id(root: Path = Path("/")) -> str:
    """Return the hexadecimal number the system gave this machine, zeros where it gave none."""
    try:
        return (root / "etc/machine-id").read_text(encoding="ascii").strip() or "0" * 32
    except (OSError, ValueError):
        return "0" * 32


def _build_time() -> datetime:
    """Return when our own files were written: a package's files carry the time of its build."""
    return datetime.fromtimestamp(Path(evsed.__file__).stat().st_mtime, UTC)
