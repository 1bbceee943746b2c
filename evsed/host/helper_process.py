"""A module of this program run as a process of its own, for one piece of long work."""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import IO


@asynccontextmanager
async def helper_process(
    module: str,
    *arguments: str,
    stdin: IO[bytes] | int = PIPE,
    stdout: IO[bytes] | int = PIPE,
    stderr: IO[bytes] | int = PIPE,
    more: Mapping[str, str] | None = None,
) -> AsyncIterator[Process]:
    """Run a module; it finds what this process finds, and does not outlive whoever asked.

    Args:
        module: what Python is to run.
        arguments: for it.
        stdin: a file, or what ``asyncio.subprocess`` has for it; the same for the other two.
        stdout: where it says what it has to say.
        stderr: where it complains.
        more: further variables of its environment.

    Raises:
        OSError: it cannot be started.
    """
    path = os.pathsep.join(filter(None, sys.path))
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", module, *arguments),
        stdin=stdin,
        stdout=stdout,
        stderr=stderr,
        env={**os.environ, "PYTHONPATH": path, **(more or {})},
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
