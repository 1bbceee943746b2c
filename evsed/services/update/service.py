"""Updates as the REST interface offers them. Source: rest.md section 9, decisions 12 and 14."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final, Protocol

import evsed
from evsed.errors import BrokenUpload, UpdateError
from evsed.host.packages import InstallError, Outcome, Packages
from evsed.operations.operations import Operations
from evsed.services.update import versions
from evsed.services.update.addresses import FetchError, beside
from evsed.services.update.deb import Package
from evsed.services.update.descriptor import MAX_BYTES, Descriptor, read_descriptor
from evsed.services.update.fetch import Fetcher
from evsed.services.update.staging import Staging

#: 10 for the network (rest.md section 9), the rest to start what goes there
_LOOK_UP_S: Final = 15.0
_DOWNLOAD_S: Final = 1800.0
_PACKAGE: Final = "evsed"
_LOOK_EVERY_S: Final = 5.0

_log = logging.getLogger(__name__)


class Stage(StrEnum):
    """What an update is doing."""

    IDLE = "idle"
    RECEIVING = "receiving"
    CHECKING = "checking"
    INSTALLING = "installing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far an update is: bytes received, of how many when that is known."""

    stage: Stage = Stage.IDLE
    received: int = 0
    expected: int | None = None


class Signers(Protocol):
    """Who knows the trusted keys."""

    async def signer(self, file: Path, signature: Path) -> str | None:
        """Return the name of the trusted key that signed a file; None when there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What the administrator decided.

    Args:
        enabled: False where updates come by other means.
        allow_unsigned: take packages without a signature, though only while there are credentials.
        credentials_set: tells whether there are.
    """

    enabled: bool = True
    allow_unsigned: bool = False
    credentials_set: Callable[[], bool] = lambda: False


