"""What a charger should reach, and why it does not where it does not: causes written by hand."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A bound of one figure.

    Args:
        bound: of the ratio to the anchor when ``ratio``, else of the figure itself.
        at_most: an upper bound; else a lower one.
    """

    bound: float
    unit: str = ""
    at_most: bool = True
    ratio: bool = False

    def __str__(self) -> str:
        sign = "≤" if self.at_most else "≥"
        return f"{sign} {self.bound:g}" + (" ×" if self.ratio else f" {self.unit}".rstrip())

    def met(self, found: float) -> bool:
        """Return whether a figure keeps within the bound."""
        return found <= self.bound if self.at_most else found >= self.bound


REACTION: Final = "event to contactor-open command, worst of all kinds, loaded"
LATE_P999: Final = "control pass begins late, p99.9, loaded"
LATE_MAX: Final = "control pass begins late, max, loaded"
STATE: Final = "GET /state with user and password"
MODBUS: Final = "Modbus, 12 registers, 8 clients"
PROPFIND: Final = "PROPFIND, everything"
MEMORY: Final = "memory with everything on"
READY: Final = "start to ready"
SAFE: Final = "start to contactor commanded open"
IDLE: Final = "idle, share of one core"

TARGETS: Final[Mapping[str, Target]] = {
    REACTION: Target(bound=30, unit="ms"),
    LATE_P999: Target(bound=2, unit="ms"),
    LATE_MAX: Target(bound=10, unit="ms"),
    STATE: Target(bound=0.9, at_most=False, ratio=True),
    MODBUS: Target(bound=3, at_most=False, ratio=True),
    PROPFIND: Target(bound=4, at_most=False, ratio=True),
    MEMORY: Target(bound=60, unit="MB"),
    READY: Target(bound=1, unit="s"),
    SAFE: Target(bound=0.3, unit="s"),
    IDLE: Target(bound=4, unit="%"),
}

#: Shown beside the targets that were missed in a run.
CAUSES: Final[Mapping[str, str]] = {
    REACTION: "Two bad pilot windows in a row are wanted, some 22 to 30 ms by themselves; the rest "
    "is the sampler waiting for a core or for the interpreter.",
    LATE_P999: "Nearly always a thread that writes an upload, put aside by the processes that "
    "count while it holds the interpreter (decision 48); what held it is in the log.",
    LATE_MAX: "As above; on a machine shared with others, also what those take away. cyclictest "
    "of the same run tells the two apart.",
    STATE: "Only where no connection may send the same bytes twice: the answer is then parsed, "
    "checked and routed each time.",
    MODBUS: "Answers are made anew for each snapshot, every 20 ms; with few clients the control "
    "passes weigh more.",
    PROPFIND: "What the control passes take in the same process is counted, wsgidav has none.",
    MEMORY: "Loaded modules are nearly all of it, before anything is done: 12 MB Python with "
    "asyncio, 14 MB aiohttp, 8 MB YAML, board files and pigpio, 6 MB zeroconf and dbus-fast, 14 MB "
    "this program.",
    READY: "Loading Python modules is nearly all of it, on one core; a control pass must also have "
    "succeeded.",
    SAFE: "Starting Python and reading the board file come first.",
    IDLE: "Fifty control passes a second, a pilot window in between each, and a read of all lines "
    "from the pin daemon in every pass.",
}
