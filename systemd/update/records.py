"""What has to outlive a power cut: how far an installation is, and how the newest one ended."""

import fcntl
import json
import os
import shutil
import stat
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from machine import say, settle

_UNREADABLE: Final = "its journal cannot be read"


@dataclass(frozen=True)
class Entry:
    """One installation: what is being done, from which version to which, and why it went back."""

    step: str
    before: str
    version: str
    why: str = ""


class Records:
    """Journal and result in the folder only root writes.

    Args:
        folder: made when it is not there.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._journal = folder / "journal.json"

    @property
    def interrupted(self) -> bool:
        """Whether an installation has not come to its end."""
        return self._journal.exists()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Make sure that the folder is root's own, and keep a second run away."""
        self.folder.mkdir(mode=0o755, parents=True, exist_ok=True)
        facts = self.folder.lstat()
        if not stat.S_ISDIR(facts.st_mode) or facts.st_uid != os.geteuid():
            raise SystemExit(f"{self.folder} is not a folder of our own")
        self.folder.chmod(0o755)
        with (self.folder / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise SystemExit("another update is running") from None
            for left in self.folder.glob("pack-*"):
                shutil.rmtree(left, ignore_errors=True)
            yield

    def note(self, entry: Entry) -> None:
        """Say what is done next, before it is done."""
        _replace(self._journal, asdict(entry))

    def read(self) -> Entry:
        """Return the newest note; one that cannot be read means: go back."""
        try:
            return Entry(**json.loads(self._journal.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return Entry("undoing", "", "", _UNREADABLE)

    def end(self, entry: Entry, *, over: bool = True) -> None:
        """Leave the result for the daemon.

        Args:
            entry: its step is how it ended: refused, installed, undone or failed.
            over: there is nothing left to finish at the next boot.
        """
        say(": ".join(filter(None, (f"{entry.step} {entry.version}".strip(), entry.why))))
        result = {"outcome": entry.step, "from": entry.before, "to": entry.version}
        _replace(
            self.folder / "result.json", {**result, "reason": entry.why, "at": int(time.time())}
        )
        if over:
            self._journal.unlink(missing_ok=True)
            settle(self.folder)


def _replace(file: Path, value: Mapping[str, object]) -> None:
    """Write a JSON file so that a power cut leaves the old one or the new one."""
    draft = file.with_name(f"{file.name}.new")
    draft.write_text(json.dumps(value) + "\n", encoding="utf-8")
    settle(draft)
    draft.replace(file)
    settle(file.parent)
