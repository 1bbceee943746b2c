"""Gives away every right a worker does not need, before anything strange runs in it.

Source: lua.md section 12.2.
"""

import contextlib
import ctypes
import os
import pwd
import resource
import signal
import sys
import time
from collections.abc import Collection
from pathlib import Path
from typing import Final

#: Whom a worker runs as, if there is such a user and we may.
USER: Final = "evsed-script"
_PR_SET_PDEATHSIG: Final = 1
_PR_SET_DUMPABLE: Final = 4
_PR_SET_NO_NEW_PRIVS: Final = 38
#: Source: capset(2); two parts of three words follow.
_CAPABILITY_VERSION_3: Final = 0x20080522
_OOM_SCORE: Final = Path("/proc/self/oom_score_adj")
_FIRST_TO_GO: Final = "500"
_MIB: Final = 1024 * 1024

Limits = tuple[tuple[int, int], ...]
_ALWAYS: Final[Limits] = ((resource.RLIMIT_CORE, 0), (resource.RLIMIT_MEMLOCK, 0))
#: What scripts get.
SCRIPTS: Final[Limits] = (
    *_ALWAYS,
    (resource.RLIMIT_AS, 160 * _MIB),
    (resource.RLIMIT_NOFILE, 32),
    (resource.RLIMIT_FSIZE, _MIB),
)
#: What connections to brokers get: threads with their stacks, and no files to write.
CONNECTIONS: Final[Limits] = (
    *_ALWAYS,
    (resource.RLIMIT_AS, 128 * _MIB),
    (resource.RLIMIT_NOFILE, 64),
    (resource.RLIMIT_FSIZE, 0),
)


def harden(
    limits: Limits,
    *,
    zone_rule: str = "UTC0",
    home: Path | None = None,
    keep: Collection[str] = (),
) -> None:
    """Become a process that can compute, and talk to one socket.

    Args:
        limits: most it may have of what.
        zone_rule: the local time, as POSIX writes it.
        home: the folder it works in; it becomes another user only if that one may, too.
        keep: what stays of the environment.
    """
    kept = {name: value for name, value in os.environ.items() if name in keep}
    os.environ.clear()
    os.environ.update({**kept, "LANG": "C.UTF-8", "TZ": zone_rule})
    time.tzset()
    if home is not None:
        os.chdir(home)
    # When memory runs out it is a worker that goes, not the charger.
    with contextlib.suppress(OSError):
        _OOM_SCORE.write_text(_FIRST_TO_GO, encoding="ascii")
    become(USER, home)
    kernel = ctypes.CDLL(None, use_errno=True)
    _drop_capabilities(kernel)
    # After the change of user, which undoes the two last ones.
    kernel.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    kernel.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    kernel.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    with contextlib.suppress(OSError):
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
    with contextlib.suppress(OSError):
        os.nice(10)
    for kind, most in limits:
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(kind, (most, most))


def _drop_capabilities(kernel: ctypes.CDLL) -> None:
    """Lose what the daemon may for the sake of its ports, if it may anything."""
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    kernel.capset(ctypes.byref(header), ctypes.byref((ctypes.c_uint32 * 6)()))


def become(user: str, home: Path | None) -> bool:
    """Become another user for good, where permitted; return whether that was done.

    Args:
        user: its name; nothing happens when there is none.
        home: what it must be able to read and write, else nothing happens either.
    """
    try:
        entry = pwd.getpwnam(user)
    except KeyError:
        return False
    try:
        if not _may_use(entry, home):
            sys.stderr.write(f"{user} may not use {home}; running as before\n")
            return False
        os.setgroups([entry.pw_gid])
        os.setresgid(entry.pw_gid, entry.pw_gid, entry.pw_gid)
        os.setresuid(entry.pw_uid, entry.pw_uid, entry.pw_uid)
    except PermissionError:
        return False
    return True


def _may_use(entry: pwd.struct_passwd, home: Path | None) -> bool:
    """Become somebody for a moment, to see what he sees.

    Raises:
        PermissionError: we may not become anybody.
    """
    user, group, groups = os.geteuid(), os.getegid(), os.getgroups()
    os.setgroups([entry.pw_gid])
    try:
        os.setegid(entry.pw_gid)
        os.seteuid(entry.pw_uid)
        return home is None or os.access(home, os.R_OK | os.W_OK | os.X_OK, effective_ids=True)
    finally:
        os.seteuid(user)
        os.setegid(group)
        os.setgroups(groups)


def no_more_threads() -> None:
    """Forbid further processes and threads; to be called when the last thread runs."""
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
