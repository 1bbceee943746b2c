"""Keys and packages, made once: minisign and dpkg-deb take their time."""

import pytest
from root_world import Root
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


@pytest.fixture(scope="session")
def old(workshop):
    """Return the package that is installed before an update, version 1.0-1."""
    return built(workshop / "old", version="1.0-1")


@pytest.fixture
def root(tmp_path, key, old):
    """Return a machine on which version 1.0-1 runs."""
    return Root(tmp_path / "root", key, old)
