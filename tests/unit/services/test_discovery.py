"""The charger as other machines of the network find it; here the network is the loopback."""

import asyncio
import contextlib
import socket
import uuid
from types import SimpleNamespace

import pytest
from zeroconf import IPVersion
from zeroconf.asyncio import AsyncServiceBrowser, AsyncServiceInfo, AsyncZeroconf

from evsed.services.discovery.names import SERVICE_TYPE, host_names, instance_names
from evsed.services.discovery.service import DiscoveryService, Offer, reachable_at
from evsed.settings.network import DiscoverySettings

HERE = "127.0.0.1"
EVERYWHERE = "0.0.0.0"  # noqa: S104 - nothing listens
ELSEWHERE = "127.0.0.2"
PORT = 8765


class Charger:
    """A discovery service and the settings it goes by; names nobody else uses."""

    def __init__(self, **settings):
        mark = uuid.uuid4().hex[:12]
        self.host = f"evse-{mark}"
        given = {"hostname": self.host, "instance_name": f"EVSE {mark}", **settings}
        self.instance = given["instance_name"]
        self.settings = SimpleNamespace(discovery=DiscoverySettings(**given))
        operations = SimpleNamespace(store=SimpleNamespace(settings=self.settings))
        self.addresses = (HERE,)
        ready = asyncio.Event()
        ready.set()
        self.offer = Offer(port=lambda: PORT, ready=ready, addresses=lambda: self.addresses)
        self.service = DiscoveryService(operations, self.offer, look_s=0.2, jitter_s=0.1)

    async def change(self, **settings):
        before = self.settings.discovery
        self.settings.discovery = DiscoverySettings(
            **{"hostname": before.hostname, "instance_name": before.instance_name, **settings}
        )
        await self.service.changed(before, self.settings.discovery)

    async def until(self, host, instance):
        async with asyncio.timeout(30):
            while self.service.announced != (host, instance):  # noqa: ASYNC110 - rings no bell
                await asyncio.sleep(0.02)

    @contextlib.asynccontextmanager
    async def running(self):
        serving = asyncio.create_task(self.service.serve())
        try:
            yield self
        finally:
            serving.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await serving


@pytest.fixture
async def visitor():
    zeroconf = AsyncZeroconf(interfaces=[HERE], ip_version=IPVersion.V4Only)
    yield zeroconf
    await zeroconf.async_close()


async def found(visitor, instance):
    info = AsyncServiceInfo(SERVICE_TYPE, f"{instance}.{SERVICE_TYPE}")
    async with asyncio.timeout(30):
        while not await info.async_request(visitor.zeroconf, 1000):
            pass
    return info


async def occupy(visitor, host, instance):
    """Be another device of the network."""
    info = AsyncServiceInfo(
        SERVICE_TYPE,
        f"{instance}.{SERVICE_TYPE}",
        port=1,
        server=f"{host}.local.",
        addresses=[socket.inet_aton(ELSEWHERE)],
    )
    await (await visitor.async_register_service(info, cooperating_responders=True))


async def test_the_charger_is_found_with_host_port_and_what_it_is(visitor):
    async with Charger().running() as charger:
        await charger.until(charger.host, charger.instance)
        info = await found(visitor, charger.instance)
        assert info.server == f"{charger.host}.local."
        assert info.parsed_addresses() == [HERE]
        assert info.port == PORT
        texts = {key.decode(): value.decode() for key, value in info.properties.items()}
        assert texts.keys() == {"path", "api", "app", "version"}
        assert (texts["path"], texts["api"], texts["app"]) == ("/", "/api/v1", "evsed")
        assert texts["version"].startswith("v")