class UpdateService:
    """Looks up, fetches, verifies and hands over packages of this program, one at a time.

    Args:
        operations: the channel chosen, and whether the contactor is closed.
        packages: who installs.
        signers: who knows the keys.
        folder: for the package on its way; belongs to this service alone.
        policy: what the administrator decided.
        fetcher: how to get what a channel offers.
    """

    def __init__(
        self,
        operations: Operations,
        packages: Packages,
        signers: Signers,
        folder: Path,
        policy: Policy,
        fetcher: Fetcher | None = None,
    ) -> None:
        self._operations = operations
        self._packages = packages
        self._signers = signers
        self._staging = Staging(folder)
        self._policy = policy
        self._fetcher = fetcher or Fetcher()
        self.current = f"v{evsed.__version__}"
        self.progress = Progress()
        self._look_every_s = _LOOK_EVERY_S

    async def serve(self) -> None:
        """Say in the log how installations end, until cancelled."""
        await asyncio.to_thread(self._staging.clear)  # of an update whose daemon was stopped
        known = await self._packages.outcome()
        while True:
            await asyncio.sleep(self._look_every_s)
            newest = await self._packages.outcome()
            if newest is not None and newest != known:
                _say(newest)
            known = newest

    async def told(self) -> tuple[Progress, Outcome | None]:
        """Return how far an update is, and how the newest installation ended."""
        progress = self.progress
        if progress.stage is Stage.IDLE and await self._packages.busy():
            progress = Progress(stage=Stage.INSTALLING)
        return progress, await self._packages.outcome()

    def channels(self) -> tuple[str, ...]:
        """Return the names of the channels; none where updates are switched off."""
        channels = self._operations.board.ota if self._policy.enabled else ()
        return tuple(channel.name for channel in channels)

    def channel(self) -> str:
        """Return the chosen channel, else the first, else an empty text."""
        names = self.channels()
        chosen = self._operations.store.settings.firmware.channel
        return chosen if chosen in names else next(iter(names), "")

    async def check(self) -> tuple[str, str]:
        """Return the version that is available and the one that runs.

        Raises:
            UpdateError: 520, it could not be looked up.
        """
        _, descriptor = await self._looked_up()
        return versions.shown(descriptor.version), self.current

    async def update(self) -> None:
        """Install what the channel offers, unless it is the version that runs.

        Raises:
            UpdateError: 520 or 521.
        """
        url, descriptor = await self._looked_up()
        if versions.same(descriptor.version, self.current):
            return
        async with self._at_work():
            await self._fetched(url, descriptor)
            try:
                package = await self._verified()
            except UpdateError as error:
                raise UpdateError(521, str(error)) from error
            if not versions.same(package.version, descriptor.version):
                raise UpdateError(
                    521,
                    f"the package is of version {ascii(package.version)[1:-1][:64]}, not of "
                    f"{descriptor.version}",
                )
            await self._install(package)

    async def upload(self, length: int | None, chunks: AsyncIterator[bytes]) -> None:
        """Install a package somebody sends.

        Args:
            length: bytes, when they were announced.
            chunks: what arrives.

        Raises:
            UpdateError: 521 or 523.
            BrokenUpload: fewer bytes than announced.
        """
        if not self._policy.enabled:
            raise UpdateError(521, "updates are switched off by the administrator")
        async with self._at_work():
            self.progress = Progress(stage=Stage.RECEIVING, expected=length)
            size, _ = await self._staging.take(chunks, self._received)
            if length is not None and size < length:
                raise BrokenUpload(f"the upload broke off after {size} of {length} bytes")
            await self._install(await self._verified())

    async def _looked_up(self) -> tuple[str, Descriptor]:
        """Return the address of the chosen channel's descriptor, and what it says."""
        chosen = self.channel()
        paths = {channel.name: channel.path for channel in self._operations.board.ota}
        if not chosen or not paths[chosen]:
            raise UpdateError(520, "there is no update channel")
        try:
            async with asyncio.timeout(_LOOK_UP_S):
                data = await self._fetcher.read(paths[chosen], MAX_BYTES)
        except TimeoutError:
            raise UpdateError(520, f"channel {chosen}: no answer in {_LOOK_UP_S:g} s") from None
        except FetchError as error:
            raise UpdateError(520, f"channel {chosen}: {error}") from error
        return paths[chosen], await asyncio.to_thread(read_descriptor, data)

    async def _fetched(self, url: str, descriptor: Descriptor) -> None:
        """Stage the package a descriptor offers."""
        wanted = descriptor.download(self._packages.architecture)
        self.progress = Progress(stage=Stage.RECEIVING, expected=wanted.size)
        _log.info("update: fetching %s", versions.shown(descriptor.version))
        try:
            async with (
                asyncio.timeout(_DOWNLOAD_S),
                self._fetcher.opened(beside(url, wanted.path)) as pieces,
            ):
                size, sha256 = await self._staging.take(pieces, self._received)
        except TimeoutError:
            raise UpdateError(521, "the package took too long to arrive") from None
        except FetchError as error:
            raise UpdateError(521, f"the package cannot be fetched: {error}") from error
        if wanted.size not in {None, size}:
            raise UpdateError(521, f"the package has {size} bytes, not {wanted.size}")
        if sha256 != wanted.sha256:
            raise UpdateError(521, "the package has another sha256 than the channel says")

    async def _verified(self) -> Package:
        """Return the staged package when it is ours, for this machine, and signed."""
        self.progress = Progress(stage=Stage.CHECKING, received=self.progress.received)
        package = await self._staging.split()
        name, machine = ascii(package.name)[1:-1][:64], self._packages.architecture
        if package.name != _PACKAGE:
            raise UpdateError(523, f"the package is {name or 'without a name'}, not {_PACKAGE}")
        if package.architecture not in {machine, "all"}:
            foreign = ascii(package.architecture)[1:-1][:64]
            raise UpdateError(523, f"the package is for {foreign}, this machine is {machine}")
        if not package.version:
            raise UpdateError(523, "the package has no version")
        await self._check_signer(package)
        return package

    async def _check_signer(self, package: Package) -> None:
        if package.signature is None and self._policy.allow_unsigned:
            if not self._policy.credentials_set():
                raise UpdateError(
                    523, "unsigned packages are only taken while user and password are set"
                )
            _log.warning("update: an UNSIGNED package is taken, as the administrator permits")
            return
        try:
            signer = package.signature and await self._signers.signer(
                self._staging.package, self._staging.signature
            )
        except OSError as error:
            raise UpdateError(521, f"no signature can be checked: {error}") from error
        if not signer:
            raise UpdateError(523, "the package is not signed by a trusted key")
        _log.info("update: the package is signed by key %s", signer)

    async def _install(self, package: Package) -> None:
        """Hand the staged package over; from here on it is somebody else's."""
        self._check_contactor()
        self.progress = Progress(stage=Stage.INSTALLING, received=self.progress.received)
        version = ascii(package.version)[1:-1][:64]
        lower = versions.compare(versions.upstream(version), versions.upstream(self.current)) < 0
        try:
            await self._packages.install(self._staging.package)
        except InstallError as error:
            raise UpdateError(521, str(error)) from error
        _log.warning("update: installing %s%s", version, ", a LOWER version" if lower else "")

    def _check_contactor(self) -> None:
        if self._operations.station.snapshot.contactor_closed:
            raise UpdateError(521, "a vehicle is being charged; update when it is not")

    def _received(self, size: int) -> None:
        self.progress = Progress(
            stage=Stage.RECEIVING, received=size, expected=self.progress.expected
        )

    @asynccontextmanager
    async def _at_work(self) -> AsyncIterator[None]:
        """Keep a second update away, and leave nothing behind when this one fails."""
        if self.progress.stage is not Stage.IDLE or await self._packages.busy():
            raise UpdateError(521, "an update is running already")
        self._check_contactor()
        self.progress = Progress(stage=Stage.RECEIVING)
        try:
            yield
        except BaseException:
            await asyncio.to_thread(self._staging.clear)
            raise
        finally:
            self.progress = Progress()


def _say(newest: Outcome) -> None:
    level = logging.WARNING if newest.outcome == "installed" else logging.ERROR
    reason = f": {newest.reason}" if newest.reason else ""
    _log.log(level, "update: %s %s%s", newest.outcome, newest.version, reason)
