"""The one check for every door: REST, event streams, pages, logs, WebDAV, unknown paths.

Source: rest.md section 2; webdav.md section 2.
"""

import hashlib
import logging
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final, Protocol

from aiohttp import web

from evsed.host.repeat_limiter import RepeatLimiter
from evsed.services.http.answers import Handler, text_answer
from evsed.services.http.attempts import FREE_FAILURES, Failures, Penalty, Turns
from evsed.services.http.basic import read_basic
from evsed.services.http.connection import Connection
from evsed.services.http.guard import changes_something

_CHALLENGE: Final = 'Basic realm="Users"'
_FILES: Final = "/dav"
_LOOK_EVERY_S: Final = 2.0
#: one user, but a browser and a program may write the same header differently
_ACCEPTED: Final = 8
_REFUSED: Final = 64

_log = logging.getLogger(__name__)


class Store(Protocol):
    """Knows the credentials."""

    @property
    def active(self) -> bool:
        """Whether requests need credentials."""

    def on_change(self, told: Callable[[], None]) -> None:
        """Call ``told`` after every change."""

    async def look(self) -> None:
        """Notice changes made from outside."""

    async def matches(self, user: str, password: str) -> bool:
        """Compare both; slow on purpose."""


class CredentialsCheck:
    """Lets requests pass that carry the right credentials, or any while there are none.

    What was accepted once is remembered as a keyed digest, so that a poll costs no slow hash; so
    are a few headers that were refused. Neither outlives a change of the credentials.

    Args:
        store: knows the credentials.
        webdav: ``inherit``: files are like all else. ``none``: ``/dav`` is open although there are
            credentials. ``required``: nothing can be changed there until there are some.
    """

    def __init__(
        self,
        store: Store,
        webdav: str = "inherit",
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._webdav = webdav
        self._clock = clock
        self._looked_at_s = float("-inf")
        self._changes = 0
        self._key = secrets.token_bytes(32)
        self._accepted: OrderedDict[bytes, None] = OrderedDict()
        self._refused: OrderedDict[bytes, None] = OrderedDict()
        self._failures = Failures(clock)
        self._penalty = Penalty()
        self._turns = Turns()
        self._limiter = RepeatLimiter(clock=clock)
        store.on_change(self._forget)
        self._warn()

    @web.middleware
    async def check(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Answer 401, or pass the request on."""
        if self._clock() - self._looked_at_s > _LOOK_EVERY_S:
            self._looked_at_s = self._clock()
            await self._store.look()
        if not self._store.active:
            return _challenge() if self._too_early(request) else await handler(request)
        if self._webdav == "none" and _is_file(request):
            return await handler(request)
        refusal = await self._refusal(request)
        if refusal is not None:
            return refusal
        if isinstance(request.protocol, Connection):
            request.protocol.authenticated = True
        return await handler(request)

    def _too_early(self, request: web.Request) -> bool:
        """Tell whether files may be changed only once there are credentials."""
        changes = changes_something(request.method)
        return changes and self._webdav == "required" and _is_file(request)

    async def _refusal(self, request: web.Request) -> web.Response | None:
        headers = request.headers.getall("Authorization", [])
        if not headers:
            return _challenge()
        header = headers[0].encode("utf-8", "surrogateescape")
        digest = hashlib.blake2b(header, key=self._key, digest_size=32).digest()
        if digest in self._accepted and len(headers) == 1:
            return None
        pair = read_basic(headers[0]) if len(headers) == 1 else None
        verdict = await self._judge(digest, pair)
        if verdict is None:
            return text_answer(503, "too many sign in at the same time; try again")
        if verdict:
            self._failures.forgive(request.remote or "")
            return None
        return await self._punish(request)

    async def _judge(self, digest: bytes, pair: tuple[str, str] | None) -> bool | None:
        """Return whether the pair is right; None when too many wait to be judged."""
        if pair is None or digest in self._refused:
            return False
        if not await self._turns.take():
            return None
        try:
            if digest in self._accepted:  # meanwhile, by an equal request
                return True
            if digest in self._refused:
                return False
            changes = self._changes
            right = await self._store.matches(*pair)
        finally:
            self._turns.leave()
        if changes != self._changes:  # judged by what is no longer in force
            return await self._judge(digest, pair)
        if right:
            _remember(self._accepted, digest, _ACCEPTED)
        else:
            _remember(self._refused, digest, _REFUSED)
        return right

    async def _punish(self, request: web.Request) -> web.Response:
        address = request.remote or ""
        failures = self._failures.count(address)
        self._limiter.log(
            _log, logging.WARNING, "wrong", "credentials: wrong ones from %s", address
        )
        if failures > FREE_FAILURES:
            await self._penalty.serve()
        return _challenge()

    def _forget(self) -> None:
        self._changes += 1
        self._accepted.clear()
        self._refused.clear()
        self._warn()

    def _warn(self) -> None:
        if self._webdav == "none" and self._store.active:
            _log.warning("webdav: open to everybody although credentials are set (webdav.auth)")


def is_authenticated(request: web.Request) -> bool:
    """Tell whether a request has shown the right credentials."""
    return isinstance(request.protocol, Connection) and request.protocol.authenticated


def _remember(known: OrderedDict[bytes, None], digest: bytes, most: int) -> None:
    known[digest] = None
    if len(known) > most:
        known.popitem(last=False)


def _is_file(request: web.Request) -> bool:
    path = request.rel_url.raw_path
    return path == _FILES or path.startswith(f"{_FILES}/")


def _challenge() -> web.Response:
    answer = text_answer(401, "Bad credentials")
    answer.headers["WWW-Authenticate"] = _CHALLENGE
    return answer
