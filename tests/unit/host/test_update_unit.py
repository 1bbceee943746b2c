"""Starting the unit that installs, on a private bus with a systemd of our own."""

import contextlib
import gc
import json
import subprocess

import pytest
from dbus_fast import Message, MessageType, Variant
from dbus_fast.aio import MessageBus

from evsed.host.bus import SystemBus
from evsed.host.packages import InstallError, Outcome
from evsed.host.update_unit import UnitInstaller

SYSTEMD = "org.freedesktop.systemd1"
UNIT = "/org/freedesktop/systemd1/unit/evsed_2dupdate_2eservice"
DENIED = "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired"


@pytest.fixture
def address(tmp_path):
    """Return the address of a bus that is ours alone."""
    where = f"unix:path={tmp_path}/bus"
    command = ["dbus-daemon", "--session", "--nofork", "--print-address", f"--address={where}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as daemon:
        daemon.stdout.readline()
        yield where
        daemon.terminate()


class Systemd:
    """Answers what the installer asks; notes what was started."""

    def __init__(self, load="loaded", active="inactive", refusal=None):
        self.facts = {"LoadState": Variant("s", load), "ActiveState": Variant("s", active)}
        self.refusal = refusal
        self.started = []

    def answer(self, message):
        if message.message_type is not MessageType.METHOD_CALL:
            return None
        match message.member:
            case "LoadUnit":
                assert message.body == ["evsed-update.service"]
                return Message.new_method_return(message, "o", [UNIT])
            case "GetAll":
                assert (message.path, message.body) == (UNIT, [f"{SYSTEMD}.Unit"])
                return Message.new_method_return(message, "a{sv}", [self.facts])
            case "StartUnit" if self.refusal:
                return Message.new_error(message, self.refusal, "not without asking.")
            case "StartUnit":
                self.started.append(message.body)
                return Message.new_method_return(message, "o", ["/job/1"])
        return None


@pytest.fixture
async def met(address, tmp_path):
    """Return a function that puts a systemd on the bus; it returns the installer."""
    buses = []

    async def meet(systemd):
        bus = await MessageBus(bus_address=address).connect()
        bus.add_message_handler(systemd.answer)
        await bus.request_name(SYSTEMD)
        client = SystemBus(address)
        buses.extend([client, bus])
        return UnitInstaller(client, tmp_path / "result.json")

    yield meet
    for bus in buses:
        if isinstance(bus, SystemBus):
            bus.close()
        else:
            bus.disconnect()
            with contextlib.suppress(Exception):
                await bus.wait_for_disconnect()
            bus._sock.close()  # Debian 12's library leaves this to the garbage collector


async def test_the_unit_is_started_and_no_other(met, tmp_path):
    systemd = Systemd()
    installer = await met(systemd)
    await installer.install(tmp_path / "evsed.deb")
    assert systemd.started == [["evsed-update.service", "fail"]]
    assert await installer.busy() is False


@pytest.mark.parametrize(
    ("systemd", "words"),
    [
        (Systemd(active="activating"), "an update is being installed already"),
        (Systemd(load="not-found"), "install it as root with apt"),
        (Systemd(refusal=DENIED), "was not started: not without asking"),
    ],
)
async def test_what_systemd_refuses_is_told(met, tmp_path, systemd, words):
    installer = await met(systemd)
    with pytest.raises(InstallError, match=words):
        await installer.install(tmp_path / "evsed.deb")
    assert systemd.started == []
    assert await installer.busy() is (systemd.facts["ActiveState"].value == "activating")


# dbus-fast of Debian 12 leaves a socket that found nobody to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_without_a_bus_the_owner_is_told_what_to_do(tmp_path):
    installer = UnitInstaller(SystemBus(f"unix:path={tmp_path}/nothing"))
    with pytest.raises(InstallError, match="install it as root with apt"):
        await installer.install(tmp_path / "evsed.deb")
    assert await installer.busy() is False
    gc.collect()


async def test_the_result_is_read(tmp_path):
    file = tmp_path / "result.json"
    installer = UnitInstaller(SystemBus("unix:path=/nowhere"), file)
    assert await installer.outcome() is None
    found = {"outcome": "undone", "from": "1", "to": "2", "reason": "not ready", "at": 1700000000}
    file.write_text(json.dumps(found))
    assert await installer.outcome() == Outcome(
        outcome="undone", before="1", version="2", reason="not ready", at_s=1700000000
    )


@pytest.mark.parametrize("text", ["", "[]", "null", "{}", '{"outcome": "undone"}'])
async def test_a_result_that_cannot_be_read_is_none(tmp_path, text):
    file = tmp_path / "result.json"
    file.write_text(text)
    assert await UnitInstaller(SystemBus("unix:path=/nowhere"), file).outcome() is None
