"""Notifications of the GPIO daemon: edges, watchdogs and events to the connections that asked.

Source: pigpiod-protocol.md sections 1, 4 and 5.
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass

from evsed.hardware.simulator.circuit import Circuit

HANDLES = 32
#: pins that can be watched
WATCHED = 32
_WATCHDOG = 0x20
_EVENT = 0x80
_REPORT = struct.Struct("<HHII")


@dataclass(slots=True)
class _Handle:
    send: Callable[[bytes], None]
    bits: int = 0
    events: int = 0
    sequence: int = 0


@dataclass(slots=True)
class _Watch:
    ms: int = 0
    turn: int = 0


class Reports:
    """Every open handle, and what is watched. ``send`` of a handle must not block."""

    def __init__(self, circuit: Circuit) -> None:
        self._circuit = circuit
        self._handles: dict[int, _Handle] = {}
        self._watches = [_Watch() for _ in range(WATCHED)]
        self._steady_us = [0] * WATCHED
        self._edges = [0] * WATCHED
        self._word = levels(circuit, 0)
        self.lose = False
        circuit.listen(self._edge)

    def open(self, send: Callable[[bytes], None]) -> int | None:
        """Return a new handle, or None when all are taken."""
        for number in range(HANDLES):
            if number not in self._handles:
                self._handles[number] = _Handle(send)
                return number
        return None

    def close(self, number: int) -> bool:
        """Forget a handle; False when there is none."""
        return self._handles.pop(number, None) is not None

    def select(self, number: int, bits: int) -> bool:
        """Report changes of these pins; False when there is no such handle."""
        if number not in self._handles:
            return False
        self._handles[number].bits = bits
        return True

    def select_events(self, number: int, bits: int) -> bool:
        """Report these events; False when there is no such handle."""
        if number not in self._handles:
            return False
        self._handles[number].events = bits
        return True

    def trigger(self, event: int) -> None:
        """Report an event."""
        for handle in self._handles.values():
            if handle.events >> event & 1:
                self._send(handle, _EVENT | event)

    def watch(self, gpio: int, ms: int) -> None:
        """Report when a pin has no edge for that long; 0 ends it."""
        watch = self._watches[gpio]
        watch.ms = ms
        self._restart(gpio)

    def filter(self, gpio: int, steady_us: int) -> None:
        """Report an edge only when the level has been steady for that long."""
        self._steady_us[gpio] = steady_us

    def _edge(self, gpio: int, level: int, t_us: int) -> None:
        if gpio >= WATCHED:
            return
        self._edges[gpio] += 1
        steady_us = self._steady_us[gpio]
        if not steady_us:
            self._take(gpio, level)
            return
        edge = self._edges[gpio]

        def settle() -> None:
            if edge == self._edges[gpio]:
                self._take(gpio, level)

        self._circuit.agenda.at(t_us + steady_us, settle)

    def _take(self, gpio: int, level: int) -> None:
        if self._word >> gpio & 1 == level:
            return
        self._word ^= 1 << gpio
        self._restart(gpio)
        for handle in self._handles.values():
            if handle.bits >> gpio & 1:
                self._send(handle, 0)

    def _restart(self, gpio: int) -> None:
        watch = self._watches[gpio]
        watch.turn += 1
        if not watch.ms:
            return
        turn = watch.turn

        def expire() -> None:
            if turn != watch.turn:
                return
            for handle in self._handles.values():
                if handle.bits >> gpio & 1:
                    self._send(handle, _WATCHDOG | gpio)
            self._restart(gpio)

        self._circuit.agenda.at(self._circuit.now_us + watch.ms * 1000, expire)

    def _send(self, handle: _Handle, flags: int) -> None:
        tick = self._circuit.now_us & 0xFFFFFFFF
        report = _REPORT.pack(handle.sequence, flags, tick, self._word)
        handle.sequence = (handle.sequence + 1) & 0xFFFF
        if not self.lose:
            handle.send(report)


def levels(circuit: Circuit, first: int, count: int = 32) -> int:
    """Return the levels of a bank of pins as one word."""
    word = 0
    for place in range(count):
        word |= circuit.read_pin(first + place) << place
    return word
