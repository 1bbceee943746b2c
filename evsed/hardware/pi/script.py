"""A script stored in the pin daemon: it lives on when this process does not."""

import contextlib
import time
from typing import Final

from evsed.errors import HardwareError
from evsed.hardware.pi.link import Link

#: what the daemon says of a script. Source: pigpiod-protocol.md section 7.
INITIALIZING: Final = 0
HALTED: Final = 1
RUNNING: Final = 2
WAITING: Final = 3

_READY_S: Final = 1.0
_RETRY_S: Final = 0.01


class DaemonScript:
    """One stored script, ready to run.

    Raises:
        HardwareError: the daemon refuses the text, or is not ready within one second.
    """

    def __init__(self, link: Link, device: str, gpio: int, text: str) -> None:
        self._link = link
        self._name = (device, gpio)
        with link.calls(device, gpio):
            self.id = link.pi.store_script(text.encode())
        try:
            self._wait()
        except HardwareError:
            self.delete()
            raise

    def run(self, value: int) -> None:
        """Start it with ``value`` as its first parameter."""
        with self._link.calls(*self._name):
            self._link.pi.run_script(self.id, [value])

    def update(self, value: int) -> None:
        """Change its first parameter; it may be running."""
        with self._link.calls(*self._name):
            self._link.pi.update_script(self.id, [value])

    def state(self) -> int:
        """Return what the daemon says of it."""
        with self._link.calls(*self._name):
            return self._link.pi.script_status(self.id)[0]

    def delete(self) -> bool:
        """Stop and forget it; return whether the daemon did. Never raises."""
        with contextlib.suppress(HardwareError), self._link.calls(*self._name):
            self._link.pi.stop_script(self.id)
        return delete_script(self._link, self._name, self.id)

    def _wait(self) -> None:
        deadline = time.monotonic() + _READY_S
        while self.state() == INITIALIZING:
            if time.monotonic() > deadline:
                device, gpio = self._name
                raise HardwareError(f"{device} on GPIO {gpio}: script not ready within 1 s")
            time.sleep(_RETRY_S)


def delete_script(link: Link, name: tuple[str, int], script_id: int) -> bool:
    """Forget a script of this process or an earlier one; return whether it is gone."""
    try:
        with link.calls(*name):
            link.pi.delete_script(script_id)
    except HardwareError:
        return False
    return True
