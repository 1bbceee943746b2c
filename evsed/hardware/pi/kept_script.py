"""Scripts whose numbers are kept in files: the next process deletes what this one could not.

The pin daemon has room for 32, and each that is left behind goes on running. Source:
pigpiod-protocol.md section 7.
"""

import contextlib
from pathlib import Path
from typing import Final

from evsed.errors import HardwareError
from evsed.hardware.pi.link import Link
from evsed.hardware.pi.script import DaemonScript, delete_script

DEAD_MAN: Final = "deadman"
HEARTBEAT: Final = "heartbeat"


class KeptScript(DaemonScript):
    """A ``DaemonScript`` with a file that holds its number.

    Args:
        link: to the pin daemon.
        device: for messages.
        gpio: for messages.
        text: what it does.
        id_file: the file; its folder is made when missing.

    Raises:
        HardwareError: the daemon refuses it, or the number cannot be kept.
    """

    def __init__(self, link: Link, device: str, gpio: int, text: str, id_file: Path) -> None:
        self._id_file = id_file
        super().__init__(link, device, gpio, text)
        try:
            id_file.parent.mkdir(parents=True, exist_ok=True)
            id_file.unlink(missing_ok=True)  # another user's may not be written, but replaced
            id_file.write_text(f"{self.id}\n")
        except OSError as error:
            # Scripts of the pin daemon are few, and whoever builds the hat tries again and again.
            super().delete()
            raise HardwareError(f"{device}: its number cannot be kept: {error}") from error

    def delete(self) -> bool:
        """Stop and forget it; return whether the daemon did. Never raises."""
        done = super().delete()
        if done:  # otherwise the next start has to do it
            with contextlib.suppress(OSError):
                self._id_file.unlink()
        return done


def forget_left_scripts(link: Link, runtime_dir: Path) -> None:
    """Delete the scripts of a process that died: its dead-man would trip into the next session.

    All of them before the first new one: the pin daemon gives numbers again, and after its own
    restart the old number of one may be the new one of another.
    """
    for name in (DEAD_MAN, HEARTBEAT):
        file = runtime_dir / name
        try:
            script_id = int(file.read_text())
        except (OSError, ValueError):
            continue
        delete_script(link, (f"{name} script", 0), script_id)
        if not link.lost:
            with contextlib.suppress(OSError):
                file.unlink()
