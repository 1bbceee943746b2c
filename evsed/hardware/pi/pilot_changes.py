"""Whether there is time for anything but the pilot. Pure. Source: decision 48.

Two windows that say so open the contactor. One that differs from the window before may be the first
of them, or have seen too little of what happened to be it: the next ones are wanted at once.
"""

from collections.abc import Sequence
from typing import Final

#: highest, lowest or mean reading of the pilot differ by more than noise makes them, mV
_CHANGE_MV: Final = 50
#: after a change so many windows in a row must be like the one before
_ALIKE: Final = 2
#: so many windows in a row may put everything else off; a noisy pilot would for ever
_MOST_PUT_OFF: Final = 4


class PilotChanges:
    """Compares each full window with the one before."""

    def __init__(self) -> None:
        self._seen_mv = (0, 0, 0)
        self._alike = 0
        self._put_off = 0

    def see(self, readings_mv: Sequence[int]) -> None:
        """Take the readings of one more window, in mV."""
        seen_mv = (max(readings_mv), min(readings_mv), sum(readings_mv) // len(readings_mv))
        pairs = zip(seen_mv, self._seen_mv, strict=True)
        alike = all(abs(now - before) <= _CHANGE_MV for now, before in pairs)
        self._seen_mv, self._alike = seen_mv, self._alike + 1 if alike else 0
        self._put_off += 1

    @property
    def calm(self) -> bool:
        """Whether other work may be done before the next window."""
        return self._alike >= _ALIKE or self._put_off > _MOST_PUT_OFF

    def caught_up(self) -> None:
        """Nothing is left that was put off."""
        self._put_off = 0
