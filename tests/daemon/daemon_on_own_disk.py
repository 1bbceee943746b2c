"""``evsed`` with a state directory on a small disk of its own, in a namespace of its own.

Needs no root, a user namespace may mount; with root it does without one, because in there nobody
may ask for real-time priority.
"""

import ctypes
import os
import sys
from pathlib import Path

from evsed.cli import main

CLONE_NEWNS, CLONE_NEWUSER = 0x00020000, 0x10000000
MS_REC, MS_PRIVATE, MS_REMOUNT, MS_RDONLY = 0x4000, 1 << 18, 32, 1
SIZE = "16m"

libc = ctypes.CDLL(None, use_errno=True)


def checked(done: int, what: str) -> None:
    if done:
        raise OSError(ctypes.get_errno(), what)


def mount(folder: Path) -> None:
    user, group = os.getuid(), os.getgid()
    if user:
        checked(libc.unshare(CLONE_NEWUSER | CLONE_NEWNS), "unshare")
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"0 {user} 1")
        Path("/proc/self/gid_map").write_text(f"0 {group} 1")
    else:
        checked(libc.unshare(CLONE_NEWNS), "unshare")
        checked(libc.mount(None, b"/", None, MS_REC | MS_PRIVATE, None), "private")
    folder.mkdir(parents=True, exist_ok=True)
    options, where = f"size={SIZE}".encode(), str(folder).encode()
    checked(libc.mount(b"tmpfs", where, b"tmpfs", 0, options), "mount")
    if os.environ.get("EVSED_TEST_READ_ONLY"):
        checked(libc.mount(None, where, None, MS_REMOUNT | MS_RDONLY, options), "read-only")


if __name__ == "__main__":
    state = Path(sys.argv[sys.argv.index("--state-dir") + 1])
    mount(state)
    sys.exit(main(sys.argv[1:]))
