"""The WebSocket: security profiles, refusals, and a process whose management system misbehaves."""

import base64
import shutil
import ssl
import subprocess
from random import Random

import pytest
from aiohttp import web

from evsed.services.ocpp.connection import connected, pauses
from evsed.services.ocpp.talk import GoneError
from evsed.settings.ocpp import OCPP, OcppSettings

PASSWORD = "0123456789abcdef"  # noqa: S105


def settings(port, **more):
    kept = OCPP.kept(OcppSettings())
    scheme = "wss" if more.get("securityProfile", 0) > 1 else "ws"
    return kept | {"url": f"{scheme}://localhost:{port}/ocpp/", "identity": "CP-1"} | more


class Server:
    """A WebSocket server that says hello and keeps what it was asked with."""

    def __init__(self, protocols=("ocpp1.6",), context=None, status=None):
        self.protocols, self.context, self.status = protocols, context, status
        self.requests, self.to = [], ""

    async def __aenter__(self):
        app = web.Application()
        app.router.add_get("/{path:.*}", self._serve)
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0, ssl_context=self.context)
        await site.start()
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_):
        await self._runner.cleanup()

    async def _serve(self, request):
        self.requests.append(request)
        if self.status is not None:
            return web.Response(status=self.status, headers={"Location": self.to})
        web_socket = web.WebSocketResponse(protocols=self.protocols)
        await web_socket.prepare(request)
        await web_socket.send_str("hello")
        async for message in web_socket:
            await web_socket.send_str(message.data)
        return web_socket


async def says_hello(told):
    async with connected(told, "ocpp1.6", 30) as web_socket:
        assert await web_socket.receive() == "hello"
        await web_socket.send("back")
        assert await web_socket.receive() == "back"


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    """A CA, a server for localhost, a charger; in files."""
    folder = tmp_path_factory.mktemp("certificates")
    openssl = shutil.which("openssl")

    def run(*words):
        subprocess.run([openssl, *words], cwd=folder, check=True, capture_output=True)

    run("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=CA",
        "-keyout", "ca.key", "-out", "ca.pem")  # fmt: skip
    (folder / "names").write_text("subjectAltName=DNS:localhost\n")
    for name, subject in (("server", "/CN=localhost"), ("own", "/CN=CP-1")):
        run("req", "-newkey", "rsa:2048", "-nodes", "-subj", subject,
            "-keyout", f"{name}.key", "-out", f"{name}.csr")  # fmt: skip
        run("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-days", "2",
            "-CAcreateserial", "-extfile", "names", "-out", f"{name}.pem")  # fmt: skip
    return folder


def server_context(certificates, *, ask_for_ours=False):
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificates / "server.pem", certificates / "server.key")
    if ask_for_ours:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(certificates / "ca.pem")
    return context


async def test_without_security():
    async with Server() as server:
        await says_hello(settings(server.port))
        [request] = server.requests
        assert request.path == "/ocpp/CP-1"
        assert "Authorization" not in request.headers


async def test_with_a_password():
    async with Server() as server:
        await says_hello(settings(server.port, securityProfile=1, password=PASSWORD))
        told = server.requests[0].headers["Authorization"].removeprefix("Basic ")
        assert base64.b64decode(told).decode() == f"CP-1:{PASSWORD}"


async def test_with_a_password_over_tls(certificates):
    ca = (certificates / "ca.pem").read_text()
    async with Server(context=server_context(certificates)) as server:
        told = settings(server.port, securityProfile=2, password=PASSWORD, caCertificate=ca)
        await says_hello(told)
        await says_hello(told | {"url": told["url"].replace("wss:", "WSS:")})
        with pytest.raises(GoneError, match="reached"):
            await says_hello(told | {"caCertificate": ""})  # nobody the system trusts


async def test_with_the_charger_s_own_certificate(certificates):
    read = {name: (certificates / name).read_text() for name in ("ca.pem", "own.pem", "own.key")}
    async with Server(context=server_context(certificates, ask_for_ours=True)) as server:
        told = settings(
            server.port,
            securityProfile=3,
            caCertificate=read["ca.pem"],
            clientCertificate=read["own.pem"],
            clientKey=read["own.key"],
        )
        await says_hello(told)
        with pytest.raises(GoneError):
            await says_hello(told | {"securityProfile": 2, "password": PASSWORD})
        with pytest.raises(GoneError, match="certificates cannot be used"):
            await says_hello(told | {"clientKey": "nonsense"})


@pytest.mark.parametrize(
    ("server", "words"),
    [
        (Server(status=401), "identity or password is refused"),
        (Server(status=404), "refused"),
        (Server(protocols=("ocpp2.0.1",)), "does not speak ocpp1.6"),
    ],
    ids=["unauthorized", "unknown", "another version"],
)
@pytest.mark.filterwarnings("ignore:.*[Ss]ubprotocol.*")
async def test_who_is_not_let_in_is_told_why(server, words):
    async with server:
        with pytest.raises(GoneError, match=words):
            await says_hello(settings(server.port))


async def test_nobody_is_followed_to_another_address():
    async with Server() as other, Server(status=302) as server:
        server.to = f"http://127.0.0.1:{other.port}/x"
        with pytest.raises(GoneError, match="another address"):
            await says_hello(settings(server.port, securityProfile=1, password=PASSWORD))
        assert other.requests == []


async def test_nobody_there():
    with pytest.raises(GoneError, match="cannot be reached"):
        await says_hello(settings(1))


async def test_a_message_that_is_too_long_ends_the_connection():
    async with Server() as server, connected(settings(server.port), "ocpp1.6", 0) as web_socket:
        assert await web_socket.receive() == "hello"
        await web_socket.send("x" * 300_000)  # which comes back
        with pytest.raises(GoneError):
            await web_socket.receive()


def test_pauses_grow_and_are_never_the_same_for_two():
    found = [
        [next(one) for _ in range(12)]
        for one in (pauses(Random(1)), pauses(Random(2)))  # noqa: S311
    ]
    for mine in found:
        for place, pause_s in enumerate(mine):
            longest_s = min(2.0 * 2**place, 300)
            assert longest_s / 2 <= pause_s <= longest_s
    assert found[0] != found[1]
