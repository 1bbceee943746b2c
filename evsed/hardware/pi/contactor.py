"""The contactor: one or two coil outputs and their auxiliary contacts."""

from evsed.board.description import AcRelay
from evsed.errors import HardwareError
from evsed.hardware.pi.lines import InputLine, OutputLine
from evsed.hardware.pi.link import Link


class PinContactor:
    """A ``Contactor`` on GPIO lines."""

    def __init__(self, link: Link, relay: AcRelay) -> None:
        self._closed = False
        #: the newest reading of the contacts, and the newest that was the same twice
        self._read: bool | None = None
        self._believed: bool | None = None
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
        """Return the auxiliary contacts as one; the pole that disobeys decides.

        A reading counts when the next pass reads the same: contacts bounce, lines pick up noise,
        and welded contacts are a fault for good.
        """
        if not self._contacts:
            return None
        # a list: every line is asked, none is skipped
        contacts = [contact.active() for contact in self._contacts]
        before, self._read = self._read, all(contacts) if self._closed else any(contacts)
        if before in {None, self._read}:
            self._believed = self._read
        return self._believed
