"""Looking up, updating and uploading: the codes of the API, and never half of anything."""

import asyncio
import hashlib
import logging

import pytest
from update_world import Installer, Key, UpdateWorld, built, pieces_of

import evsed
from evsed.errors import BrokenUpload, UpdateError
from evsed.host.packages import NoInstaller, Outcome, debian_architecture
from evsed.services.update import service as service_module
from evsed.services.update import staging
from evsed.services.update.fetch import Fetcher
from evsed.services.update.service import Progress, Stage
from evsed.services.update.signing import signed

CURRENT = f"v{evsed.__version__}"


async def refused(status, work, words=""):
    with pytest.raises(UpdateError) as caught:
        await work
    assert (caught.value.status, words in str(caught.value)) == (status, True), caught.value
    return str(caught.value)


def quiet(world):
    """Tell that nothing was installed and nothing is left."""
    return (
        world.packages.installed == []
        and world.staged == []
        and (world.service.progress.stage is Stage.IDLE)
    )


# looking up


async def test_the_channels_are_those_of_the_board_and_the_first_is_the_default(world):
    assert world.service.channels() == ("stable", "testing")
    assert world.service.channel() == "stable"
    await world.operations.change("firmware", {"channel": "testing"}, source="test")
    assert world.service.channel() == "testing"


async def test_a_look_up_tells_both_versions(world, good):
    world.offer(good)
    assert await world.service.check() == ("v9.9.9", CURRENT)
    world.offer(good, version="10")
    assert await world.service.check() == ("v10", CURRENT)


async def test_without_a_descriptor_there_is_nothing_to_look_up(world):
    await refused(520, world.service.check())
    await refused(520, world.service.update())


@pytest.mark.parametrize("text", ["", "<html>", "{}", '{"version": 1}', "x" * 70_000])
async def test_a_descriptor_that_is_none_is_nothing_to_look_up(world, text):
    world.descriptor.write_text(text)
    await refused(520, world.service.check())
    await refused(520, world.service.update())
    assert quiet(world)


async def test_a_server_that_says_nothing_is_given_up(tmp_path, monkeypatch):
    monkeypatch.setattr(service_module, "_LOOK_UP_S", 0.05)

    class Silent(Fetcher):
        async def read(self, _url, _limit):
            await asyncio.sleep(3600)

    world = UpdateWorld(tmp_path, fetcher=Silent())
    await refused(520, world.service.check(), "no answer")


async def test_where_updates_are_switched_off_nothing_is_offered_or_taken(tmp_path, good):
    world = UpdateWorld(tmp_path, enabled=False)
    world.offer(good)
    assert (world.service.channels(), world.service.channel()) == ((), "")
    await refused(520, world.service.check())
    await refused(520, world.service.update())
    await refused(521, world.upload(good), "switched off")
    assert quiet(world)


# updating


async def test_an_update_hands_over_the_package_and_its_signature(world, good, package):
    world.offer(good)
    await world.service.update()
    ((installed, signature),) = world.packages.installed
    assert installed == package
    assert good.startswith(package)
    assert signature.startswith(b"untrusted comment:")
    assert signature in good


async def test_the_version_that_runs_is_not_installed_again(world, good):
    for version in (CURRENT, evsed.__version__, f"{evsed.__version__}-1"):
        world.offer(good, version=version)
        await world.service.update()
    assert quiet(world)


@pytest.mark.parametrize(
    "changes",
    [
        {"sha256": "0" * 64},
        {"sha256": None},
        {"size": 7},
        {"path": "missing.deb"},
        {"path": "http://example.org/x.deb"},
        {"path": "ftp://example.org/x.deb"},
        {"path": "//[broken"},
        {"path": "\x00"},
        {"path": "/dev/zero"},
        {"path": "/proc"},
        {"path": None},
        {"architecture": "m68k"},
        {"version": "v9.9.8"},
    ],
)
async def test_an_offer_that_is_not_kept_is_521(world, good, changes):
    world.offer(good, **changes)
    await refused(521, world.service.update())
    assert quiet(world)


async def test_an_unsigned_offer_is_521(world, package):
    world.offer(package)
    await refused(521, world.service.update(), "not signed by a trusted key")
    assert quiet(world)


