"""Small services of one's own for the REST interface: they keep what they are told."""

from evsed.errors import DisplayError, RejectedError, UpdateError
from evsed.host.network import FoundNetwork
from evsed.services.log.ring import LogRing
from evsed.services.script.service import Component, Parameter

SOLAR = (
    Parameter(key="enabled", name="Enabled", type="boolean", value=True),
    Parameter(key="min_current", name="Minimum current", type="number", value=6),
)
_TYPES = {"string": str, "number": int | float, "boolean": bool}


class Ring:
    """The daemon's own ring of log lines, and a record that can be deleted."""

    def __init__(self):
        self.ring = LogRing()
        self.record = ("it ended\n", 1234)

    def lines(self, index):
        return self.ring.lines(index)

    def panic(self):
        return self.record

    def clear_panic(self):
        self.record = ("", 0)


class OneScript:
    """A script engine with one component and its parameters, by the API's own rules."""

    def __init__(self):
        self.parameters = {one.key: one for one in SOLAR}
        self.reloads = 0

    def output(self, index):
        lines = ["hello", "world"]
        return lines[index:], len(lines)

    async def reload(self):
        self.reloads += 1

    def components(self):
        return [Component(id="solar", name="Solar", description="", status="running")]

    def component(self, name):
        return list(self.parameters.values()) if name == "solar" else None

    async def set_component(self, name, values):
        assert name == "solar"
        after = dict(self.parameters)
        for key, value in values.items():
            if key not in after:
                raise RejectedError("unknown parameter", key=key)
            kind = after[key].type
            if isinstance(value, bool) != (kind == "boolean") or not isinstance(
                value, _TYPES[kind]
            ):
                raise RejectedError(f"{kind} expected", key=key)
            after[key] = Parameter(key=key, name=after[key].name, type=kind, value=value)
        self.parameters = after


class Taker:
    """Takes uploads: as updater and as display."""

    def __init__(self, refusal=None):
        self.refusal = refusal
        self.pieces = []
        self.announced = None
        self.baud_rate = None

    async def take(self, chunks):
        if self.refusal is not None:
            raise self.refusal
        async for piece in chunks:
            self.pieces.append(piece)

    @property
    def taken(self):
        return b"".join(self.pieces)


class Updates(Taker):
    def channels(self):
        return ("stable", "testing")

    def channel(self):
        return "stable"

    async def check(self):
        raise UpdateError(520, "the server is down")

    async def update(self):
        raise UpdateError(520, "the server is down")

    async def upload(self, length, chunks):
        self.announced = length
        await self.take(chunks)


class Screen(Taker):
    model = "NX4832T035_011R"
    touch = True
    flash_size = 16777216

    async def info(self):
        return None if isinstance(self.refusal, DisplayError) else self

    async def upload(self, length, baud_rate, chunks):
        self.announced, self.baud_rate = length, baud_rate
        await self.take(chunks)


class Radio:
    """A radio that hears two networks."""

    def __init__(self):
        self.switched = []

    async def scan(self):
        return (
            FoundNetwork(ssid="myhome", rssi=-57, secured=True),
            FoundNetwork(ssid="guest", rssi=-71, secured=False),
        )

    def switch_access_point(self, *, on):
        self.switched.append(on)
