"""Clients of other people on a running daemon: litmus, rclone, cadaver."""

import re
from pathlib import Path

import pytest
from dav_client import content, request, run, serves_files, write_tree

GROUPS = {"basic": 16, "copymove": 13, "props": 30, "locks": 41, "http": 4}


def test_litmus_has_nothing_to_complain_about(street, folder):
    _, daemon = street
    said = run(["litmus", "-k", serves_files(daemon)], folder)
    found = re.findall(r"summary for `(\w+)': of (\d+) tests run: (\d+) passed, 0 failed", said)
    assert {name: int(passed) for name, _, passed in found} == GROUPS, said
    assert "WARNING" not in said
    assert "SKIPPED" not in said
    assert sum(int(run_) for _, run_, _ in found) == 104


@pytest.fixture
def rclone(street, folder):
    """Return what runs rclone on the daemon's files."""
    _, daemon = street
    environment = {
        "RCLONE_CONFIG": str(folder / "none"),
        "RCLONE_CONFIG_DAV_TYPE": "webdav",
        "RCLONE_CONFIG_DAV_URL": serves_files(daemon),
        "RCLONE_CONFIG_DAV_VENDOR": "other",
    }
    return lambda *words: run(["rclone", "--retries=1", *words], folder, environment=environment)


def test_rclone_brings_a_tree_there_and_back(rclone, street, folder):
    _, daemon = street
    write_tree(folder / "here")
    rclone("copy", "--create-empty-src-dirs", "here", "dav:rclone/tree")
    rclone("check", "--download", "here", "dav:rclone/tree")
    rclone("copy", "dav:rclone/tree", "back")
    assert content(folder / "back") == content(folder / "here")
    on_disk = content(daemon.state_dir / "usr" / "rclone" / "tree")
    assert sorted(on_disk.values()) == sorted(content(folder / "here").values())
    rclone("purge", "dav:rclone")
    assert not (daemon.state_dir / "usr" / "rclone").exists()


def test_rclone_moves_copies_and_synchronizes(rclone, folder):
    write_tree(folder / "here", ("a.lua", "\u00e4 b.lua"))
    rclone("copy", "here", "dav:work/one")
    rclone("moveto", "dav:work/one", "dav:work/two")
    rclone("copyto", "dav:work/two", "dav:work/three")
    (folder / "here" / "a.lua").unlink()
    rclone("sync", "here", "dav:work/two")
    assert "a.lua" not in rclone("lsf", "dav:work/two").splitlines()
    assert "a.lua" in rclone("lsf", "dav:work/three").splitlines()
    rclone("purge", "dav:work")
    assert "work/" not in rclone("lsf", "dav:")


NAMES = (
    "plain.lua",
    "with space.txt",
    "\u00fcml\u00e4ut.txt",
    "100%.txt",
    "#1?.txt",
    "quote's.txt",
)


def test_cadaver_brings_a_tree_there_and_back(street, folder):
    _, daemon = street
    address = serves_files(daemon)
    here, back = folder / "here", folder / "back"
    for place in (here, back):
        place.mkdir()
    for name in NAMES:
        (here / name).write_bytes(name.encode() * 5)
    puts = [f'put "{here / name}" "{name}"' for name in NAMES]
    gets = [f'get "{name}" "{back / name}"' for name in NAMES]
    said = _cadaver(folder, address, ["mkcol cad", "cd cad", *puts, "ls", *gets])
    assert content(back) == content(here), said
    more = [
        'mkcol "in side"',
        'copy plain.lua "in side/copy.lua"',
        'lock "in side/copy.lua"',
        "discover plain.lua",
        'unlock "in side/copy.lua"',
        'move "in side" moved',
        "propset plain.lua color red",
        "propget plain.lua color",
        'get moved/copy.lua "' + str(back / "copy.lua") + '"',
    ]
    said = _cadaver(folder, f"{address}cad/", more)
    assert "red" in said
    assert (back / "copy.lua").read_bytes() == (here / "plain.lua").read_bytes()
    _cadaver(folder, address, ["rmcol cad"])
    assert request(daemon, "GET", "/dav/usr/cad/")[0] == 404


def _cadaver(folder: Path, address: str, lines: list[str]) -> str:
    said = run(["cadaver", address], folder, "\n".join((*lines, "quit", "")))
    assert "failed" not in said.lower(), said
    assert "error" not in said.lower(), said
    return said