async def test_of_several_packages_that_for_this_machine_is_fetched(world, good):
    machine = debian_architecture()
    world.offer(good)
    content = {"path": "evsed.deb", "sha256": hashlib.sha256(good).hexdigest()}
    world.offer(good, path=None, sha256=None, packages={machine: content, "m68k": {}})
    await world.service.update()
    assert len(world.packages.installed) == 1


# uploading


async def test_a_signed_package_is_installed(world, good, package):
    await world.upload(good, len(good))
    assert world.packages.installed[0][0] == package


async def test_a_lower_version_is_installed_and_noted(world, key, tmp_path, caplog):
    older = key.signed(built(tmp_path, version="0.0.1"))
    with caplog.at_level(logging.INFO):
        await world.upload(older)
    assert len(world.packages.installed) == 1
    assert "LOWER" in caplog.text


@pytest.mark.parametrize("data", [b"", b"0123456789", bytes(100_000), b"!<arch>\n" * 500])
async def test_what_is_no_package_is_523(world, data):
    await refused(523, world.upload(data))
    assert quiet(world)


async def test_another_package_is_523(world, key, tmp_path):
    await refused(523, world.upload(key.signed(built(tmp_path, name="apache2"))), "apache2")
    assert quiet(world)


async def test_a_package_for_another_machine_is_523(world, key, tmp_path):
    await refused(523, world.upload(key.signed(built(tmp_path, architecture="m68k"))), "m68k")
    assert quiet(world)


async def test_an_unsigned_package_is_523(world, package):
    await refused(523, world.upload(package), "not signed by a trusted key")
    assert quiet(world)


async def test_a_package_signed_by_somebody_else_is_523(world, package, tmp_path):
    stranger = Key(tmp_path, "stranger")
    await refused(523, world.upload(stranger.signed(package)), "not signed by a trusted key")
    assert quiet(world)


