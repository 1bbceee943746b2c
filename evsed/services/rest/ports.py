"""What the REST interface asks of other services; ``app.py`` hands in what fits."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Protocol

from evsed.host.network import FoundNetwork
from evsed.host.packages import Outcome

#: A value of a script's parameter; None stands for "as the script has it".
Value = str | float | bool | None


class Wifi(Protocol):
    """The radio."""

    async def scan(self) -> Sequence[FoundNetwork]:
        """Return the named networks in reach, strongest first; takes seconds."""

    def switch_access_point(self, *, on: bool) -> None:
        """Start or stop the access point in about a second."""


class Logs(Protocol):
    """What the daemon has said."""

    def lines(self, index: int) -> tuple[Sequence[str], int]:
        """Return the buffered lines from an index on, and how many are buffered."""

    def panic(self) -> tuple[str, int]:
        """Return the last fatal record and its Unix time, or nothing and 0. May read the disk."""

    def clear_panic(self) -> None:
        """Forget the record. Writes to the disk."""


class Component(Protocol):
    """One component of the user's scripts."""

    @property
    def id(self) -> str:
        """Its name in paths."""

    @property
    def name(self) -> str:
        """Its name for people."""

    @property
    def description(self) -> str:
        """What it is for."""

    @property
    def status(self) -> str:
        """How it stands: running, idle, finished, failed or stopped."""

    @property
    def error(self) -> str | None:
        """Why it failed."""


class Parameter(Protocol):
    """One parameter of a component."""

    @property
    def key(self) -> str:
        """Its name in scripts."""

    @property
    def name(self) -> str:
        """Its name for people."""

    @property
    def type(self) -> str:
        """string, number or boolean."""

    @property
    def value(self) -> Value:
        """What it is now."""


class Scripts(Protocol):
    """The script engine."""

    def output(self, index: int) -> tuple[Sequence[str], int]:
        """Return the buffered output from an index on, and how many lines are buffered."""

    async def reload(self) -> None:
        """Start all scripts again; nothing when the engine is off."""

    def components(self) -> Sequence[Component]:
        """Return the components in their order."""

    def component(self, name: str) -> Sequence[Parameter] | None:
        """Return the parameters of the component with this id, in order; None when unknown."""

    async def set_component(self, name: str, values: Mapping[str, Value]) -> None:
        """Change some parameters of a known component, and start it again.

        Raises:
            RejectedError: an unknown key, or a value of the wrong type; nothing was changed.
            StorageError: the disk refused.
        """


class DisplayInfo(Protocol):
    """What the display says of itself."""

    @property
    def model(self) -> str:
        """Its type."""

    @property
    def touch(self) -> bool:
        """Whether it can be touched."""

    @property
    def flash_size(self) -> int:
        """Bytes."""


class Display(Protocol):
    """A Nextion display on a serial port."""

    async def info(self) -> DisplayInfo | None:
        """Return what the display is, or None when none answers."""

    async def upload(self, length: int, baud_rate: int, chunks: AsyncIterator[bytes]) -> None:
        """Write a program of so many bytes into the display.

        Raises:
            DisplayError: it refused or did not answer, or is being written already.
            BrokenUpload: from ``chunks``, as any other exception of theirs.
        """


class UpdateProgress(Protocol):
    """How far an update is."""

    @property
    def stage(self) -> str:
        """idle, receiving, checking or installing."""

    @property
    def received(self) -> int:
        """Bytes."""

    @property
    def expected(self) -> int | None:
        """Bytes; None when nobody said."""


class Updater(Protocol):
    """Updates of the daemon itself."""

    async def told(self) -> tuple[UpdateProgress, Outcome | None]:
        """Return how far an update is, and how the newest installation ended."""

    def channels(self) -> Sequence[str]:
        """Return the names of the channels."""

    def channel(self) -> str:
        """Return the chosen one, else the first, else an empty text."""

    async def check(self) -> tuple[str, str]:
        """Return the version that is available and the one that runs.

        Raises:
            UpdateError: 520, it could not be looked up.
        """

    async def update(self) -> None:
        """Fetch, verify and stage what is available; it is installed a second later.

        Raises:
            UpdateError: 520 or 521.
        """

    async def upload(self, length: int | None, chunks: AsyncIterator[bytes]) -> None:
        """Take a package, verify and stage it; it is installed a second later.

        Args:
            length: bytes, when they were announced.
            chunks: what arrives.

        Raises:
            UpdateError: 521 or 523.
            BrokenUpload: from ``chunks``, as any other exception of theirs.
        """
