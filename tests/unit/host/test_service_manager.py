"""What is sent to a service manager, seen from its end of the socket."""

import os
import socket

import pytest

from evsed.host.service_manager import ServiceManager


@pytest.fixture
def manager_socket(tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as door:
        door.bind(str(tmp_path / "notify"))
        door.settimeout(5)
        yield door


def test_a_manager_is_told(manager_socket):
    manager = ServiceManager({"NOTIFY_SOCKET": manager_socket.getsockname()})
    manager.tell("READY=1", "STATUS=running")
    assert manager_socket.recv(100) == b"READY=1\nSTATUS=running"


def test_an_abstract_socket_is_reached():
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as door:
        door.bind(b"")  # the kernel finds a name
        name = door.getsockname()
        door.settimeout(5)
        ServiceManager({"NOTIFY_SOCKET": "@" + name[1:].decode()}).tell("WATCHDOG=1")
        assert door.recv(100) == b"WATCHDOG=1"


def test_without_a_manager_nothing_happens(tmp_path):
    ServiceManager({}).tell("READY=1")
    ServiceManager({"NOTIFY_SOCKET": str(tmp_path / "gone")}).tell("READY=1")


def test_a_manager_that_does_not_read_is_not_waited_for(manager_socket):
    manager = ServiceManager({"NOTIFY_SOCKET": manager_socket.getsockname()})
    for _ in range(2000):  # more than any queue holds
        manager.tell("WATCHDOG=1")
    assert manager_socket.recv(100) == b"WATCHDOG=1"


@pytest.mark.parametrize(
    ("environment", "patience_s"),
    [
        ({"WATCHDOG_USEC": "2000000"}, 2.0),
        ({"WATCHDOG_USEC": "2000000", "WATCHDOG_PID": str(os.getpid())}, 2.0),
        ({"WATCHDOG_USEC": "2000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({}, None),
    ],
)
def test_the_watchdog_is_the_managers(environment, patience_s):
    assert ServiceManager(environment).patience_s == patience_s
