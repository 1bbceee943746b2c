"""Run ``evsed`` with a control thread that raises once the file named first appears."""

import sys
from pathlib import Path
from typing import Any

from evsed import cli
from evsed.station import control_pass

_now = Path(sys.argv.pop(1))
_step = control_pass.step


def _failing_step(memory: Any, inputs: Any) -> Any:
    if _now.exists():
        raise ZeroDivisionError("a bug in the rules")
    return _step(memory, inputs)


control_pass.step = _failing_step
sys.exit(cli.main())
