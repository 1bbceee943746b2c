"""The external meter of a station: its thread, from start to end."""

import asyncio
import threading
from collections.abc import Callable

from evsed.board.description import ExternalMeter
from evsed.hardware.interfaces import MeterReading
from evsed.hardware.real_time import WORKER, ask_real_time
from evsed.services.meter.client import Client, LineClient, TcpClient
from evsed.services.meter.line import MeterPort
from evsed.services.meter.poller import Poller


class MeterService:
    """Asks the external meter for as long as it is served; without one it only waits.

    Args:
        meter: as the board file describes it; None: there is none.
        put: takes every reading; called on the meter's thread.
    """

    def __init__(
        self, meter: ExternalMeter | None, put: Callable[[MeterReading], None] | None
    ) -> None:
        self._meter, self._put = meter, put
        #: the serial port in mode ``meter``
        self.port = MeterPort()

    async def serve(self) -> None:
        """Serve until cancelled."""
        if self._meter is None or self._put is None:
            await asyncio.get_running_loop().create_future()
            return
        poller = Poller(self._meter, self._client(self._meter), self._put)
        # A daemon thread: a library that hangs must not keep the process, nor its end waiting.
        thread = threading.Thread(target=_poll, args=(poller,), name="evsed-meter", daemon=True)
        thread.start()
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            poller.stop()

    def _client(self, meter: ExternalMeter) -> Client:
        if meter.host is not None:
            return TcpClient(meter.host, meter.port, meter.unit)
        return LineClient(self.port.connect, meter.unit)


def _poll(poller: Poller) -> None:
    ask_real_time(WORKER)
    poller.run()
