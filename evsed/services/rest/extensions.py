"""GET /extensions: what is there beyond the API, so that a page asks for nothing else."""

from collections.abc import Iterable
from typing import Final

from aiohttp import web

from evsed.operations.values import EnergyUnit
from evsed.services.rest.answers import json_answer
from evsed.services.rest.endpoints import Endpoint
from evsed.services.rest.schema import array, record, text

_PATH: Final = "/extensions"


def with_extensions(
    rows: Iterable[Endpoint], energy_unit: EnergyUnit = EnergyUnit.WS
) -> tuple[Endpoint, ...]:
    """Return the rows, and one more that names the extensions among them.

    Args:
        rows: of the table.
        energy_unit: what the energies of the others are in (decision 1).
    """
    known = tuple(rows)
    paths = sorted({row.path for row in known if row.extension} | {_PATH})

    async def get(_request: web.Request) -> web.Response:
        return json_answer({"energyUnit": energy_unit.value, "paths": paths})

    mine = Endpoint(
        method="GET",
        path=_PATH,
        handler=get,
        summary="The paths that are there beyond the API, and the unit of energies",
        answer=record(
            {
                "energyUnit": text("of the energies here", words=[one.value for one in EnergyUnit]),
                "paths": array(text(), "below /api/v1; sorted"),
            }
        ),
        extension=True,
    )
    return (*known, mine)
