"""One user, a slow salted hash, a file that is never half written and never opens by accident."""

import asyncio
import json
import logging
import stat

import pytest

from evsed.errors import BadFileError, RejectedError, StorageError
from evsed.settings import credentials
from evsed.settings.credentials import FILE_NAME, CredentialStore, clear


@pytest.fixture
def store(tmp_path):
    store = CredentialStore(tmp_path)
    store.load()
    return store


@pytest.fixture
def file(tmp_path):
    return tmp_path / FILE_NAME


@pytest.fixture
def told(store):
    told = []
    store.on_change(lambda: told.append(store.active))
    return told


async def test_a_state_directory_that_is_a_file_holds_no_credentials(tmp_path):
    (tmp_path / "file").touch()
    store = CredentialStore(tmp_path / "file" / "state")
    store.load()
    assert not store.active
    await store.look()
    assert not store.active


async def test_without_a_file_nobody_needs_credentials_and_none_match(store):
    assert not store.active
    assert not await store.matches("", "")


async def test_what_was_saved_matches_and_nothing_else(store):
    await store.save("admin", "se:cret")
    assert store.active
    assert await store.matches("admin", "se:cret")
    for user, password in [("admin", "se"), ("Admin", "se:cret"), ("", "se:cret"), ("admin", "")]:
        assert not await store.matches(user, password)


async def test_the_next_start_knows_them(store, tmp_path):
    await store.save("Zoë", "\N{KEY} 密")
    again = CredentialStore(tmp_path)
    again.load()
    assert await again.matches("Zoë", "\N{KEY} 密")


async def test_the_file_is_private_and_holds_no_password(store, file):
    await store.save("admin", "correct horse")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert b"correct" not in file.read_bytes()


async def test_the_same_password_is_salted_anew(store, file):
    keys = set()
    for user in ("a", "b"):
        await store.save(user, "same")
        keys.add(json.loads(file.read_bytes())["scrypt"]["key"])
    assert len(keys) == 2


async def test_one_empty_part_still_closes_the_door(store):
    await store.save("", "x")
    assert store.active
    await store.save("x", "")
    assert await store.matches("x", "")
    assert not await store.matches("", "")


async def test_both_empty_opens_it_and_leaves_no_file(store, file, told):
    await store.save("a", "b")
    await store.save("", "")
    assert not store.active
    assert not file.exists()
    assert told == [True, False]


async def test_saving_the_same_again_changes_nothing(store, file, told):
    await store.save("a", "b")
    before = file.stat().st_mtime_ns, file.stat().st_ino
    await store.save("a", "b")
    assert (file.stat().st_mtime_ns, file.stat().st_ino) == before
    assert told == [True]


@pytest.mark.parametrize(
    ("user", "password", "key"),
    [
        ("a" * 65, "x", "user"),
        ("a:b", "x", "user"),
        ("a\n", "x", "user"),
        ("a\x7f", "x", "user"),
        ("a", "x" * 129, "password"),
        ("a", "\x00", "password"),
        ("a", "\x85", "password"),
    ],
)
async def test_what_basic_cannot_carry_is_refused(store, file, user, password, key):
    with pytest.raises(RejectedError, match=f"^{key}: "):
        await store.save(user, password)
    assert not file.exists()


async def test_the_longest_are_taken(store):
    await store.save("ü" * 64, ":" * 128)
    assert await store.matches("ü" * 64, ":" * 128)


async def test_when_the_disk_refuses_the_old_ones_stay(store, monkeypatch, told):
    await store.save("a", "b")

    def refuse(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(credentials, "replace_file", refuse)
    with pytest.raises(StorageError, match="No space left"):
        await store.save("a", "c")
    assert await store.matches("a", "b")
    assert told == [True]


GOOD = {"user": "a", "scrypt": {"n": 16384, "salt": "00" * 16, "key": "00" * 32}}
BROKEN = [
    b"",
    b"{}",
    b"[]",
    b"null",
    b"\xff\xfe",
    b"[" * 100_000,
    json.dumps(GOOD).encode()[:-5],
    json.dumps({**GOOD, "user": None}).encode(),
    json.dumps({**GOOD, "scrypt": {**GOOD["scrypt"], "n": 2**30}}).encode(),
    json.dumps({**GOOD, "scrypt": {**GOOD["scrypt"], "n": 3}}).encode(),
    json.dumps({**GOOD, "scrypt": {**GOOD["scrypt"], "n": True}}).encode(),
    json.dumps({**GOOD, "scrypt": {**GOOD["scrypt"], "key": ""}}).encode(),
    json.dumps({**GOOD, "scrypt": {**GOOD["scrypt"], "salt": "zz" * 16}}).encode(),
]


@pytest.mark.parametrize("data", BROKEN)
async def test_a_broken_file_lets_nobody_in_and_the_log_says_the_way_out(tmp_path, data, caplog):
    (tmp_path / FILE_NAME).write_bytes(data)
    store = CredentialStore(tmp_path)
    store.load()
    assert store.active
    assert not await store.matches("a", "")
    assert "evsed credentials clear" in caplog.text


async def test_a_file_that_cannot_be_read_lets_nobody_in(tmp_path):
    (tmp_path / FILE_NAME).mkdir()
    store = CredentialStore(tmp_path)
    store.load()
    assert store.active


async def test_clearing_opens_the_door_also_of_a_running_daemon(store, tmp_path, told):
    await store.save("a", "b")
    assert clear(tmp_path)
    await store.look()
    assert not store.active
    assert told == [True, False]
    assert not clear(tmp_path)


async def test_clearing_helps_against_a_broken_file(tmp_path):
    (tmp_path / FILE_NAME).write_bytes(b"?")
    store = CredentialStore(tmp_path)
    store.load()
    clear(tmp_path)
    await store.look()
    assert not store.active


async def test_a_file_that_was_replaced_is_read_again(store, tmp_path, told):
    await store.save("a", "b")
    other = CredentialStore(tmp_path)
    other.load()
    await other.save("a", "c")
    await store.look()
    assert await store.matches("a", "c")
    assert told == [True, True]


async def test_looking_at_an_unchanged_file_tells_nobody(store, told):
    await store.save("a", "b")
    await store.look()
    assert told == [True]


async def test_an_answer_about_old_credentials_is_no(store):
    await store.save("a", "b")
    asking = asyncio.create_task(store.matches("a", "b"))
    await asyncio.sleep(0)
    await store.save("", "")
    assert not await asking


def test_what_cannot_be_removed_is_said(tmp_path):
    (tmp_path / FILE_NAME / "x").mkdir(parents=True)
    with pytest.raises(BadFileError, match=FILE_NAME):
        clear(tmp_path)


async def test_nothing_of_it_reaches_log_or_repr(store, caplog):
    with caplog.at_level(logging.DEBUG):
        await store.save("somebody", "correct horse")
    assert "correct" not in caplog.text
    assert "somebody" not in repr(store._hashed)
