"""Fetching over https: certificates, redirections, sizes, and what a server may not do."""

import asyncio
import gzip
import ssl
import subprocess

import pytest
from aiohttp import web
from update_world import UpdateWorld

from evsed.services.update.addresses import FetchError, beside
from evsed.services.update.fetch import Fetcher


@pytest.fixture(scope="session")
def certificate(workshop):
    """Return key and certificate of a server named localhost, signed by itself."""
    key, file = workshop / "tls.key", workshop / "tls.crt"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    about = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    files = ["-nodes", "-days", "2", "-keyout", str(key), "-out", str(file)]
    subprocess.run([*command, *about, *files], check=True, capture_output=True)
    return key, file


class Server:
    """Serves what a test puts into ``answers``: bytes, an address to redirect to, or a handler."""

    def __init__(self):
        self.answers = {}
        self.asked = []

    async def answer(self, request):
        self.asked.append(request)
        answer = self.answers.get(request.path)
        match answer:
            case None:
                raise web.HTTPNotFound
            case bytes():
                return web.Response(body=answer)
            case str():
                return web.Response(status=302, headers={"Location": answer})
        return await answer(request)


@pytest.fixture
async def server(certificate):
    key, file = certificate
    made = Server()
    app = web.Application()
    app.router.add_get("/{name:.*}", made.answer)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file, key)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "localhost", 0, ssl_context=context).start()
    made.url = f"https://localhost:{runner.addresses[0][1]}"
    try:
        yield made
    finally:
        await runner.cleanup()


@pytest.fixture
def fetcher(certificate):
    return Fetcher({"SSL_CERT_FILE": str(certificate[1])})


async def test_a_document_is_fetched(server, fetcher):
    server.answers["/stable.json"] = b'{"version": "v1"}'
    assert await fetcher.read(f"{server.url}/stable.json", 100) == b'{"version": "v1"}'
    assert server.asked[0].headers["User-Agent"].startswith("evsed/")


async def test_a_certificate_the_system_does_not_know_is_refused(server):
    server.answers["/x"] = b"x"
    with pytest.raises(FetchError, match=r"(?i)certificate"):
        await Fetcher().read(f"{server.url}/x", 100)
    assert server.asked == []


async def test_a_certificate_of_another_name_is_refused(server, fetcher):
    with pytest.raises(FetchError, match=r"(?i)certificate|hostname"):
        await fetcher.read(server.url.replace("localhost", "127.0.0.1") + "/x", 100)


@pytest.mark.parametrize(
    "url", ["http://localhost/x", "ftp://localhost/x", "data:,x", "x", "", "https://[", "gopher:x"]
)
async def test_only_https_is_used(fetcher, url):
    with pytest.raises(FetchError):
        await fetcher.read(url, 100)


async def test_three_redirections_are_followed(server, fetcher):
    server.answers |= {"/1": "/2", "/2": f"{server.url}/3", "/3": "4", "/4": b"found"}
    assert await fetcher.read(f"{server.url}/1", 100) == b"found"


async def test_a_fourth_redirection_is_not(server, fetcher):
    server.answers |= {"/1": "/2", "/2": "/3", "/3": "/4", "/4": "/5", "/5": b"found"}
    with pytest.raises(FetchError, match="redirections"):
        await fetcher.read(f"{server.url}/1", 100)


@pytest.mark.parametrize("there", ["http://localhost/x", "file:///etc/passwd", "ftp://x", "//["])
async def test_no_redirection_leads_out_of_https(server, fetcher, there):
    server.answers["/1"] = there
    with pytest.raises(FetchError):
        await fetcher.read(f"{server.url}/1", 10_000)


async def test_a_document_too_large_is_not_read_to_its_end(server, fetcher):
    sent = []

    async def endless(request):
        answer = web.StreamResponse()
        await answer.prepare(request)
        while len(sent) < 10_000:
            sent.append(1)
            await answer.write(bytes(65536))
        return answer

    server.answers["/x"] = endless
    with pytest.raises(FetchError, match="larger"):
        await fetcher.read(f"{server.url}/x", 65536)
    assert len(sent) < 1000


async def test_a_server_cannot_send_a_packed_bomb(server, fetcher):
    async def packed(_request):
        bomb = gzip.compress(bytes(10_000_000))
        return web.Response(body=bomb, headers={"Content-Encoding": "gzip"})

    server.answers["/x"] = packed
    with pytest.raises(FetchError, match="packed"):
        await fetcher.read(f"{server.url}/x", 65536)


@pytest.mark.parametrize("status", [204, 206, 304, 404, 500, 503])
async def test_only_200_is_an_answer(server, fetcher, status):
    async def answer(_request):
        return web.Response(status=status)

    server.answers["/x"] = answer
    with pytest.raises(FetchError):
        await fetcher.read(f"{server.url}/x", 100)


async def test_a_connection_that_breaks_is_an_error(server, fetcher):
    async def half(request):
        answer = web.StreamResponse(headers={"Content-Length": "1000"})
        await answer.prepare(request)
        await answer.write(bytes(10))
        request.transport.abort()
        return answer

    server.answers["/x"] = half
    with pytest.raises(FetchError):
        await fetcher.read(f"{server.url}/x", 10_000)


async def test_a_server_that_is_not_there_is_an_error(fetcher, unused_tcp_port):
    with pytest.raises(FetchError, match="localhost"):
        await fetcher.read(f"https://localhost:{unused_tcp_port}/x", 100)


async def test_a_secret_in_an_address_is_not_repeated(fetcher, unused_tcp_port):
    with pytest.raises(FetchError) as caught:
        await fetcher.read(f"https://user:geheim@localhost:{unused_tcp_port}/x?key=geheim", 100)
    assert "geheim" not in str(caught.value)


async def test_a_descriptor_on_the_network_cannot_offer_a_local_file(tmp_path):
    (tmp_path / "x").write_text("x")
    url = (tmp_path / "x").as_uri()
    with pytest.raises(FetchError, match="cannot offer"):
        beside("https://example.org/stable.json", url)
    assert beside("file:///a/stable.json", "b.deb") == "file:///a/b.deb"
    assert beside("https://a/b/stable.json", "../c.deb") == "https://a/c.deb"


@pytest.mark.parametrize("path", ["/dev/zero", "/proc", "/no/such/file", "/%00", "//other/x"])
async def test_only_ordinary_local_files_are_read(fetcher, path):
    with pytest.raises(FetchError):
        await fetcher.read(f"file://{path}", 100)


async def test_a_local_file_is_read(fetcher, tmp_path):
    (tmp_path / "a b").write_bytes(b"x" * 100_000)
    assert len(await fetcher.read((tmp_path / "a b").as_uri(), 100_000)) == 100_000
    with pytest.raises(FetchError, match="larger"):
        await fetcher.read((tmp_path / "a b").as_uri(), 99_999)


async def test_a_whole_update_over_https(server, fetcher, tmp_path, key, good, package):
    world = UpdateWorld(
        tmp_path, [key.trusted], channel=f"{server.url}/evsed/stable.json", fetcher=fetcher
    )
    world.offer(good)
    server.answers["/evsed/stable.json"] = world.descriptor.read_bytes()
    server.answers["/evsed/evsed.deb"] = "/mirror/evsed.deb"
    server.answers["/mirror/evsed.deb"] = good
    seen = set()

    async def watch():
        while True:
            seen.add(world.service.progress.stage)
            await asyncio.sleep(0)

    watching = asyncio.ensure_future(watch())
    await world.service.update()
    watching.cancel()
    assert world.packages.installed[0][0] == package
    assert {"receiving", "checking"} <= {str(stage) for stage in seen}
