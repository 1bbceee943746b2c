"""Keeps the settings: one file, written whole and durably, with the version before it.

The event-loop thread reads and replaces ``evse``; a worker thread does the writing.
"""

import asyncio
import difflib
import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from evsed.board.description import Board
from evsed.errors import BadFileError, RejectedError
from evsed.settings.files import replace_file
from evsed.settings.schema import (
    EVSE,
    EvseSettings,
    check_board,
    default_evse,
    fit_to_board,
    patched_evse,
    wire_evse,
)

_log = logging.getLogger(__name__)

_VERSION: Final = 1
_MAX_BYTES: Final = 1024 * 1024
_SECTIONS: Final = ("version", "evse")


class SettingsStore:
    """What the user chose, in memory and on disk."""

    def __init__(self, state_dir: Path, board: Board) -> None:
        self._file = state_dir / "settings.json"
        self._previous = state_dir / "settings.json.previous"
        self._board = board
        self._evse = default_evse(board)
        #: The text of the newest good version on disk; None when there is none.
        self._text: bytes | None = None
        self._lock = asyncio.Lock()

    @property
    def evse(self) -> EvseSettings:
        """The settings in force."""
        return self._evse

    def load(self) -> None:
        """Read the file, or the version before it, or start with defaults. Never raises."""
        current = self._attempt(self._file)
        if current:
            return
        previous = self._attempt(self._previous)
        if previous:
            why = "is missing" if current is None else "cannot be used"
            _log.error("settings: %s %s, the previous version is in force", self._file, why)
            return
        self._evse, self._text = default_evse(self._board), None
        if current is None and previous is None:
            _log.info("settings: none stored yet, the defaults are in force")
        else:
            _log.error("settings: no version can be used, the DEFAULTS are in force")

    def _attempt(self, path: Path) -> bool | None:
        """Return whether a file was taken; None when there is none."""
        try:
            data = _read(path)
            if data is None:
                return None
            self._adopt(path, data)
        except (BadFileError, OSError) as error:
            _log.error("settings: %s cannot be used: %s", path, error)
            return False
        return True

    def check_evse(self, patch: Mapping[str, object]) -> EvseSettings:
        """Return the settings as they would be with a patch applied; nothing changes.

        Args:
            patch: wire names and JSON values. Unknown keys are ignored beside a known one.

        Raises:
            RejectedError: names the key and what is permitted.
        """
        if not any(key in EVSE for key in patch):
            raise RejectedError(f"no known key; there are {', '.join(EVSE)}")
        candidate = patched_evse(self._evse, patch)
        check_board(candidate, self._board)
        return candidate

    async def save_evse(self, candidate: EvseSettings) -> None:
        """Write checked settings to disk, then put them into force.

        Raises:
            OSError: the disk failed; the old settings stay, in memory and on disk.
        """
        # Shielded: a caller that is cancelled must not leave disk and memory different.
        await asyncio.shield(asyncio.ensure_future(self._save(candidate)))

    async def change_evse(self, patch: Mapping[str, object]) -> EvseSettings:
        """Check and save in one step, so that two callers cannot overwrite one another.

        Raises:
            RejectedError: names the key and what is permitted.
            OSError: the disk failed; the old settings stay, in memory and on disk.
        """
        return await asyncio.shield(asyncio.ensure_future(self._change(patch)))

    async def _save(self, candidate: EvseSettings) -> None:
        async with self._lock:
            await self._persist(candidate)

    async def _change(self, patch: Mapping[str, object]) -> EvseSettings:
        async with self._lock:
            candidate = self.check_evse(patch)
            await self._persist(candidate)
            return candidate

    async def _persist(self, candidate: EvseSettings) -> None:
        if candidate == self._evse:
            return
        text = _text(candidate)
        await asyncio.to_thread(self._write, text)
        self._evse, self._text = candidate, text

    def _write(self, text: bytes) -> None:
        """Keep the good version as the previous one, then replace the file."""
        self._file.parent.mkdir(parents=True, exist_ok=True)
        if self._text is not None:
            replace_file(self._previous, self._text)
        replace_file(self._file, text)

    def _adopt(self, path: Path, data: bytes) -> None:
        stored, remarks = _parse(data, default_evse(self._board))
        for remark in remarks:
            _log.error("settings: %s: %s", path, remark)
        self._evse, changes = fit_to_board(stored, self._board)
        for change in changes:
            _log.error("settings: %s: changed to fit the board: %s", path, change)
        self._text = data


def _text(settings: EvseSettings) -> bytes:
    document = {"version": _VERSION, "evse": wire_evse(settings)}
    return json.dumps(document, indent=2).encode() + b"\n"


def _read(path: Path) -> bytes | None:
    """Return a file's bytes, or None when there is no file."""
    try:
        with path.open("rb") as file:
            data = file.read(_MAX_BYTES + 1)
    except FileNotFoundError:
        return None
    if len(data) > _MAX_BYTES:
        raise BadFileError(f"larger than {_MAX_BYTES} bytes")
    return data


def _parse(data: bytes, defaults: EvseSettings) -> tuple[EvseSettings, list[str]]:
    """Return the settings in a file and a remark for each key that is not known.

    Raises:
        BadFileError: not our JSON, another version, or a value that is not permitted.
    """
    document = _object(_decoded(data), "the file")
    version = document.get("version")
    if type(version) is not int or version != _VERSION:
        raise BadFileError(f"version: {ascii(version)[:40]} is not {_VERSION}")
    stored = _object(document.get("evse", {}), "evse")
    remarks = _unknown("", document, _SECTIONS) + _unknown("evse.", stored, tuple(EVSE))
    try:
        return patched_evse(defaults, stored), remarks
    except RejectedError as error:
        raise BadFileError(f"evse.{error}") from error


def _decoded(data: bytes) -> object:
    try:
        return json.loads(
            data.decode("utf-8-sig"), object_pairs_hook=_no_key_twice, parse_constant=_no_constant
        )
    except (ValueError, RecursionError) as error:
        raise BadFileError(f"not JSON: {error}") from error


def _no_key_twice(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key is there twice")
    return found


def _no_constant(name: str) -> object:
    raise ValueError(f"{name} is not a number")


def _object(value: object, name: str) -> dict[str, object]:
    if not isinstance(value, dict):
        raise BadFileError(f"{name} is not an object")
    return value


def _unknown(section: str, found: Mapping[str, object], known: tuple[str, ...]) -> list[str]:
    remarks = []
    for key in [key for key in found if key not in known][:20]:
        close = difflib.get_close_matches(key[:64], known, n=1, cutoff=0.5)
        hint = f", did you mean {close[0]}?" if close else ""
        remarks.append(f"{section}{ascii(key[:64])[1:-1]}: unknown key, ignored{hint}")
    return remarks
