"""A factory reset that somebody asked for: a note in the state directory, obeyed at the next start.

Nothing is erased while the daemon runs. It winds down in order first; and a power cut in between
leaves the note, so that the reset is done whole or not at all.
"""

import json
import logging
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from evsed.errors import StorageError
from evsed.settings.files import replace_file, sync_folder

_NAME: Final = "reset.json"

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reset:
    """What is to be erased besides the settings, and who asked.

    Args:
        sessions: the history of charging too.
        source: who asked, for the log.
    """

    sessions: bool = False
    source: str = "a note that cannot be read"


def ask_for_reset(state_dir: Path, reset: Reset) -> None:
    """Leave the note. Waits for the disk.

    Raises:
        StorageError: the disk refused; nothing will be reset.
    """
    note = state_dir / _NAME
    try:
        replace_file(note, json.dumps(asdict(reset)).encode() + b"\n")
        if os.geteuid() == 0:  # the daemon is another user
            folder = state_dir.stat()
            os.chown(note, folder.st_uid, folder.st_gid)
    except OSError as error:
        why = f"{note} cannot be written: {error.strerror}"
        raise StorageError(f"the factory reset was not noted: {why}") from error


def reset_asked_for(state_dir: Path) -> Reset | None:
    """Return the note; None when there is none. One that cannot be read asks for the least."""
    try:
        found = json.loads((state_dir / _NAME).read_bytes())
        return Reset(sessions=found["sessions"] is True, source=str(found["source"]))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        _log.error("factory reset: %s: %s", _NAME, error)
        return Reset()


def reset_is_done(state_dir: Path) -> None:
    """Remove the note, the last thing of all.

    Raises:
        OSError: the disk refused.
    """
    (state_dir / _NAME).unlink()
    sync_folder(state_dir)
