"""WebDAV in this process, and a client that sends requests exactly as they are written."""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

from evsed.services.http.service import Door, HttpService
from evsed.services.webdav.file_store import FileStore
from evsed.services.webdav.quota import Limits
from evsed.services.webdav.routes import webdav_routes
from evsed.services.webdav.service import WebDavService

D = "{DAV:}"


class Answer(NamedTuple):
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def xml(self) -> ElementTree.Element:
        return ElementTree.fromstring(self.body)  # noqa: S314  # what we sent ourselves

    @property
    def hrefs(self) -> list[str]:
        """The resources of a multi-status answer."""
        return [one.text or "" for one in self.xml.findall(f"{D}response/{D}href")]

    def found(self, name: str) -> list[str | None]:
        """Return the texts of a property, of each resource that has it."""
        return [one.text for one in self.xml.iter(name)]

    def stats(self) -> list[tuple[int, list[str]]]:
        """Return code and names of every propstat."""
        return [
            (int((part.findtext(f"{D}status") or "").split()[1]), [one.tag for one in props])
            for part in self.xml.iter(f"{D}propstat")
            if (props := part.find(f"{D}prop")) is not None
        ]


class World:
    """The service, its directory and what the script engine was told."""

    def __init__(self, state_dir: Path, **limits: int) -> None:
        self.state_dir = state_dir
        self.usr = state_dir / "usr"
        self.told: list[set[str]] = []
        self.service = WebDavService(
            state_dir, Limits(**limits), changed=lambda paths: self.told.append(set(paths))
        )
        self.http = HttpService(Door(address="127.0.0.1", port=0), webdav_routes(self.service))

    @property
    def files(self) -> FileStore:
        assert self.service._files is not None
        return self.service._files

    @contextlib.asynccontextmanager
    async def serving(self) -> AsyncIterator["World"]:
        tasks = [asyncio.create_task(one.serve()) for one in (self.service, self.http)]
        try:
            for ready in (self.service.ready, self.http.ready):
                await asyncio.wait_for(ready.wait(), 10)
            yield self
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def ask(
        self, method: str, target: str, body: bytes | str = b"", **headers: str
    ) -> Answer:
        """Send one request; header names are written with underscores, ``If_`` means ``If``."""
        data = body.encode() if isinstance(body, str) else body
        lines = [f"{method} {target} HTTP/1.1", "Connection: close"]
        given = {name.strip("_").replace("_", "-"): value for name, value in headers.items()}
        given.setdefault("Host", f"127.0.0.1:{self.http.port}")
        if data:
            given.setdefault("Content-Length", str(len(data)))
        lines += [f"{name}: {value}" for name, value in given.items()]
        head = "\r\n".join((*lines, "", "")).encode("utf-8", "surrogateescape")
        return await self.send(head + data)

    async def send(self, data: bytes) -> Answer:
        """Send bytes; return the answer to them."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.http.port)
        try:
            writer.write(data)
            return read_answer(await asyncio.wait_for(reader.read(), 30))
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.http.port}{path}"

    def at(self, path: str) -> Path:
        return self.usr / path

    def leftovers(self) -> list[Path]:
        """Return what no request may leave behind."""
        return [path for path in self.usr.rglob("*") if path.name.startswith(".evsed-")]


def read_answer(data: bytes) -> Answer:
    head, _, body = data.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.title(): value.strip() for name, _, value in (x.partition(":") for x in lines)}
    if headers.get("Transfer-Encoding") == "chunked":
        body = _unchunked(body)
    found = re.match(r"HTTP/1\.1 (\d{3})", first)
    assert found, data[:200]
    return Answer(int(found.group(1)), headers, body)


def _unchunked(data: bytes) -> bytes:
    whole = b""
    while True:
        size, _, data = data.partition(b"\r\n")
        count = int(size, 16)
        if not count:
            return whole
        whole += data[:count]
        data = data[count + 2 :]


async def eventually(condition: Callable[[], object]) -> None:
    """Wait until something is so."""
    async with asyncio.timeout(15):
        while not condition():  # noqa: ASYNC110  # files tell nobody
            await asyncio.sleep(0.01)


def prop(*names: str) -> str:
    """Return the body of a PROPFIND for some properties of the DAV: namespace."""
    wanted = "".join(f"<D:{name}/>" for name in names)
    return f'<D:propfind xmlns:D="DAV:"><D:prop>{wanted}</D:prop></D:propfind>'


def lockinfo(scope: str = "exclusive", owner: str = "<D:owner>me</D:owner>") -> str:
    return (
        f'<D:lockinfo xmlns:D="DAV:"><D:lockscope><D:{scope}/></D:lockscope>'
        f"<D:locktype><D:write/></D:locktype>{owner}</D:lockinfo>"
    )


def propset(xml: str, word: str = "set") -> str:
    return (
        f'<D:propertyupdate xmlns:D="DAV:"><D:{word}><D:prop>{xml}</D:prop></D:{word}>'
        "</D:propertyupdate>"
    )
