"""Meters emulated by pymodbus's own server, whatever version of it is installed."""

import asyncio
import contextlib
import socket
import struct
import threading
from importlib import import_module
from importlib.metadata import version

VERSION = tuple(int(part) for part in version("pymodbus").split(".")[:2])
_SERVERS = import_module("pymodbus.server" if VERSION > (3, 0) else "pymodbus.server.async_io")


def float_words(value):
    return list(struct.unpack(">2H", struct.pack(">f", value)))


def low_first_words(value):
    high, low = struct.unpack(">2H", struct.pack(">i", round(value)))
    return [low, high]


def long_words(value):
    return list(struct.unpack(">2H", struct.pack(">I", round(value))))


def signed_word(value):
    return [round(value) & 0xFFFF]


class Load:
    """What a meter has in front of it."""

    def __init__(self, volts=(229.5, 230.0, 231.25), amperes=(16.0, 10.0, 6.5), kwh=1234.5):
        self.volts, self.amperes, self.kwh = volts, amperes, kwh
        self.watts = tuple(v * a for v, a in zip(volts, amperes, strict=True))


def sdm(load, *, phases):
    words = {}
    for phase in range(phases):
        words |= _at(0x0000 + 2 * phase, float_words(load.volts[phase]))
        words |= _at(0x0006 + 2 * phase, float_words(load.amperes[phase]))
        words |= _at(0x000C + 2 * phase, float_words(load.watts[phase]))
    return words | _at(0x0048, float_words(load.kwh))


def em340(load):
    words = {}
    for phase in range(3):
        words |= _at(0x0000 + 2 * phase, low_first_words(load.volts[phase] * 10))
        words |= _at(0x000C + 2 * phase, low_first_words(load.amperes[phase] * 1000))
        words |= _at(0x0012 + 2 * phase, low_first_words(load.watts[phase] * 10))
    return words | _at(0x0034, low_first_words(load.kwh * 10))


def sunspec_203(load, base=40_000):
    words = _sunspec_head(base, 203, 105)
    at = base + 2 + 2 + 66 + 2
    for phase in range(3):
        words |= _at(at + 1 + phase, signed_word(load.amperes[phase] * 100))
        words |= _at(at + 6 + phase, signed_word(load.volts[phase] * 10))
        words |= _at(at + 17 + phase, signed_word(load.watts[phase]))
    for place, exponent in ((4, -2), (13, -1), (20, 0), (52, 1)):
        words |= _at(at + place, signed_word(exponent))
    return words | _at(at + 44, long_words(load.kwh * 100))


def sunspec_213(load, base=40_000):
    words = _sunspec_head(base, 213, 124)
    at = base + 2 + 2 + 66 + 2
    for phase in range(3):
        words |= _at(at + 2 + 2 * phase, float_words(load.amperes[phase]))
        words |= _at(at + 10 + 2 * phase, float_words(load.volts[phase]))
        words |= _at(at + 28 + 2 * phase, float_words(load.watts[phase]))
    return words | _at(at + 66, float_words(load.kwh * 1000))


def _sunspec_head(base, number, length):
    words = _at(base, [0x5375, 0x6E53, 1, 66])
    end = base + 4 + 66
    return words | _at(end, [number, length]) | _at(end + 2 + length, [0xFFFF, 0])


def _at(address, words):
    return {address + place: word for place, word in enumerate(words)}


class EmulatedMeter:
    """pymodbus's server on a free port of loopback, on a thread with a loop of its own."""

    def __init__(self, words, *, unit=1, port=0, rtu=False):
        self._words, self._unit, self._rtu = words, unit, rtu
        self.port = port or _free_port()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run)
        self._ready = threading.Event()
        self._server = None
        self._thread.start()
        assert self._ready.wait(60)

    def close(self):
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result(60)
        self._thread.join(60)
        self._loop.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _run(self):
        asyncio.set_event_loop(self._loop)
        self._ended = asyncio.Event()
        self._loop.run_until_complete(self._serve())

    async def _serve(self):
        self._server = _SERVERS.ModbusTcpServer(
            _context(self._words, self._unit),
            address=("127.0.0.1", self.port),
            **({"allow_reuse_address": True} if VERSION == (3, 0) else {}),
            **({"framer": _rtu_framer()} if self._rtu else {}),
        )
        task = self._loop.create_task(self._server.serve_forever())
        while not _accepts(self.port):  # noqa: ASYNC110 - the server tells nobody
            await asyncio.sleep(0.01)
        self._ready.set()
        await self._ended.wait()
        for handler in dict(getattr(self._server, "active_connections", {}) or {}).values():
            if VERSION == (3, 0):  # leaves its connections open
                handler.transport.abort()
        await self._server.shutdown()
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError, Exception):
            await task
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for other in others:
            other.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        for _ in range(3):  # what was aborted is closed in the loop's next rounds
            await asyncio.sleep(0)

    async def _stop(self):
        self._ended.set()


def _context(words, unit):
    filled = _filled(words)
    if VERSION >= (3, 12):
        from pymodbus.simulator import DataType, SimData, SimDevice  # noqa: PLC0415 - by version

        blocks = [
            SimData(start, values=values, datatype=DataType.REGISTERS)
            for start, values in _runs(filled)
        ]
        return SimDevice(unit, simdata=blocks)
    from pymodbus import datastore  # noqa: PLC0415 - by version

    # These versions add one to every address on the wire.
    block = datastore.ModbusSparseDataBlock({address + 1: word for address, word in filled.items()})
    device = datastore.ModbusSlaveContext(ir=block, hr=block)
    return datastore.ModbusServerContext(slaves={unit: device}, single=False)


def _rtu_framer():
    framers = import_module("pymodbus.transaction" if VERSION == (3, 0) else "pymodbus")
    return framers.ModbusRtuFramer if VERSION == (3, 0) else framers.FramerType.RTU


def _runs(words):
    """Return start and values of every run of neighbours."""
    start, values = None, []
    for address in sorted(words):
        if start is not None and address == start + len(values):
            values.append(words[address])
            continue
        if start is not None:
            yield start, values
        start, values = address, [words[address]]
    yield start, values


def _filled(words):
    """Fill the holes that a request for a block reads over."""
    filled = dict(words)
    for address in list(words):
        for near in range(address, address + 130):
            filled.setdefault(near, 0)
    return filled


def _accepts(port):
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


def _free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]
