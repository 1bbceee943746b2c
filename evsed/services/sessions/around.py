"""What the history of sessions has to know besides the station: clock, prices, who authorized."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, tzinfo

from evsed.settings.tariff import SessionsSettings


@dataclass(slots=True, kw_only=True)
class Around:
    """One look at everything around the station."""

    wall_s: float
    #: whether the wall clock can be right
    clock_set: bool
    zone: tzinfo
    tariff: SessionsSettings
    authorization_required: bool = False
    #: who authorized last, and when by the station's clock
    authorized: tuple[str, int] | None = None
    _price: tuple[int, int] = field(default=(-1, 0), init=False)

    def price_e4(self, at_s: float) -> int:
        """Return the price of a kWh at a time, in 1/10000; the same for a whole minute."""
        minute = int(at_s) // 60
        if self._price[0] != minute:
            local = datetime.fromtimestamp(minute * 60, self.zone)
            self._price = (minute, self.tariff.price_at(local))
        return self._price[1]

    def month(self, at_s: float) -> str:
        """Return the month of a time, local, as 2026-11."""
        return datetime.fromtimestamp(at_s, self.zone).strftime("%Y-%m")


LookAround = Callable[[], Around]
