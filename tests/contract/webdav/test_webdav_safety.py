"""Nothing outside the tree is reached, whatever a path says."""

import asyncio
import os
import socket
import threading

import pytest
from dav_world import D, prop, propset

#: what a request target, or a destination, may not be, and its code
REFUSED = [
    ("/dav/usr/../secret", 403),
    ("/dav/usr/./secret", 403),
    ("/dav/usr/%2e%2e/secret", 403),
    ("/dav/usr/%2E%2e/secret", 403),
    ("/dav/usr/.%2e/secret", 403),
    ("/dav/usr/lua/../../secret", 403),
    ("/dav/usr/lua%2f..%2f..%2fsecret", 403),
    ("/dav/usr/..%2fsecret", 403),
    ("/dav/usr/..%5csecret", 403),
    ("/dav/usr/a%5cb", 403),
    ("/dav/usr/a\\b", 403),
    ("/dav/usr/a%00b", 400),
    ("/dav/usr/..%00", 400),
    ("/dav/usr/a%0ab", 400),
    ("/dav/usr/a%7fb", 400),
    ("/dav/usr/a%c2%85b", 400),
    ("/dav/usr/a%ef%bf%bfb", 400),
    ("/dav/usr/a%ffb", 400),
    ("/dav/usr/%c0%ae%c0%ae/secret", 400),
    ("/dav/usr/a%zzb", 400),
    ("/dav/usr/a%", 400),
    ("/dav/usr/a%4", 400),
    ("/dav/usr/a#b", 400),
    ("/dav/usr/" + "n" * 256, 403),
    ("/dav/usr/" + "%c3%a4" * 128, 403),
    ("/dav/usr/" + "d/" * 16 + "x", 403),
    ("/dav/usr/" + "/".join(["m" * 200] * 6), 403),
    ("/dav/usr/.evsed-put-1", 403),
    ("/dav/usr/lua/.evsed-old-1/x", 403),
    ("/dav/usr/%2eevsed-x", 403),
]


@pytest.mark.parametrize(("target", "code"), REFUSED)
async def test_a_path_that_leads_elsewhere_is_refused(dav, target, code):
    (dav.state_dir / "secret").write_text("secret")
    for method in ("GET", "PUT", "DELETE", "PROPFIND", "MKCOL", "LOCK"):
        answer = await dav.ask(method, target, "x" if method == "PUT" else "")
        # llhttp refuses some targets before we see them
        assert answer.status in {code, 400}, method
        assert b"secret" not in answer.body
    assert (dav.state_dir / "secret").read_text() == "secret"
    assert sorted(path.name for path in dav.usr.rglob("*")) == ["lua"]


@pytest.mark.parametrize(("target", "code"), REFUSED)
async def test_a_destination_is_treated_like_a_path(dav, target, code):
    dav.at("lua/a.lua").write_text("a")
    for method in ("COPY", "MOVE"):
        for destination in (target, dav.url(target)):
            answer = await dav.ask(method, "/dav/usr/lua/a.lua", Destination=destination)
            assert answer.status == code, destination
    assert sorted(path.name for path in dav.state_dir.glob("*")) == [
        "dav-props.db",
        "dav-props.db-shm",
        "dav-props.db-wal",
        "usr",
    ]
    assert [path.name for path in dav.usr.rglob("*")] == ["lua", "a.lua"]


@pytest.mark.parametrize(
    ("destination", "code"),
    [
        (None, 400),
        ("", 400),
        ("lua/b.lua", 400),
        ("mailto:somebody", 400),
        ("//127.0.0.1/dav/usr/b", 403),
        ("http://elsewhere/dav/usr/b", 502),
        ("http://elsewhere:{port}/dav/usr/b", 502),
        ("http://127.0.0.1:1/dav/usr/b", 502),
        ("http://127.0.0.1/dav/usr/b", 502),
        ("/b", 403),
        ("/", 403),
        ("/dav/", 403),
        ("/dav/b", 403),
        ("/dav/usr", 403),
        ("/dav/usr/", 403),
        ("/davusr/b", 403),
        ("/dav/usr/none/b", 409),
        ("/dav/usr/lua/a.lua", 403),
        ("/dav/usr/lua/a.lua/x", 403),
    ],
)
async def test_a_destination_must_be_in_the_tree_of_this_server(dav, destination, code):
    dav.at("lua/a.lua").write_text("a")
    headers = {} if destination is None else {"Destination": destination.format(port=dav.http.port)}
    for method in ("COPY", "MOVE"):
        answer = await dav.ask(method, "/dav/usr/lua/a.lua", **headers)
        assert answer.status == code, answer
    assert dav.at("lua/a.lua").read_text() == "a"


