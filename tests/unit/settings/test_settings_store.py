"""The file of the settings: durable, with the version before it, and never a reason to crash."""

import asyncio
import json
import logging
import os
import stat
import threading
from pathlib import Path

import pytest
from settings_tools import bare_board, loaded, sim_board

from evsed.errors import RejectedError, StorageError
from evsed.settings.schema import EvseSettings, default_evse, wire_evse
from evsed.settings.sections import SECTIONS
from evsed.settings.store import SettingsStore

FILE, PREVIOUS = "settings.json", "settings.json.previous"


def _document(**values):
    return {"version": 1, "evse": wire_evse(default_evse(sim_board())) | values}


def _write(folder, name, content):
    data = content if isinstance(content, bytes) else json.dumps(content).encode()
    (folder / name).write_bytes(data)


def _errors(caplog):
    return [one.getMessage() for one in caplog.records if one.levelno >= logging.ERROR]


def test_a_first_start_has_the_defaults_of_the_board_and_says_nothing_loud(tmp_path, caplog):
    assert loaded(tmp_path).evse == default_evse(sim_board())
    assert _errors(caplog) == []
    assert list(tmp_path.iterdir()) == []


async def test_saved_settings_are_there_after_a_restart(tmp_path, caplog):
    store = loaded(tmp_path)
    candidate = store.check("evse", {"requireAuth": True, "defaultChargingCurrent": 10.5})
    assert store.evse.require_auth is False
    await store.save("evse", candidate)
    assert store.evse == candidate == loaded(tmp_path).evse
    assert _errors(caplog) == []


async def test_the_file_is_versioned_readable_and_private(tmp_path):
    store = loaded(tmp_path / "new" / "folder")
    await store.change("evse", {"rcm": True})
    path = tmp_path / "new" / "folder" / FILE
    kept = json.loads(path.read_text())
    assert list(kept) == ["version", *SECTIONS]
    assert (kept["version"], kept["evse"]) == (1, wire_evse(store.evse))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [one.name for one in path.parent.iterdir()] == [FILE]


async def test_the_version_before_is_kept(tmp_path):
    store = loaded(tmp_path)
    await store.change("evse", {"temperatureThreshold": 50})
    first = (tmp_path / FILE).read_bytes()
    await store.change("evse", {"temperatureThreshold": 55})
    assert (tmp_path / PREVIOUS).read_bytes() == first
    assert loaded(tmp_path).evse.temperature_threshold_c == 55
    assert sorted(one.name for one in tmp_path.iterdir()) == [FILE, PREVIOUS]


async def test_the_version_before_a_restart_is_kept_as_well(tmp_path):
    _write(tmp_path, FILE, _document(temperatureThreshold=44))
    before = (tmp_path / FILE).read_bytes()
    await loaded(tmp_path).change("evse", {"temperatureThreshold": 55})
    assert (tmp_path / PREVIOUS).read_bytes() == before


async def test_a_write_that_changes_nothing_does_not_touch_the_disk(tmp_path):
    store = loaded(tmp_path)
    await store.change("evse", {"maxChargingCurrent": 32})
    assert list(tmp_path.iterdir()) == []
    await store.change("evse", {"maxChargingCurrent": 20})
    os.utime(tmp_path / FILE, (1, 1))
    await store.change("evse", {"maxChargingCurrent": 20.0})
    assert (tmp_path / FILE).stat().st_mtime == 1


async def test_every_file_and_its_folder_reach_the_disk_before_the_answer(tmp_path, monkeypatch):
    synced = []
    real = os.fsync

    def spy(number):
        synced.append(str(Path(f"/proc/self/fd/{number}").readlink()))
        real(number)

    monkeypatch.setattr("os.fsync", spy)
    store = loaded(tmp_path)
    await store.change("evse", {"rcm": True})
    assert synced == [f"{tmp_path}/{FILE}.new", str(tmp_path)]
    await store.change("evse", {"rcm": False})
    assert synced[2:] == [
        f"{tmp_path}/{PREVIOUS}.new",
        str(tmp_path),
        f"{tmp_path}/{FILE}.new",
        str(tmp_path),
    ]


