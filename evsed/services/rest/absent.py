"""What stands in for a service that is not there: it says so, and does nothing."""

from collections.abc import AsyncIterator, Mapping, Sequence

from evsed.errors import DisplayError, RejectedError, UpdateError
from evsed.host.network import FoundNetwork
from evsed.services.rest.ports import Component, DisplayInfo, Parameter, Value


class NoWifi:
    """No radio."""

    async def scan(self) -> Sequence[FoundNetwork]:
        """Return nothing."""
        return ()

    def switch_access_point(self, *, on: bool) -> None:
        """Do nothing."""


class NoLogs:
    """Nobody keeps the log."""

    def lines(self, index: int) -> tuple[Sequence[str], int]:
        """Return nothing."""
        del index
        return (), 0

    def panic(self) -> tuple[str, int]:
        """Return nothing."""
        return "", 0

    def clear_panic(self) -> None:
        """Do nothing."""


class NoScripts:
    """The script engine is off, or not installed."""

    def output(self, index: int) -> tuple[Sequence[str], int]:
        """Return nothing."""
        del index
        return (), 0

    async def reload(self) -> None:
        """Do nothing."""

    def components(self) -> Sequence[Component]:
        """Return nothing."""
        return ()

    def component(self, name: str) -> Sequence[Parameter] | None:
        """Return nothing."""
        del name
        return None

    async def set_component(self, name: str, values: Mapping[str, Value]) -> None:
        """Refuse."""
        del values
        raise RejectedError(f"there is no component {name!r}")


class NoDisplay:
    """No serial port is in mode ``nextion``."""

    async def info(self) -> DisplayInfo | None:
        """Return nothing."""
        return None

    async def upload(self, length: int, baud_rate: int, chunks: AsyncIterator[bytes]) -> None:
        """Refuse."""
        del length, baud_rate, chunks
        raise DisplayError("no serial port is in mode nextion")


class NoUpdater:
    """No update service: updates come by other means."""

    stage, received, expected = "idle", 0, None

    async def told(self) -> tuple["NoUpdater", None]:
        """Tell that nothing happens and nothing ever did."""
        return self, None

    def channels(self) -> Sequence[str]:
        """Return nothing."""
        return ()

    def channel(self) -> str:
        """Return nothing."""
        return ""

    async def check(self) -> tuple[str, str]:
        """Refuse."""
        raise UpdateError(520, "this installation has no update channel")

    async def update(self) -> None:
        """Refuse."""
        raise UpdateError(520, "this installation has no update channel")

    async def upload(self, length: int | None, chunks: AsyncIterator[bytes]) -> None:
        """Refuse."""
        del length, chunks
        raise UpdateError(521, "this installation does not update itself")