@pytest.mark.parametrize(
    "destination",
    ["https://127.0.0.1:{port}/dav/usr/b", "http://me:pw@127.0.0.1:{port}/dav//usr//b?x=1"],
)
async def test_scheme_user_and_query_of_a_destination_do_not_matter(dav, destination):
    dav.at("lua/a.lua").write_text("a")
    answer = await dav.ask(
        "COPY", "/dav/usr/lua/a.lua", Destination=destination.format(port=dav.http.port)
    )
    assert answer.status == 201
    assert dav.at("b").read_text() == "a"


async def test_default_ports_need_not_be_written(dav):
    dav.at("a").write_text("a")
    answer = await dav.ask(
        "COPY", "/dav/usr/a", Host="Charger", Destination="http://charger:80/dav/usr/b"
    )
    assert answer.status == 201


async def test_empty_segments_and_decomposed_letters_name_the_same_file(dav):
    assert (await dav.ask("PUT", "/dav/usr//lua///%C3%A4.lua", "a")).status == 201
    assert (await dav.ask("GET", "/dav/usr/lua/a%CC%88.lua")).text == "a"
    assert dav.at("lua/\u00e4.lua").exists()


async def test_an_absolute_request_target_is_understood(dav):
    dav.at("lua/a.lua").write_text("a")
    answer = await dav.ask("GET", dav.url("/dav/usr/lua/a.lua?x"))
    assert (answer.status, answer.text) == (200, "a")


def _plant(dav):
    """Put everything into the tree that clients must not see; return the names."""
    outside = dav.state_dir / "outside"
    outside.mkdir()
    (outside / "secret").write_text("secret")
    dav.at("file-link").symlink_to(outside / "secret")
    dav.at("folder-link").symlink_to(outside)
    dav.at("dangling").symlink_to("nowhere")
    dav.at("twice").hardlink_to(outside / "secret")
    os.mkfifo(dav.at("pipe"))
    with socket.socket(socket.AF_UNIX) as listening:
        here = os.open(dav.usr, os.O_RDONLY)
        try:
            listening.bind(f"/proc/self/fd/{here}/socket")
        finally:
            os.close(here)
    return ("file-link", "folder-link", "dangling", "twice", "pipe", "socket")


async def test_only_files_and_directories_exist(dav):
    names = _plant(dav)
    listed = await dav.ask("PROPFIND", "/dav/usr/", Depth="infinity")
    assert listed.hrefs == ["/dav/usr/", "/dav/usr/lua/"]
    for name in names:
        for method in ("GET", "HEAD", "PROPFIND", "DELETE", "PROPPATCH"):
            body = propset('<a xmlns="b"/>') if method == "PROPPATCH" else ""
            answer = await dav.ask(method, f"/dav/usr/{name}", body)
            assert answer.status == 404, (method, name)
        assert (await dav.ask("PUT", f"/dav/usr/{name}", "x")).status == 403
        assert (await dav.ask("LOCK", f"/dav/usr/{name}", "x")).status in {400, 403}
        copied = await dav.ask("COPY", f"/dav/usr/{name}", Destination="/dav/usr/c")
        assert copied.status == 404
    assert (dav.state_dir / "outside" / "secret").read_text() == "secret"


async def test_nothing_is_put_through_a_link_to_a_directory(dav):
    _plant(dav)
    for target in ("/dav/usr/folder-link/new", "/dav/usr/folder-link/secret"):
        assert (await dav.ask("PUT", target, "x")).status == 409
        assert (await dav.ask("GET", target)).status == 404
        assert (await dav.ask("DELETE", target)).status == 404
        assert (await dav.ask("MKCOL", target)).status == 409
    assert [path.name for path in (dav.state_dir / "outside").iterdir()] == ["secret"]


