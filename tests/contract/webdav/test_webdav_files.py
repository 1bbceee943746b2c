"""GET, PUT, MKCOL, DELETE, COPY and MOVE, and what stops them."""

import asyncio

import pytest
from dav_world import D, World, eventually, prop

from evsed.services.webdav import service


async def test_a_file_has_a_strong_tag_and_a_date(dav):
    made = await dav.ask("PUT", "/dav/usr/a.txt", "hello")
    got = await dav.ask("GET", "/dav/usr/a.txt")
    head = await dav.ask("HEAD", "/dav/usr/a.txt")
    assert made.headers["Etag"] == got.headers["Etag"] == head.headers["Etag"]
    assert got.headers["Etag"].startswith('"')
    assert head.headers["Content-Length"] == "5"
    assert head.body == b""
    listed = await dav.ask("PROPFIND", "/dav/usr/a.txt", prop("getetag", "getlastmodified"))
    assert listed.found(f"{D}getetag") == [got.headers["Etag"]]
    assert listed.found(f"{D}getlastmodified") == [got.headers["Last-Modified"]]


async def test_a_tag_changes_with_the_content(dav):
    first = await dav.ask("PUT", "/dav/usr/a", "one")
    second = await dav.ask("PUT", "/dav/usr/a", "two")
    assert first.headers["Etag"] != second.headers["Etag"]


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"If_Match": "{tag}"}, 204),
        ({"If_Match": '"x", {tag}'}, 204),
        ({"If_Match": "*"}, 204),
        ({"If_Match": '"other"'}, 412),
        ({"If_Match": "W/{tag}"}, 412),
        ({"If_None_Match": "*"}, 412),
        ({"If_None_Match": "{tag}"}, 412),
        ({"If_None_Match": '"other"'}, 204),
        ({"If_Unmodified_Since": "Thu, 01 Jan 1998 00:00:00 GMT"}, 412),
        ({"If_Unmodified_Since": "Fri, 01 Jan 2100 00:00:00 GMT"}, 204),
        ({"If_Unmodified_Since": "nonsense"}, 204),
        ({"If_": "([{tag}])"}, 204),
        ({"If_": '(["other"])'}, 412),
        ({"If_": '(Not ["other"])'}, 204),
        ({"If_": "(<urn:uuid:none>)"}, 412),
        ({"If_": '(<urn:uuid:none>) ([{tag}] Not ["x"])'}, 204),
        ({"If_": "</dav/usr/a> ([{tag}])"}, 204),
        ({"If_": "</dav/usr/none> ([{tag}])"}, 412),
        ({"If_": "<http://elsewhere/dav/usr/a> ([{tag}])"}, 412),
        ({"If_": "broken"}, 400),
        ({"If_": "()"}, 400),
    ],
)
async def test_conditions_of_a_put(dav, headers, code):
    tag = (await dav.ask("PUT", "/dav/usr/a", "old")).headers["Etag"]
    given = {name: value.format(tag=tag) for name, value in headers.items()}
    assert (await dav.ask("PUT", "/dav/usr/a", "new", **given)).status == code
    assert dav.at("a").read_text() == ("new" if code == 204 else "old")
    assert dav.leftovers() == []


async def test_a_new_file_can_be_demanded_or_forbidden(dav):
    assert (await dav.ask("PUT", "/dav/usr/a", "x", If_Match="*")).status == 412
    assert (await dav.ask("PUT", "/dav/usr/a", "x", If_None_Match="*")).status == 201
    assert (await dav.ask("DELETE", "/dav/usr/a", If_Match='"x"')).status == 412
    assert (await dav.ask("DELETE", "/dav/usr/a")).status == 204
    assert (await dav.ask("DELETE", "/dav/usr/a")).status == 404


async def test_of_two_editors_the_second_is_told(dav):
    tag = (await dav.ask("PUT", "/dav/usr/a", "base")).headers["Etag"]
    answers = await asyncio.gather(
        *(dav.ask("PUT", "/dav/usr/a", f"editor {one}" * 5000, If_Match=tag) for one in range(4))
    )
    assert sorted(answer.status for answer in answers) == [204, 412, 412, 412]
    assert dav.leftovers() == []


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"If_None_Match": "{tag}"}, 304),
        ({"If_None_Match": "W/{tag}"}, 304),
        ({"If_None_Match": '"other"'}, 200),
        ({"If_Modified_Since": "{date}"}, 304),
        ({"If_Modified_Since": "Thu, 01 Jan 1998 00:00:00 GMT"}, 200),
        ({"If_Modified_Since": "soon"}, 200),
        ({"If_None_Match": '"other"', "If_Modified_Since": "{date}"}, 200),
        ({"If_Match": '"other"'}, 412),
    ],
)
async def test_conditions_of_a_get(dav, headers, code):
    dav.at("a").write_text("hello")
    facts = (await dav.ask("HEAD", "/dav/usr/a")).headers
    given = {
        name: value.format(tag=facts["Etag"], date=facts["Last-Modified"])
        for name, value in headers.items()
    }
    for method in ("GET", "HEAD"):
        answer = await dav.ask(method, "/dav/usr/a", **given)
        assert answer.status == code
        if code == 304:
            assert answer.headers["Etag"] == facts["Etag"]
            assert answer.body == b""


