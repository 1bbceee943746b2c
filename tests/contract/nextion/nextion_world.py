"""A display's session in stepped time: a clock that jumps, a port that notes, a made-up station."""

import asyncio
import dataclasses
import selectors
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

from evsed.board.description import Board
from evsed.board.reader import read_board
from evsed.charging.snapshot import Snapshot
from evsed.charging.states import ChargingState, Fault
from evsed.host.machine import Memory
from evsed.host.network import NetworkState
from evsed.operations.picture import Facts, Picture
from evsed.operations.writing import Change, steps_for
from evsed.services.nextion.service import NextionDisplay
from evsed.services.nextion.session import NextionSession
from evsed.settings.schema import EvseSettings
from evsed.settings.sections import Settings, default_settings
from evsed.units import tenths

BOARD = read_board(Path(__file__).parents[3] / "boards" / "sim.yaml")
BEGIN = b"rest\xff\xff\xffsleep=0\xff\xff\xff"


class _Jumping(selectors.DefaultSelector):
    """Waits in no time: where a selector would sleep, the clock is put forward."""

    def __init__(self) -> None:
        super().__init__()
        self.now_s = 1000.0

    def select(self, timeout: float | None = None) -> Any:
        ready = super().select(0)
        if not ready and timeout is None:
            raise RuntimeError("nothing will ever happen again")
        if not ready and timeout:
            self.now_s += timeout
        return ready


class SteppedLoop(asyncio.SelectorEventLoop):
    """An event loop in which a minute takes a millisecond."""

    def __init__(self) -> None:
        self._jumping = _Jumping()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.now_s


def stepped(story: Callable[[], Awaitable[None]]) -> None:
    """Run a story in stepped time."""

    async def told() -> None:
        await story()

    with asyncio.Runner(loop_factory=SteppedLoop) as runner:
        runner.run(told())


class Port:
    """A ``Writer`` that notes what happens, with the rate of a wire."""

    bits_per_character = 10
    usb = False
    pending = 0

    def __init__(self, baud_rate: int = 115200) -> None:
        self.baud_rate = baud_rate
        #: bytes and rates, in their order
        self.events: list[bytes | int] = []
        self.blocked = False
        #: a rate was set while bytes were on their way
        self.cut_off = False
        self._free_at_s = 0.0

    def write(self, data: bytes) -> bool:
        if self.blocked:
            return False
        if self.events and isinstance(self.events[-1], bytes):
            self.events[-1] += data
        else:
            self.events.append(data)
        begin_s = max(asyncio.get_running_loop().time(), self._free_at_s)
        self._free_at_s = begin_s + len(data) * self.bits_per_character / self.baud_rate
        return True

    def set_baud_rate(self, baud_rate: int) -> None:
        self.cut_off |= asyncio.get_running_loop().time() < self._free_at_s - 1e-6
        self.baud_rate = baud_rate
        self.events.append(baud_rate)

    async def drained(self, timeout_s: float) -> bool:
        needed_s = self._free_at_s - asyncio.get_running_loop().time()
        await asyncio.sleep(max(0.0, min(needed_s, timeout_s)))
        return needed_s <= timeout_s and not self.blocked

    def discard_input(self) -> None:
        pass

    def take(self) -> bytes:
        """Return the bytes since the last call; there must not be a change of rate among them."""
        taken = b"".join(event for event in self.events if isinstance(event, bytes))
        assert all(isinstance(event, bytes) for event in self.events), self.events
        self.events.clear()
        return taken


class Desk:
    """What interfaces may ask for, answered from a few words instead of a charger."""

    def __init__(self, words: dict[str, Any]) -> None:
        self.words = dict(words)
        self.effects: dict[str, Any] = {}
        self.writes: list[list[Change]] = []
        self.fails: Exception | None = None
        #: how long a write takes
        self.pass_s = 0.02

    def picture(self) -> Picture:
        return picture_of(self.words)

    async def write(self, changes: Sequence[Change], *, source: str) -> None:
        assert source == "nextion"
        self.writes.append(list(changes))
        await asyncio.sleep(self.pass_s)
        if self.fails is not None:
            raise self.fails
        steps_for(changes, settings_of(self.words).evse, BOARD)
        self.words |= changes
        self.effects |= changes

    async def authorize(self, *, source: str) -> None:
        assert source == "nextion"
        self.effects["$authorize"] = True

    async def restart(self, *, source: str) -> None:
        assert source == "nextion"
        self.effects["$restart"] = True


