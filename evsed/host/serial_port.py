"""What a session on a serial port sees of the port, and what the port asks of a session."""

from typing import Protocol


class Writer(Protocol):
    """The sending half of an open port. Source: serial.md section 8."""

    @property
    def baud_rate(self) -> int:
        """The rate in force."""

    @property
    def bits_per_character(self) -> int:
        """Start, data, parity and stop bits together."""

    @property
    def usb(self) -> bool:
        """Whether an adapter may deliver what it received some milliseconds late."""

    @property
    def pending(self) -> int:
        """Bytes taken by ``write`` and not yet handed to the device."""

    def write(self, data: bytes) -> bool:
        """Send; False when the bounded queue has no room, and then nothing was taken."""

    def set_baud_rate(self, baud_rate: int) -> None:
        """Switch at once; the caller waits for ``drained`` first."""

    async def drained(self, timeout_s: float) -> bool:
        """Wait until everything is on the wire; False when that took too long."""

    def discard_input(self) -> None:
        """Forget what was received and not yet delivered."""


class Session(Protocol):
    """One mode at work on one open port; knows no device. Source: serial.md section 1."""

    def opened(self, writer: Writer) -> None:
        """The port is open; called once."""

    def received(self, data: bytes) -> None:
        """Bytes arrived, in whatever pieces."""

    async def closed(self, reason: str) -> None:
        """The port is about to close, within 100 ms; a goodbye may still be written."""
