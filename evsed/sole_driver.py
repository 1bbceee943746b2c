"""One charger has one daemon: a second one would drive the same pins by other limits.

Whoever tries ``evsed run`` at a shell while the service charges a vehicle is told so, before a pin
has moved.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from evsed.errors import EvsedError

#: Where the daemons of a computer meet, unless they are told otherwise.
RUNTIME_DIR: Final = Path("/run/evsed")
_NAME: Final = "driver"


class SecondDaemonError(EvsedError):
    """Another daemon drives this charger."""


@contextmanager
def sole_driver(runtime_dir: Path) -> Iterator[None]:
    """Be the only daemon meanwhile; also a crash ends it, and children do not inherit it.

    A folder that cannot be written is no reason not to start: the drivers find that, and say it.

    Raises:
        SecondDaemonError: there is another one.
    """
    file = _opened(runtime_dir)
    if file is None:
        yield
        return
    try:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise SecondDaemonError(
                f"another evsed drives this charger ({runtime_dir / _NAME} is locked): "
                "systemctl status evsed"
            ) from error
        yield
    finally:
        os.close(file)


def _opened(runtime_dir: Path) -> int | None:
    try:
        runtime_dir.mkdir(parents=True, exist_ok=True)
        file = os.open(
            runtime_dir / _NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600
        )
        owner = runtime_dir.stat()
    except OSError:
        return None
    with suppress(OSError):
        # Made by root once, the service must be able to open it; strangers must never be.
        os.fchown(file, owner.st_uid, owner.st_gid)
    return file
