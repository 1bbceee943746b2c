"""A diagnosis that is sent, and firmware that is fetched, over real HTTP."""

import asyncio
import socket
from pathlib import Path

import pytest
from aiohttp import web
from csms_world import ChargerWorld
from ocpp.v16 import call as ask16
from ocpp.v201 import call as ask201

from evsed.services.ocpp.elsewhere import is_own
from evsed.services.ocpp.errands import Errands

BUNDLE = b"PK an archive"
LONG_AGO = "2020-01-01T00:00:00Z"


class Files:
    """A server that takes and gives files."""

    def __init__(self, put=204, host="127.0.0.1"):
        self.host = host
        self.put, self.taken, self.moved = put, [], "/new.deb"

    async def __aenter__(self):
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._serve)
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        site = web.TCPSite(self._runner, self.host, 0)
        await site.start()
        self.url = f"http://{self.host}:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_):
        await self._runner.cleanup()

    async def _serve(self, request):
        if request.method == "GET":
            if request.path == "/moved.deb":
                raise web.HTTPFound(self.moved)
            there = request.path == "/new.deb"
            return web.Response(body=b"a package", status=200 if there else 404)
        if request.method == "PUT" and self.put >= 300:
            return web.Response(status=self.put)
        self.taken.append((request.method, request.path, await request.read()))
        return web.Response(status=204)


class Daemon:
    """Does what errands ask of the daemon."""

    def __init__(self, trouble=""):
        self.trouble, self.installed, self.errands = trouble, [], None

    def order(self, order):
        file = Path(order["file"])
        if order["t"] == "bundle" and not self.trouble:
            file.write_bytes(BUNDLE)
        elif order["t"] == "install":
            self.installed.append(file.read_bytes())
        done = {"what": order["t"], "trouble": self.trouble}
        asyncio.get_running_loop().call_soon(self.errands.done, done)


@pytest.fixture(params=["1.6", "2.0.1"])
async def world(request, tmp_path):
    one = ChargerWorld(tmp_path, request.param)
    await one.connect()
    await one.run(2)
    yield one
    await one.cut()
    one.book.close()


def given(world, daemon, own=lambda _address: False):
    daemon.errands = Errands(world.folder, world.talk, daemon.order, own)
    world.talk.errands = daemon.errands


async def said(world, action, last):
    async with asyncio.timeout(20):
        while not (found := world.ledger.of(action)) or found[-1]["status"] != last:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert all(one.get("request_id", 7) == 7 for one in found)
    return [one["status"] for one in found]


def diagnosis(world, url):
    if world.version == "1.6":
        return "DiagnosticsStatusNotification", ask16.GetDiagnostics(url)
    return "LogStatusNotification", ask201.GetLog({"remoteLocation": url}, "DiagnosticsLog", 7)


def firmware(world, url):
    if world.version == "1.6":
        return ask16.UpdateFirmware(url, LONG_AGO)
    return ask201.UpdateFirmware(7, {"location": url, "retrieveDateTime": LONG_AGO})


@pytest.mark.parametrize(
    ("put", "method", "path"), [(204, "PUT", "/here/"), (405, "POST", "/here/")]
)
async def test_a_diagnosis_is_put_or_posted_and_leaves_nothing_behind(world, put, method, path):
    given(world, Daemon())
    async with Files(put) as files:
        action, asked = diagnosis(world, f"{files.url}/here/")
        answer = await world.ask(asked)
        assert (getattr(answer, "file_name", None) or answer.filename) == "evsed-diagnosis.zip"
        assert await said(world, action, "Uploaded") == ["Uploading", "Uploaded"]
    [(how, where, data)] = files.taken
    assert (how, BUNDLE in data) == (method, True)
    assert where == (path + "evsed-diagnosis.zip" if method == "PUT" else path)
    assert not (world.folder / "evsed-diagnosis.zip").exists()


