"""What a power cut leaves, and what a failing disk does."""

import os
import threading

import pytest

from evsed.services.webdav.copying import StoppedError, copy, measure, move
from evsed.services.webdav.deposit import NewFile, make_collection, recover
from evsed.services.webdav.errors import DavError
from evsed.services.webdav.removal import remove
from evsed.services.webdav.tree import Tree


@pytest.fixture
def tree(tmp_path):
    return Tree(tmp_path)


def _names(tree):
    return sorted(str(path.relative_to(tree.root)) for path in tree.root.rglob("*"))


def test_unfinished_files_are_forgotten_at_start(tree):
    make_collection(tree, ("d",))
    (tree.root / ".evsed-put-1").write_text("half")
    (tree.root / "d/.evsed-put-2").mkdir()
    (tree.root / "d/.evsed-put-2/x").write_text("half a copy")
    (tree.root / "d/keep").write_text("keep")
    recover(tree)
    assert _names(tree) == ["d", "d/keep"]


def test_what_was_moved_aside_comes_back_unless_it_was_replaced(tree):
    for number in (1, 2):
        (tree.root / f".evsed-old-{number}/d{number}").mkdir(parents=True)
        (tree.root / f".evsed-old-{number}/d{number}/old").write_text("old")
    (tree.root / "d2").mkdir()
    recover(tree)
    assert _names(tree) == ["d1", "d1/old", "d2"]


def test_links_are_not_followed_while_tidying(tree, tmp_path_factory):
    outside = tmp_path_factory.mktemp("outside")
    (outside / ".evsed-put-1").write_text("not ours")
    (tree.root / "link").symlink_to(outside)
    (tree.root / ".evsed-put-2").symlink_to(outside)
    recover(tree)
    assert _names(tree) == ["link"]
    assert (outside / ".evsed-put-1").exists()


def _fail(monkeypatch, name, number):
    """Let one call of the operating system fail: the one of that number."""
    real, calls = getattr(os, name), []

    def fail_once(*args, **more):
        calls.append(args)
        if len(calls) == number:
            raise OSError(5, "Input/output error")
        return real(*args, **more)

    monkeypatch.setattr(f"evsed.services.webdav.deposit.os.{name}", fail_once)


def _two_collections(tree):
    for name in ("old", "new"):
        (tree.root / name).mkdir()
        (tree.root / name / name).write_text(name)


@pytest.mark.parametrize("number", [1, 2])
def test_a_replacement_that_fails_leaves_both_as_they_were(tree, monkeypatch, number):
    _two_collections(tree)
    _fail(monkeypatch, "rename", number)
    with pytest.raises(OSError, match="Input/output"):
        move(tree, ("old",), ("new",))
    assert _names(tree) == ["new", "new/new", "old", "old/old"]


@pytest.mark.parametrize("number", [1, 2])
def test_what_was_replaced_stays_until_the_disk_has_its_replacement(tree, monkeypatch, number):
    _two_collections(tree)
    _fail(monkeypatch, "fsync", number)
    with pytest.raises(OSError, match="Input/output"):
        move(tree, ("old",), ("new",))
    assert [path.name for path in tree.root.glob(".evsed-old-*/new/*")] == ["new"]
    recover(tree)
    assert _names(tree) == ["new", "new/old"]


def test_a_collection_that_moves_away_takes_no_upload_with_it(tree):
    make_collection(tree, ("d",))
    with NewFile(tree, ("d", "a")) as upload:
        upload.write(b"x")
        upload.finish()
        move(tree, ("d",), ("e",))
        make_collection(tree, ("d",))
        with pytest.raises(DavError) as refused:
            upload.place()
    assert refused.value.status == 409
    assert _names(tree) == ["d", "e"]


def test_a_copy_that_is_stopped_leaves_nothing(tree):
    make_collection(tree, ("d",))
    (tree.root / "d/a").write_bytes(b"x" * 100)
    stopping = threading.Event()
    stopping.set()
    with pytest.raises(StoppedError):
        copy(tree, ("d",), ("e",), deep=True, stopping=stopping)
    assert _names(tree) == ["d", "d/a"]


def test_what_cannot_be_removed_is_named(tree, monkeypatch):
    for path in ("d/in/stays", "d/in/goes", "d/goes"):
        (tree.root / path).parent.mkdir(parents=True, exist_ok=True)
        (tree.root / path).write_text("x")
    real = os.unlink

    def refuse(name, **more):
        if name == "stays":
            raise PermissionError(1, "Operation not permitted")
        real(name, **more)

    monkeypatch.setattr("evsed.services.webdav.removal.os.unlink", refuse)
    removal = remove(tree, ("d",))
    assert [names for names, _ in removal.failed] == [("d", "in", "stays")]
    assert (removal.bytes, removal.entries) == (2, 2)
    assert _names(tree) == ["d", "d/in", "d/in/stays"]


def test_measuring_counts_what_clients_see(tree):
    (tree.root / "d/e").mkdir(parents=True)
    (tree.root / "d/e/f").write_bytes(b"x" * 10)
    (tree.root / "d/link").symlink_to("/etc")
    (tree.root / "d/.evsed-put-1").write_bytes(b"x" * 10)
    extent = measure(tree, ("d",))
    assert (extent.bytes, extent.entries, extent.levels, extent.longest_bytes) == (10, 3, 2, 4)
    assert measure(tree, ("none",)).entries == 0
