"""The panic record on disk and in memory: a line with the time, then the text."""

import logging
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from evsed.settings.files import replace_file

MAX_BYTES: Final = 16384

_CUT: Final = b"\n[... cut ...]\n"

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What happened, and when: Unix seconds."""

    text: str
    at_s: int


class PanicFile:
    """Keeps one record; readers never touch the disk."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._record = Record(text="", at_s=0)
        self._writing = threading.Lock()

    def load(self) -> None:
        """Read what an earlier run left. Never raises."""
        try:
            with self._path.open("rb") as file:
                data = file.read(2 * MAX_BYTES)
                written_s = int(self._path.stat().st_mtime)
        except FileNotFoundError:
            return
        except OSError as error:
            _log.error("panic record: %s cannot be read: %s", self._path, error.strerror)
            return
        head, _, body = data.partition(b"\n")
        if not (head.isdigit() and len(head) <= 12):
            head, body = b"%d" % written_s, data
        text = shortened(body).decode(errors="replace")
        self._record = Record(text=text, at_s=int(head))

    def write(self, record: Record) -> None:
        """Replace the record, in memory and then on disk. Never raises."""
        body = shortened(record.text.encode(errors="replace"))
        self._record = Record(text=body.decode(errors="replace"), at_s=record.at_s)
        try:
            with self._writing:
                replace_file(self._path, b"%d\n" % record.at_s + body)
        except OSError as error:
            _log.error("panic record: %s cannot be written: %s", self._path, error.strerror)

    def read(self) -> tuple[str, int]:
        """Return text and time; nothing and 0 when there is no record."""
        record = self._record
        return record.text, record.at_s

    def clear(self) -> None:
        """Forget the record.

        Raises:
            OSError: it is still on disk, and stays in memory.
        """
        with self._writing:
            self._path.unlink(missing_ok=True)
        self._record = Record(text="", at_s=0)


def shortened(data: bytes) -> bytes:
    """Return at most 16 KiB: of a longer text its beginning and its end."""
    if len(data) <= MAX_BYTES:
        return data
    half = (MAX_BYTES - len(_CUT)) // 2 - 4
    begin = data[:half].decode(errors="ignore").encode()
    end = data[-half:].decode(errors="ignore").encode()
    return begin + _CUT + end
