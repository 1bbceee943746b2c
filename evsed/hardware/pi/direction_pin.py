"""The output pin that switches an RS-485 transceiver; a connection of its own for each port."""

from evsed.hardware.pi.lines import OutputLine
from evsed.hardware.pi.link import Link


class DirectionPin:
    """A pin the serial ports drive; opened on a worker thread, driven on the event loop.

    A command takes some tenths of a millisecond. It waits at most 0.1 s for a pin daemon that
    stalls, once: the connection is lost then.

    Args:
        host: where the pin daemon is.
        port: its port.
        gpio: the pin.
        high: its level at first.

    Raises:
        HardwareError: the pin daemon does not answer.
    """

    def __init__(self, host: str, port: int, gpio: int, *, high: bool) -> None:
        self._link = Link(host, port)
        self._link.hurry()
        self._line = OutputLine(self._link, "serial direction", gpio, on=high)

    def drive(self, *, high: bool) -> None:
        """Set its level.

        Raises:
            HardwareError: the pin daemon does not answer.
        """
        self._line.set(on=high)

    def close(self) -> None:
        """End the connection; the pin stays as it is."""
        self._link.close()
