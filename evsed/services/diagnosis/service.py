"""A diagnosis as the REST interface offers it: texts of the daemon, the board file, the traces."""

import asyncio
import json
from asyncio.subprocess import DEVNULL, Process
from collections.abc import AsyncIterator, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final

from evsed.errors import StorageError
from evsed.host.helper_process import helper_process

_WORKER: Final = "evsed.services.diagnosis.worker"
_PIECE: Final = 65536
_TRACES: Final = 5
_PATIENCE_S: Final = 60.0


class DiagnosisService:
    """Packs one diagnosis at a time.

    Args:
        board_file: what the administrator says is fitted; None: nobody has said it yet.
        traces: the folder of the flight recorder.
    """

    def __init__(self, board_file: Path | None, traces: Path) -> None:
        self._board_file, self._traces = board_file, traces
        self._busy = asyncio.Lock()

    async def pieces(self, texts: Iterable[tuple[str, str]]) -> AsyncIterator[bytes]:
        """Yield a ZIP archive in pieces, as the client takes them.

        Args:
            texts: name and text; several of one name are joined. Taken a few at a time.

        Raises:
            StorageError: the worker failed.
        """
        async with self._busy, helper_process(_WORKER, stderr=DEVNULL) as process:
            feeding = asyncio.create_task(self._feed(process, texts))
            try:
                output = process.stdout
                while output and (piece := await output.read(_PIECE)):
                    yield piece
                async with asyncio.timeout(_PATIENCE_S):
                    await feeding
                    status = await process.wait()
            finally:
                feeding.cancel()
        if status:
            raise StorageError("the diagnosis could not be packed")

    async def _feed(self, process: Process, texts: Iterable[tuple[str, str]]) -> None:
        pipe = process.stdin
        if pipe is None:
            return
        try:
            with suppress(ConnectionError):  # the worker has gone: its status says how
                await self._feed_all(pipe, texts)
        finally:
            pipe.close()  # or the worker would wait for ever

    async def _feed_all(self, pipe: asyncio.StreamWriter, texts: Iterable[tuple[str, str]]) -> None:
        for name, text in texts:
            await _say(pipe, {"name": name, "text": text})
            await asyncio.sleep(0)  # the pipe may take all of it without a pause
        if self._board_file is not None:
            await _say(pipe, {"name": "board.yaml", "file": str(self._board_file)})
        for trace in await asyncio.to_thread(self._newest_traces):
            await _say(pipe, {"name": f"traces/{trace.name}", "file": str(trace)})

    def _newest_traces(self) -> list[Path]:
        return sorted(self._traces.glob("*.jsonl"))[-_TRACES:]


async def _say(pipe: asyncio.StreamWriter, entry: dict[str, str]) -> None:
    pipe.write(json.dumps(entry).encode() + b"\n")
    await pipe.drain()
