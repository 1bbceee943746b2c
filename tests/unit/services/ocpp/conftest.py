"""A charge point that is connected to a management system of either version."""

from contextlib import asynccontextmanager

import pytest
from csms_world import ChargerWorld


@asynccontextmanager
async def _connected(folder, version):
    one = ChargerWorld(folder, version)
    await one.connect()
    await one.run(2)
    yield one
    await one.cut()
    one.book.close()


@pytest.fixture
async def world(tmp_path):
    async with _connected(tmp_path, "1.6") as one:
        yield one


@pytest.fixture
async def new_world(tmp_path):
    async with _connected(tmp_path, "2.0.1") as one:
        yield one
