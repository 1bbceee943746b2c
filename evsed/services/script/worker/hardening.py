"""Gives away every right the worker does not need, before scripts run. Source: lua.md 12.2."""

import contextlib
import ctypes
import os
import resource
import signal
from typing import Final

_PR_SET_PDEATHSIG: Final = 1
_PR_SET_DUMPABLE: Final = 4
_PR_SET_NO_NEW_PRIVS: Final = 38
_LIMITS: Final = (
    (resource.RLIMIT_AS, 160 * 1024 * 1024),
    (resource.RLIMIT_NOFILE, 32),
    (resource.RLIMIT_FSIZE, 1024 * 1024),
    (resource.RLIMIT_CORE, 0),
    (resource.RLIMIT_MEMLOCK, 0),
)


def harden(zone_rule: str) -> None:
    """Become a process that can compute, and talk to one socket."""
    os.environ.clear()
    os.environ.update({"LANG": "C.UTF-8", "TZ": zone_rule})
    kernel = ctypes.CDLL(None, use_errno=True)
    kernel.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    kernel.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    kernel.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    with contextlib.suppress(OSError):
        os.nice(10)
    for kind, most in _LIMITS:
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(kind, (most, most))


def no_more_threads() -> None:
    """Forbid further processes and threads; to be called when the last thread runs."""
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
