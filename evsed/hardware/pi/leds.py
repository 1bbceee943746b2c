"""The LEDs, blinked by their own worker."""

import math
import threading
import time
from queue import Empty, SimpleQueue
from typing import Final

from evsed.board.description import Leds
from evsed.errors import HardwareError
from evsed.hardware.pi.lines import OutputLine
from evsed.hardware.pi.link import Link
from evsed.hardware.real_time import WORKER, ask_real_time

_JOIN_S: Final = 1.0
_OFF: Final = (0, 1)


class _Led:
    """One LED and its pattern."""

    def __init__(self, line: OutputLine) -> None:
        self._line = line
        self._pattern = _OFF
        self._began = 0.0
        self._on = False

    def begin(self, pattern: tuple[int, int], now: float) -> None:
        self._pattern, self._began = pattern, now

    def drive(self, now: float) -> float:
        """Send a change when there is one; return when the next is due."""
        on_ms, off_ms = self._pattern
        whole_ms = on_ms + off_ms
        if not on_ms or not off_ms:
            on, due = bool(on_ms), math.inf
        else:
            phase_ms = (now - self._began) * 1000 % whole_ms
            on = phase_ms < on_ms
            due = now + ((on_ms if on else whole_ms) - phase_ms) / 1000
        if on != self._on:
            self._line.set(on=on)
            self._on = on
        return due


class PinIndicators:
    """``Indicators`` on GPIO lines. A lost pin daemon leaves them dark; others report it."""

    def __init__(self, link: Link, leds: Leds) -> None:
        self._leds = {
            name: _Led(OutputLine(link, f"{name} LED", pin.gpio, active_low=pin.active_low))
            for name, pin in (
                ("charging", leds.charging),
                ("error", leds.error),
                ("wifi", leds.wifi),
            )
            if pin is not None
        }
        self._shown = dict.fromkeys(self._leds, _OFF)
        self._orders: SimpleQueue[tuple[str, tuple[int, int]] | None] = SimpleQueue()
        self._worker = threading.Thread(target=self._run, name="evsed-leds", daemon=True)
        self._worker.start()

    def show(self, name: str, on_ms: int, off_ms: int) -> None:
        """Blink, starting with on; returns at once. What it shows already it goes on showing."""
        pattern = (on_ms, off_ms) if on_ms else _OFF
        if name in self._shown and self._shown[name] != pattern:
            self._shown[name] = pattern
            self._orders.put((name, pattern))

    def close(self) -> None:
        """Switch them off and stop the worker."""
        for name in self._leds:
            self._orders.put((name, _OFF))
        self._orders.put(None)
        self._worker.join(_JOIN_S)

    def _run(self) -> None:
        ask_real_time(WORKER)
        due = math.inf
        while True:
            try:
                order = self._orders.get(timeout=_until(due))
                if order is None:
                    return
                self._leds[order[0]].begin(order[1], time.monotonic())
            except Empty:
                pass
            due = self._drive()

    def _drive(self) -> float:
        now = time.monotonic()
        try:
            return min((led.drive(now) for led in self._leds.values()), default=math.inf)
        except HardwareError:
            return math.inf


def _until(due: float) -> float | None:
    return None if due == math.inf else max(due - time.monotonic(), 0)
