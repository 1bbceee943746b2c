"""The WebSocket to the management system, over aiohttp; and the pauses between attempts."""

import asyncio
import random
import ssl
import tempfile
from base64 import b64encode
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlsplit

import aiohttp

from evsed.services.ocpp.dialog import MOST_BYTES
from evsed.services.ocpp.talk import GoneError

CONNECT_S: Final = 30.0
_FIRST_PAUSE_S: Final = 2.0
_LONGEST_PAUSE_S: Final = 300.0
_GOODBYE_S: Final = 2.0
_WITH_PASSWORD: Final = frozenset({1, 2})
_WITH_CERTIFICATE: Final = 3
_REFUSED: Final = 401


class WebSocket:
    """A ``Socket`` over aiohttp."""

    def __init__(self, web_socket: aiohttp.ClientWebSocketResponse) -> None:
        self._web_socket = web_socket

    async def send(self, text: str) -> None:
        """See ``Socket``."""
        try:
            await self._web_socket.send_str(text)
        except (ConnectionError, RuntimeError, aiohttp.ClientError) as error:
            raise GoneError(f"the connection broke: {error}") from error

    async def receive(self) -> str:
        """See ``Socket``."""
        while True:
            message = await self._web_socket.receive()
            if message.type is aiohttp.WSMsgType.TEXT:
                return str(message.data)
            if message.type is not aiohttp.WSMsgType.BINARY:  # which OCPP has none of
                raise GoneError(_ended(self._web_socket, message))


def _ended(web_socket: aiohttp.ClientWebSocketResponse, message: aiohttp.WSMessage) -> str:
    if message.type is aiohttp.WSMsgType.ERROR:
        return f"the connection broke: {message.data}"
    return f"the management system has closed the connection ({web_socket.close_code})"


@asynccontextmanager
async def connected(
    settings: Mapping[str, Any], subprotocol: str, ping_s: int
) -> AsyncIterator[WebSocket]:
    """Hold a connection.

    Args:
        settings: the section ``ocpp``, as it is kept.
        subprotocol: of the WebSocket.
        ping_s: pause between two pings; 0 for none.

    Raises:
        GoneError: there is none; says why.
    """
    more: dict[str, Any] = {}
    profile = settings["securityProfile"]
    if profile in _WITH_PASSWORD:
        pair = f"{settings['identity']}:{settings['password']}".encode()
        more["headers"] = {"Authorization": f"Basic {b64encode(pair).decode()}"}
    if urlsplit(settings["url"]).scheme == "wss":
        more["ssl"] = await asyncio.to_thread(trust, settings)
    address = f"{settings['url'].rstrip('/')}/{quote(settings['identity'], safe='')}"
    async with _session() as session:
        try:
            async with asyncio.timeout(CONNECT_S):
                web_socket = await session.ws_connect(
                    address,
                    protocols=(subprotocol,),
                    heartbeat=ping_s or None,
                    max_msg_size=MOST_BYTES,
                    **more,
                )
        except aiohttp.WSServerHandshakeError as error:
            why = "identity or password is refused" if error.status == _REFUSED else "refused"
            raise GoneError(f"{why} (HTTP {error.status})") from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise GoneError(
                f"it cannot be reached: {str(error) or type(error).__name__}"
            ) from error
        try:
            if web_socket.protocol != subprotocol:
                raise GoneError(f"the management system does not speak {subprotocol}")
            yield WebSocket(web_socket)
        finally:
            try:
                async with asyncio.timeout(_GOODBYE_S):
                    await web_socket.close()
            except TimeoutError:
                pass


def _session() -> aiohttp.ClientSession:
    stays = aiohttp.TraceConfig()
    stays.on_request_redirect.append(_stay)
    return aiohttp.ClientSession(trace_configs=[stays])


async def _stay(*_: object) -> None:
    """The owner has chosen whom to obey, and how well that one is known."""
    raise GoneError("the management system points to another address")


def trust(settings: Mapping[str, Any]) -> ssl.SSLContext:
    """Return who is trusted, and who we are.

    Raises:
        GoneError: a certificate or the key cannot be used.
    """
    try:
        context = ssl.create_default_context(cadata=settings["caCertificate"] or None)
        if settings["securityProfile"] == _WITH_CERTIFICATE:
            _introduce(context, settings)
    except (ssl.SSLError, ValueError, OSError) as error:
        raise GoneError(f"the certificates cannot be used: {error}") from error
    return context


def _introduce(context: ssl.SSLContext, settings: Mapping[str, Any]) -> None:
    """OpenSSL takes a key from a file only; it is there for a moment, for nobody else to read."""
    with tempfile.TemporaryDirectory(prefix="evsed-ocpp-") as folder:
        file = Path(folder) / "own.pem"
        file.touch(mode=0o600)
        file.write_text(settings["clientKey"] + settings["clientCertificate"], encoding="ascii")
        context.load_cert_chain(file)


def pauses(chance: random.Random) -> Iterator[float]:
    """Yield the pauses between attempts: longer each time, never the same for two chargers."""
    pause_s = _FIRST_PAUSE_S
    while True:
        yield pause_s * (0.5 + chance.random() / 2)
        pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
