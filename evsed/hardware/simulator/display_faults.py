"""What a display can do wrong, to order."""

from dataclasses import dataclass


@dataclass(slots=True, kw_only=True)
class DisplayFaults:
    """Faults of an emulated display; each stays until it is taken back."""

    #: it hears and says nothing: not connected, or another rate
    silent: bool = False
    #: it does not know the upload instruction with leaving out (an old display)
    old: bool = False
    #: it knows no upload instruction at all
    refuse: bool = False
    #: this block of an upload, counted from 1, is not acknowledged; 0 for none
    no_ack: int = 0
    #: this block of an upload is acknowledged with a wrong byte; 0 for none
    wrong_ack: int = 0
    #: after the first block of an upload it asks to go on at this offset; None for no such wish
    skip_to: int | None = None
