"""Ends the process when a task does not come back, whatever it is doing. Source: lua.md 7.3.

Lua runs without the interpreter's lock, so this thread can look at it, also while it is inside one
long library call that no hook interrupts.
"""

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from evsed.services.script.worker.link import Link

#: Exit status of a worker that was ended because of a task.
STUCK: Final = 70

_LOOK_EVERY_S: Final = 0.05
_TASK_S: Final = 1.0
_INIT_S: Final = 5.0
#: Who has hardly computed was not given the processor: it is not stuck, unless it stays so.
_COMPUTED_S: Final = 0.25
_AT_LAST: Final = 2.5


class Guard:
    """Looks twenty times a second how long the running code has been running."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._began: tuple[float, float] | None = None
        self._patience_s = _TASK_S
        self._component: str | None = None
        self._thread = threading.Thread(target=self._look, name="evsed-script-guard", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    @contextmanager
    def watching(self, *, init: bool = False) -> Iterator[None]:
        """Watch what runs inside; ``init``: it may take longer."""
        self._patience_s = _INIT_S if init else _TASK_S
        self._began = _now()
        try:
            yield
        finally:
            self._began = None

    @contextmanager
    def elsewhere(self) -> Iterator[None]:
        """Do not count time spent waiting for the daemon."""
        began, self._began = self._began, None
        try:
            yield
        finally:
            self._began = None if began is None else _now()

    def entered(self, component: str | None) -> None:
        """Note whose code runs; each task has its time."""
        self._component = component
        if self._began is not None:
            self._began = _now()

    def _look(self) -> None:
        while True:
            time.sleep(_LOOK_EVERY_S)
            began = self._began
            if began is None:
                continue
            ran_s, computed_s = (now - then for now, then in zip(_now(), began, strict=True))
            starved = computed_s < _COMPUTED_S and ran_s < self._patience_s * _AT_LAST
            if ran_s > self._patience_s and not starved:
                told = {"t": "stuck", "id": self._component, "ms": int(ran_s * 1000)}
                try:
                    self._link.send(told)
                finally:
                    os._exit(STUCK)


def _now() -> tuple[float, float]:
    """Return seconds that have passed, and seconds this process has computed."""
    return time.monotonic(), time.process_time()
