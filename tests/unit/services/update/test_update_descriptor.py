"""What a channel may say, and what of it is believed."""

import json

import pytest

from evsed.errors import UpdateError
from evsed.services.update.descriptor import read_descriptor

SUM = "Ab" * 32


def descriptor(**content):
    return read_descriptor(json.dumps({"version": "v1.2.3", **content}).encode())


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<html>",
        b"[]",
        b"null",
        b"{}",
        b'{"version": 7}',
        b'{"version": ""}',
        b'{"version": "1 2"}',
        b'{"version": "\\u202e1"}',
        json.dumps({"version": "1" * 65}).encode(),
        b"[" * 60_000,
        b'{"version": "v1", "x": "' + b"x" * 65_536 + b'"}',
        b"\xff\xfe{",
    ],
)
def test_what_says_no_version_is_no_descriptor(data):
    with pytest.raises(UpdateError) as caught:
        read_descriptor(data)
    assert caught.value.status == 520


def test_a_version_is_enough_to_look_up():
    assert descriptor().version == "v1.2.3"


def test_one_package_for_all_machines():
    found = descriptor(path="https://x/y.deb", sha256=SUM, size=7, more="ignored").download("arm64")
    assert (found.path, found.sha256, found.size) == ("https://x/y.deb", SUM.lower(), 7)


def test_each_machine_gets_its_own_package():
    packages = {
        "arm64": {"path": "a.deb", "sha256": SUM},
        "armhf": {"path": "h.deb", "sha256": SUM, "size": 5},
    }
    assert descriptor(packages=packages).download("armhf").path == "h.deb"
    assert (
        descriptor(packages=packages | {"all": packages["arm64"]}).download("amd64").path == "a.deb"
    )


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"path": "x"},
        {"path": "x", "sha256": "0" * 63},
        {"path": "x", "sha256": 5},
        {"path": "", "sha256": SUM},
        {"path": ["x"], "sha256": SUM},
        {"path": "x", "sha256": SUM, "size": "7"},
        {"path": "x", "sha256": SUM, "size": True},
        {"path": "x", "sha256": SUM, "size": 0},
        {"path": "x", "sha256": SUM, "architecture": "armhf"},
        {"path": "x", "sha256": SUM, "architecture": ["arm64"]},
        {"packages": {"armhf": {"path": "x", "sha256": SUM}}},
        {"packages": {"arm64": "x"}},
    ],
)
def test_a_package_that_is_not_described_is_not_fetched(content):
    with pytest.raises(UpdateError) as caught:
        descriptor(**content).download("arm64")
    assert caught.value.status == 521
