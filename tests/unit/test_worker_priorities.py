"""Workers with short work have the priority they may have (decision 0048)."""

import asyncio
import os
import threading

from station_world import World

from evsed.hardware import real_time
from evsed.hardware.real_time import WORKER, ask_real_time
from evsed.services.webdav.file_store import FileStore
from evsed.services.webdav.notices import Notices
from evsed.services.webdav.properties import PropertyStore
from evsed.services.webdav.quota import Limits
from evsed.settings import credentials
from evsed.settings.credentials import CredentialStore
from evsed.supervision import short_work_first


def test_a_worker_is_below_the_event_loop_and_that_below_whatever_opens_the_contactor():
    order = [
        real_time.WORKER,
        real_time.EVENT_LOOP,
        real_time.WATCHER,
        real_time.SAMPLER,
        real_time.TRIP,
        real_time.CONTROL,
    ]
    assert order == sorted(set(order))


def standing(thread=0):
    """Return policy and priority of a thread; of the calling one by default."""
    return os.sched_getscheduler(thread), os.sched_getparam(thread).sched_priority


def permitted():
    """Return the policy and priority a thread gets that asks as a worker."""
    found = []

    def ask():
        ask_real_time(WORKER)
        found.append(standing())

    thread = threading.Thread(target=ask)
    thread.start()
    thread.join()
    return found[0]


async def test_work_with_files_asks_for_it(tmp_path):
    files = FileStore(
        tmp_path / "usr", PropertyStore(tmp_path / "properties.db"), Limits(), Notices(print)
    )
    try:
        assert await files.run(standing) == permitted()
    finally:
        await asyncio.to_thread(files.close)


async def test_what_services_hand_to_threads_has_it():
    short_work_first()
    assert await asyncio.to_thread(standing) == permitted()


async def test_hashing_of_passwords_has_none(tmp_path, monkeypatch):
    found = []
    monkeypatch.setattr(credentials, "_hash", lambda *_: found.append(standing()) or b"key")
    short_work_first()
    await CredentialStore(tmp_path).save("anna", "secret")
    assert found == [(os.SCHED_OTHER, 0)]


async def test_the_keeper_asks_for_it(tmp_path):
    async with World(tmp_path).running():
        (keeper,) = [one for one in threading.enumerate() if one.name == "evsed-keeper"]
        async with asyncio.timeout(10):
            while standing(keeper.native_id) != permitted():  # noqa: ASYNC110 - it asks as it begins
                await asyncio.sleep(0.005)
