"""The whole daemon with NetworkManager and timedated, as python-dbusmock plays them."""

import asyncio
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from bus_world import PrivateBus, Radios
from daemon_world import Daemon, RunningSimulator, eventually

from evsed.host.bus import Remote

TESTS = Path(__file__).parents[1]
PASSPHRASE = "correct horse"  # noqa: S105 - of a network that is none
NETWORKS = {"home": PASSPHRASE, "other": PASSPHRASE}
CONFIG = """
http: {address: 127.0.0.1}
network: {wifi: networkmanager, discovery: never}
clock: {manage: system}
"""
TIMEDATE = "org.freedesktop.timedate1"


class Machine:
    """The services of a machine, and the daemon on it."""

    def __init__(self, folder: Path, runner: asyncio.Runner) -> None:
        self._runner = runner
        self.bus = self.run(self._bus(folder))
        self.radios = Radios(self.bus.client)
        self.run(self._fit())

    def run(self, work: Any) -> Any:
        return self._runner.run(work)

    async def _bus(self, folder: Path) -> PrivateBus:
        bus = PrivateBus(folder)
        bus.open()
        return bus

    async def _fit(self) -> None:
        await self.bus.play(TESTS / "network_manager_mock.py", {"Networks": NETWORKS})
        await self.bus.play(TESTS / "time_mock.py", {"NTP": True}, service=TIMEDATE)
        await self.radios.fit()
        await self.radios.air("home", 80)

    def close(self) -> None:
        self.run(self._close())

    async def _close(self) -> None:
        self.bus.client.close()
        await asyncio.sleep(0)
        self.bus.close()


@pytest.fixture(scope="module")
def world() -> Iterator[tuple[Machine, Daemon]]:
    """Yield a machine and the daemon on it; the tests follow one another."""
    with (
        tempfile.TemporaryDirectory(prefix="evsed-test-") as name,
        asyncio.Runner() as runner,
    ):
        folder = Path(name)
        (folder / "evsed.yaml").write_text(CONFIG)
        machine = Machine(folder, runner)
        try:
            with (
                RunningSimulator(folder / "sim") as simulator,
                Daemon(
                    folder,
                    "--config",
                    str(folder / "evsed.yaml"),
                    simulator=simulator,
                    environment={"DBUS_SYSTEM_BUS_ADDRESS": machine.bus.address},
                ) as daemon,
            ):
                yield machine, daemon.ready()
        finally:
            machine.close()


def joined(daemon: Daemon) -> bool:
    return str(daemon.get("/wifi/state")["ip"]) == "10.1.2.3"


def test_a_network_is_joined_about_a_second_after_the_answer(
    world: tuple[Machine, Daemon],
) -> None:
    machine, daemon = world
    assert [one["ssid"] for one in daemon.get("/wifi/scan")] == ["home"]
    began_s = time.monotonic()
    daemon.post("/config/wifi", {"enabled": True, "ssid": "home", "password": PASSPHRASE})
    machine.run(machine.radios.until("evsed-sta"))
    assert time.monotonic() - began_s >= 0.8
    eventually(lambda: joined(daemon))
    saved = [("evsed-sta", "home", True)]
    eventually(lambda: machine.run(machine.radios.profiles()) == saved)


def test_wrong_settings_take_themselves_back(world: tuple[Machine, Daemon]) -> None:
    machine, daemon = world
    before = daemon.get("/config/wifi")
    daemon.post("/config/wifi", {"ssid": "other", "password": "wrong horse"})
    eventually(lambda: daemon.get("/config/wifi") == before, within_s=60)
    assert "the previous connection 'evsed-sta' ('home') is restored" in daemon.log
    eventually(lambda: "Wi-Fi: the settings are those before again" in daemon.log)
    assert "horse" not in daemon.log
    assert machine.run(machine.radios.profiles()) == [("evsed-sta", "home", True)]


def test_the_access_point_is_switched_on_and_off(world: tuple[Machine, Daemon]) -> None:
    machine, daemon = world
    daemon.post("/wifi/state/ap", True)
    eventually(lambda: daemon.get("/wifi/state")["apEnabled"])
    assert daemon.get("/wifi/state")["apSsid"] == "evse-445566"
    daemon.post("/wifi/state/ap", False)
    eventually(lambda: not daemon.get("/wifi/state")["apEnabled"])
    machine.run(machine.radios.until("evsed-sta"))


def test_the_clock_of_the_machine_is_asked_for(world: tuple[Machine, Daemon]) -> None:
    machine, daemon = world
    daemon.post("/time", 1795363646.471)
    clock = Remote(TIMEDATE, "/org/freedesktop/timedate1")
    found = machine.run(machine.bus.client.get(clock, f"{TIMEDATE}.Set"))
    assert found == 1795363646471000
    daemon.post("/config/scheduler", {"ntpEnabled": False})
    eventually(lambda: not machine.run(machine.bus.client.get(clock, f"{TIMEDATE}.NTP")))


def test_switched_off_the_connection_is_gone(world: tuple[Machine, Daemon]) -> None:
    machine, daemon = world
    daemon.post("/config/wifi", {"enabled": False})
    eventually(lambda: daemon.get("/wifi/state")["ip"] == "0.0.0.0")  # noqa: S104
    ids = [name for name, _, _ in machine.run(machine.radios.profiles())]
    assert "evsed-sta" not in ids
