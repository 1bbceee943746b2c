"""The board's free inputs and outputs, by the names of the board file. Source: board.md 3.11.

The devices are asked in a worker thread: an answer of the pin daemon may take a while. They are
asked a hundred times a second at most, however often a script wants to know. Source: lua.md 9.4.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from evsed.errors import RejectedError
from evsed.hardware.interfaces import AuxIo

_FRESH_S: Final = 0.01


class Auxiliary:
    """What a script may do with the free lines.

    Args:
        lines: the devices; None when there is no hat to ask.
    """

    def __init__(self, lines: AuxIo | None) -> None:
        self._lines = lines
        #: What was read last: when, and what was found.
        self._read: dict[str, tuple[float, Mapping[str, Any]]] = {}

    async def read(self, name: str) -> bool:
        """Return the level of an input, ``activeLow`` considered.

        Raises:
            RejectedError: no such input.
            HardwareError: the device did not answer.
        """
        found = await self._sample("inputs", self._found.inputs)
        return bool(found[_known(name, found)])

    async def analog_mv(self, name: str) -> int:
        """Return an analog input in mV at the ADC pin.

        Raises:
            RejectedError: no such input.
            HardwareError: the device did not answer.
        """
        found = await self._sample("analog", self._found.analog_mv)
        return int(found[_known(name, found)])

    async def write(self, name: str, *, on: bool) -> None:
        """Drive an output; it keeps its level until it is driven again.

        Raises:
            RejectedError: no such output.
            HardwareError: the device did not answer.
        """
        await asyncio.to_thread(self._found.set_output, name, on=on)

    async def _sample(self, what: str, read: Callable[[], Mapping[str, Any]]) -> Mapping[str, Any]:
        now_s = time.monotonic()
        at_s, found = self._read.get(what, (float("-inf"), {}))
        if now_s - at_s > _FRESH_S:
            found = await asyncio.to_thread(read)
            self._read[what] = (now_s, found)
        return found

    @property
    def _found(self) -> AuxIo:
        if self._lines is None:
            raise RejectedError("there is no hat in use")
        return self._lines


def _known(name: str, found: Mapping[str, object]) -> str:
    if name not in found:
        known = ", ".join(found) or "none"
        raise RejectedError(f"no such input; there are: {known}", key=name)
    return name
