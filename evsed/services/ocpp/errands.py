"""Uploads of a diagnosis, and firmware: what takes minutes, and happens beside the conversation.

The daemon packs and installs; this process fetches and sends. ``http`` and ``https`` only: ``ftp``
would be a client that Python leaves to others, for a protocol without any protection.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import urljoin, urlsplit

import aiohttp

from evsed.services.ocpp import remote
from evsed.services.ocpp.elsewhere import Own, check, is_own, session
from evsed.services.ocpp.moment import seconds_of
from evsed.services.ocpp.talk import BOOT_REASON, Payload, Talk

_FILE: Final = "evsed-diagnosis.zip"
_PACKAGE: Final = "firmware.deb"
_MOST_BYTES: Final = 64 * 1024 * 1024
_PIECE: Final = 65_536
_WITHIN_S: Final = 600
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_MOST_WAYS: Final = 4
_ACTIONS: Final = (
    "DiagnosticsStatusNotification",
    "LogStatusNotification",
    "FirmwareStatusNotification",
)
_ERRORS: Final = (aiohttp.ClientError, OSError, TimeoutError, ValueError)

_log = logging.getLogger(__name__)


class Errands:
    """One of each kind at a time.

    Args:
        folder: where files lie meanwhile.
        talk: over which is told how it goes.
        order: asks the daemon.
        own: tells which IP addresses are the charger's own; nothing goes there.
    """

    def __init__(
        self,
        folder: Path,
        talk: Talk,
        order: Callable[[Mapping[str, Any]], None],
        own: Own = is_own,
    ) -> None:
        self._folder, self._talk, self._order, self._own = folder, talk, order, own
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._asked: dict[str, asyncio.Future[str]] = {}
        for one in _ACTIONS:  # what was begun before has ended with its process
            talk.point.book.set_note(one, "")

    def done(self, message: Mapping[str, Any]) -> None:
        """Take the daemon's word that something is done; its trouble, empty: none."""
        waiting = self._asked.pop(message["what"], None)
        if waiting is not None and not waiting.done():
            waiting.set_result(message["trouble"])

    def upload(self, _talk: Talk, request: Payload) -> str:
        """See ``talk.Errands``."""
        if not _is_web(request["url"], self._own) or "bundle" in self._tasks:
            return ""
        self._start("bundle", self._upload(request))
        return _FILE

    def update(self, _talk: Talk, request: Payload) -> bool:
        """See ``talk.Errands``."""
        if not _is_web(request["url"], self._own) or "firmware" in self._tasks:
            self._talk.last_error = (
                "firmware is fetched from others over http and https, one at a time"
            )
            self._talk.later(lambda: self._firmware("DownloadFailed", request))
            return False
        self._start("firmware", self._update(request))
        return True

    def _start(self, what: str, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks[what] = task
        task.add_done_callback(lambda _task: self._tasks.pop(what, None))

    async def _ask(self, what: str, file: Path) -> str:
        """Have the daemon do its part; return its trouble."""
        waiting: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._asked[what] = waiting
        self._order({"t": what, "file": str(file)})
        async with asyncio.timeout(_WITHIN_S):
            return await waiting

    # --- diagnosis ---

    async def _upload(self, request: Payload) -> None:
        words = request["words"]
        await self._tell(request, words["started"])
        file = self._folder / _FILE
        try:
            trouble = await self._ask("bundle", file)
            if not trouble:
                await _send(file, request["url"], self._own)
        except _ERRORS as error:
            trouble = str(error) or type(error).__name__
        finally:
            await asyncio.to_thread(file.unlink, missing_ok=True)
        if trouble:
            self._talk.last_error = f"the diagnosis was not sent: {trouble}"[:200]
        await self._tell(request, words["failed" if trouble else "done"])

    # --- firmware ---

    async def _update(self, request: Payload) -> None:
        file = self._folder / _PACKAGE
        try:
            pause_s = seconds_of(request["when"]) - self._talk.point.time_s
            await asyncio.sleep(min(max(pause_s, 0), 86_400 * 30))
            await self._firmware("Downloading", request)
            await _fetch(request["url"], file, self._own)
        except _ERRORS as error:
            self._talk.last_error = f"the firmware was not fetched: {error}"[:200]
            file.unlink(missing_ok=True)
            await self._firmware("DownloadFailed", request)
            return
        await self._firmware("Downloaded", request)
        await self._install(file, request)

    async def _install(self, file: Path, request: Payload) -> None:
        self._talk.point.book.set_note("firmware before", self._talk.point.agreed.firmware)
        self._talk.point.book.set_note(BOOT_REASON, "FirmwareUpdate")
        await self._firmware("Installing", request)
        try:
            trouble = await self._ask("install", file)
        except TimeoutError:
            trouble = "no answer"
        finally:
            await asyncio.to_thread(file.unlink, missing_ok=True)
        if trouble:
            self._talk.last_error = f"the firmware was not installed: {trouble}"[:200]
            for one in ("firmware before", BOOT_REASON):
                self._talk.point.book.set_note(one, "")
            await self._firmware("InstallationFailed", request)

    async def _firmware(self, status: str, request: Payload) -> None:
        await self._tell({"action": "FirmwareStatusNotification", **request}, status)

    async def _tell(self, request: Payload, status: str) -> None:
        action = request["action"]
        number = request.get("request")
        self._talk.point.book.set_note(action, status)
        self._talk.point.book.set_note(f"{action} request", "" if number is None else str(number))
        told = {"status": status}
        if number is not None:
            told["requestId"] = number
        await remote.if_connected(self._talk, (action, told))


def _is_web(url: str, own: Own) -> bool:
    try:
        check(url, own)
    except ValueError:
        return False
    return True


async def _send(file: Path, url: str, own: Own) -> None:
    """Send a file to an address, or below it when it ends with a slash."""
    address = url + file.name if urlsplit(url).path.endswith("/") else url
    data = await asyncio.to_thread(file.read_bytes)
    async with session(own, _WITHIN_S) as client:
        async with client.put(address, data=data, allow_redirects=False) as answer:
            status = answer.status
        if status in {404, 405}:
            form = aiohttp.FormData()
            form.add_field("file", data, filename=file.name, content_type="application/zip")
            async with client.post(url, data=form, allow_redirects=False) as answer:
                status = answer.status
    if status >= 300:
        raise ValueError(f"HTTP {status}")


async def _fetch(url: str, file: Path, own: Own) -> None:
    async with session(own, _WITHIN_S) as client:
        for _ in range(_MOST_WAYS):
            check(url, own)
            async with client.get(url, allow_redirects=False) as answer:
                if answer.status in _REDIRECTS:
                    url = urljoin(url, answer.headers.get("Location", ""))
                    continue
                if answer.status != 200:
                    raise ValueError(f"HTTP {answer.status}")
                await _keep(answer, file)
                return
    raise ValueError("it leads from one address to the next")


async def _keep(answer: aiohttp.ClientResponse, file: Path) -> None:
    size = 0
    with file.open("wb") as kept:
        async for piece in answer.content.iter_chunked(_PIECE):
            size += len(piece)
            if size > _MOST_BYTES:
                raise ValueError("it is larger than 64 MiB")
            kept.write(piece)
