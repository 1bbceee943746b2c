"""A push that fails is not the last one."""

import asyncio

import pytest

from evsed.services.at.subscriptions import Subscriptions


class Timers:
    """A clock that is moved by hand."""

    def __init__(self):
        self.now_s = 0.0
        self.waiting = []

    def time(self):
        return self.now_s

    def call_at(self, at_s, call):
        self.waiting.append((at_s, call))
        return asyncio.Handle.__new__(asyncio.Handle)

    def move_to(self, at_s):
        self.now_s = at_s
        due, self.waiting = self.waiting, []
        for _, call in due:
            call()


def test_a_push_that_fails_is_followed_by_the_next():
    timers, pushed = Timers(), []

    def push(names):
        pushed.append(list(names))
        if len(pushed) == 2:
            raise ValueError("something that cannot be said")

    subscriptions = Subscriptions(timers, push)
    subscriptions.add("+STATE", 1000)
    timers.waiting.clear()
    subscriptions.start()
    with pytest.raises(ValueError, match="cannot be said"):
        timers.move_to(1.0)
    timers.move_to(2.0)
    assert pushed == [["+STATE"]] * 3