async def test_a_diagnosis_that_cannot_be_packed_or_sent_is_said_so(world):
    failed = {"1.6": "UploadFailed", "2.0.1": "UploadFailure"}[world.version]
    given(world, Daemon(trouble="the disk is full"))
    action, asked = diagnosis(world, "http://127.0.0.1:1/x")
    await world.ask(asked)
    assert (await said(world, action, failed))[-1] == failed
    assert "the disk is full" in world.talk.last_error


async def test_firmware_is_fetched_installed_and_told_of_after_the_restart(world):
    daemon = Daemon()
    given(world, daemon)
    action = "FirmwareStatusNotification"
    async with Files() as files:
        await world.ask(firmware(world, f"{files.url}/new.deb"))
        told = await said(world, action, "Installing")
        async with asyncio.timeout(20):
            while not daemon.installed or daemon.errands._tasks:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
    assert told == ["Downloading", "Downloaded", "Installing"]
    assert daemon.installed == [b"a package"]
    world.agreed = world.agreed.__class__(
        **{name: getattr(world.agreed, name) for name in world.agreed.__slots__}
        | {"firmware": "0.2.0"}
    )
    await world.kill()
    await world.connect()
    assert world.ledger.of(action)[-1]["status"] == "Installed"
    await world.kill()
    await world.connect()
    assert len(world.ledger.of(action)) == 4  # said once


async def test_firmware_that_is_not_there_or_not_wanted_is_said_so(world):
    given(world, Daemon(trouble="the package is not signed by a trusted key"))
    action = "FirmwareStatusNotification"
    async with Files() as files:
        await world.ask(firmware(world, f"{files.url}/none.deb"))
        assert (await said(world, action, "DownloadFailed"))[-1] == "DownloadFailed"
        await world.ask(firmware(world, f"{files.url}/new.deb"))
        assert (await said(world, action, "InstallationFailed"))[-1] == "InstallationFailed"
    assert "not signed" in world.talk.last_error
    await world.kill()
    await world.connect()
    assert world.ledger.of(action)[-1]["status"] == "InstallationFailed"


@pytest.mark.parametrize(
    ("address", "own"),
    [
        ("127.0.0.1", True),
        ("127.8.9.10", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("0.0.0.0", True),  # noqa: S104
        ("::", True),
        ("169.254.169.254", True),
        ("fe80::1%eth0", True),
        ("224.0.0.251", True),
        ("192.0.2.1", False),
        ("2001:db8::1", False),
    ],
)
def test_which_addresses_are_the_charger_itself(address, own):
    assert is_own(address) is own


def test_the_address_of_the_charger_in_its_network_is_its_own():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as way:
        try:
            way.connect(("192.0.2.1", 9))
        except OSError:
            way.connect(("127.0.0.1", 9))  # no network but the computer itself
        here = way.getsockname()[0]
    assert is_own(here)


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "127.1", "user:word@127.0.0.1", "[::1]"]
)
async def test_nothing_is_sent_to_the_charger_itself(world, host):
    daemon = Daemon()
    given(world, daemon, is_own)
    async with Files(405) as files:
        port = files.url.rpartition(":")[2]
        action, asked = diagnosis(world, f"http://{host}:{port}/restart")
        await world.ask(asked)
        await world.ask(firmware(world, f"http://{host}:{port}/new.deb"))
        await said(world, "FirmwareStatusNotification", "DownloadFailed")
        async with asyncio.timeout(20):
            while daemon.errands._tasks:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        assert files.taken == []
    assert "Uploaded" not in [one["status"] for one in world.ledger.of(action)]
    assert daemon.installed == []


@pytest.mark.parametrize("far", [True, False])
async def test_firmware_may_have_moved_but_not_to_the_charger_itself(world, far):
    daemon = Daemon()
    given(world, daemon, lambda address: not far and address == "127.0.0.2")
    last = "Installing" if far else "DownloadFailed"
    async with Files() as files, Files(host="127.0.0.2") as others:
        files.moved = f"{others.url}/new.deb"
        await world.ask(firmware(world, f"{files.url}/moved.deb"))
        assert (await said(world, "FirmwareStatusNotification", last))[-1] == last
        async with asyncio.timeout(20):
            while daemon.errands._tasks:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
    assert daemon.installed == ([b"a package"] if far else [])
