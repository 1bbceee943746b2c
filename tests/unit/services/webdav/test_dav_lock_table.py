"""Locks in time, and at random against a plain model."""

import contextlib
import random

import pytest

from evsed.services.webdav.errors import DavError
from evsed.services.webdav.locks import Lock, LockTable


def _wish(root, *, exclusive=True, infinite=False):
    return Lock(
        token="",
        root=root,
        collection=True,
        exclusive=exclusive,
        infinite=infinite,
        owner="",
        ends_s=0,
    )


class Clock:
    now_s = 0.0

    def __call__(self):
        return self.now_s


def test_a_lock_ends_by_itself():
    clock = Clock()
    table = LockTable(clock)
    lock = table.grant(_wish(("a",)), 10)
    clock.now_s = 9.0
    assert table.left_s(lock) == 1
    assert table.blocking(("a",), frozenset(), membership=False, deep=False) == lock
    clock.now_s = 10.0
    assert table.covering(("a",)) == ()
    assert table.blocking(("a",), frozenset(), membership=False, deep=False) is None
    with pytest.raises(DavError):
        table.release(("a",), lock.token)
    table.grant(_wish(("a",)), 10)


def test_a_refreshed_lock_lives_longer():
    clock = Clock()
    table = LockTable(clock)
    lock = table.grant(_wish((), infinite=True), 10)
    clock.now_s = 9.0
    assert table.refresh(("a", "b"), frozenset({lock.token}), 60).token == lock.token
    clock.now_s = 60.0
    assert [one.token for one in table.covering(("a",))] == [lock.token]


def test_tokens_are_never_the_same():
    table = LockTable()
    tokens = {table.grant(_wish((str(number),)), 10).token for number in range(200)}
    assert len(tokens) == 200


def test_two_exclusive_locks_never_cover_the_same_thing():
    source = random.Random(5)  # noqa: S311  # the same in every run
    table, held = LockTable(), []
    places = [(), ("a",), ("b",), ("a", "x"), ("a", "y"), ("a", "x", "1"), ("b", "z")]
    for _ in range(3000):
        root = source.choice(places)
        wish = _wish(root, exclusive=source.random() < 0.5, infinite=source.random() < 0.5)
        with contextlib.suppress(DavError):
            held.append(table.grant(wish, 1000))
        if held and source.random() < 0.5:
            gone = held.pop(source.randrange(len(held)))
            table.release(gone.root, gone.token)
        for place in places:
            covering = table.covering(place)
            wanted = {
                lock.token
                for lock in held
                if lock.root == place or (lock.infinite and place[: len(lock.root)] == lock.root)
            }
            assert {lock.token for lock in covering} == wanted
            assert len(covering) < 2 or not any(lock.exclusive for lock in covering)
