"""A file that stands while a station is at work: who finds it knows how the last one ended.

It lives where a restart of the machine forgets it; that one leaves the contactor open by itself.
Source: platform.md section 8.2.
"""

import logging
from pathlib import Path

_log = logging.getLogger(__name__)


class RunningMark:
    """Set by a start, taken away by an orderly end only.

    Args:
        path: the file; its folder is made when missing.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def begin(self) -> bool:
        """Set the mark; return whether it was still there. A mark that cannot be set is logged."""
        left = self._path.exists()
        if left:
            _log.warning("the last run broke off: charging waits until a vehicle does not ask")
            return True
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._path.touch()
        except OSError as error:
            _log.error("a broken-off run would not be noticed: %s", error)
        return False

    def end(self) -> None:
        """Take the mark away; if that fails, the next start is only more careful."""
        try:
            self._path.unlink(missing_ok=True)
        except OSError as error:
            _log.warning("the mark of this run stays: %s", error)
