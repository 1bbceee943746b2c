"""What the daemon's process leaves out of its libraries when it loads them (decision 46)."""

import contextlib
import os
import sys
from collections.abc import Iterator


@contextlib.contextmanager
def lean() -> Iterator[None]:
    """Load what is imported inside without what a daemon never uses, and spare 5 MB.

    asyncio and aiohttp find no ``ssl``, as on a Python built without it: no interface of the daemon
    has encryption, and what goes to the network is a process of its own. Whoever imports ``ssl``
    afterwards has it. ``frozenlist`` is told to do without its extension, the only one in C++:
    lists of a handful of handlers are not worth a library of one megabyte.
    """
    os.environ.setdefault("FROZENLIST_NO_EXTENSIONS", "1")
    if "ssl" in sys.modules:
        yield
        return
    # Documented: an import of what stands here as None raises ModuleNotFoundError.
    sys.modules["ssl"] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules["ssl"]
