"""Puts one tree of files in the place of another. Runs in a worker thread.

Everything is below one folder in the state directory, so that each step is a rename. A power cut
between two of them is mended at the next start.
"""

import os
import shutil
from pathlib import Path

from evsed.settings.files import sync_folder


class TreeSwap:
    """The user's tree, the new one beside it, and the old one while nobody knows how it ends.

    Args:
        state_dir: where ``usr`` is.
    """

    def __init__(self, state_dir: Path) -> None:
        self.tree = state_dir / "usr"
        self.work = state_dir / "restore"
        self.fresh = self.work / "usr"
        self._old = self.work / "old"

    def prepare(self) -> None:
        """Make an empty folder for the new tree."""
        self.fresh.mkdir(mode=0o750, parents=True)

    def swap(self) -> None:
        """Put the new tree into place; the old one is kept for ``undo``.

        Raises:
            OSError: nothing has changed.
        """
        os.sync()  # one for all files: ten thousand of them on an SD card would take minutes
        if self.tree.exists():
            self.tree.rename(self._old)
        try:
            self.fresh.rename(self.tree)
        except OSError:
            if self._old.exists():
                self._old.rename(self.tree)
            raise
        sync_folder(self.tree.parent)

    def undo(self) -> None:
        """Put the old tree back after a ``swap``."""
        self.tree.rename(self.fresh)
        if self._old.exists():
            self._old.rename(self.tree)
        else:
            self.tree.mkdir(mode=0o750)
        sync_folder(self.tree.parent)

    def rescue(self) -> bool:
        """Put the old tree back when there is no other; tell whether anything is left to remove."""
        if self._old.exists() and not self.tree.exists():
            self._old.rename(self.tree)
        return self.work.exists()

    def tidy(self) -> None:
        """Rescue the old tree, and remove what is not needed any more."""
        if self.rescue():
            shutil.rmtree(self.work, ignore_errors=True)
