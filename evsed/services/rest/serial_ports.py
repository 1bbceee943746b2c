"""GET /serial: how each serial port stands. An extension. Source: serial.md section 7."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from aiohttp import web

from evsed.services.rest.answers import json_answer
from evsed.services.rest.endpoints import Endpoint
from evsed.services.rest.schema import array, record, text
from evsed.settings.serial import SERIAL


class Report(Protocol):
    """How one port stands."""

    @property
    def name(self) -> str:
        """The board's name of it."""

    @property
    def mode(self) -> str:
        """What it is for."""

    @property
    def state(self) -> str:
        """``closed``, ``open`` or ``waiting``."""

    @property
    def trouble(self) -> str:
        """Why it waits; empty otherwise."""


class SerialPorts(Protocol):
    """The manager of the ports."""

    @property
    def reports(self) -> Sequence[Report]:
        """One for each port, in the board's order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SerialPortsResource:
    """What people need to know when nothing arrives."""

    ports: SerialPorts

    def endpoints(self) -> tuple[Endpoint, ...]:
        """Return the rows of the table."""
        return (
            Endpoint(
                method="GET",
                path="/serial",
                handler=self.get,
                summary="How each serial port stands",
                about="One entry for each entry of /config/serial, in the same order.",
                answer=_ANSWER,
                extension=True,
            ),
        )

    async def get(self, _request: web.Request) -> web.Response:
        """GET /serial."""
        return json_answer(
            [
                {
                    "name": one.name,
                    "mode": one.mode,
                    "state": str(one.state),
                    "trouble": one.trouble,
                }
                for one in self.ports.reports
            ]
        )


_ANSWER: Final = array(
    record(
        {
            "name": text("name on the board"),
            "mode": text("what it is for", words=SERIAL["mode"].words),
            "state": text(
                "waiting: the device is missing, in use or faulty",
                words=("closed", "open", "waiting"),
            ),
            "trouble": text("why it waits, empty otherwise"),
        }
    )
)
