"""GET /reason: the snapshot's details, what is wrong with the board, and alarms. Pure."""

from collections.abc import Sequence
from typing import Any, Final

from evsed.charging.snapshot import Snapshot
from evsed.operations.detail_fields import DETAIL_FIELDS
from evsed.services.rest.schema import array, of_table, or_null, record, text
from evsed.station.alarms import Alarm

_MAINTENANCE: Final = or_null(text("what is wrong with the board or its file; null: nothing"))
_ALARM: Final = record({"name": text("a word for programs"), "text": text("a sentence")})
_ALARMS: Final = array(_ALARM, "what an owner should know although charging goes on")
#: What GET /reason answers.
DETAIL: Final = record(
    {
        **of_table(DETAIL_FIELDS)["properties"],
        "maintenance": _MAINTENANCE,
        "alarms": _ALARMS,
    }
)


def detail_object(
    now: Snapshot, maintenance: str | None, alarms: Sequence[Alarm] = ()
) -> dict[str, Any]:
    """Return the snapshot's details; ``maintenance`` is what is wrong with the board file."""
    detail = {field.name: field.read(now) for field in DETAIL_FIELDS}
    raised = [{"name": alarm.name, "text": alarm.text} for alarm in alarms]
    return {**detail, "maintenance": maintenance, "alarms": raised}
