"""A daemon on the simulated board, shared by the tests of one file."""

import sys
from pathlib import Path

import pytest

#: where the daemon as a process is: ``daemon_world``
sys.path.insert(0, str(Path(__file__).parents[2] / "daemon"))

from daemon_world import Daemon  # found only now

#: This machine only, ports of other services any that are free.
CONFIG = "http: {address: 127.0.0.1}\nmodbus: {address: 127.0.0.1, port: 0}\n"


@pytest.fixture
def start(tmp_path):
    """Return a way to start a daemon; it ends with the test."""
    running = []

    def started():
        config = tmp_path / "evsed.yaml"
        config.write_text(CONFIG)
        running.append(Daemon(tmp_path / "daemon", "--config", str(config)))
        return running[-1].ready()

    yield started
    for daemon in running:
        daemon.kill()
