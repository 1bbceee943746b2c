"""Archives that must not be restored, and failures in the middle: nothing changes."""

import asyncio
import io
import json
import os
import random
import stat
import struct
import warnings
import zipfile

import pytest
from backup_world import archive, files_of, fill, made_by, pieces_of, service

from evsed.errors import BrokenUpload, HardwareError, RejectedError, StorageError
from evsed.services.backup import reader
from evsed.services.backup import service as service_module
from evsed.services.backup.swap import TreeSwap

ROUNDS = int(os.environ.get("EVSED_FUZZ", "300"))


def member(name, *, kind=0, mode=0o644, method=zipfile.ZIP_DEFLATED):
    info = zipfile.ZipInfo(name)
    info.external_attr = (kind | mode) << 16
    info.compress_type = method
    return info


def bomb():
    """Return an archive that says it is small and unpacks to a gigabyte."""
    data = archive({"usr/zeros": bytes(10_000_000)})
    return data.replace(struct.pack("<L", 10_000_000), struct.pack("<L", 100))


def huge_directory():
    """Return an archive whose directory has far too many entries."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as made:
        for number in range(70_000):
            made.writestr(zipfile.ZipInfo(f"usr/{number}"), b"")
    return target.getvalue()


def twice():
    target = io.BytesIO(archive({"usr/a": b"1"}))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with zipfile.ZipFile(target, "a") as made:
            made.writestr("usr/a", b"2")
    return target.getvalue()


GOOD = archive({"usr/a": b"1", "usr/lua/b": b"2", "usr/c/": b""}, {"modbus": {"unitId": 9}})

BAD = {
    "empty": (b"", "too short"),
    "text": (b"hello " * 100, "ZIP"),
    "cut": (GOOD[:-30], "ZIP"),
    "only the end": (GOOD[-22:], "backup"),
    "a byte more": (GOOD + b"\0", "ZIP"),
    "another zip": (twice(), "twice"),
    "no manifest": (archive(manifest={"format": None}), "format"),
    "another format": (archive(manifest={"format": 2}), "format 2"),
    "format true": (archive(manifest={"format": True}), "format"),
    "no checksums": (archive(manifest={"sums": None}), "sums"),
    "checksum of nothing": (archive(manifest={"sums": "xyz"}), "sums"),
    "other contents": (archive(manifest={"sums": "0" * 64}), "SHA256SUMS.*damaged"),
    "no contents": (archive(sums=b""), "settings.json is missing"),
    "damaged": (archive(sums=b"0" * 64 + b"  settings.json\n"), "settings.json.*damaged"),
    "a line that is none": (archive(sums=b"settings.json\n"), "a line that is none"),
    "a line without end": (archive(sums=b"#" + b"x" * 5000), "a line that is none"),
    "a line twice": (archive(sums=b"#usr/a/\n#usr/a/\n"), "twice"),
    "too many lines": (archive(sums=b"".join(b"#%d\n" % n for n in range(11000))), "too many"),
    "long settings": (archive(settings={"x": "y" * 200_000}), "larger than"),
    "a file not listed": (archive(members=[(member("usr/x"), b"1")]), "table of contents"),
    "outside the tree": (archive({"etc/passwd": b"1"}), "does not belong"),
    "upwards": (archive({"usr/../../x": b"1"}), "not permitted"),
    "absolute": (archive({"/etc/passwd": b"1"}), "does not belong"),
    "backslash": (archive({"usr/..\\..\\x": b"1"}), "not permitted"),
    "control character": (archive({"usr/a\nb": b"1"}), "not permitted"),
    "empty name": (archive({"usr//x": b"1"}), "not permitted"),
    "reserved name": (archive({"usr/.evsed-x": b"1"}), "not permitted"),
    "long name": (archive({"usr/" + "x" * 256: b"1"}), "not permitted"),
    "too deep": (archive({"usr/" + "d/" * 17 + "x": b"1"}), "not permitted"),
    "file and folder": (archive({"usr/a": b"1", "usr/a/b": b"2"}), "both a file and a folder"),
    "bomb": (bomb(), "usr/zeros|readable"),
    "huge directory": (huge_directory(), "10000 files"),
    "symbolic link": (
        archive(members=[(member("usr/x", kind=stat.S_IFLNK), b"/etc/passwd")]),
        "neither a file nor a folder",
    ),
    "device": (archive(members=[(member("usr/x", kind=stat.S_IFCHR), b"")]), "neither"),
    "packed strangely": (archive(method=zipfile.ZIP_LZMA), "packed"),
    "no object": (archive(settings=[]), "not an object"),
}
MISFITS = {
    "deep settings": (archive(settings={"modbus": json.loads("[" * 900 + "]" * 900)}), "modbus"),
    "unknown section": (archive(settings={"wallbox": {}}), "wallbox"),
    "wrong value": (archive(settings={"modbus": {"unitId": 0}}), "modbus: unitId"),
    "not for this board": (archive(settings={"serial": [{"mode": "at"}] * 7}), "serial"),
    "too hot": (archive(settings={"evse": {"temperatureThreshold": 200}}), "temperatureThreshold"),
}


@pytest.fixture
def backups(tmp_path):
    fill(tmp_path / "usr", {"mine.lua": b"keep"})
    return service(tmp_path)


def untouched(backups, tmp_path):
    assert files_of(tmp_path / "usr") == {"mine.lua": b"keep", "empty folder": None}
    assert backups._operations.store.settings.modbus.unit_id == 1
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_dir()) == ["usr"]


@pytest.mark.parametrize("name", BAD)
def test_a_bad_archive_is_refused_with_a_reason(name, tmp_path):
    data, words = BAD[name]
    with pytest.raises(RejectedError, match=words):
        reader.read_archive(io.BytesIO(data), tmp_path)


@pytest.mark.parametrize("name", ["text", "bomb", "damaged", "upwards"])
async def test_a_bad_archive_changes_nothing(name, backups, tmp_path):
    data, words = BAD[name]
    with pytest.raises(RejectedError, match=words):
        await backups.restore(pieces_of(data, 60_000))
    untouched(backups, tmp_path)


@pytest.mark.parametrize("name", MISFITS)
async def test_settings_this_charger_cannot_do_change_nothing(name, backups, tmp_path):
    data, words = MISFITS[name]
    with pytest.raises(RejectedError, match=words):
        await backups.restore(pieces_of(data))
    untouched(backups, tmp_path)


async def test_the_good_one_of_these_tests_is_good(backups, tmp_path):
    await backups.restore(pieces_of(GOOD))
    assert files_of(tmp_path / "usr") == {"a": b"1", "lua": None, "lua/b": b"2", "c": None}
    assert backups._operations.store.settings.modbus.unit_id == 9


async def test_whatever_bytes_are_damaged_nothing_changes_or_all_is_as_it_was_sent(
    backups, tmp_path
):
    dice = random.Random(11)  # noqa: S311 - the same damage in every run
    for _ in range(ROUNDS):
        data = bytearray(GOOD)
        for _ in range(dice.choice([1, 1, 2, 8])):
            data[dice.randrange(len(data))] = dice.randrange(256)
        target = tmp_path / "out"
        target.mkdir()
        try:
            contents = reader.read_archive(io.BytesIO(bytes(data)), target)
        except RejectedError:
            pass
        else:
            assert files_of(target) == {"a": b"1", "lua": None, "lua/b": b"2", "c": None}
            assert contents.settings == {"modbus": {"unitId": 9}}
        for path in sorted(target.rglob("*"), reverse=True):
            path.rmdir() if path.is_dir() else path.unlink()
        target.rmdir()
    untouched(backups, tmp_path)


async def test_an_upload_that_breaks_off_changes_nothing(backups, tmp_path):
    async def pieces():
        yield GOOD[:100]
        raise BrokenUpload("gone")

    with pytest.raises(BrokenUpload):
        await backups.restore(pieces())
    untouched(backups, tmp_path)
    await backups.restore(pieces_of(GOOD))  # the next one is not kept waiting


async def test_more_than_64_mib_are_not_taken(backups, tmp_path, monkeypatch):
    monkeypatch.setattr(service_module, "MAX_ARCHIVE_BYTES", 1000)
    with pytest.raises(RejectedError, match="larger than 1000"):
        await backups.restore(pieces_of(bytes(1001), 100))
    untouched(backups, tmp_path)


def test_files_that_would_unpack_to_too_much_are_refused_before_unpacking(tmp_path, monkeypatch):
    monkeypatch.setattr(reader, "MAX_TREE_BYTES", 5000)
    with pytest.raises(RejectedError, match="unpacked"):
        reader.read_archive(io.BytesIO(archive({"usr/zeros": bytes(6000)})), tmp_path)
    assert files_of(tmp_path) == {}


async def test_a_worker_that_is_killed_is_an_error_of_the_disk_and_changes_nothing(
    backups, tmp_path, monkeypatch
):
    monkeypatch.setattr("evsed.services.backup.worker.sys.executable", "/bin/false")
    with pytest.raises(StorageError):
        await backups.restore(pieces_of(GOOD))
    with pytest.raises(StorageError):
        await backups.create()
    monkeypatch.undo()
    await backups.restore(pieces_of(GOOD))
    assert files_of(tmp_path / "usr")["a"] == b"1"


@pytest.mark.parametrize("section", ["modbus", "discovery"])
async def test_a_setting_that_cannot_be_applied_takes_everything_back(backups, tmp_path, section):
    async def refuse(_before, _after):
        raise HardwareError("port in use")

    backups._operations.on_change(section, refuse)
    settings = {"modbus": {"unitId": 9}, "discovery": {"hostname": "other"}}
    with pytest.raises(HardwareError):
        await backups.restore(pieces_of(archive({"usr/a": b"1"}, settings)))
    untouched(backups, tmp_path)
    assert backups._operations.store.settings.discovery.hostname != "other"


async def test_a_disk_that_refuses_settings_takes_everything_back(backups, tmp_path, monkeypatch):
    kept = json.dumps(backups._operations.store.shown("modbus"))

    def full(*_arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("evsed.settings.store.replace_file", full)
    with pytest.raises(StorageError):
        await backups.restore(pieces_of(GOOD))
    untouched(backups, tmp_path)
    assert json.dumps(backups._operations.store.shown("modbus")) == kept


async def test_a_full_disk_is_an_error_of_the_disk(backups, tmp_path, monkeypatch):
    monkeypatch.setattr(service_module, "_free_bytes", lambda _folder: 1000)
    with pytest.raises(StorageError, match="full"):
        await backups.restore(pieces_of(GOOD))
    untouched(backups, tmp_path)


async def test_a_state_directory_that_is_none_is_an_error_of_the_disk(tmp_path):
    backups = service(tmp_path / "state")
    (tmp_path / "state").rmdir()
    (tmp_path / "state").write_text("a file")
    with pytest.raises(StorageError):
        await backups.create()
    with pytest.raises(StorageError):
        await backups.restore(pieces_of(GOOD))


async def test_a_client_that_goes_away_while_its_backup_is_applied_leaves_no_half(
    backups, tmp_path
):
    started = asyncio.Event()

    async def slow(_before, _after):
        started.set()
        await asyncio.sleep(0.05)

    backups._operations.on_change("modbus", slow)
    work = asyncio.ensure_future(backups.restore(pieces_of(GOOD)))
    await started.wait()
    work.cancel()
    await asyncio.gather(work, return_exceptions=True)
    await made_by(backups)  # waits for the restore under way
    assert files_of(tmp_path / "usr")["a"] == b"1"
    assert backups._operations.store.settings.modbus.unit_id == 9


def test_a_power_cut_between_the_two_renames_is_mended_at_the_next_start(tmp_path):
    fill(tmp_path / "usr", {"mine.lua": b"keep"})
    swap = TreeSwap(tmp_path)
    swap.prepare()
    swap.tree.rename(swap._old)  # and then the lights went out
    service(tmp_path).tidy()
    assert files_of(tmp_path / "usr") == {"mine.lua": b"keep", "empty folder": None}
    assert not swap.work.exists()


def test_a_swap_that_fails_half_way_is_undone(tmp_path):
    fill(tmp_path / "usr", {"mine.lua": b"keep"})
    swap = TreeSwap(tmp_path)
    swap.prepare()
    swap.fresh.rmdir()
    with pytest.raises(OSError, match="No such file"):
        swap.swap()
    assert files_of(tmp_path / "usr") == {"mine.lua": b"keep", "empty folder": None}
