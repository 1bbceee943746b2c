"""Keys and packages, made once: minisign and dpkg-deb take their time."""

import pytest
from update_world import Key, UpdateWorld, built


@pytest.fixture(scope="session")
def workshop(tmp_path_factory):
    return tmp_path_factory.mktemp("workshop")


@pytest.fixture(scope="session")
def key(workshop):
    return Key(workshop)


@pytest.fixture(scope="session")
def package(workshop):
    """Return an unsigned package of version 9.9.9."""
    return built(workshop)


@pytest.fixture(scope="session")
def good(key, package):
    """Return the same package, signed."""
    return key.signed(package)


@pytest.fixture
def world(tmp_path, key):
    return UpdateWorld(tmp_path, [key.trusted])