@pytest.mark.parametrize("failing", ["fsync", "open"])
async def test_a_disk_failure_keeps_the_old_settings_everywhere(tmp_path, monkeypatch, failing):
    store = loaded(tmp_path)
    await store.change("evse", {"temperatureThreshold": 50})

    def fail(*_args, **_more):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr(f"os.{failing}", fail)
        with pytest.raises(StorageError, match="nothing was changed"):
            await store.change("evse", {"temperatureThreshold": 70})
    assert store.evse.temperature_threshold_c == 50
    assert loaded(tmp_path).evse.temperature_threshold_c == 50
    await store.change("evse", {"temperatureThreshold": 70})
    assert loaded(tmp_path).evse.temperature_threshold_c == 70


async def test_changes_at_the_same_time_do_not_lose_one_another(tmp_path):
    store = loaded(tmp_path)
    await asyncio.gather(
        store.change("evse", {"rcm": True}),
        store.change("evse", {"requireAuth": True}),
        store.change("evse", {"temperatureThreshold": 41}),
    )
    found = loaded(tmp_path).evse
    assert (found.rcm, found.require_auth, found.temperature_threshold_c) == (True, True, 41)


@pytest.mark.parametrize("how", ["save", "change"])
async def test_a_cancelled_caller_leaves_disk_and_memory_alike(tmp_path, how):
    store = loaded(tmp_path)
    patch = {"rcm": True}
    work = (
        store.save("evse", store.check("evse", patch))
        if how == "save"
        else store.change("evse", patch)
    )
    caller = asyncio.create_task(work)
    for _ in range(3):
        await asyncio.sleep(0)
    assert store._lock.locked()
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    await store.change("evse", {"requireAuth": True})  # waits for the one under way
    assert (store.evse.rcm, store.evse.require_auth) == (True, True)
    assert loaded(tmp_path).evse == store.evse


BROKEN = {
    "empty": b"",
    "half": b'{"version": 1, "ev',
    "binary": b"\x00\xff\xfe",
    "list": [],
    "nan": b'{"version": 1, "evse": {"temperatureThreshold": NaN}}',
    "twice": b'{"version": 1, "evse": {"rcm": true, "rcm": false}}',
    "deep": b"[" * 100_000,
    "digits": b'{"version": ' + b"1" * 5000 + b"}",
    "large": b" " * (1024 * 1024 + 1),
    "no version": {"evse": {}},
    "other version": {"version": 2, "evse": {}},
    "true version": {"version": True, "evse": {}},
    "evse a list": {"version": 1, "evse": []},
    "out of range": _document(temperatureThreshold=81),
    "wrong type": _document(rcm=1),
    "null": _document(rcm=None),
}


@pytest.mark.parametrize("broken", BROKEN.values(), ids=list(BROKEN))
def test_a_broken_file_gives_way_to_the_version_before_and_a_loud_line(tmp_path, caplog, broken):
    _write(tmp_path, FILE, broken)
    _write(tmp_path, PREVIOUS, _document(requireAuth=True))
    assert loaded(tmp_path).evse.require_auth is True
    cause, result = _errors(caplog)
    assert f"settings: {tmp_path / FILE} cannot be used: " in cause
    assert "the previous version is in force" in result


@pytest.mark.parametrize("broken", BROKEN.values(), ids=list(BROKEN))
def test_two_broken_files_give_way_to_the_defaults_and_loud_lines(tmp_path, caplog, broken):
    _write(tmp_path, FILE, broken)
    _write(tmp_path, PREVIOUS, broken)
    assert loaded(tmp_path).evse == default_evse(sim_board())
    assert len(_errors(caplog)) == 3
    assert "the DEFAULTS are in force" in _errors(caplog)[-1]


