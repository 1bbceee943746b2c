"""The contactor: one or two coil outputs and their auxiliary contacts."""

from evsed.board.description import AcRelay
from evsed.errors import HardwareError
from evsed.hardware.pi.lines import InputLine, OutputLine
from evsed.hardware.pi.link import Link


class PinContactor:
    """A ``Contactor`` on GPIO lines."""

    def __init__(self, link: Link, relay: AcRelay) -> None:
        self._closed = False
        self._coils = [
            OutputLine(link, "contactor", gpio, active_low=relay.active_low) for gpio in relay.gpios
        ]
        self._contacts = [
            InputLine(
                link,
                "contactor feedback",
                gpio,
                pull=relay.feedback_pull,
                active_low=relay.feedback_active_low,
            )
            for gpio in relay.feedback_gpios
        ]

    def switch(self, *, closed: bool) -> None:
        """Command every pole; opening tries each even when one fails."""
        self._closed = closed
        failure: HardwareError | None = None
        for coil in self._coils:
            try:
                coil.set(on=closed)
            except HardwareError as error:
                if closed:
                    raise
                failure = error
        if failure is not None:
            raise failure

    def feedback(self) -> bool | None:
        """Return the auxiliary contacts as one; the pole that disobeys decides."""
        if not self._contacts:
            return None
        # a list: every line is asked, none is skipped
        contacts = [contact.active() for contact in self._contacts]
        return all(contacts) if self._closed else any(contacts)
