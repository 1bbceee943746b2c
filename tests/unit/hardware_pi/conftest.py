"""Worlds for the shipped drivers, and a hat in one of them."""

import pytest
from pi_world import World

from evsed.hardware.pi.hat import open_hat


@pytest.fixture
def worlds(tmp_path):
    """Start worlds of a test's own."""
    started = []

    def start(name):
        folder = tmp_path / f"sim{len(started)}"
        folder.mkdir()
        started.append(World(name, folder))
        return started[-1]

    yield start
    for world in started:
        world.end()


@pytest.fixture(scope="session")
def _shared_world(tmp_path_factory):
    world = World("sim", tmp_path_factory.mktemp("sim"))
    yield world
    world.end()


@pytest.fixture
def world(_shared_world):
    """Lend the world that all tests share, as it was at first; locks keep their position."""
    _shared_world.restore()
    yield _shared_world
    _shared_world.restore()


@pytest.fixture
def hat(world):
    hat = open_hat(world.board, world.wiring())
    yield hat
    hat.close()
