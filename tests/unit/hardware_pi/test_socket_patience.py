"""The kernel's own limit for how long a socket waits."""

import socket
import struct
import time

import pytest

from evsed.hardware import socket_patience
from evsed.hardware.socket_patience import limit_waiting


@pytest.fixture
def pair():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


def test_a_socket_waits_no_longer_than_it_was_told_to(pair):
    ours, _ = pair
    limit_waiting(ours, 0.05)
    began_s = time.monotonic()
    with pytest.raises(BlockingIOError):
        ours.recv(1)
    assert time.monotonic() - began_s >= 0.04


def test_nor_to_send(pair):
    ours, _ = pair
    limit_waiting(ours, 0.05)
    with pytest.raises(BlockingIOError):
        ours.sendall(bytes(16 * 1024 * 1024))


def test_what_is_there_is_received(pair):
    ours, theirs = pair
    limit_waiting(ours, 0.05)
    theirs.sendall(b"level")
    assert ours.recv(16) == b"level"


def test_the_limit_can_be_changed_and_is_never_none_at_all(pair):
    ours, _ = pair
    for timeout_s in (1.5, 0.0):
        limit_waiting(ours, timeout_s)
        seconds, us = struct.unpack(
            "@ll", ours.getsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, 16)
        )
        assert seconds * 1_000_000 + us == pytest.approx(timeout_s * 1_000_000, abs=20_000)
        assert seconds * 1_000_000 + us > 0


def test_a_kernel_that_wants_64_bits_gets_them(pair, monkeypatch):
    ours, _ = pair
    short = struct.Struct("@ii")
    monkeypatch.setattr(socket_patience, "_TIMEVALS", (short, struct.Struct("@qq")))
    limit_waiting(ours, 0.05)
    with pytest.raises(BlockingIOError):
        ours.recv(1)