def picture_of(words: dict[str, Any]) -> Picture:
    """Return a picture of a station described with the API's names and units."""
    return Picture(
        snapshot=_snapshot(words),
        settings=settings_of(words),
        board=_board(words),
        facts=_facts(words),
        network=NetworkState(main_ip=words["ip"]),
        clock_s=0,
        time_zone_rule="UTC0",
    )


def settings_of(words: dict[str, Any]) -> Settings:
    evse = EvseSettings(
        max_charging_current_a=words["maxChargingCurrent"],
        default_charging_current_da=tenths(words["defaultChargingCurrent"]),
        default_consumption_limit_ws=words["defaultConsumptionLimit"],
        default_charging_time_limit_s=words["defaultChargingTimeLimit"],
        default_under_power_limit_w=words["defaultUnderPowerLimit"],
    )
    return dataclasses.replace(default_settings(BOARD), evse=evse)


def _snapshot(words: dict[str, Any]) -> Snapshot:
    faults = Fault.NONE
    for name in words["errors"]:
        faults |= Fault[name.upper()]
    return Snapshot(
        state=ChargingState(words["state"]),
        faults=faults,
        enabled=words["enabled"],
        available=words["available"],
        pending_auth=words["pendingAuth"],
        limit_reached=words["limitReached"],
        charging_current_da=tenths(words["chargingCurrent"]),
        consumption_limit_ws=words["consumptionLimit"],
        charging_time_limit_s=words["chargingTimeLimit"],
        under_power_limit_w=words["underPowerLimit"],
        session_time_ms=words["sessionTime"] * 1000,
        charging_time_ms=words["chargingTime"] * 1000,
        session_energy_ws=words["consumption"],
        total_energy_ws=words["totalConsumption"],
        power_w=words["power"],
        voltages_v=tuple(words["voltage"]),
        currents_a=tuple(words["current"]),
        temperature_low_cdeg=round(words["temperatureLow"] * 100),
        temperature_high_cdeg=round(words["temperatureHigh"] * 100),
    )


def _board(words: dict[str, Any]) -> Board:
    return dataclasses.replace(BOARD, device_name=words["deviceName"])


def _facts(words: dict[str, Any]) -> Facts:
    used, total = words["memory"]["used"], words["memory"]["total"]
    memory = Memory(used=used, free=total - used, largest_block=0, least_free=0)
    return Facts(
        uptime_s=words["uptime"],
        version=words["appVersion"],
        built_date="Feb 21 2025",
        built_time="07:13:00",
        platform="Python",
        chip="simulator",
        cores=4,
        revision=0,
        memory=memory,
    )


class World:
    """A display's session on an open port, past its beginning."""

    def __init__(self, words: dict[str, Any], *, read_only: bool = False, rate: int = 115200):
        self.desk = Desk(words)
        self.port = Port(rate)
        self.display = NextionDisplay(self.desk, read_only=read_only)
        self.session: NextionSession = self.display.session()

    async def __aenter__(self) -> "World":
        self.session.opened(self.port)
        assert self.port.take() == BEGIN
        await asyncio.sleep(0.01)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.session.closed("the end of the test")

    def feed(self, data: bytes, *, cut: bool = False) -> None:
        """Let bytes arrive, all together or one by one."""
        if cut:
            for byte in data:
                self.session.received(bytes([byte]))
        else:
            self.session.received(data)

    async def sent(self, within_s: float) -> bytes:
        """Return what goes out within a time."""
        await asyncio.sleep(within_s)
        return self.port.take()


def program(length: int) -> bytes:
    """Return a display's program: it says itself how long it is."""
    body = bytearray((index * 7 + index // 4096) % 251 for index in range(length))
    body[0x3C:0x40] = length.to_bytes(4, "little")
    return bytes(body)


async def pieces(body: bytes, size: int = 65536) -> AsyncIterator[bytes]:
    """Yield a body as a client sends it."""
    for begin in range(0, len(body), size):
        await asyncio.sleep(0)
        yield body[begin : begin + size]
