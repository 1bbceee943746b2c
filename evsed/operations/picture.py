"""One moment of everything an interface can show: a request works on one, so nothing tears."""

from dataclasses import dataclass

from evsed.board.description import Board
from evsed.charging.snapshot import Snapshot
from evsed.host.machine import Memory
from evsed.host.network import NetworkState
from evsed.settings.sections import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """About the computer and this program, as GET /info words them. Source: rest.md section 11."""

    uptime_s: int
    version: str
    built_date: str
    built_time: str
    platform: str
    chip: str
    cores: int
    revision: int
    memory: Memory


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """Everything readable, as it was at one moment."""

    snapshot: Snapshot
    settings: Settings
    board: Board
    facts: Facts
    network: NetworkState
    #: Unix seconds
    clock_s: int
    #: the POSIX rule of the configured time zone
    time_zone_rule: str
