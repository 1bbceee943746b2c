"""Management systems on real WebSockets, each on an event loop of its own, for real daemons."""

import asyncio
import threading
import time
from contextlib import contextmanager, suppress

from aiohttp import web
from csms_world import SYSTEMS, Ledger

from evsed.services.ocpp.talk import GoneError


class Loop:
    """An event loop in a thread, to be asked from a test."""

    def __init__(self):
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self._thread.start()

    def run(self, work, within_s=30.0):
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(within_s)

    def close(self):
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(10)
        self.loop.close()


class Socket:
    """A WebSocket of aiohttp as the ``ocpp`` library wants it."""

    def __init__(self, web_socket):
        self.web_socket = web_socket

    async def send(self, text):
        await self.web_socket.send_str(text)

    async def recv(self):
        message = await self.web_socket.receive()
        if message.type is not web.WSMsgType.TEXT:
            raise GoneError("closed")
        return message.data


class System:
    """A server; what happens on a connection is a coroutine that is given the WebSocket.

    Args:
        meet: serves one connection.
        protocols: the subprotocols it speaks.
        ssl: for wss.
    """

    def __init__(self, loop, meet, protocols=("ocpp1.6", "ocpp2.0.1"), ssl=None):
        self.loop, self.meet, self.protocols, self.ssl = loop, meet, protocols, ssl
        self.requests, self.port = [], 0
        self._runner = None

    async def start(self):
        app = web.Application()
        app.router.add_get("/{path:.*}", self._serve)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port, ssl_context=self.ssl)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def stop(self):
        await self._runner.cleanup()

    async def _serve(self, request):
        self.requests.append(request)
        web_socket = web.WebSocketResponse(protocols=self.protocols, timeout=0.5)
        await web_socket.prepare(request)
        with suppress(GoneError, ConnectionError):
            await self.meet(web_socket)
        return web_socket


class LibrarySystem(System):
    """A management system on the ``ocpp`` library."""

    def __init__(self, loop, version="1.6", **more):
        super().__init__(loop, self._talk, (f"ocpp{version}",), **more)
        self.version, self.ledger, self.point = version, Ledger(), None
        self.ledger.clock = time.time

    async def _talk(self, web_socket):
        self.point = SYSTEMS[self.version](Socket(web_socket), self.ledger)
        await self.point.start()

    def ask(self, payload):
        """Ask the charger for something; return its answer."""
        return self.loop.run(self.point.call(payload, suppress=False))


@contextmanager
def serving(system):
    system.loop.run(system.start())
    try:
        yield system
    finally:
        system.loop.run(system.stop())
