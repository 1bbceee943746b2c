"""Threads that wait for the disk: what comes back, what is not begun, how they end."""

import asyncio
import gc
import threading

import pytest

from evsed.services.webdav.workers import Workers


@pytest.fixture
def workers():
    made = Workers(2, "test-files")
    yield made
    made.shutdown()


async def test_what_is_done_comes_back(workers):
    assert await asyncio.gather(*(workers.run(lambda n=n: n * n) for n in range(50))) == [
        n * n for n in range(50)
    ]


async def test_who_asks_alone_always_meets_the_same_thread(workers):
    names = {await workers.run(lambda: threading.current_thread().name) for _ in range(20)}
    assert names == {"test-files_0"}


async def test_there_are_as_many_threads_as_are_needed_and_no_more(workers):
    together = threading.Barrier(3)  # two threads and this one
    busy = [workers.run(together.wait) for _ in range(2)]
    await asyncio.to_thread(together.wait)
    await asyncio.gather(*busy, *(workers.run(int) for _ in range(10)))
    names = {thread.name for thread in threading.enumerate()}
    assert {name for name in names if name.startswith("test-files")} == {
        "test-files_0",
        "test-files_1",
    }


async def test_a_failure_comes_back_and_the_thread_goes_on(workers):
    def fail():
        raise FileNotFoundError("gone")

    for _ in range(5):
        with pytest.raises(FileNotFoundError, match="gone"):
            await workers.run(fail)
    assert await workers.run(lambda: 1) == 1


async def test_a_failure_leaves_no_circle_behind(workers):
    def fail():
        raise LookupError

    gc.collect()
    gc.disable()
    try:
        for _ in range(20):
            with pytest.raises(LookupError):
                await workers.run(fail)
        await workers.run(int)
        left = [one for one in gc.get_objects() if type(one) is LookupError]
        assert not left
    finally:
        gc.enable()


async def test_what_nobody_waits_for_is_not_begun(workers):
    gate, begun = threading.Event(), []
    busy = [workers.run(gate.wait) for _ in range(2)]
    given_up = workers.run(lambda: begun.append(1))
    given_up.cancel()
    gate.set()
    await asyncio.gather(*busy)
    await workers.run(int)
    assert begun == []


async def test_who_gives_up_during_the_work_is_left_alone(workers):
    gate = threading.Event()
    given_up = workers.run(gate.wait)
    given_up.cancel()
    gate.set()
    assert await workers.run(lambda: 2) == 2


async def test_the_end_waits_for_what_was_given():
    workers, done = Workers(2, "test-files"), []
    for number in range(20):
        workers.run(lambda number=number: done.append(number))
    workers.shutdown()
    assert sorted(done) == list(range(20))


def test_an_event_loop_that_has_gone_is_no_trouble(caplog):
    workers, gate = Workers(1, "test-files"), threading.Event()

    async def leave():
        workers.run(gate.wait)

    asyncio.run(leave())
    gate.set()

    async def come_again():
        return await workers.run(lambda: 3)

    assert asyncio.run(come_again()) == 3
    workers.shutdown()
