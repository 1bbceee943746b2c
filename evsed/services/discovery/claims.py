"""Asks the local network whether names are free, and listens for others who use ours.

zeroconf itself looks for a taken service name only, not for a taken host name. Source: RFC 6762
sections 8.1 and 9.
"""

import asyncio
from collections.abc import Callable, Iterator
from typing import Final

from zeroconf import (
    DNSAddress,
    DNSOutgoing,
    DNSPointer,
    DNSQuestion,
    DNSRecord,
    DNSService,
    RecordUpdate,
    RecordUpdateListener,
    Zeroconf,
)

from evsed.services.discovery.names import SERVICE_TYPE

_QUERY: Final = 0
_CLASS_IN: Final = 1
#: One by one: zeroconf does not answer for its host names when asked for records of any type.
_TYPE_A: Final = 1
_TYPE_PTR: Final = 12
_TYPE_AAAA: Final = 28
_TYPE_SRV: Final = 33
_OTHER_TTL_S: Final = 4500
_ASKED: Final = 3
_PAUSE_S: Final = 0.175


class NoNameError(OSError):
    """Every name that was tried is taken."""


class Ears(RecordUpdateListener):
    """Hears every record and tells about those that concern a name.

    Args:
        heard: gets each record that is not a farewell.
    """

    def __init__(self, heard: Callable[[DNSRecord], None]) -> None:
        super().__init__()
        self._heard = heard

    def async_update_records(self, zc: Zeroconf, now: float, records: list[RecordUpdate]) -> None:
        """Called by zeroconf, on the event loop."""
        del zc, now
        for one in records:
            if one.new.ttl > 0:
                self._heard(one.new)


async def free_names(
    zeroconf: Zeroconf, hosts: Iterator[str], instances: Iterator[str]
) -> tuple[str, str]:
    """Return the first host name and the first service name that nobody answers to.

    Args:
        zeroconf: the network.
        hosts: candidates, the wanted name first.
        instances: the same for the service.

    Raises:
        NoNameError: none is left.
    """
    host, instance = next(hosts), next(instances)
    taken: set[str] = set()
    ears = Ears(lambda record: taken.add(record.name.lower()))
    zeroconf.async_add_listener(ears, None)
    try:
        while True:
            taken.clear()
            await _probe(zeroconf, host, instance)
            if taken.isdisjoint((host.lower(), instance.lower())):
                return host, instance
            host = _next(hosts) if host.lower() in taken else host
            instance = _next(instances) if instance.lower() in taken else instance
    finally:
        zeroconf.async_remove_listener(ears)


def is_foreign(record: DNSRecord, host: str, instance: str, addresses: frozenset[bytes]) -> bool:
    """Tell whether a record is somebody else's use of our names."""
    name = record.name.lower()
    if isinstance(record, DNSAddress):
        return name == host.lower() and record.address not in addresses
    if isinstance(record, DNSService):
        return name == instance.lower() and record.server.lower() != host.lower()
    return False


async def _probe(zeroconf: Zeroconf, host: str, instance: str) -> None:
    """Ask who has the names.

    What we would announce comes along: that makes it a probe, and a probe is answered at once,
    however short ago the same was said.
    """
    for _ in range(_ASKED):
        out = DNSOutgoing(_QUERY)
        for name, kind in ((host, _TYPE_A), (host, _TYPE_AAAA), (instance, _TYPE_SRV)):
            out.add_question(DNSQuestion(name, kind, _CLASS_IN))
        wanted = DNSPointer(SERVICE_TYPE, _TYPE_PTR, _CLASS_IN, _OTHER_TTL_S, instance)
        out.add_authorative_answer(wanted)
        zeroconf.async_send(out)
        await asyncio.sleep(_PAUSE_S)


def _next(kind: Iterator[str]) -> str:
    try:
        return next(kind)
    except StopIteration:
        raise NoNameError("discovery: every name is taken") from None
