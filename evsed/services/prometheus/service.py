"""GET /metrics: a scrape. Served at the root, where Prometheus looks."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

from aiohttp import web

from evsed.operations.operations import Operations
from evsed.services.prometheus.exposition import exposition
from evsed.services.prometheus.sample import Request, Sample
from evsed.services.prometheus.text import TYPE

PATH: Final = "/metrics"


class Mqtt(Protocol):
    """How the connection to the broker stands."""

    @property
    def state(self) -> str:
        """``off``, ``connected``, or neither."""

    @property
    def waiting(self) -> int:
        """Messages the broker has not taken."""

    @property
    def dropped(self) -> int:
        """Events given up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Metrics:
    """Answers scrapes.

    Args:
        operations: the desk.
        requests: answers by method, route and status.
        mqtt: how the connection to the broker stands.
        ocpp: the same of the management system: ``enabled``, ``connected``, ``queue``.
    """

    operations: Operations
    requests: Callable[[], dict[Request, int]]
    mqtt: Callable[[], Mqtt]
    ocpp: Callable[[], Mapping[str, Any]]

    def routes(self) -> tuple[web.RouteDef, ...]:
        """Return the route for the HTTP service."""
        return (web.get(PATH, self.get),)

    async def get(self, _request: web.Request) -> web.Response:
        """GET /metrics."""
        return web.Response(body=exposition(self.sample()).encode(), headers={"Content-Type": TYPE})

    def sample(self) -> Sample:
        """Return this moment."""
        operations, mqtt, ocpp = self.operations, self.mqtt(), self.ocpp()
        links = {"mqtt": mqtt.state == "connected"} if mqtt.state != "off" else {}
        if ocpp["enabled"]:
            links["ocpp"] = bool(ocpp["connected"])
        return Sample(
            picture=operations.picture(),
            limits=operations.limits.shown(),
            alarms=tuple(sorted({alarm.name for alarm in operations.alarms()})),
            requests=self.requests(),
            queues={
                "commands": operations.station.commands_waiting,
                "mqtt": mqtt.waiting,
                "ocpp": max(0, ocpp["queue"]),
            },
            links=links,
            mqtt_dropped=mqtt.dropped,
        )
