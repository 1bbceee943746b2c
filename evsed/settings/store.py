"""Keeps the settings: one file, written whole and durably, with the version before it.

The event-loop thread reads and replaces ``settings``; a worker thread does the writing.
"""

import asyncio
import contextlib
import difflib
import json
import logging
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from evsed.board.description import Board
from evsed.errors import BadFileError, RejectedError, StorageError
from evsed.settings.files import replace_file
from evsed.settings.reset import Reset, ask_for_reset
from evsed.settings.schema import EvseSettings
from evsed.settings.sections import SECTIONS, Settings, default_settings

_log = logging.getLogger(__name__)

_VERSION: Final = 1
_MAX_BYTES: Final = 1024 * 1024
_LATE_S: Final = 1.0
#: Pause after a disk has failed.
_AGAIN_S: Final = 30.0


class SettingsStore:
    """What the user chose, in memory and on disk."""

    def __init__(self, state_dir: Path, board: Board) -> None:
        self._file = state_dir / "settings.json"
        self._previous = state_dir / "settings.json.previous"
        self._board = board
        self._settings = default_settings(board)
        #: Sections that did not fit the board: as they are in force, and as they were kept.
        self._misfits: dict[str, tuple[Any, Any]] = {}
        #: The text of the newest good version on disk; None when there is none.
        self._text: bytes | None = None
        self._lock = asyncio.Lock()
        #: Writes what was put into force before it was on disk; None when everything is.
        self._late: asyncio.Task[None] | None = None
        self._hurry = asyncio.Event()

    @property
    def settings(self) -> Settings:
        """The settings in force."""
        return self._settings

    @property
    def evse(self) -> EvseSettings:
        """The charger's own section."""
        return self._settings.evse

    @property
    def fresh(self) -> bool:
        """Whether nothing has ever been stored that could be used."""
        return self._text is None

    async def reset_at_next_start(self, reset: Reset) -> None:
        """Note that everything is to be erased when the daemon starts next.

        Raises:
            StorageError: the disk refused; nothing will be reset.
        """
        await asyncio.to_thread(ask_for_reset, self._file.parent, reset)

    def shown(self, section: str) -> Any:
        """Return one section as GET shows it: wire names and units, no secrets."""
        return SECTIONS[section].shown(getattr(self._settings, section))

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
        self._settings, self._text = default_settings(self._board), None
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

    def check(self, section: str, patch: object) -> Any:
        """Return a section as it would be with a patch applied; nothing changes.

        Args:
            section: one of ``SECTIONS``.
            patch: wire names and JSON values. Unknown keys are ignored beside a known one.

        Raises:
            RejectedError: names the key and what is permitted.
        """
        before = getattr(self._settings, section)
        return SECTIONS[section].patched(before, patch, self._board)

    async def save(self, section: str, candidate: Any) -> None:
        """Write a checked section to disk, then put it into force.

        Raises:
            StorageError: the disk failed; the old settings stay, in memory and on disk.
        """
        # Shielded: a caller that is cancelled must not leave disk and memory different.
        await asyncio.shield(asyncio.ensure_future(self._save(section, candidate)))

    def put(self, section: str, candidate: Any) -> None:
        """Put a checked section into force now; on disk it is within a second, if it stays.

        For whoever changes settings often. A power cut may lose the last second; a disk that
        fails is only logged, and tried again.
        """
        self._settings = replace(self._settings, **{section: candidate})
        if self._late is None:
            self._late = asyncio.create_task(self._write_late())

    async def flush(self) -> None:
        """Write what was put into force and is not on disk yet; for the end of the daemon."""
        if self._late is not None:
            self._hurry.set()
            await self._late
            self._hurry.clear()

    async def change(self, section: str, patch: object) -> Any:
        """Check and save in one step, so that two callers cannot overwrite one another.

        Raises:
            RejectedError: names the key and what is permitted.
            StorageError: the disk failed; the old settings stay, in memory and on disk.
        """
        return await asyncio.shield(asyncio.ensure_future(self._change(section, patch)))

    async def _save(self, section: str, candidate: Any) -> None:
        async with self._lock:
            await self._persist(section, candidate)

    async def _change(self, section: str, patch: object) -> Any:
        async with self._lock:
            candidate = self.check(section, patch)
            await self._persist(section, candidate)
            return candidate

    async def _persist(self, section: str, candidate: Any) -> None:
        after = replace(self._settings, **{section: candidate})
        if after == self._settings and self._late is None:
            return
        text = _text(after, self._misfits)
        try:
            await asyncio.to_thread(self._write, text)
        except OSError as error:
            _log.error("settings: could not be saved: %s", error)
            raise StorageError("the settings could not be saved; nothing was changed") from error
        # Not ``after``: another section may have been put into force meanwhile.
        self._settings = replace(self._settings, **{section: candidate})
        self._text = text

    async def _write_late(self) -> None:
        pause_s = _LATE_S
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause_s):
                    await self._hurry.wait()
            async with self._lock:
                text = _text(self._settings, self._misfits)
                kept = await self._write_unsaved(text)
                pause_s = _LATE_S if kept else _AGAIN_S
                written = self._text == _text(self._settings, self._misfits)
                if written or (self._hurry.is_set() and not kept):
                    self._late = None
                    return

    async def _write_unsaved(self, text: bytes) -> bool:
        """Write the file, unless it is as it should be; return whether it is now."""
        if text == self._text:
            return True
        try:
            await asyncio.to_thread(self._write, text)
        except OSError as error:
            _log.error("settings: could not be saved, it will be tried again: %s", error)
            return False
        self._text = text
        return True

    def _write(self, text: bytes) -> None:
        """Keep the good version as the previous one, then replace the file."""
        self._file.parent.mkdir(parents=True, exist_ok=True)
        if self._text is not None:
            replace_file(self._previous, self._text)
        replace_file(self._file, text)

    def _adopt(self, path: Path, data: bytes) -> None:
        self._settings, self._misfits, remarks = _parse(data, self._board)
        for remark in remarks:
            _log.error("settings: %s: %s", path, remark)
        self._text = data