@pytest.mark.parametrize("size", [10, 200_000])
@pytest.mark.parametrize(
    ("header", "part"),
    [
        ("bytes=0-3", slice(0, 4)),
        ("bytes=5-", slice(5, None)),
        ("bytes=-2", slice(-2, None)),
        ("bytes=8-99999999", slice(8, None)),
        ("BYTES = 1 - 1", slice(1, 2)),
    ],
)
async def test_a_part_of_a_file_is_sent(dav, size, header, part):
    data = bytes(number % 251 for number in range(size))
    dav.at("a").write_bytes(data)
    answer = await dav.ask("GET", "/dav/usr/a", Range=header)
    assert (answer.status, answer.body) == (206, data[part])
    first = range(size)[part][0]
    assert answer.headers["Content-Range"] == f"bytes {first}-{range(size)[part][-1]}/{size}"


@pytest.mark.parametrize("header", ["bytes=3-2", "bytes=a-b", "items=0-1", "bytes=0-1,3-4", "b"])
async def test_a_range_that_is_none_gets_everything(dav, header):
    dav.at("a").write_text("hello")
    assert (await dav.ask("GET", "/dav/usr/a", Range=header)).status == 200


async def test_a_range_outside_the_file_is_refused(dav):
    dav.at("a").write_text("hello")
    for header in ("bytes=5-", "bytes=99-100", "bytes=-0"):
        answer = await dav.ask("GET", "/dav/usr/a", Range=header)
        assert (answer.status, answer.headers["Content-Range"]) == (416, "bytes */5")


async def test_a_range_of_another_version_gets_everything(dav):
    dav.at("a").write_text("hello")
    tag = (await dav.ask("HEAD", "/dav/usr/a")).headers["Etag"]
    parts = [
        await dav.ask("GET", "/dav/usr/a", Range="bytes=1-1", If_Range=value)
        for value in (tag, '"old"')
    ]
    assert [answer.status for answer in parts] == [206, 200]


async def test_an_interrupted_upload_leaves_the_old_file(dav):
    dav.at("a").write_text("old")
    for head in ("Content-Length: 100000", "Transfer-Encoding: chunked"):
        _, writer = await asyncio.open_connection("127.0.0.1", dav.http.port)
        host = f"Host: 127.0.0.1:{dav.http.port}"
        writer.write(f"PUT /dav/usr/a HTTP/1.1\r\n{host}\r\n{head}\r\n\r\n".encode())
        body = b"x" * 70_000
        writer.write(b"11170\r\n" + body + b"\r\n" if "chunked" in head else body)
        await writer.drain()
        await eventually(dav.leftovers)
        writer.transport.abort()
        await eventually(lambda: not dav.leftovers())
        writer.close()
    assert dav.at("a").read_text() == "old"
    assert dav.files.quota.available_bytes(1 << 50) == 256 * 1024 * 1024 - 3


async def test_a_broken_chunk_leaves_the_old_file(dav):
    dav.at("a").write_text("old")
    answer = await dav.send(
        b"PUT /dav/usr/a HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n"
        b"Connection: close\r\n\r\n5\r\nhello\r\nzz\r\n"
    )
    assert answer.status == 400
    assert dav.at("a").read_text() == "old"
    assert dav.leftovers() == []


async def test_a_chunked_upload_arrives_whole(dav):
    answer = await dav.send(
        b"PUT /dav/usr/a HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n"
        b"X-Expected-Entity-Length: 8\r\nConnection: close\r\n\r\n"
        b"5\r\nhello\r\n3\r\n yo\r\n0\r\n\r\n"
    )
    assert answer.status == 201
    assert dav.at("a").read_text() == "hello yo"


async def test_an_upload_that_stalls_is_given_up(dav, monkeypatch):
    monkeypatch.setattr("evsed.services.webdav.receiving.pieces_of.__defaults__", (0.2,))
    answer = await dav.send(
        b"PUT /dav/usr/a HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9\r\n\r\nhel"
    )
    assert answer.status == 408
    assert not dav.at("a").exists()
    assert dav.leftovers() == []


