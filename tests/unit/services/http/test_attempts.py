"""Guessing is slowed down with bounded memory, and never at the cost of who knows the password."""

import asyncio
import itertools

import pytest

from evsed.services.http.attempts import Failures, Penalty, Turns


@pytest.fixture
def clock():
    class Clock:
        now_s = 0.0

        def __call__(self):
            return self.now_s

    return Clock()


def test_failures_are_counted_by_address(clock):
    failures = Failures(clock)
    assert [failures.count("10.0.0.1") for _ in range(3)] == [1, 2, 3]
    assert failures.count("10.0.0.2") == 1


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8::1", "2001:db8::2:3:4:5", True),
        ("2001:db8:0:1::1", "2001:db8:0:2::1", False),
        ("10.0.0.1", "::ffff:10.0.0.1", True),
        ("fe80::1%eth0", "fe80::1%wlan0", True),
        ("10.0.0.1", "10.0.0.2", False),
        ("?", "?", True),
    ],
)
def test_a_network_of_ipv6_is_one_address(clock, one, other, same):
    failures = Failures(clock)
    failures.count(one)
    assert (failures.count(other) == 2) is same


def test_old_failures_are_forgotten(clock):
    failures = Failures(clock)
    failures.count("a")
    clock.now_s = 601
    assert failures.count("a") == 1


def test_a_right_password_forgives(clock):
    failures = Failures(clock)
    failures.count("a")
    failures.forgive("a")
    assert failures.count("a") == 1


def test_many_addresses_cost_no_memory(clock):
    failures = Failures(clock)
    for number in range(10_000):
        failures.count(f"10.0.{number // 256}.{number % 256}")
    assert len(failures._known) == 256


async def test_a_penalty_takes_its_time():
    loop = asyncio.get_running_loop()
    began = loop.time()
    await Penalty(delay_s=0.05).serve()
    assert loop.time() - began >= 0.049


async def test_when_too_many_wait_the_first_is_let_go():
    penalty = Penalty(delay_s=3600, most=2)
    waiting = [asyncio.create_task(penalty.serve()) for _ in range(5)]
    await asyncio.wait(waiting[:3], timeout=10)
    assert [task.done() for task in waiting] == [True, True, True, False, False]
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    assert not penalty._waiting


async def take(turns, order, name):
    if await turns.take():
        order.append(name)
        try:
            await asyncio.sleep(0)
        finally:
            turns.leave()
    else:
        order.append(f"{name} turned away")


async def test_who_comes_last_goes_first_and_the_oldest_is_turned_away():
    turns, order = Turns(most=2), []
    await asyncio.gather(*(take(turns, order, name) for name in "abcde"))
    assert order[0] == "a"
    assert sorted(order[1:3]) == ["b turned away", "c turned away"]
    assert order[3:] == ["e", "d"]


@pytest.mark.parametrize("gone", range(1, 5))
async def test_who_leaves_the_queue_blocks_nobody(gone):
    turns, order = Turns(), []
    tasks = [asyncio.create_task(take(turns, order, name)) for name in "abcd"]
    await asyncio.sleep(0)
    for _ in itertools.repeat(None, gone - 1):
        await asyncio.sleep(0)
    tasks[1].cancel()
    tasks[3].cancel()
    await asyncio.wait(tasks, timeout=10)
    assert all(task.done() for task in tasks)
    assert await turns.take()