async def test_new_names_are_announced_and_the_old_ones_withdrawn(visitor):
    seen = {}

    def heard(zeroconf, service_type, name, state_change):
        seen[name.removesuffix(f".{SERVICE_TYPE}")] = state_change.name

    browser = AsyncServiceBrowser(visitor.zeroconf, SERVICE_TYPE, handlers=[heard])
    try:
        async with Charger().running() as charger:
            await charger.until(charger.host, charger.instance)
            other = f"Garáž {charger.instance}"
            await charger.change(instance_name=other, hostname=f"{charger.host}x")
            await charger.until(f"{charger.host}x", other)
            async with asyncio.timeout(30):
                while (seen.get(charger.instance), seen.get(other)) != ("Removed", "Added"):  # noqa: ASYNC110
                    await asyncio.sleep(0.02)
            assert (await found(visitor, other)).server == f"{charger.host}x.local."
        async with asyncio.timeout(30):
            while seen.get(other) != "Removed":  # noqa: ASYNC110
                await asyncio.sleep(0.02)
    finally:
        await browser.async_cancel()


async def test_a_host_name_that_is_taken_gets_a_number(visitor, caplog):
    charger = Charger()
    await occupy(visitor, charger.host, f"other {charger.host}")
    async with charger.running():
        await charger.until(f"{charger.host}-2", charger.instance)
    assert charger.settings.discovery.hostname == charger.host
    assert f"discovery: '{charger.host}' is taken in this network" in caplog.messages


async def test_a_service_name_that_is_taken_gets_a_number(visitor):
    charger = Charger()
    await occupy(visitor, f"other-{charger.host}", charger.instance)
    async with charger.running():
        await charger.until(charger.host, f"{charger.instance} (2)")


async def test_who_takes_the_name_later_makes_the_charger_give_way(visitor, caplog):
    async with Charger().running() as charger:
        await charger.until(charger.host, charger.instance)
        await occupy(visitor, charger.host, f"late {charger.host}")
        await charger.until(f"{charger.host}-2", charger.instance)
    assert any("somebody else has the same name" in line for line in caplog.messages)


async def test_the_network_may_come_later_and_change():
    charger = Charger()
    charger.addresses = ()
    async with charger.running():
        await asyncio.sleep(0.3)
        assert charger.service.announced is None
        charger.addresses = (HERE,)
        await charger.until(charger.host, charger.instance)
        charger.addresses = (ELSEWHERE,)
        async with asyncio.timeout(30):
            while charger.service.announced is not None:  # noqa: ASYNC110 - rings no bell
                await asyncio.sleep(0.01)
        await charger.until(charger.host, charger.instance)


@pytest.mark.parametrize(
    "name",
    [
        'quote " and $(reboot) `reboot`',
        "right \u202eto left",
        "dots. in. it.",
        "ü" * 31,
        "back\\slash",
        "_http._tcp.local.",
    ],
)
async def test_any_name_the_settings_take_can_be_announced(name):
    mark = uuid.uuid4().hex[:6]
    charger = Charger(instance_name=(mark + name) if len(name.encode()) < 50 else name)
    async with charger.running():
        async with asyncio.timeout(30):
            while charger.service.announced is None:  # noqa: ASYNC110 - rings no bell
                await asyncio.sleep(0.02)


async def test_nothing_is_announced_where_nothing_is_offered():
    service = DiscoveryService(SimpleNamespace(), None)
    await asyncio.wait_for(service.serve(), 30)
    assert service.announced is None


def test_numbered_names_keep_within_a_label():
    hosts, instances = host_names("a" * 63), instance_names("ü" * 31)
    assert [next(hosts), next(hosts)] == [f"{'a' * 63}.local.", f"{'a' * 61}-2.local."]
    next(instances)
    label = next(instances).removesuffix(f".{SERVICE_TYPE}")
    assert len(label.encode()) <= 63
    assert label.endswith("ü (2)")
    assert len(list(host_names("evse"))) == 99


def test_what_listens_on_this_machine_only_is_not_announced():
    assert reachable_at(HERE)() == ()
    assert reachable_at("::1")() == ()
    assert reachable_at("192.0.2.7")() == ("192.0.2.7",)
    assert HERE not in reachable_at(EVERYWHERE)()
    assert not any(":" in one for one in reachable_at(EVERYWHERE)())