async def test_an_upload_that_comes_in_drops_is_given_up(dav, monkeypatch):
    monkeypatch.setattr("evsed.services.webdav.receiving.pieces_of.__defaults__", (0.2,))
    reader, writer = await asyncio.open_connection("127.0.0.1", dav.http.port)
    writer.write(b"PUT /dav/usr/a HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 999\r\n\r\n")
    answer = asyncio.create_task(reader.readline())
    while not answer.done():
        writer.write(b"x")
        await asyncio.wait({answer}, timeout=0.05)
    assert b" 408 " in await answer
    writer.transport.abort()
    await eventually(lambda: dav.leftovers() == [])
    assert not dav.at("a").exists()


async def test_the_client_is_asked_for_the_body_only_when_it_is_wanted(dav):
    head = "PUT /dav/usr/{} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 5\r\n"
    head += "Expect: 100-continue\r\nConnection: close\r\n\r\n"
    wanted = await dav.send(head.format("a").encode() + b"hello")
    assert wanted.status == 100
    assert dav.at("a").read_text() == "hello"
    refused = await dav.send(head.format("none/a").encode())
    assert (refused.status, refused.headers["Connection"]) == (409, "close")


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"Content_Range": "bytes 0-3/4"}, 400),
        ({"Content_Encoding": "compress"}, 415),
        ({"Content_Encoding": "identity"}, 201),
        ({"Content_Type": "multipart/form-data; boundary=x"}, 201),
    ],
)
async def test_headers_of_an_upload(dav, headers, code):
    assert (await dav.ask("PUT", "/dav/usr/a", "text", **headers)).status == code


async def test_nothing_is_put_over_a_collection(dav):
    for target in ("/dav/usr/lua", "/dav/usr/lua/", "/dav/usr/", "/dav/usr", "/dav/", "/dav"):
        answer = await dav.ask("PUT", target, "x")
        assert answer.status == 405, target
        assert "PROPFIND" in answer.headers["Allow"]
    assert (await dav.ask("PUT", "/dav/usr/new/", "x")).status == 405


async def test_mkcol_refuses_what_is_there_and_what_has_no_place(dav):
    dav.at("file").write_text("x")
    for target in ("/dav/usr/lua/", "/dav/usr/file", "/dav/usr/", "/dav/"):
        assert (await dav.ask("MKCOL", target)).status == 405, target
    assert (await dav.ask("MKCOL", "/dav/usr/no/d")).status == 409
    assert (await dav.ask("MKCOL", "/dav/usr/file/d")).status == 409
    assert (await dav.ask("MKCOL", "/dav/usr/d", "<x/>")).status == 415
    assert not dav.at("d").exists()


async def test_a_collection_is_only_removed_whole(dav):
    dav.at("lua/a").write_text("x")
    for depth in ("0", "1"):
        assert (await dav.ask("DELETE", "/dav/usr/lua/", Depth=depth)).status == 400
    assert dav.at("lua/a").exists()
    assert (await dav.ask("DELETE", "/dav/usr/lua/", Depth="Infinity")).status == 204
    assert not dav.at("lua").exists()


@pytest.mark.parametrize("method", ["COPY", "MOVE"])
@pytest.mark.parametrize("source", ["file", "folder"])
@pytest.mark.parametrize("target", ["file", "folder"])
async def test_a_target_is_replaced_whole(dav, method, source, target):
    for name, kind in (("old", source), ("new", target)):
        if kind == "file":
            dav.at(name).write_text(name)
        else:
            dav.at(name).mkdir()
            (dav.at(name) / name).write_text(name)
    refused = await dav.ask(method, "/dav/usr/old", Destination="/dav/usr/new", Overwrite="f")
    assert refused.status == 412
    answer = await dav.ask(method, "/dav/usr/old", Destination="/dav/usr/new")
    assert answer.status == 204
    there = dav.at("new") if source == "file" else dav.at("new/old")
    assert there.read_text() == "old"
    assert dav.at("old").exists() is (method == "COPY")
    assert source == "file" or [path.name for path in dav.at("new").iterdir()] == ["old"]
    assert dav.leftovers() == []


