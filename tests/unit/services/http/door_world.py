"""An HTTP service with a few routes, on a port of its own, and a client that sends any bytes."""

import asyncio
import contextlib

from aiohttp import web

from evsed.services.http.connections import PATIENCE_S, Connections
from evsed.services.http.service import Door, HttpService

HOST = "Host: localhost\r\n"


class Routes:
    """What is served; ``bodies`` is what arrived, ``held`` holds GET /held until it is set."""

    def __init__(self):
        self.bodies = []
        self.held = asyncio.Event()

    def all(self):
        return (
            web.get("/state", self.state),
            web.post("/state", self.echo),
            web.put("/dav/{path:.*}", self.echo),
            web.get("/dav/{path:.*}", self.state),
            web.get("/held", self.hold),
            web.post("/late", self.late),
            web.get("/events", self.events),
            web.get("/large", self.large),
            web.get("/bug", self.bug),
            web.post("/picky", self.echo, expect_handler=self.judge),
        )

    async def state(self, _request):
        return web.Response(text="state")

    async def echo(self, request):
        body = await request.content.read()
        self.bodies.append(body)
        return web.Response(text=f"{len(body)} bytes")

    async def hold(self, _request):
        await self.held.wait()
        return web.Response(text="held")

    async def late(self, request):
        await self.held.wait()
        return await self.echo(request)

    async def events(self, request):
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await response.write(b": hello\n\n")
        with contextlib.suppress(ConnectionError):
            while True:
                await asyncio.sleep(0.01)
                await response.write(b": still here\n\n")
        return response

    async def large(self, _request):
        return web.Response(body=bytes(20_000_000))

    async def bug(self, _request):
        raise ZeroDivisionError

    async def judge(self, _request):
        return web.Response(status=413, text="too large")


class Client:
    """A connection that sends what it is told."""

    def __init__(self, reader, writer):
        self.reader, self.writer = reader, writer

    def send(self, data):
        self.writer.write(data.encode("latin-1") if isinstance(data, str) else data)

    def ask(self, line, *headers, body=""):
        lines = "".join(f"{header}\r\n" for header in headers)
        self.send(f"{line} HTTP/1.1\r\n{HOST}{lines}\r\n{body}")

    async def answer(self, within_s=10):
        """Return status, headers and body of one answer."""
        async with asyncio.timeout(within_s):
            head = (await self.reader.readuntil(b"\r\n\r\n")).decode()
            line, *lines = head.strip().split("\r\n")
            headers = dict(line.lower().split(": ", 1) for line in lines)
            body = await self.reader.readexactly(int(headers.get("content-length", 0)))
        return int(line.split()[1]), headers, body.decode()

    async def status(self):
        return (await self.answer())[0]

    async def ended(self, within_s=10):
        """Wait until the service closes; return what it still said."""
        with contextlib.suppress(ConnectionError):
            return await asyncio.wait_for(self.reader.read(), within_s)
        return b""


class World:
    """The running service."""

    def __init__(self, http, routes):
        self.http, self.routes = http, routes
        self.clients = []

    async def client(self):
        client = Client(*await asyncio.open_connection("127.0.0.1", self.http.port))
        self.clients.append(client)
        return client

    async def ask(self, line, *headers, body=""):
        """Ask on a connection of its own."""
        client = await self.client()
        client.ask(line, *headers, body=body)
        return await client.answer()

    async def close(self):
        self.routes.held.set()
        for client in self.clients:
            client.writer.transport.abort()
        for client in self.clients:
            with contextlib.suppress(ConnectionError):
                await client.writer.wait_closed()


@contextlib.asynccontextmanager
async def serving(*, before=(), most=128, patience_s=PATIENCE_S, sweep_s=0.05, **door):
    """Serve until the end of the block."""
    routes = Routes()
    http = HttpService(
        Door(address="127.0.0.1", port=0, **door),
        routes.all(),
        before=before,
        connections=Connections(most, patience_s, sweep_s),
    )
    task = asyncio.create_task(http.serve())
    await asyncio.wait_for(http.ready.wait(), 10)
    world = World(http, routes)
    try:
        yield world
    finally:
        await world.close()
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