async def test_one_bit_changed_after_signing_is_523(world, good, package):
    for place in (200, len(package) // 2, len(package) - 100):
        changed = bytearray(good)
        changed[place] ^= 1
        await refused(523, world.upload(bytes(changed)))
    assert quiet(world)


async def test_a_signature_of_another_package_is_523(world, key, package, tmp_path):
    other = built(tmp_path, version="1.0")
    await refused(523, world.upload(signed(other, key.signature(package))))
    assert quiet(world)


async def test_a_signature_that_is_not_prehashed_is_523(world, key, package):
    legacy = key.signature(package, "-l")
    await refused(523, world.upload(signed(package, legacy)))
    assert quiet(world)


@pytest.mark.parametrize("rubbish", [b"", b"x", b"untrusted comment: x\n" * 4, bytes(4000)])
async def test_a_signature_that_is_none_is_523(world, package, rubbish):
    await refused(523, world.upload(signed(package, rubbish)))
    assert quiet(world)


async def test_an_upload_that_breaks_off_stages_nothing(world, good):
    async def pieces():
        yield good[:2000]
        raise BrokenUpload("gone")

    with pytest.raises(BrokenUpload):
        await world.service.upload(len(good), pieces())
    with pytest.raises(BrokenUpload, match=r"2000 of \d+ bytes"):
        await world.upload(good[:2000], len(good))
    assert quiet(world)


async def test_too_large_a_package_is_521(world, good, monkeypatch):
    monkeypatch.setattr(staging, "MAX_BYTES", 3000)
    await refused(521, world.upload(good), "larger")
    assert quiet(world)


async def test_a_full_disk_is_521(world, good, monkeypatch):
    def full(_handle):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr(staging.os, "fsync", full)
        await refused(521, world.upload(good), "No space left")
    assert quiet(world)
    await world.upload(good)


async def test_a_second_update_at_the_same_time_is_521(world, good):
    going, go_on = asyncio.Event(), asyncio.Event()

    async def slow():
        yield good[:1000]
        going.set()
        await go_on.wait()
        yield good[1000:]

    first = asyncio.ensure_future(world.service.upload(len(good), slow()))
    await going.wait()
    assert world.service.progress == service_module.Progress(
        stage=Stage.RECEIVING, received=1000, expected=len(good)
    )
    await refused(521, world.upload(good), "running already")
    world.offer(good)
    await refused(521, world.service.update(), "running already")
    go_on.set()
    await first
    assert len(world.packages.installed) == 1


async def test_nothing_is_installed_while_the_contactor_is_closed(world, good):
    world.offer(good)
    world.station.closed = True
    await refused(521, world.upload(good), "being charged")
    await refused(521, world.service.update(), "being charged")
    assert await world.service.check() == ("v9.9.9", CURRENT)
    assert quiet(world)


async def test_a_vehicle_that_begins_to_charge_meanwhile_wins(world, good):
    async def slow():
        yield good
        world.station.closed = True

    await refused(521, world.service.upload(None, slow()), "being charged")
    assert quiet(world)


# who installs, and unsigned packages


async def test_an_installation_that_cannot_start_is_521(tmp_path, key, good):
    world = UpdateWorld(tmp_path, [key.trusted], Installer("the unit is masked"))
    await refused(521, world.upload(good), "the unit is masked")
    assert quiet(world)


async def test_where_nothing_installs_a_good_package_is_521_with_a_sentence(tmp_path, key, good):
    world = UpdateWorld(tmp_path, [key.trusted], NoInstaller())
    assert "as root" in await refused(521, world.upload(good))
    await refused(523, world.upload(b"0123456789"))
    assert world.staged == []


async def test_without_any_key_nothing_is_trusted(tmp_path, good):
    world = UpdateWorld(tmp_path, [tmp_path / "no such folder"])
    await refused(523, world.upload(good), "not signed by a trusted key")
    assert quiet(world)


@pytest.mark.parametrize("credentials", [True, False])
async def test_unsigned_packages_are_taken_only_by_choice_and_with_credentials(
    tmp_path, package, credentials, caplog
):
    world = UpdateWorld(tmp_path, allow_unsigned=True, credentials_set=lambda: credentials)
    if credentials:
        await world.upload(package)
        assert world.packages.installed == [(package, None)]
        assert "UNSIGNED" in caplog.text
    else:
        await refused(523, world.upload(package), "user and password")


async def test_a_bad_signature_is_not_the_same_as_none(tmp_path, package):
    world = UpdateWorld(tmp_path, allow_unsigned=True, credentials_set=lambda: True)
    await refused(523, world.upload(signed(package, b"untrusted comment: x\n")))
    assert quiet(world)


async def test_pieces_of_any_size_make_the_same_package(world, good):
    for size in (7, 61, 70_000):
        await world.service.upload(None, pieces_of(good, size))
    assert len({installed for installed, _ in world.packages.installed}) == 1


# how it ended


def ended(outcome="undone", reason="the new version did not become ready"):
    return Outcome(outcome=outcome, before="1", version="2", reason=reason, at_s=1700000000)


async def test_an_installation_that_is_going_on_and_the_newest_result_are_told(world):
    assert await world.service.told() == (Progress(), None)
    world.packages.at_work, world.packages.ended = True, ended()
    assert await world.service.told() == (Progress(stage=Stage.INSTALLING), ended())


async def test_the_log_tells_how_an_installation_ended_and_only_once(world, caplog):
    world.packages.ended = ended("installed", "")
    world.service._look_every_s = 0.01
    serving = asyncio.create_task(world.service.serve())
    await asyncio.sleep(0.1)
    world.packages.ended = ended()
    async with asyncio.timeout(20):
        while "undone" not in caplog.text:  # noqa: ASYNC110 - a log has no event
            await asyncio.sleep(0.01)
    await asyncio.sleep(0.1)
    serving.cancel()
    assert caplog.text.count("update: ") == 1
    assert "undone 2: the new version did not become ready" in caplog.text


async def test_a_package_that_an_earlier_daemon_left_is_cleared_away(world):
    (world.state_dir / "update").mkdir()
    (world.state_dir / "update/evsed.deb").write_bytes(b"left")
    serving = asyncio.create_task(world.service.serve())
    async with asyncio.timeout(20):
        while world.staged:  # noqa: ASYNC110 - a folder has no event
            await asyncio.sleep(0.01)
    serving.cancel()
