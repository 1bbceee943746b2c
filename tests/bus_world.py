"""A private D-Bus with services of the operating system on it, played by python-dbusmock."""

import asyncio
import contextlib
import json
import os
import socket
import subprocess
import time
from pathlib import Path

from dbus_fast import Variant

from evsed.host.bus import BusError, Remote, SystemBus

PATIENCE_S = 60.0
#: python-dbusmock is a package of Debian's, for Debian's own Python.
SYSTEM_PYTHON = "/usr/bin/python3"
MOCK = "org.freedesktop.DBus.Mock"
NM = "org.freedesktop.NetworkManager"
ROOT = "/org/freedesktop/NetworkManager"
DEVICE = f"{ROOT}/Devices/wlan0"
PSK = 0x100
SAE = 0x400
TEMPLATE = Path(__file__).with_name("network_manager_mock.py")


class PrivateBus:
    """A bus of its own, and what was started on it."""

    def __init__(self, folder):
        self.address = f"unix:path={folder}/bus"
        self._folder = folder
        self._started = []
        self.client = SystemBus(self.address)

    def open(self):
        """Start the bus, again after ``close``."""
        command = ["dbus-daemon", "--session", "--nofork", f"--address={self.address}"]
        self._start(command)
        give_up = time.monotonic() + PATIENCE_S
        while not self._listens():
            assert time.monotonic() < give_up, "the bus does not start"
            time.sleep(0.01)

    async def play(self, template, parameters=None, service=None):
        """Put a service on the bus; return the process that plays it."""
        words = [] if parameters is None else ["--parameters", json.dumps(parameters)]
        playing = self._start(
            [SYSTEM_PYTHON, "-m", "dbusmock", "--template", str(template), *words]
        )
        bus = Remote("org.freedesktop.DBus", "/org/freedesktop/DBus")
        async with asyncio.timeout(PATIENCE_S):
            while not await self.client.call(
                bus, "org.freedesktop.DBus.NameHasOwner", "s", service or NM
            ):
                assert playing.poll() is None, (self._folder / "bus.log").read_text()
                await asyncio.sleep(0.02)
        return playing

    def close(self):
        """End everything, the bus last."""
        for process in reversed(self._started):
            process.terminate()
            process.wait(PATIENCE_S)
        self._started.clear()
        with contextlib.suppress(FileNotFoundError):
            (self._folder / "bus").unlink()

    def _listens(self):
        with socket.socket(socket.AF_UNIX) as probe:
            return probe.connect_ex(f"{self._folder}/bus") == 0

    def _start(self, command):
        environment = {
            **os.environ,
            "DBUS_SYSTEM_BUS_ADDRESS": self.address,
            "DBUS_SESSION_BUS_ADDRESS": self.address,
        }
        environment.pop("PYTHONPATH", None)
        with (self._folder / "bus.log").open("ab") as log:
            process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        self._started.append(process)
        return process


class Radios:
    """The mocked NetworkManager, seen from the other side."""

    def __init__(self, bus):
        self.bus = bus
        self._root = Remote(NM, "/org/freedesktop")

    async def fit(self, name="wlan0"):
        """Fit a radio."""
        return await self._mock("AddWiFiDevice", "ssi", name, name, 30)

    async def wire(self):
        """Fit a wired device."""
        return await self._mock("AddEthernetDevice", "ssi", "eth0", "eth0", 100)

    async def air(self, ssid, strength, flags=PSK):
        """Let an access point be seen."""
        name = f"ap{strength}"
        about = ("11:22:33:44:55:66", 2, 2412, 54000, strength, flags)
        path = await self._mock("AddAccessPoint", "ssssuuuyu", DEVICE, name, "name", *about)
        await self.bus.put(Remote(NM, path), f"{NM}.AccessPoint.Ssid", Variant("ay", ssid.encode()))

    async def users_own(self, ssid, passphrase, active=True):
        """Add a connection the user made himself; return its path."""
        settings = {
            "connection": {
                "id": Variant("s", "preconfigured"),
                "uuid": Variant("s", "b5a8e1a0-3f5c-4f0e-9f1e-0123456789ab"),
                "type": Variant("s", "802-11-wireless"),
            },
            "802-11-wireless": {
                "ssid": Variant("ay", ssid.encode()),
                "mode": Variant("s", "infrastructure"),
            },
            "802-11-wireless-security": {
                "key-mgmt": Variant("s", "wpa-psk"),
                "psk": Variant("s", passphrase),
            },
            "ipv4": {"method": Variant("s", "auto")},
        }
        path = await self.bus.call(
            Remote(NM, f"{ROOT}/Settings"), f"{NM}.Settings.AddConnection", "a{sa{sv}}", settings
        )
        if active:
            await self.bus.call(
                Remote(NM, ROOT), f"{NM}.ActivateConnection", "ooo", path, DEVICE, "/"
            )
        return path

    async def profiles(self):
        """Return id, network name, and whether it is saved, of every connection."""
        found = []
        for path in await self.paths():
            remote = Remote(NM, path)
            settings = await self.bus.call(remote, f"{NM}.Settings.Connection.GetSettings")
            unsaved = await self.bus.get(remote, f"{NM}.Settings.Connection.Unsaved")
            ssid = settings["802-11-wireless"]["ssid"]
            found.append((settings["connection"]["id"], bytes(ssid).decode(), not unsaved))
        return sorted(found)

    async def settings(self, name):
        """Return the settings of one connection."""
        for path in await self.paths():
            found = await self.bus.call(Remote(NM, path), f"{NM}.Settings.Connection.GetSettings")
            if found["connection"]["id"] == name:
                return found
        raise AssertionError(f"no connection {name}")

    async def paths(self):
        return await self.bus.call(Remote(NM, f"{ROOT}/Settings"), f"{NM}.Settings.ListConnections")

    async def working_on(self):
        """Return the id of what the radio works on, empty for nothing."""
        device = await self.bus.get_all(Remote(NM, DEVICE), f"{NM}.Device")
        if device["ActiveConnection"] == "/":
            return ""
        active = Remote(NM, device["ActiveConnection"])
        try:
            return await self.bus.get(active, f"{NM}.Connection.Active.Id")
        except BusError:
            return ""

    async def until(self, name):
        """Wait until the radio works on this connection."""
        async with asyncio.timeout(PATIENCE_S):
            while await self.working_on() != name:  # noqa: ASYNC110 - another process
                await asyncio.sleep(0.02)

    async def _mock(self, method, signature, *arguments):
        return await self.bus.call(self._root, f"{MOCK}.{method}", signature, *arguments)
