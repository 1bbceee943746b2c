"""GET /mqtt: how the connection to the broker stands. An extension."""

from dataclasses import dataclass
from typing import Final, Protocol

from aiohttp import web

from evsed.services.rest.answers import json_answer
from evsed.services.rest.endpoints import Endpoint
from evsed.services.rest.schema import record, text, whole

STATES: Final = ("off", "connecting", "connected", "disconnected")


class Standing(Protocol):
    """How the connection stands."""

    @property
    def state(self) -> str:
        """One of ``STATES``."""

    @property
    def reason(self) -> str:
        """Why it is not connected; empty when there is nothing to say."""

    @property
    def topic(self) -> str:
        """What every topic begins with."""

    @property
    def waiting(self) -> int:
        """Messages the broker has not taken."""

    @property
    def dropped(self) -> int:
        """News that were given up because it took too long."""


class Mqtt(Protocol):
    """The MQTT service."""

    def standing(self) -> Standing:
        """Return how the connection stands; never blocks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MqttResource:
    """What people need to know when nothing arrives."""

    mqtt: Mqtt

    def endpoints(self) -> tuple[Endpoint, ...]:
        """Return the rows of the table."""
        return (
            Endpoint(
                method="GET",
                path="/mqtt",
                handler=self.get,
                summary="How the connection to the MQTT broker stands",
                answer=_ANSWER,
                extension=True,
            ),
        )

    async def get(self, _request: web.Request) -> web.Response:
        """GET /mqtt."""
        now = self.mqtt.standing()
        return json_answer(
            {
                "state": now.state,
                "reason": now.reason,
                "topic": now.topic,
                "waiting": now.waiting,
                "dropped": now.dropped,
            }
        )


_ANSWER: Final = record(
    {
        "state": text("while disconnected it is tried again", words=STATES),
        "reason": text("why it is not connected, empty otherwise"),
        "topic": text("what every topic begins with"),
        "waiting": whole("messages the broker has not taken", low=0),
        "dropped": whole("events given up because the broker took too long", low=0),
    }
)