def test_a_refused_value_is_named_in_the_loud_line(tmp_path, caplog):
    _write(tmp_path, FILE, _document(temperatureThreshold=81))
    loaded(tmp_path)
    assert (
        "evse.temperatureThreshold: 81 is not permitted, expected a whole number 40 … 80"
        in (_errors(caplog)[0])
    )


def test_a_missing_file_beside_a_previous_one_is_a_loss_and_loud(tmp_path, caplog):
    _write(tmp_path, PREVIOUS, _document(requireAuth=True))
    assert loaded(tmp_path).evse.require_auth is True
    [line] = _errors(caplog)
    assert f"{tmp_path / FILE} is missing, the previous version is in force" in line


def test_a_file_that_cannot_be_opened_is_loud_and_does_not_crash(tmp_path, caplog):
    (tmp_path / FILE).mkdir()
    assert loaded(tmp_path).evse == default_evse(sim_board())
    assert "Is a directory" in _errors(caplog)[0]


async def test_a_good_previous_version_is_not_overwritten_with_a_broken_file(tmp_path):
    _write(tmp_path, FILE, b"broken")
    _write(tmp_path, PREVIOUS, _document(requireAuth=True))
    good = (tmp_path / PREVIOUS).read_bytes()
    store = loaded(tmp_path)
    await store.change("evse", {"rcm": True})
    assert (tmp_path / PREVIOUS).read_bytes() == good
    assert loaded(tmp_path).evse == store.evse


def test_unknown_keys_in_the_file_are_named_and_the_rest_is_kept(tmp_path, caplog):
    document = _document(requireAuth=True, requireAuht=False, zzzzzz=1) | {"evs": {}}
    _write(tmp_path, FILE, document)
    assert loaded(tmp_path).evse.require_auth is True
    lines = "\n".join(_errors(caplog))
    assert "evs: unknown key, ignored, did you mean evse?" in lines
    assert "evse.requireAuht: unknown key, ignored, did you mean requireAuth?" in lines
    assert "evse.zzzzzz: unknown key, ignored" in lines
    assert len(_errors(caplog)) == 3


def test_keys_that_the_file_does_not_have_are_at_their_defaults(tmp_path, caplog):
    _write(tmp_path, FILE, {"version": 1, "evse": {"requireAuth": True}})
    assert loaded(tmp_path, bare_board()).evse == EvseSettings(require_auth=True)
    _write(tmp_path, FILE, {"version": 1})
    assert loaded(tmp_path, bare_board()).evse == EvseSettings()
    assert _errors(caplog) == []


def test_settings_of_another_board_are_fitted_with_a_loud_line(tmp_path, caplog):
    _write(tmp_path, FILE, _document(rcm=True, requireAuth=True))
    found = loaded(tmp_path, bare_board()).evse
    assert (found.rcm, found.require_auth, found.energy_meter_mode) == (False, True, "dummy")
    assert len(_errors(caplog)) == 2
    assert "changed to fit the board: evse.rcm: true needs a residual current" in _errors(caplog)[0]


@pytest.mark.parametrize("patch", [{}, {"maxchargingcurrent": 16}, {"errors": []}])
def test_a_patch_without_any_known_key_is_refused(tmp_path, patch):
    with pytest.raises(RejectedError, match="at least one of maxChargingCurrent, "):
        loaded(tmp_path).check("evse", patch)


def test_unknown_keys_beside_a_known_one_are_harmless(tmp_path):
    assert loaded(tmp_path).check("evse", {"rcm": True, "errors": []}).rcm is True


async def test_a_refused_change_leaves_no_trace(tmp_path):
    store = SettingsStore(tmp_path, bare_board())
    with pytest.raises(RejectedError):
        await store.change("evse", {"requireAuth": True, "rcm": True})
    assert store.evse == default_evse(bare_board())
    assert list(tmp_path.iterdir()) == []


