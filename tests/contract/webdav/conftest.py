"""Each test has a tree of its own."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from dav_world import World


@pytest.fixture
async def dav(tmp_path: Path) -> AsyncIterator[World]:
    """Yield the service with its usual limits."""
    async with World(tmp_path).serving() as world:
        yield world


@pytest.fixture
async def small_dav(tmp_path: Path) -> AsyncIterator[World]:
    """Yield a service with room for little."""
    limits = {"file_bytes": 100_000, "tree_bytes": 250_000, "entries": 20, "spare_bytes": 0}
    async with World(tmp_path, **limits).serving() as world:
        yield world
