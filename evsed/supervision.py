"""Keeps services running, garbage out of the way, and says who has no priority."""

import asyncio
import gc
import itertools
import logging
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Final

from evsed.hardware.real_time import worker_pool
from evsed.operations.operations import Operations
from evsed.station.station import Station

_RETRY_S: Final = (1, 2, 5, 10, 30)
_LOOK_EVERY_S: Final = 0.1
_ALARMS_EVERY_S: Final = 1.0
#: Threads for short work of every service.
_WORKERS: Final = 6
#: So many more objects than at the last collection are worth one: well below a millisecond of it.
_YOUNG: Final = 500
#: Looks between two collections of what was young once, and of everything.
_OLDER_EVERY: Final = 10
_OLDEST_EVERY: Final = 50
#: Looks until everything has started: half a minute.
_SETTLED_AT: Final = 300

_log = logging.getLogger(__name__)


async def supervise(name: str, serve_once: Callable[[], Awaitable[None]]) -> None:
    """Run a service; one that fails is started again with growing pauses."""
    for attempt in range(1_000_000_000):
        try:
            await serve_once()
        except Exception as error:  # noqa: BLE001  # a service never takes the station down
            pause = _RETRY_S[min(attempt, len(_RETRY_S) - 1)]
            unexpected = not isinstance(error, OSError)
            _log.error("%s: %s; again in %s s", name, error, pause, exc_info=unexpected)
            await asyncio.sleep(pause)
        else:
            return


def short_work_first() -> None:
    """Give what is handed to threads on the running event loop a priority of its own."""
    asyncio.get_running_loop().set_default_executor(worker_pool(_WORKERS, "evsed-workers"))


@contextmanager
def garbage_by_appointment() -> Iterator[None]:
    """Collect everything now, and from then on only when asked: it stops every thread.

    To be entered before the control thread starts: the first collection takes tens of milliseconds.
    """
    gc.collect()
    gc.freeze()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.unfreeze()


async def collect_garbage(station: Station) -> None:
    """Collect young garbage as it comes, older and the oldest seldom.

    Requests leave cycles behind. Collected late they are many, take long, and the memory they held
    is not given back. What has started by then is set apart after half a minute: looking at all of
    it takes milliseconds, so until then the oldest waits while a vehicle charges.
    """
    for look in itertools.count(1):
        await asyncio.sleep(_LOOK_EVERY_S)
        charging = station.snapshot.contactor_closed
        if look == _SETTLED_AT:
            _set_apart(charging=charging)
        young, older, _ = gc.get_count()
        if not look % _OLDEST_EVERY and (look >= _SETTLED_AT or not charging):
            gc.collect(2)
        elif not look % _OLDER_EVERY and (older or young > _YOUNG):
            gc.collect(1)
        elif young > _YOUNG:
            gc.collect(0)


def _set_apart(*, charging: bool) -> None:
    """Never look again at what there is now; garbage among it is lost while a vehicle charges."""
    if not charging:
        gc.collect(2)
    gc.freeze()


def note_real_time(thread: str, refused: str | None) -> None:
    if refused is not None:
        _log.warning("%s: no real-time priority, it may be late under load: %s", thread, refused)


async def note_control_thread(station: Station) -> None:
    """Say so when the control thread was refused its priority; it asks as its first act."""
    while station.maintenance is None:
        await asyncio.sleep(0.1)
        if station.snapshot.lateness.passes:
            note_real_time("control thread", station.real_time_refused)
            return


async def note_alarms(operations: Operations) -> None:
    """Say what is not being kept, once when it begins and once when it is over."""
    known: dict[str, str] = {}
    while True:
        raised = {alarm.name: alarm.text for alarm in operations.alarms()}
        for name in raised.keys() - known.keys():
            _log.error("alarm %s: %s", name, raised[name])
        for name in known.keys() - raised.keys():
            _log.warning("alarm %s is over", name)
        known = raised
        await asyncio.sleep(_ALARMS_EVERY_S)