async def test_a_collection_without_its_members(dav):
    dav.at("lua/a").write_text("x")
    assert (
        await dav.ask("COPY", "/dav/usr/lua/", Destination="/dav/usr/c", Depth="0")
    ).status == 201
    assert list(dav.at("c").iterdir()) == []
    one = await dav.ask("COPY", "/dav/usr/lua/", Destination="/dav/usr/e", Depth="1")
    assert one.status == 400
    moved = await dav.ask("MOVE", "/dav/usr/lua/", Destination="/dav/usr/e", Depth="0")
    assert moved.status == 400


async def test_source_and_destination_must_be_apart(dav):
    dav.at("lua/deep").mkdir()
    for source, target in (("lua", "lua"), ("lua", "lua/deep/x"), ("lua/deep", "lua")):
        for method in ("COPY", "MOVE"):
            answer = await dav.ask(method, f"/dav/usr/{source}/", Destination=f"/dav/usr/{target}/")
            assert answer.status == 403
    assert dav.at("lua/deep").is_dir()


@pytest.mark.parametrize(
    ("headers", "code"),
    [({"Overwrite": "X"}, 400), ({"Depth": "2"}, 400), ({"Depth": "infinity"}, 201)],
)
async def test_headers_of_a_move(dav, headers, code):
    dav.at("a").write_text("a")
    answer = await dav.ask("MOVE", "/dav/usr/a", Destination="/dav/usr/b", **headers)
    assert answer.status == code


async def test_other_methods_are_named_with_those_there_are(dav):
    dav.at("a").write_text("a")
    for method in ("POST", "PATCH", "REPORT", "TRACE"):
        answer = await dav.ask(method, "/dav/usr/a")
        assert answer.status == 405
        assert "PUT" in answer.headers["Allow"]


@pytest.mark.parametrize(
    ("target", "has", "lacks"),
    [
        ("/dav/", "PROPFIND", "DELETE"),
        ("/dav/usr/", "LOCK", "DELETE"),
        ("/dav/usr/lua/", "DELETE", "PUT"),
        ("/dav/usr/file", "PUT", "MKCOL"),
        ("/dav/usr/none", "MKCOL", "GET"),
    ],
)
async def test_options_say_what_can_be_done(dav, target, has, lacks):
    dav.at("file").write_text("x")
    answer = await dav.ask("OPTIONS", target)
    methods = answer.headers["Allow"].split(", ")
    assert (answer.status, answer.body, answer.headers["Dav"]) == (200, b"", "1, 2")
    assert has in methods
    assert lacks not in methods


async def test_ten_quick_uploads_are_one_notice(dav):
    for number in range(10):
        await dav.ask("PUT", f"/dav/usr/lua/{number}.lua", "x")
    await dav.ask("PUT", "/dav/usr/lua/notes.txt", "x")
    await eventually(lambda: dav.told)
    assert dav.told == [{f"lua/{number}.lua" for number in range(10)}]


async def test_both_names_of_a_moved_script_are_told(dav):
    await dav.ask("PUT", "/dav/usr/lua/a.lua", "x")
    await dav.ask("MOVE", "/dav/usr/lua/a.lua", Destination="/dav/usr/lua/b.lua")
    await dav.ask("DELETE", "/dav/usr/lua/b.lua")
    await eventually(lambda: dav.told)
    assert dav.told == [{"lua/a.lua", "lua/b.lua"}]


async def test_a_root_that_somebody_removed_is_not_found_until_it_is_back(dav):
    dav.at("lua").rmdir()
    dav.usr.rmdir()
    assert (await dav.ask("PROPFIND", "/dav/usr/")).status == 404
    assert (await dav.ask("PUT", "/dav/usr/a", "x")).status == 409
    dav.usr.mkdir()
    assert (await dav.ask("PUT", "/dav/usr/a", "x")).status == 201


async def test_a_request_that_comes_before_the_files_are_ready_waits_for_them(tmp_path):
    world = World(tmp_path)
    async with asyncio.TaskGroup() as tasks:
        door = tasks.create_task(world.http.serve())
        await asyncio.wait_for(world.http.ready.wait(), 10)
        asked = tasks.create_task(world.ask("PUT", "/dav/usr/early.lua", "print(1)"))
        files = tasks.create_task(world.service.serve())
        assert (await asked).status == 201
        for served in (door, files):
            served.cancel()
    assert world.at("early.lua").read_text() == "print(1)"


async def test_files_that_never_become_ready_are_503(tmp_path, monkeypatch):
    monkeypatch.setattr(service, "_PATIENCE_S", 0.01)
    world = World(tmp_path)
    door = asyncio.create_task(world.http.serve())
    await asyncio.wait_for(world.http.ready.wait(), 10)
    assert (await world.ask("GET", "/dav/usr/")).status == 503
    door.cancel()
    await asyncio.gather(door, return_exceptions=True)