def _text(settings: Settings, misfits: Mapping[str, tuple[Any, Any]]) -> bytes:
    """Return the file. What did not fit the board and has not been written since stays as it was.

    A board file may be broken for a day: nobody's residual current monitor goes off because of it.
    """
    kept = {}
    for name, section in SECTIONS.items():
        value = getattr(settings, name)
        fitted, before = misfits.get(name, (None, None))
        kept[name] = before if value == fitted else section.kept(value)
    # A line for each section: laid out any further it would take the slow encoder.
    rows = {"version": _VERSION, **kept}.items()
    lines = ",\n".join(f"  {json.dumps(name)}: {json.dumps(value)}" for name, value in rows)
    return f"{{\n{lines}\n}}\n".encode()


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


def _parse(data: bytes, board: Board) -> tuple[Settings, dict[str, tuple[Any, Any]], list[str]]:
    """Return the settings in a file, and a remark for each thing in it that was not taken as it is.

    Between them the sections that had to be changed: as they are now, and as they were.

    Raises:
        BadFileError: not our JSON, another version, or a value that is not permitted.
    """
    document = _object(_decoded(data), "the file")
    version = document.get("version")
    if type(version) is not int or version != _VERSION:
        raise BadFileError(f"version: {ascii(version)[:40]} is not {_VERSION}")
    remarks = _unknown("", document, ("version", *SECTIONS))
    found = {}
    misfits = {}
    for name, section in SECTIONS.items():
        kept = document.get(name)
        found[name], more, changes = _restored(section, kept, board)
        if changes:
            misfits[name] = (found[name], kept)
        remarks += [*more, *changes]
    return Settings(**found), misfits, remarks


def _restored(section: Any, kept: object, board: Board) -> tuple[Any, list[str], list[str]]:
    """Return one section of a file; the defaults when the file is older than the section.

    Remarks come apart: about keys, and about what was changed to fit the board.
    """
    if kept is None:
        return section.default(board), [], []
    remarks: list[str] = []
    if section.keys:
        stored = _object(kept, section.name)
        remarks = _unknown(f"{section.name}.", stored, section.keys)
        kept = {key: stored[key] for key in stored if key in section.keys}
    try:
        value, changes = section.restored(kept, board)
    except RejectedError as error:
        raise BadFileError(f"{section.name}.{error}") from error
    fitted = [f"changed to fit the board: {section.name}.{change}" for change in changes]
    return value, remarks, fitted


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
