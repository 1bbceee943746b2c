"""One meter asked again and again; runs on a thread of its own."""

import logging
import threading
import time
from collections.abc import Callable
from typing import Final

from evsed.board.description import ExternalMeter
from evsed.hardware.interfaces import MeterReading
from evsed.hardware.meter_watch import PhaseWatch
from evsed.services.meter.client import Client, MissingLibraryError
from evsed.services.meter.models import MODELS, Figures, Model, figures
from evsed.services.meter.sunspec import find_meter

#: readings in a row that must say the same before wiring is called wrong
_CONFIRMED: Final = 5
#: what a connection that failed is left alone for, at most
_PAUSE_S: Final = 5.0

_log = logging.getLogger(__name__)


class Poller:
    """Asks one meter and hands every reading on.

    Args:
        meter: as the board file describes it.
        client: the connection.
        put: takes the readings, on the poller's thread.
    """

    def __init__(
        self, meter: ExternalMeter, client: Client, put: Callable[[MeterReading], None]
    ) -> None:
        self._meter, self._client, self._put = meter, client, put
        self._model: Model | None = MODELS.get(meter.model)
        self._base = 0
        self._watch = PhaseWatch(meter.phases, confirmed=_CONFIRMED)
        self._end = threading.Event()
        self._answering: bool | None = None
        self._failures = 0

    def run(self) -> None:
        """Ask until stopped."""
        interval_s = self._meter.interval_ms / 1000
        try:
            while not self._end.is_set():
                began_s = time.monotonic()
                pause_s = interval_s if self._ask() else self._pause_s(interval_s)
                self._end.wait(max(pause_s - (time.monotonic() - began_s), 0.0))
        except MissingLibraryError as error:
            _log.error("meter: %s", error)
        finally:
            self._client.close()

    def stop(self) -> None:
        """Have ``run`` return; within the time a request may take."""
        self._end.set()

    def _ask(self) -> bool:
        # What a round reads is no newer than its begin: the contactor may move in the middle.
        began_ms = time.monotonic_ns() // 1_000_000
        try:
            found = self._round()
        except MissingLibraryError:
            raise
        except Exception as error:  # noqa: BLE001  # a broken frame must not end the thread
            self._client.close()
            self._failures += 1
            if self._answering is not False:
                _log.warning("meter %s does not answer: %s", self._meter.model, error)
            self._answering = False
            if self._meter.model not in MODELS:
                self._model = None  # another device may be there next time
            return False
        self._failures = 0
        if not self._answering:
            _log.info("meter %s answers", self._model.name if self._model else self._meter.model)
        self._answering = True
        self._put(self._reading(found, began_ms))
        return True

    def _pause_s(self, interval_s: float) -> float:
        doubled_s = interval_s * (1 << min(self._failures, 5))
        return max(interval_s, min(doubled_s, _PAUSE_S))

    def _round(self) -> Figures:
        model = self._model
        if model is None:
            model, self._base = find_meter(self._client)
            self._model = model
        registers: dict[int, int] = {}
        for address, count in model.blocks:
            values = self._client.read(model.function, self._base + address, count)
            registers |= zip(range(address, address + count), values, strict=True)
        return figures(model, registers)

    def _reading(self, found: Figures, taken_ms: int) -> MeterReading:
        alarms = self._watch.follow(found.amperes, found.volts, found.watts)
        return MeterReading(
            taken_ms=taken_ms,
            currents_a=found.amperes,
            voltages_v=found.volts,
            real_powers_w=self._watch.upright(found.watts),
            alarms=alarms,
            counter_mws=found.energy_mws,
            counter_step_mws=found.step_mws,
        )
