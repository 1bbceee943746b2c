"""Finding the meter among the models of a SunSpec device."""

from typing import Final

from evsed.services.meter.client import Client, MeterSilentError
from evsed.services.meter.models import HOLDING, SUNSPEC, Model

#: where the map may begin. Source: SunSpec Information Model Specification, section 6
_BASES: Final = (40_000, 50_000, 0)
_MARK: Final = [0x5375, 0x6E53]
_END: Final = 0xFFFF
_MOST_MODELS: Final = 64


def find_meter(client: Client) -> tuple[Model, int]:
    """Return the first meter model that can be read, and where its registers begin.

    Raises:
        MeterSilentError: there is no answer, no map, or no such model in it.
    """
    place = _begin(client)
    seen: list[int] = []
    for _ in range(_MOST_MODELS):
        number, length = client.read(HOLDING, place, 2)
        if number == _END:
            break
        if number in SUNSPEC:
            return SUNSPEC[number], place + 2
        seen.append(number)
        place += 2 + length
    raise MeterSilentError(f"no SunSpec model 203 or 213; there are {seen}")


def _begin(client: Client) -> int:
    trouble: MeterSilentError | None = None
    for base in _BASES:
        try:
            if list(client.read(HOLDING, base, 2)) == _MARK:
                return base + 2
        except MeterSilentError as error:
            trouble = trouble or error
    raise trouble or MeterSilentError("no SunSpec map")
