"""Packages as dpkg-deb makes them, keys of minisign, and a service that updates from files."""

import asyncio
import hashlib
import json
import subprocess
from dataclasses import replace
from pathlib import Path

from station_world import BOARD

from evsed.board.description import OtaChannel
from evsed.host.clock import ShiftedClock
from evsed.host.machine import Machine
from evsed.host.network import UnmanagedNetwork
from evsed.host.packages import InstallError, debian_architecture
from evsed.host.signatures import Signatures
from evsed.operations.operations import Operations
from evsed.services.update.service import Policy, UpdateService
from evsed.services.update.signing import signed
from evsed.settings.store import SettingsStore
from evsed.station.station import ParkedStation


def built(folder, *, name="evsed", version="9.9.9-1", architecture=None, pack="xz", level=None):
    """Return the bytes of a package made by dpkg-deb; ``/usr/version`` says which it is."""
    source = folder / f"package-{name}-{pack}"
    (source / "DEBIAN").mkdir(parents=True, exist_ok=True)
    (source / "usr").mkdir(exist_ok=True)
    (source / "usr/file").write_bytes(hashlib.shake_128(b"noise").digest(4001))
    (source / "usr/version").write_text(version)
    (source / "lib").mkdir(exist_ok=True)
    (source / "lib/unit").write_text(version)
    (source / "DEBIAN/control").write_text(
        f"Package: {name}\nVersion: {version}\nArchitecture: {architecture or 'all'}\n"
        "Maintainer: Somebody <a@example.org>\nDescription: charges\n a car\n"
    )
    target = folder / f"{name}-{pack}.deb"
    compression = [f"-Z{pack}", *([f"-z{level}"] if level else [])]
    command = ["dpkg-deb", "--root-owner-group", *compression, "-b", str(source), str(target)]
    subprocess.run(command, check=True, capture_output=True)
    return target.read_bytes()


class Key:
    """A key pair; the public half is in a folder of its own."""

    def __init__(self, folder, name="release"):
        self.trusted = folder / f"{name}-keys"
        self.trusted.mkdir()
        self.public = self.trusted / f"{name}.pub"
        self._secret = folder / f"{name}.sec"
        self._folder = folder
        self._minisign("-G", "-W", "-p", self.public, "-s", self._secret)

    def signature(self, data, *more):
        """Return minisign's signature of some bytes."""
        file = self._folder / "to sign"
        file.write_bytes(data)
        self._minisign("-S", *more, "-s", self._secret, "-m", file)
        return Path(f"{file}.minisig").read_bytes()

    def signed(self, package):
        return signed(package, self.signature(package))

    def _minisign(self, *arguments):
        subprocess.run(
            ["minisign", *map(str, arguments)], check=True, capture_output=True, input=b"\n"
        )


class Quiet(ParkedStation):
    """A station out of order, whose contactor a test may say is closed."""

    closed = False

    def __init__(self):
        super().__init__("nothing fitted")

    @property
    def snapshot(self):
        return replace(super().snapshot, contactor_closed=self.closed)


class Installer:
    """``Packages`` that keeps what it was handed."""

    def __init__(self, refusal=None):
        self.architecture = debian_architecture()
        self.installed = []
        self.refusal = refusal
        self.at_work = False
        self.ended = None

    async def install(self, file):
        if self.refusal:
            raise InstallError(self.refusal)
        self.installed.append(await asyncio.to_thread(_package_and_signature, file))

    async def busy(self):
        return self.at_work

    async def outcome(self):
        return self.ended


def _package_and_signature(file):
    signature = Path(f"{file}.minisig")
    return file.read_bytes(), signature.read_bytes() if signature.exists() else None


class UpdateWorld:
    """A service, everything around it real but the one who installs.

    Args:
        folder: for everything.
        keys: folders of trusted keys.
        policy: keys of ``Policy``.
    """

    def __init__(self, folder, keys=(), packages=None, channel=None, fetcher=None, **policy):
        self.folder = folder
        self.state_dir = folder / "state"
        self.state_dir.mkdir()
        self.descriptor = folder / "stable.json"
        path = channel or self.descriptor.as_uri()
        testing = OtaChannel(name="testing", path=(folder / "testing.json").as_uri())
        board = replace(BOARD, ota=(OtaChannel(name="stable", path=path), testing))
        self.station = Quiet()
        self.packages = packages or Installer()
        store = SettingsStore(self.state_dir, board)
        store.load()
        self.operations = Operations(
            station=self.station,
            settings=store,
            board=board,
            machine=Machine(simulated=True),
            network=UnmanagedNetwork(),
            clock=ShiftedClock(),
        )
        self.service = UpdateService(
            self.operations,
            self.packages,
            Signatures(keys),
            self.state_dir / "update",
            Policy(**policy),
            fetcher,
        )

    def offer(self, package, version="v9.9.9", **changes):
        """Put a package and its descriptor where the channel points to."""
        (self.folder / "evsed.deb").write_bytes(package)
        content = {
            "version": version,
            "path": "evsed.deb",
            "sha256": hashlib.sha256(package).hexdigest(),
            "size": len(package),
        } | changes
        content = {key: value for key, value in content.items() if value is not None}
        self.descriptor.write_text(json.dumps(content))

    @property
    def staged(self):
        """Names of what is staged."""
        return sorted(path.name for path in (self.state_dir / "update").glob("*"))

    async def upload(self, data, length=None):
        await self.service.upload(length, pieces_of(data))


async def pieces_of(data, size=5000):
    for start in range(0, len(data), size):
        yield data[start : start + size]
