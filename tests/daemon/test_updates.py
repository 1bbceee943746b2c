"""Updates of a whole daemon: every code of the API, and nothing left behind."""

import hashlib
import http.client
import json
import subprocess

import pytest
import yaml
from daemon_world import BOARD, CONFIG, PATIENCE_S, Daemon, eventually

import evsed
from evsed.services.update.signing import signed


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """Return a folder with a key, a package that is signed with it, and two channels."""
    folder = tmp_path_factory.mktemp("shop")
    (folder / "keys.d").mkdir()
    _run("minisign", "-G", "-W", "-p", folder / "keys.d/release.pub", "-s", folder / "secret")
    for name in ("evsed", "other"):
        _build(folder, name)
    data = (folder / "evsed.deb").read_bytes()
    _run("minisign", "-S", "-s", folder / "secret", "-m", folder / "evsed.deb")
    (folder / "good.deb").write_bytes(signed(data, (folder / "evsed.deb.minisig").read_bytes()))
    return folder


def _build(folder, name):
    source = folder / name
    (source / "DEBIAN").mkdir(parents=True)
    (source / "file").write_bytes(hashlib.shake_128(b"noise").digest(300_000))
    (source / "DEBIAN/control").write_text(
        f"Package: {name}\nVersion: 9.9.9-1\nArchitecture: all\n"
        "Maintainer: Somebody <a@example.org>\nDescription: charges\n"
    )
    _run("dpkg-deb", "--root-owner-group", "-b", source, folder / f"{name}.deb")


def _run(*command):
    subprocess.run([str(word) for word in command], check=True, capture_output=True, input=b"\n")


@pytest.fixture(scope="module")
def world(shop):
    """Yield a daemon with the channels of the shop."""
    board = yaml.safe_load(BOARD.read_text())
    board["ota"]["channels"] = [
        {"name": name, "path": (shop / f"{name}.json").as_uri()} for name in ("stable", "testing")
    ]
    (shop / "board.yaml").write_text(yaml.safe_dump(board))
    config = yaml.safe_load(CONFIG.read_text()) | {"update": {"keys": str(shop / "keys.d")}}
    (shop / "evsed.yaml").write_text(yaml.safe_dump(config))
    with _daemon(shop) as daemon:
        yield daemon


def _daemon(shop):
    return Daemon(
        shop / "run", "--board", str(shop / "board.yaml"), "--config", str(shop / "evsed.yaml")
    )


def offer(shop, version="v9.9.9", file="good.deb", **changes):
    data = (shop / file).read_bytes()
    content = {
        "version": version,
        "path": file,
        "sha256": hashlib.sha256(data).hexdigest(),
        "size": len(data),
    }
    (shop / "stable.json").write_text(json.dumps(content | changes))


def upload(daemon, data, length=None):
    """Send a package; return status, phrase and text."""
    connection = http.client.HTTPConnection("127.0.0.1", daemon.port, timeout=PATIENCE_S)
    try:
        connection.putrequest("POST", "/api/v1/firmware/upload")
        connection.putheader("Content-Length", str(len(data) if length is None else length))
        connection.endheaders(data)
        if length is not None:
            return None
        answer = connection.getresponse()
        return answer.status, answer.reason, answer.read().decode()
    finally:
        connection.close()


def staged(daemon):
    return [path.name for path in (daemon.state_dir / "update").glob("*")]


def test_channels_are_listed_chosen_and_remembered(world):
    assert world.get("/firmware/channels") == ["stable", "testing"]
    assert world.get("/firmware/channel") == "stable"
    world.post("/firmware/channel", "testing")
    assert world.get("/firmware/channel") == "testing"
    assert world.ask("POST", "/firmware/channel", "x")[0] == 400
    assert world.ask("POST", "/firmware/channel", b"testing")[0] == 400
    world.post("/firmware/channel", "stable")


def test_what_is_available_is_looked_up(world, shop):
    (shop / "stable.json").unlink(missing_ok=True)
    assert world.ask("GET", "/firmware/check-update")[0] == 404
    assert world.ask("POST", "/firmware/update", b"")[0] == 520
    offer(shop)
    available = {"available": "v9.9.9", "current": f"v{evsed.__version__}"}
    assert world.get("/firmware/check-update") == available


def test_an_offer_with_another_sum_is_521(world, shop):
    offer(shop, sha256="0" * 64)
    status, text = world.ask("POST", "/firmware/update", b"")
    assert (status, "sha256" in text) == (521, True)


def test_the_version_that_runs_is_no_update(world, shop):
    offer(shop, version=f"v{evsed.__version__}")
    assert world.ask("POST", "/firmware/update", b"") == (200, "OK")
    assert world.popen.poll() is None


@pytest.mark.parametrize("data", [b"0123456789", b"", bytes(200_000)])
def test_what_is_no_package_is_523(world, data):
    assert upload(world, data)[:2] == (523, "Invalid Firmware File")


def test_a_package_of_another_name_is_523(world, shop):
    assert upload(world, (shop / "other.deb").read_bytes())[0] == 523


def test_an_unsigned_package_is_523_with_a_sentence(world, shop):
    status, _, text = upload(world, (shop / "evsed.deb").read_bytes())
    assert (status, text) == (523, "the package is not signed by a trusted key")


def test_an_upload_that_breaks_off_is_logged_as_522(world, shop):
    upload(world, (shop / "good.deb").read_bytes()[:100_000], length=1_048_576)
    eventually(lambda: "522" in world.log)
    eventually(lambda: not staged(world))


def test_a_good_package_is_521_as_long_as_nothing_may_install_it(world, shop):
    offer(shop)
    for status, text in (
        upload(world, (shop / "good.deb").read_bytes())[::2],
        world.ask("POST", "/firmware/update", b""),
    ):
        assert (status, "as root with apt" in text) == (521, True)
    assert staged(world) == []


def test_nothing_is_taken_while_a_car_is_charged(world, shop):
    offer(shop)
    world.ready()
    world.charge()
    assert "charged" in upload(world, (shop / "good.deb").read_bytes())[2]
    status, text = world.ask("POST", "/firmware/update", b"")
    assert (status, "charged" in text) == (521, True)
    assert world.state() == "C2"
