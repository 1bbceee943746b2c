"""Downloads of the history, piece by piece.

The next rows are read when the client has taken the ones before, so that a download needs no more
memory than a page, and no client holds a look at the database open.
"""

import csv
import io
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from typing import Final

from evsed.operations.session_fields import SESSION, shown
from evsed.operations.session_log import (
    SampleRow,
    SessionFilter,
    SessionLog,
    SessionReader,
    SessionRow,
)
from evsed.services.rest.answers import json_bytes
from evsed.services.rest.session_fields import (
    SAMPLE,
    SAMPLE_CSV,
    SESSION_CSV,
    sample_line,
    session_line,
)

_ROWS_AT_ONCE: Final = 250


@dataclass(frozen=True, slots=True)
class Export:
    """One download, piece by piece."""

    log: SessionLog
    wanted: SessionFilter
    zone: tzinfo
    kind: str

    async def sessions(self) -> AsyncIterator[bytes]:
        """Yield all sessions, newest first."""
        before: int | None = None
        begin = self._begin(SESSION_CSV)
        while True:
            piece, before = await self.log.read(self._sessions_before(before))
            if before is None:
                break
            yield begin + piece
            begin = self._between
        yield self._end(begin)

    async def samples(self) -> AsyncIterator[bytes]:
        """Yield the curves of all sessions, oldest first."""
        begin, after = self._begin(SAMPLE_CSV), (0, -1)
        while True:
            piece, last = await self.log.read(self._samples_after(after))
            if last is None:
                break
            yield begin + piece
            begin, after = self._between, last
        yield self._end(begin)

    def _sessions_before(
        self, before: int | None
    ) -> Callable[[SessionReader], tuple[bytes, int | None]]:
        def work(reader: SessionReader) -> tuple[bytes, int | None]:
            rows = reader.sessions(self.wanted, before, _ROWS_AT_ONCE)
            return self._encoded(rows), rows[-1].id if rows else None

        return work

    def _samples_after(
        self, after: tuple[int, int]
    ) -> Callable[[SessionReader], tuple[bytes, tuple[int, int] | None]]:
        def work(reader: SessionReader) -> tuple[bytes, tuple[int, int] | None]:
            rows = reader.samples_after(self.wanted, after, _ROWS_AT_ONCE)
            starts = reader.starts(sorted({one.session for one in rows}))
            last = (rows[-1].session, rows[-1].minute) if rows else None
            return self._encoded_samples(rows, starts), last

        return work

    def _encoded(self, rows: list[SessionRow]) -> bytes:
        if self.kind == "json":
            return b",\n".join(json_bytes(shown(one, SESSION)) for one in rows)
        return _csv(session_line(one, self.zone) for one in rows)

    def _encoded_samples(self, rows: list[SampleRow], starts: Mapping[int, int]) -> bytes:
        if self.kind == "json":
            return b",\n".join(
                json_bytes(
                    {
                        "session": one.session,
                        "time": starts.get(one.session, 0) + one.minute * 60,
                        **shown(one, SAMPLE),
                    }
                )
                for one in rows
            )
        return _csv(sample_line(one, starts.get(one.session, 0), self.zone) for one in rows)

    def _begin(self, header: tuple[str, ...]) -> bytes:
        return b"[" if self.kind == "json" else _csv([header])

    @property
    def _between(self) -> bytes:
        return b",\n" if self.kind == "json" else b""

    def _end(self, begin: bytes) -> bytes:
        """Return what closes the file; ``begin`` is what would come before another row."""
        if self.kind == "json":
            return b"[]\n" if begin == b"[" else b"]\n"
        return begin


def _csv(lines: Iterable[Sequence[object]]) -> bytes:
    file = io.StringIO()
    csv.writer(file, lineterminator="\r\n").writerows(lines)
    return file.getvalue().encode()
