"""Free inputs and outputs."""

from collections.abc import Callable, Mapping

from evsed.board.description import Aux
from evsed.errors import RejectedError
from evsed.hardware.pi.lines import InputLine, OutputLine
from evsed.hardware.pi.link import Link


class PinAuxIo:
    """An ``AuxIo``; analog values come from the sampler."""

    def __init__(self, link: Link, aux: Aux, analog_mv: Callable[[], Mapping[str, int]]) -> None:
        self._analog_mv = analog_mv
        self._inputs = {
            line.name: InputLine(
                link,
                f"input {line.name}",
                line.gpio,
                pull=line.pull,
                active_low=line.active_low,
            )
            for line in aux.inputs
        }
        self._rest = {line.name: line.initial for line in aux.outputs}
        self._outputs = {
            line.name: OutputLine(
                link,
                f"output {line.name}",
                line.gpio,
                active_low=line.active_low,
                on=line.initial,
            )
            for line in aux.outputs
        }

    def inputs(self) -> Mapping[str, bool]:
        """Return every digital input."""
        return {name: line.active() for name, line in self._inputs.items()}

    def analog_mv(self) -> Mapping[str, int]:
        """Return every analog input in mV at the ADC pin."""
        return self._analog_mv()

    def set_output(self, name: str, *, on: bool) -> None:
        """Drive one output."""
        line = self._outputs.get(name)
        if line is None:
            known = ", ".join(self._outputs) or "none"
            raise RejectedError(f"no such output; there are: {known}", key=name)
        line.set(on=on)

    def rest(self) -> None:
        """Drive every output as it was at start."""
        for name, line in self._outputs.items():
            line.set(on=self._rest[name])
