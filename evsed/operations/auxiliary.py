"""The board's free inputs and outputs, by the names of the board file. Source: board.md 3.11.

The devices are asked in a worker thread: an answer of the pin daemon may take a while.
"""

import asyncio
from collections.abc import Mapping

from evsed.errors import RejectedError
from evsed.hardware.interfaces import AuxIo


class Auxiliary:
    """What a script may do with the free lines.

    Args:
        lines: the devices; None when there is no hat to ask.
    """

    def __init__(self, lines: AuxIo | None) -> None:
        self._lines = lines

    async def read(self, name: str) -> bool:
        """Return the level of an input, ``activeLow`` considered.

        Raises:
            RejectedError: no such input.
            HardwareError: the device did not answer.
        """
        found = await asyncio.to_thread(self._found.inputs)
        return found[_known(name, found)]

    async def analog_mv(self, name: str) -> int:
        """Return an analog input in mV at the ADC pin.

        Raises:
            RejectedError: no such input.
            HardwareError: the device did not answer.
        """
        found = await asyncio.to_thread(self._found.analog_mv)
        return found[_known(name, found)]

    async def write(self, name: str, *, on: bool) -> None:
        """Drive an output; it keeps its level until it is driven again.

        Raises:
            RejectedError: no such output.
            HardwareError: the device did not answer.
        """
        await asyncio.to_thread(self._found.set_output, name, on=on)

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
