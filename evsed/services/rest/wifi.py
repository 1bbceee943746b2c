"""/wifi: scan, addresses, access point. Source: rest.md section 5.3."""

from dataclasses import dataclass, field
from typing import Any, Final

from aiohttp import web

from evsed.host.network import FoundNetwork, NetworkState
from evsed.operations.operations import Operations
from evsed.operations.values import boolean
from evsed.services.rest.answers import json_answer, ok
from evsed.services.rest.body import BodyReader
from evsed.services.rest.endpoints import Endpoint
from evsed.services.rest.ports import Wifi
from evsed.services.rest.schema import array, flag, record, text, whole

_FOUND: Final = record(
    {
        "ssid": text("name"),
        "rssi": whole("signal", unit="dBm"),
        "auth": flag("not an open network"),
    }
)
_STATE: Final = record(
    {
        "ip": text("address of the station; 0.0.0.0 when not connected"),
        "mac": text("MAC of the station; zeros without a radio"),
        "rssi": whole("signal of the station; 0 when not connected", unit="dBm"),
        "apIp": text("address of the access point"),
        "apMac": text("MAC of the access point"),
        "apEnabled": flag("the access point is on"),
        "apSsid": text("name of the access point"),
    }
)


def state_object(now: NetworkState) -> dict[str, Any]:
    """Return what GET /wifi/state sends."""
    return {
        "ip": now.ip,
        "mac": now.mac,
        "rssi": now.rssi,
        "apIp": now.ap_ip,
        "apMac": now.ap_mac,
        "apEnabled": now.ap_enabled,
        "apSsid": now.ap_ssid,
    }


def found_object(found: FoundNetwork) -> dict[str, Any]:
    """Return one entry of GET /wifi/scan."""
    return {"ssid": found.ssid, "rssi": found.rssi, "auth": found.secured}


@dataclass(frozen=True, slots=True, kw_only=True)
class WifiResource:
    """The radio as a resource."""

    operations: Operations
    wifi: Wifi
    bodies: BodyReader = field(default_factory=BodyReader)

    def endpoints(self) -> tuple[Endpoint, ...]:
        """Return the rows of the table."""
        return (
            Endpoint(
                method="GET",
                path="/wifi/scan",
                handler=self.scan,
                summary="Scan for networks, strongest first; takes up to 15 s",
                answer=array(_FOUND),
            ),
            Endpoint(
                method="GET",
                path="/wifi/state",
                handler=self.state,
                summary="Addresses and signal",
                answer=_STATE,
            ),
            Endpoint(
                method="POST",
                path="/wifi/state/ap",
                handler=self.access_point,
                summary="Start or stop the access point, about one second after the answer",
                body=flag("true starts it"),
            ),
        )

    async def scan(self, _request: web.Request) -> web.Response:
        """GET /wifi/scan."""
        return json_answer([found_object(one) for one in await self.wifi.scan()])

    async def state(self, _request: web.Request) -> web.Response:
        """GET /wifi/state."""
        return json_answer(state_object(self.operations.network.state))

    async def access_point(self, request: web.Request) -> web.Response:
        """POST /wifi/state/ap."""
        on = boolean("ap", await self.bodies.json(request))
        self.wifi.switch_access_point(on=on)
        return ok()
