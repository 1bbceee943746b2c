"""Which values the display is to be sent at a tick. Pure: the time is an argument, in seconds.

Source: nextion.md sections 5 and 6.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from evsed.charging.states import ChargingState
from evsed.operations.picture import Picture
from evsed.services.nextion.variables import BY_NAME, VARIABLES, Push, Shown, Variable

#: Live values are sent again after this. A little more than a second: a value that changes every
#: second is then sent once for each change, and not a second time for the refresh.
REFRESH_S: Final = 1.1
#: what a tick may be early
_EARLY_S: Final = 0.005
#: how long the display's full input buffer is given, and what may have been lost in it
OVERFLOW_PAUSE_S: Final = 0.25
OVERFLOW_LOOK_BACK_S: Final = 1.0


@dataclass(slots=True)
class _Subscription:
    """What the display was sent last, and when; ``due``: it is sent again, changed or not."""

    shown: Shown | None = None
    at_s: float = float("-inf")
    due: bool = True


#: Values of a tick, in the order in which they are sent.
Values = Sequence[tuple[Variable, Shown]]


class Feed:
    """The subscriptions of one display, and what it has been sent."""

    def __init__(self) -> None:
        self._subscriptions: dict[str, _Subscription] = {}
        self._quiet_until_s = float("-inf")
        #: the state when the display went to sleep; None while it is awake
        self._asleep_since: ChargingState | None = None
        self._wake_sent = False

    @property
    def idle(self) -> bool:
        """Whether there is nothing to look at."""
        return not self._subscriptions and self._asleep_since is None

    def subscribe(self, name: str) -> bool:
        """Add a variable, due at once, and end the sleep; False when there is none of this name."""
        if name not in BY_NAME:
            return False
        self._subscriptions[name] = _Subscription()
        self._asleep_since = None
        return True

    def unsubscribe(self, name: str | None) -> None:
        """End one subscription, or all of them."""
        if name is None:
            self._subscriptions.clear()
        else:
            self._subscriptions.pop(name, None)

    def correct(self, name: str, since_s: float) -> None:
        """Send a variable again, changed or not, unless it was sent after ``since_s``."""
        known = self._subscriptions.get(name)
        if known is not None and known.at_s <= since_s:
            known.due = True

    def fell_asleep(self, state: ChargingState) -> None:
        """Send nothing any more; a change from ``state`` will wake the display once."""
        self._asleep_since, self._wake_sent = state, False

    def woke(self) -> None:
        """Send everything subscribed."""
        self._asleep_since = None
        self._repeat(lambda _: True)

    def overflowed(self, now_s: float) -> None:
        """Be quiet for a moment, then send again what may have been lost."""
        self._quiet_until_s = now_s + OVERFLOW_PAUSE_S
        self._repeat(lambda known: known.at_s >= now_s - OVERFLOW_LOOK_BACK_S)

    def wakes(self, now: Picture, now_s: float) -> bool:
        """Return whether the display has to be woken now; true once in each sleep."""
        if self._asleep_since in {None, now.snapshot.state} or now_s < self._quiet_until_s:
            return False
        woken, self._wake_sent = self._wake_sent, True
        return not woken

    def answer(self, name: str, now: Picture, now_s: float) -> Values:
        """Return the value of a variable just subscribed, if it may be sent at this moment."""
        if now_s < self._quiet_until_s:
            return ()
        variable = BY_NAME[name]
        return ((variable, variable.read(now)),)

    def values(self, now: Picture, now_s: float) -> Values:
        """Return what is to be sent, in the order of the table."""
        if self._asleep_since is not None or now_s < self._quiet_until_s:
            return ()
        found = []
        for variable in VARIABLES:
            known = self._subscriptions.get(variable.name)
            if known is None:
                continue
            value = variable.read(now)
            if _wanted(variable, known, value, now_s):
                found.append((variable, value))
        return found

    def sent(self, values: Values, now_s: float) -> None:
        """Remember that values were sent."""
        for variable, value in values:
            self._subscriptions[variable.name] = _Subscription(value, now_s, due=False)

    def _repeat(self, chosen: Callable[[_Subscription], bool]) -> None:
        for known in self._subscriptions.values():
            if chosen(known):
                known.due = True


def _wanted(variable: Variable, known: _Subscription, value: Shown, now_s: float) -> bool:
    if known.due:
        return True
    if variable.push is Push.ONCE:
        return False
    age_s = now_s - known.at_s
    if value != known.shown and age_s >= variable.pause_s - _EARLY_S:
        return True
    return variable.push is Push.LIVE and age_s >= REFRESH_S