async def test_a_copied_collection_brings_no_links(dav):
    dav.at("d").mkdir()
    dav.at("d/link").symlink_to("/etc/passwd")
    dav.at("d/file").write_text("f")
    await dav.ask("COPY", "/dav/usr/d/", Destination="/dav/usr/e/")
    assert [path.name for path in dav.at("e").iterdir()] == ["file"]


async def test_removing_a_collection_follows_no_link(dav):
    names = _plant(dav)
    dav.at("d").mkdir()
    for name in names:
        dav.at(name).rename(dav.at("d") / name)
    assert (await dav.ask("DELETE", "/dav/usr/d/")).status == 204
    assert not dav.at("d").exists()
    assert (dav.state_dir / "outside" / "secret").read_text() == "secret"


async def test_a_directory_exchanged_for_a_link_during_the_walk_reveals_nothing(dav):
    outside = dav.state_dir / "outside"
    outside.mkdir()
    (outside / "file").write_text("secret")
    inside, other = dav.at("d"), dav.at("hidden")
    inside.mkdir()
    (inside / "file").write_text("ours")
    other.symlink_to(outside)
    ending = threading.Event()

    def exchange() -> None:
        while not ending.is_set():
            inside.rename(dav.at("away"))
            other.rename(inside)
            inside.rename(other)
            dav.at("away").rename(inside)

    exchanging = asyncio.create_task(asyncio.to_thread(exchange))
    try:
        seen = {(await dav.ask("GET", "/dav/usr/d/file")).body for _ in range(150)}
        for number in range(50):
            await dav.ask("PUT", f"/dav/usr/d/new{number}", "x")
    finally:
        ending.set()
        await exchanging
    assert b"secret" not in b"".join(seen)
    assert [path.name for path in outside.iterdir()] == ["file"]


async def test_uploads_never_run_in_a_browser(dav):
    page = "<script>alert(1)</script>"
    for name in ("page.html", "picture.svg", "page.xhtml", "noname"):
        await dav.ask("PUT", f"/dav/usr/{name}", page)
        answer = await dav.ask("GET", f"/dav/usr/{name}")
        assert answer.headers["Content-Type"] == "application/octet-stream"
        assert answer.headers["Content-Security-Policy"] == "sandbox"


async def test_names_are_escaped_wherever_they_appear(dav):
    name = "%3Cb%3E%22'&amp;%3C%2Fx"  # has an encoded slash
    assert (await dav.ask("PUT", f"/dav/usr/{name}", "x")).status == 403
    name = "%3Cb%3E%22'&amp;]]%3E"
    assert (await dav.ask("PUT", f"/dav/usr/{name}", "x")).status == 201
    listed = await dav.ask("PROPFIND", "/dav/usr/", prop("displayname"), Depth="1")
    assert "<b>\"'&amp;]]>" in listed.found(f"{D}displayname")
    page = await dav.ask("GET", "/dav/usr/")
    assert page.headers["Content-Type"].startswith("text/html")
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert "<b>" not in page.text
    assert "&lt;b&gt;" in page.text


async def test_new_files_have_fixed_modes(dav):
    before = os.umask(0)
    try:
        await dav.ask("PUT", "/dav/usr/a", "x")
        await dav.ask("MKCOL", "/dav/usr/d")
        await dav.ask("COPY", "/dav/usr/a", Destination="/dav/usr/d/b")
    finally:
        os.umask(before)
    modes = [dav.at(name).stat().st_mode & 0o7777 for name in ("a", "d", "d/b")]
    assert modes == [0o640, 0o750, 0o640]


async def test_a_disk_that_refuses_is_an_answer_and_loses_nothing(dav, monkeypatch):
    dav.at("a").write_text("old")

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("evsed.services.webdav.deposit.os.write", full)
    assert (await dav.ask("PUT", "/dav/usr/a", "new")).status == 507
    monkeypatch.undo()
    assert dav.at("a").read_text() == "old"
    assert dav.leftovers() == []
