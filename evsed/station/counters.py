"""The energy ledger: lifetime energy and wear of the contactor, on disk. Never the control thread.

Source: charging.md section 13.4; decision 24.
"""

import json
import logging
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

from evsed.charging.snapshot import ContactorCounters, Snapshot
from evsed.settings.files import replace_file

#: A power cut loses at most this much energy, or this much time.
MOST_LOST_WS: Final = 100 * 3600
MOST_LOST_MS: Final = 300_000

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Counters:
    """What outlives a restart."""

    total_energy_ws: int = 0
    closings: int = 0
    openings: int = 0
    loaded_openings: int = 0
    enabled: bool = True
    available: bool = True

    @property
    def contactor(self) -> ContactorCounters:
        """The contactor's part."""
        return ContactorCounters(
            closings=self.closings, openings=self.openings, loaded_openings=self.loaded_openings
        )


def counters_of(snapshot: Snapshot) -> Counters:
    """Return what a snapshot says."""
    return Counters(
        total_energy_ws=snapshot.total_energy_ws,
        closings=snapshot.counters.closings,
        openings=snapshot.counters.openings,
        loaded_openings=snapshot.counters.loaded_openings,
        enabled=snapshot.enabled,
        available=snapshot.available,
    )


@dataclass(slots=True)
class Ledger:
    """The counters' file: one version and the one before it."""

    file: Path
    _written: Counters = field(default_factory=Counters)
    _written_ms: int = 0
    _in_session: bool = False
    #: the file holds what could be read or was written: worth keeping as the version before
    _good: bool = False
    #: what was wrong with the file at the start; empty for nothing
    damage: str = ""

    def load(self) -> Counters:
        """Return the newest version that can be read; a bad one is passed over, loudly."""
        for path in (self.file, self._previous):
            try:
                self._written = _parse(path.read_bytes())
            except FileNotFoundError:
                continue
            except (OSError, ValueError, TypeError, RecursionError) as error:
                _log.error("energy ledger %s cannot be read: %s", path, error)
                self.damage = "it could not be read and BEGAN AT 0"
                continue
            self._good = path == self.file
            if not self._good:
                _log.error("energy ledger: went back to the previous version, %s", path)
                self.damage = "it could not be read; the version before it is in force"
            return self._written
        return self._written

    def due(self, snapshot: Snapshot) -> bool:
        """Return whether these counters must be written now to keep the promise about losses."""
        ended = self._in_session and not snapshot.session
        self._in_session = snapshot.session
        now = counters_of(snapshot)
        if now == self._written:
            return False
        gained_ws = now.total_energy_ws - self._written.total_energy_ws
        switched = (now.enabled, now.available) != (self._written.enabled, self._written.available)
        waited_ms = snapshot.at_ms - self._written_ms
        return (
            ended
            or switched
            or gained_ws < 0
            or gained_ws >= MOST_LOST_WS // 2
            or waited_ms >= MOST_LOST_MS // 2
        )

    def write(self, snapshot: Snapshot) -> None:
        """Write the counters of a snapshot.

        Raises:
            OSError: they could not be written; the file holds the version before.
        """
        counters = counters_of(snapshot)
        self.file.parent.mkdir(parents=True, exist_ok=True)
        if self._good and self.file.exists():
            replace_file(self._previous, self.file.read_bytes())
        replace_file(self.file, _text(counters))
        self._written, self._written_ms, self._good = counters, snapshot.at_ms, True

    def begin_anew(self) -> Counters:
        """Forget the energy, not the wear of the contactor; return what was known before.

        Raises:
            OSError: the disk refused.
        """
        before = self.load()
        if before != Counters():
            wear = asdict(before.contactor)
            replace_file(self.file, _text(Counters(**wear)))
            self._previous.unlink(missing_ok=True)
        return before

    @property
    def _previous(self) -> Path:
        return self.file.with_name(f"{self.file.name}.previous")


def _text(counters: Counters) -> bytes:
    return json.dumps({"version": 1, **asdict(counters)}).encode() + b"\n"


def _parse(data: bytes) -> Counters:
    value = json.loads(data)
    if not isinstance(value, dict) or value.pop("version", None) != 1:
        raise ValueError("not a ledger of version 1")
    for key, number in value.items():
        expected = bool if key in {"enabled", "available"} else int
        if type(number) is not expected or number < 0:
            raise ValueError(f"{key}: {number!r}")
    return Counters(**value)
