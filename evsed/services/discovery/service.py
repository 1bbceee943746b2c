"""Announces the web interface: host name, service, where it is and which version.

The system's own host name is never changed, and avahi-daemon may run beside it. Source: rest.md
sections 5.2 and 14, platform.md section 13.
"""

import asyncio
import ipaddress
import logging
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import ifaddr
from zeroconf import DNSRecord, IPVersion
from zeroconf.asyncio import AsyncServiceInfo, AsyncZeroconf

import evsed
from evsed.operations.operations import Operations
from evsed.services.discovery.claims import Ears, free_names, is_foreign
from evsed.services.discovery.names import SERVICE_TYPE, host_names, instance_names
from evsed.settings.network import DiscoverySettings

_LOOK_S: Final = 5.0
#: Two chargers that find out about one another do not both give way at once.
_JITTER_S: Final = 3.0

_log = logging.getLogger(__name__)

Addresses = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What can be found.

    Args:
        port: of the web interface; known once it listens.
        ready: set while it listens.
        addresses: those it can be reached at now.
    """

    port: Callable[[], int]
    ready: asyncio.Event
    addresses: Callable[[], Addresses]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Names:
    host: str
    instance: str


class DiscoveryService:
    """Announces an offer while the settings and the network are as they are, then again.

    Args:
        operations: the settings.
        offer: what is announced; None: nothing.
        look_s: pause between two looks at the machine's addresses.
        jitter_s: longest pause before another name is looked for.
    """

    name = "discovery"

    def __init__(
        self,
        operations: Operations,
        offer: Offer | None,
        *,
        look_s: float = _LOOK_S,
        jitter_s: float = _JITTER_S,
    ) -> None:
        self._operations, self._offer = operations, offer
        self._look_s, self._jitter_s = look_s, jitter_s
        self._changed = asyncio.Event()
        self._conflict = asyncio.Event()
        #: What is announced now: host and instance, without domain and type.
        self.announced: tuple[str, str] | None = None

    async def changed(self, before: DiscoverySettings, after: DiscoverySettings) -> None:
        """Announce other names."""
        del before, after
        self._changed.set()

    async def serve(self) -> None:
        """Announce until cancelled."""
        if self._offer is None:
            return
        while True:
            await self._offer.ready.wait()
            addresses = await asyncio.to_thread(self._offer.addresses)
            if addresses:
                await self._at(self._offer, addresses)
            else:
                await asyncio.sleep(self._look_s)

    async def _at(self, offer: Offer, addresses: Addresses) -> None:
        """Announce on some addresses until they are others."""
        network = AsyncZeroconf(interfaces=_four(addresses), ip_version=IPVersion.V4Only)
        try:
            await network.zeroconf.async_wait_for_start()
            while await asyncio.to_thread(offer.addresses) == addresses:
                await self._as_set(network, offer, addresses)
        finally:
            self.announced = None
            await network.async_close()

    async def _as_set(self, network: AsyncZeroconf, offer: Offer, addresses: Addresses) -> None:
        """Announce the names of the settings until they, or the addresses, are others."""
        self._changed.clear()
        wanted = self._operations.store.settings.discovery
        names = await self._claimed(network, wanted)
        info = _info(names, offer.port(), addresses)
        with self._listening(network, names, info):
            await (await network.async_register_service(info, cooperating_responders=True))
            host, instance = _short(names)
            self.announced = host, instance
            _log.info("discovery: found as %s.local, %r", host, instance)
            if (host, instance) != _short(_first(wanted)):
                _log.warning("discovery: %r is taken in this network", wanted.hostname)
            try:
                await self._until_others(offer, addresses)
            finally:
                self.announced = None
                await (await network.async_unregister_service(info))

    async def _claimed(self, network: AsyncZeroconf, wanted: DiscoverySettings) -> _Names:
        hosts, instances = host_names(wanted.hostname), instance_names(wanted.instance_name)
        host, instance = await free_names(network.zeroconf, hosts, instances)
        return _Names(host=host, instance=instance)

    @contextmanager
    def _listening(
        self, network: AsyncZeroconf, names: _Names, info: AsyncServiceInfo
    ) -> Iterator[None]:
        """Notice when somebody else uses the names."""
        own = frozenset(info.addresses_by_version(IPVersion.All))
        self._conflict.clear()

        def heard(record: DNSRecord) -> None:
            if is_foreign(record, names.host, names.instance, own):
                self._conflict.set()

        ears = Ears(heard)
        network.zeroconf.async_add_listener(ears, None)
        try:
            yield
        finally:
            network.zeroconf.async_remove_listener(ears)

    async def _until_others(self, offer: Offer, addresses: Addresses) -> None:
        """Wait for other settings, other addresses, or somebody with the same names."""
        while True:
            try:
                async with asyncio.timeout(self._look_s):
                    await _any_of(self._changed, self._conflict)
            except TimeoutError:
                if await asyncio.to_thread(offer.addresses) == addresses:
                    continue
            if self._conflict.is_set():
                _log.warning("discovery: somebody else has the same name, another is looked for")
                await asyncio.sleep(random.uniform(0, self._jitter_s))  # noqa: S311
            return


def reachable_at(bound: str) -> Callable[[], Addresses]:
    """Return what tells the addresses of this machine at which something bound is reachable.

    Args:
        bound: where it listens; the unspecified addresses stand for all.
    """
    address = ipaddress.ip_address(bound)

    def tell() -> Addresses:
        if address.is_loopback:
            return ()
        if not address.is_unspecified:
            return (str(address),) if address.version == 4 else ()
        return _own_addresses(six=address.version == 6)

    return tell


def _own_addresses(*, six: bool) -> Addresses:
    found: set[str] = set()
    for adapter in ifaddr.get_adapters():
        for one in adapter.ips:
            text = one.ip if isinstance(one.ip, str) else one.ip[0]
            address = ipaddress.ip_address(text.partition("%")[0])
            if not address.is_loopback and (address.version == 4 or six):
                found.add(str(address))
    # Multicast goes out over IPv4: without it there is nothing to announce on.
    return tuple(sorted(found)) if any(":" not in one for one in found) else ()


def _four(addresses: Addresses) -> list[str]:
    return [one for one in addresses if ipaddress.ip_address(one).version == 4]


def _info(names: _Names, port: int, addresses: Addresses) -> AsyncServiceInfo:
    return AsyncServiceInfo(
        SERVICE_TYPE,
        names.instance,
        port=port,
        server=names.host,
        parsed_addresses=list(addresses),
        properties={
            "path": "/",
            "api": "/api/v1",
            "app": "evsed",
            "version": f"v{evsed.__version__}",
        },
    )


def _first(wanted: DiscoverySettings) -> _Names:
    return _Names(
        host=next(host_names(wanted.hostname)), instance=next(instance_names(wanted.instance_name))
    )


def _short(names: _Names) -> tuple[str, str]:
    return names.host.removesuffix(".local."), names.instance.removesuffix(f".{SERVICE_TYPE}")


async def _any_of(*events: asyncio.Event) -> None:
    waits = [asyncio.ensure_future(event.wait()) for event in events]
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
