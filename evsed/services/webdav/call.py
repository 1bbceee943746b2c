"""One request: the place it names and what must hold for it to be carried out."""

from collections.abc import Mapping
from typing import Final

from aiohttp import web

from evsed.services.webdav.conditions import State, holds, parse_if, refusal, submitted
from evsed.services.webdav.errors import DavError
from evsed.services.webdav.file_store import FileStore
from evsed.services.webdav.locks import Lock, locked
from evsed.services.webdav.paths import Names, Place, parse_destination, parse_target
from evsed.services.webdav.resource import NOTHING, Found

_NO_STATE: Final = State(None, frozenset())


class Call:
    """A request as the handlers see it.

    Raises:
        DavError: 400 or 403, its path or its ``If`` header.
    """

    def __init__(self, request: web.Request, files: FileStore) -> None:
        self.request = request
        self.files = files
        self.place: Place = parse_target(request.raw_path)
        header = request.headers.get("If")
        self._lists = () if header is None else parse_if(header)
        self._tagged = {
            one.resource: place
            for one in self._lists
            if one.resource is not None and (place := self._tagged_place(one.resource))
        }
        #: of the locks the client knows
        self.tokens = submitted(self._lists)

    @property
    def names(self) -> Names:
        """Below the root of the tree."""
        return self.place.names

    @property
    def conditional(self) -> bool:
        """Whether there are conditions beyond those of GET."""
        headers = self.request.headers
        return bool(self._lists) or any(name in headers for name in _CONDITIONS)

    async def look(self, *others: Names) -> dict[Names, Found]:
        """Return what stands at the place and at others, once all conditions hold.

        Raises:
            DavError: 412 or 304.
        """
        tagged = (place.names for place in self._tagged.values())
        found = await self.files.look((self.names, *others, *tagged))
        self._verify(found)
        return found

    def demand(self, names: Names, *, membership: bool, deep: bool) -> None:
        """Refuse a change that a lock forbids to this client.

        Raises:
            DavError: 423.
        """
        lock = self.blocking(names, membership=membership, deep=deep)
        if lock is not None:
            raise locked(lock)

    def blocking(self, names: Names, *, membership: bool, deep: bool) -> Lock | None:
        """Return the lock that forbids a change to this client."""
        return self.files.locks.blocking(names, self.tokens, membership=membership, deep=deep)

    def _tagged_place(self, resource: str) -> Place | None:
        try:
            return parse_destination(resource, self.request.headers.get("Host"))
        except DavError:
            return None  # somewhere else: it has neither tag nor locks

    def _verify(self, found: Mapping[Names, Found]) -> None:
        if self._lists and not holds(self._lists, lambda tag: self._state(tag, found)):
            raise DavError(412, "If: no list holds")
        here = found.get(self.names, NOTHING).visible if self.place.in_tree else None
        code = refusal(
            self.request.headers,
            None if here is None else here.etag,
            None if here is None else here.modified_s,
            reading=self.request.method in {"GET", "HEAD"},
        )
        if code is not None:
            raise DavError(code, "a condition of the request does not hold")

    def _state(self, tag: str | None, found: Mapping[Names, Found]) -> State:
        place = self.place if tag is None else self._tagged.get(tag)
        if place is None or not place.in_tree:
            return _NO_STATE
        resource = found.get(place.names, NOTHING).visible
        tokens = frozenset(lock.token for lock in self.files.locks.covering(place.names))
        return State(None if resource is None else resource.etag, tokens)


_CONDITIONS: Final = ("If-Match", "If-None-Match", "If-Unmodified-Since")
