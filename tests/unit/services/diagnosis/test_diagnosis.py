"""A diagnosis is packed in a process of its own, whatever is missing or too large."""

import asyncio
import io
import zipfile
from contextlib import aclosing

import pytest

from evsed.errors import StorageError
from evsed.services.diagnosis import service as diagnosis
from evsed.services.diagnosis.service import DiagnosisService
from evsed.services.diagnosis.worker import MAX_FILE_BYTES

FOLDER = "evsed-diagnosis/"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "board.yaml").write_text("schema: 1\n")
    traces = tmp_path / "recordings"
    traces.mkdir()
    for number in range(7):
        (traces / f"2026010{number}T000000-pilot_fault.jsonl").write_text(f'{{"n":{number}}}\n')
    return tmp_path


def made(folder):
    return DiagnosisService(folder / "board.yaml", folder / "recordings")


async def packed(service, texts=()):
    body = b"".join([piece async for piece in service.pieces(texts)])
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        assert archive.testzip() is None
        return {name.removeprefix(FOLDER): archive.read(name) for name in archive.namelist()}


async def test_texts_board_and_the_newest_traces_are_in_it(folder):
    texts = [("info.json", "{}\n"), ("log.txt", "first\n"), ("log.txt", "überall\n")]
    found = await packed(made(folder), texts)
    assert found["info.json"] == b"{}\n"
    assert found["log.txt"].decode() == "first\nüberall\n"
    assert found["board.yaml"] == b"schema: 1\n"
    traces = sorted(name for name in found if name.startswith("traces/"))
    assert [name[14:15] for name in traces] == ["2", "3", "4", "5", "6"]


async def test_what_cannot_be_read_says_so_and_the_rest_is_there(tmp_path):
    found = await packed(made(tmp_path), [("log.txt", "line\n")])
    assert b"cannot be read: No such file" in found["board.yaml"]
    assert found["log.txt"] == b"line\n"


async def test_of_a_huge_file_the_end_is_kept(folder):
    trace = folder / "recordings" / "9.jsonl"
    trace.write_bytes(b"old" + b"x" * MAX_FILE_BYTES)
    found = await packed(made(folder))
    assert found["traces/9.jsonl"] == b"x" * MAX_FILE_BYTES


async def test_a_client_that_goes_leaves_no_process_and_no_lock(folder):
    service = made(folder)
    pieces = service.pieces([("log.txt", "line\n")])
    async with aclosing(pieces):
        assert (await anext(pieces)).startswith(b"PK")
    assert await packed(service)


async def test_two_at_once_take_turns(folder):
    service = made(folder)
    both = await asyncio.gather(packed(service), packed(service))
    assert both[0] == both[1]


async def test_a_worker_that_fails_is_no_archive(folder, monkeypatch):
    monkeypatch.setattr(diagnosis, "_WORKER", "evsed.services.diagnosis.no_such_module")
    with pytest.raises(StorageError):
        await packed(made(folder))


async def test_a_password_in_an_address_is_not_in_it(folder):
    (folder / "board.yaml").write_text("ota: [{name: a, path: 'https://me:s3cret@host/x.json'}]\n")
    found = await packed(made(folder), [("log.txt", "asked https://me:s3cret@host/x.json\n")])
    assert found["board.yaml"] == b"ota: [{name: a, path: 'https://***@host/x.json'}]\n"
    assert found["log.txt"] == b"asked https://***@host/x.json\n"


async def test_texts_that_fail_hold_nobody_up(folder):
    def failing():
        yield "log.txt", "line\n"
        raise ValueError("no more")

    service = made(folder)
    with pytest.raises(ValueError, match="no more"):
        await packed(service, failing())
    assert (await packed(service, [("log.txt", "line\n")]))["log.txt"] == b"line\n"
