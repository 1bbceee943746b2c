"""What is backed up comes back, on this charger and on another one; secrets do not travel."""

import asyncio
import io
import json
import os
import subprocess
import zipfile

import pytest
from backup_world import FILES, archive, desk, files_of, fill, made_by, pieces_of, service
from station_world import World

from evsed.errors import RejectedError
from evsed.host.user_files import reachable
from evsed.services.backup import writer


async def test_settings_and_files_come_back_on_another_charger(tmp_path):
    old = service(tmp_path / "old")
    fill(tmp_path / "old/usr")
    await old._operations.change("discovery", {"hostname": "garage"}, source="test")
    await old._operations.change("modbus", {"unitId": 7}, source="test")
    new = service(tmp_path / "new")
    fill(tmp_path / "new/usr", {"gone.lua": b"old"})
    await new.restore(pieces_of(await made_by(old)))
    assert files_of(tmp_path / "new/usr") == files_of(tmp_path / "old/usr")
    assert files_of(tmp_path / "new/usr")["init.lua"] == FILES["init.lua"]
    settings = new._operations.store.settings
    assert (settings.discovery.hostname, settings.modbus.unit_id) == ("garage", 7)
    assert not (tmp_path / "new/restore").exists()


async def test_settings_of_the_charger_itself_are_in_force_after_a_restore(tmp_path):
    data = archive(settings={"evse": {"maxChargingCurrent": 10, "requireAuth": True}})
    world = World(tmp_path)
    async with world.running():
        await service(tmp_path, world.station).restore(pieces_of(data))
        assert (await world.until(charging_current_da=100)).enabled
    kept = json.loads((tmp_path / "settings.json").read_text())["evse"]
    assert (kept["maxChargingCurrent"], kept["requireAuth"]) == (10, True)


async def test_what_is_restored_twice_is_the_same(tmp_path):
    backups = service(tmp_path)
    fill(tmp_path / "usr")
    data = await made_by(backups)
    for _ in range(2):
        await backups.restore(pieces_of(data))
    assert files_of(tmp_path / "usr") == {
        **FILES,
        "lua": None,
        "empty folder": None,
    }


async def test_no_secret_is_in_the_archive_and_a_stored_one_survives_a_restore(tmp_path):
    backups = service(tmp_path)
    wifi = {"ssid": "home", "password": "do not tell 123", "enabled": True}
    await backups._operations.change("wifi", wifi, source="test")
    (tmp_path / "credentials.json").write_text("do not tell 123")
    data = await made_by(backups)
    with zipfile.ZipFile(io.BytesIO(data)) as made:
        inside = b"".join(made.read(name) for name in made.namelist())
        assert {name for name in made.namelist() if not name.startswith("usr/")} == {
            "evsed-backup.json",
            "SHA256SUMS",
            "settings.json",
        }
    assert b"do not tell" not in inside
    assert b"password" not in inside
    await backups._operations.change("wifi", {"ssid": "away"}, source="test")
    await backups.restore(pieces_of(data))
    wifi_now = backups._operations.store.settings.wifi
    assert (wifi_now.ssid, wifi_now.password) == ("home", "do not tell 123")


async def test_only_ordinary_files_are_backed_up(tmp_path):
    backups = service(tmp_path)
    tree = tmp_path / "usr"
    fill(tree, {"a.lua": b"1", ".evsed-put-7": b"half"})
    (tmp_path / "secret").write_text("do not tell")
    (tree / "link").symlink_to(tmp_path / "secret")
    (tree / "folder link").symlink_to(tmp_path)
    os.link(tmp_path / "secret", tree / "hard link")
    os.mkfifo(tree / "pipe")
    with zipfile.ZipFile(io.BytesIO(await made_by(backups))) as made:
        assert sorted(name for name in made.namelist() if name.startswith("usr/")) == [
            "usr/a.lua",
            "usr/empty folder/",
        ]


async def test_an_unpacked_archive_can_be_checked_with_sha256sum(tmp_path):
    backups = service(tmp_path / "state")
    fill(tmp_path / "state/usr")
    with zipfile.ZipFile(io.BytesIO(await made_by(backups))) as made:
        made.extractall(tmp_path / "out")
    command = ["sha256sum", "--check", "--strict", "SHA256SUMS"]
    run = await asyncio.to_thread(_output_of, command, tmp_path / "out")
    assert run.count(": OK") == len(FILES) + 1


def _output_of(command, folder):
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout


async def test_a_charger_without_files_has_a_backup_too(tmp_path):
    backups = service(tmp_path)
    data = await made_by(backups)
    fill(tmp_path / "usr")
    await backups.restore(pieces_of(data))
    assert files_of(tmp_path / "usr") == {}


def test_more_files_than_a_restore_takes_are_no_backup(tmp_path, monkeypatch):
    monkeypatch.setattr(writer, "MAX_ENTRIES", 3)
    fill(tmp_path / "usr")
    with pytest.raises(RejectedError, match="too many"):
        writer.write_archive(io.BytesIO(), {}, tmp_path / "usr", version="", device="")


def test_files_larger_than_a_restore_takes_are_no_backup(tmp_path, monkeypatch):
    monkeypatch.setattr(writer, "MAX_ARCHIVE_BYTES", 10_000)
    fill(tmp_path / "usr", {"noise": os.urandom(20_000)})
    with pytest.raises(RejectedError, match="too large"):
        writer.write_archive(io.BytesIO(), {}, tmp_path / "usr", version="", device="")


async def test_the_file_is_named_after_the_charger(tmp_path):
    backups = service(tmp_path)
    await backups._operations.change("discovery", {"hostname": "garage"}, source="test")
    backup = await backups.create()
    backup.file.close()
    assert backup.name.startswith("evsed-backup-garage-20")
    assert backup.name.endswith(".zip")


async def test_backups_at_the_same_time_do_not_disturb_one_another(tmp_path):
    backups = service(tmp_path)
    fill(tmp_path / "usr")
    for data in await asyncio.gather(made_by(backups), made_by(backups)):
        await backups.restore(pieces_of(data))
        assert files_of(tmp_path / "usr") == {**FILES, "lua": None, "empty folder": None}


async def test_who_restores_is_told_that_files_have_been_replaced(tmp_path):
    told = []
    backups = service(tmp_path, restored=lambda: told.append(True))
    await backups.restore(pieces_of(archive()))
    assert told == [True]


def test_names_a_client_could_never_reach_are_not_permitted():
    good = ["a", "a b", ".hidden", "ä" * 127, "..."]
    bad = [
        "",
        ".",
        "..",
        "a/b",
        "a\\b",
        "\x00",
        "a\n",
        "x" * 256,
        ".evsed-put",
        "\ud800",
        "u\u0308",
        "\ufffe",
        "\uffff",
    ]
    assert [name for name in good if not reachable(name)] == []
    assert [name for name in bad if reachable(name)] == []


def test_settings_of_a_desk_begin_with_the_defaults(tmp_path):
    assert desk(tmp_path).store.shown("modbus") == {"tcpEnabled": False, "unitId": 1}
