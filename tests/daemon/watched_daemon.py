"""Run ``evsed``; every attempt to make the board safe is noted, with its time, in a file."""

import sys
import time
from pathlib import Path

from evsed import cli
from evsed.hardware.pi.safe_off import SafeOff

_notes = Path(sys.argv.pop(1))
_make_safe = SafeOff.__call__


def _noting_make_safe(self: SafeOff) -> None:
    with _notes.open("a") as notes:
        notes.write(f"{time.monotonic()}\n")
    _make_safe(self)


SafeOff.__call__ = _noting_make_safe
sys.exit(cli.main())