async def test_what_is_put_is_in_force_at_once_and_written_once_for_many(tmp_path, monkeypatch):
    monkeypatch.setattr("evsed.settings.store._LATE_S", 0.1)
    store = loaded(tmp_path)
    written = _count_writes(store)
    for degrees in (50, 51, 52):
        store.put("evse", store.check("evse", {"temperatureThreshold": degrees}))
        assert store.evse.temperature_threshold_c == degrees
    assert loaded(tmp_path).evse.temperature_threshold_c != 52
    await _until(lambda: loaded(tmp_path).evse.temperature_threshold_c == 52)
    assert len(written) == 1
    store.put("evse", store.check("evse", {"temperatureThreshold": 53}))
    await _until(lambda: loaded(tmp_path).evse.temperature_threshold_c == 53)
    assert len(written) == 2


async def test_what_was_put_and_taken_back_is_not_written(tmp_path, monkeypatch):
    monkeypatch.setattr("evsed.settings.store._LATE_S", 0.05)
    store = loaded(tmp_path)
    await store.change("evse", {"rcm": True})
    written = _count_writes(store)
    before = store.evse
    store.put("evse", store.check("evse", {"rcm": False}))
    store.put("evse", before)
    await store.flush()
    assert written == []


async def test_what_was_put_is_on_disk_after_a_flush_or_when_another_section_is_saved(tmp_path):
    store = loaded(tmp_path)
    store.put("evse", store.check("evse", {"temperatureThreshold": 51}))
    await store.flush()
    assert loaded(tmp_path).evse.temperature_threshold_c == 51
    store.put("evse", store.check("evse", {"temperatureThreshold": 52}))
    await store.change("script", {"autoReload": True})
    assert loaded(tmp_path).evse.temperature_threshold_c == 52
    assert loaded(tmp_path).settings.script.auto_reload
    await store.flush()


async def test_what_is_put_while_another_section_is_being_saved_stays(tmp_path):
    store = loaded(tmp_path)
    saving = asyncio.create_task(store.change("script", {"autoReload": True}))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    store.put("evse", store.check("evse", {"temperatureThreshold": 52}))
    await saving
    assert store.evse.temperature_threshold_c == 52
    await store.flush()
    assert loaded(tmp_path).evse.temperature_threshold_c == 52
    assert loaded(tmp_path).settings.script.auto_reload


async def test_a_disk_that_fails_late_is_logged_and_tried_again(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr("evsed.settings.store._LATE_S", 0.01)
    monkeypatch.setattr("evsed.settings.store._AGAIN_S", 0.01)
    store = loaded(tmp_path)
    with monkeypatch.context() as broken:
        broken.setattr("os.fsync", _disk_full)
        store.put("evse", store.check("evse", {"temperatureThreshold": 52}))
        await _until(lambda: len(_errors(caplog)) >= 2)
        assert store.evse.temperature_threshold_c == 52
    await _until(lambda: loaded(tmp_path).evse.temperature_threshold_c == 52)


def _count_writes(store):
    written, original = [], store._write
    store._write = lambda text: (written.append(text), original(text))
    return written


def _disk_full(*_arguments):
    raise OSError(28, "No space left on device")


async def _until(condition):
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110  # a file does not ring
            await asyncio.sleep(0.01)


async def test_what_is_put_while_the_disk_is_slow_is_kept_by_a_flush(tmp_path, monkeypatch):
    monkeypatch.setattr("evsed.settings.store._LATE_S", 0.01)
    store = loaded(tmp_path)
    begun, going_on, write = threading.Event(), threading.Event(), store._write

    def slow(text):
        begun.set()
        going_on.wait(20)
        write(text)

    monkeypatch.setattr(store, "_write", slow)
    store.put("evse", store.check("evse", {"temperatureThreshold": 51}))
    await asyncio.to_thread(begun.wait, 20)
    store.put("evse", store.check("evse", {"temperatureThreshold": 52}))
    flushing = asyncio.create_task(store.flush())
    await asyncio.sleep(0)
    going_on.set()
    await flushing
    assert loaded(tmp_path).evse.temperature_threshold_c == 52
