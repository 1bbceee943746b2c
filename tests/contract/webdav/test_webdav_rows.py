"""The sixteen rows of webdav.md section 9."""

from dav_world import D, prop


async def test_the_root_of_the_server_says_that_it_speaks_webdav(dav):
    answer = await dav.ask("OPTIONS", "/")
    assert answer.status == 200
    assert answer.headers["Dav"] == "1, 2"
    assert answer.headers["Ms-Author-Via"] == "DAV"


async def test_the_path_without_its_slash_leads_to_the_one_with_it(dav):
    for method in ("PROPFIND", "GET", "HEAD"):
        answer = await dav.ask(method, "/dav", Depth="0")
        assert (answer.status, answer.headers["Location"]) == (301, "/dav/")
    assert (await dav.ask("OPTIONS", "/dav")).status == 200


async def test_the_virtual_root_has_one_member(dav):
    answer = await dav.ask("PROPFIND", "/dav/", Depth="1")
    assert answer.status == 207
    assert answer.hrefs == ["/dav/", "/dav/usr/"]
    assert answer.headers["Dav"] == "1, 2"


async def test_a_file_is_made_replaced_and_read(dav):
    assert (await dav.ask("PUT", "/dav/usr/lua/a.lua", "print(1)")).status == 201
    assert (await dav.ask("PUT", "/dav/usr/lua/a.lua", "print(22)")).status == 204
    answer = await dav.ask("GET", "/dav/usr/lua/a.lua")
    assert (answer.status, answer.text) == (200, "print(22)")
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert answer.headers["Content-Security-Policy"] == "sandbox"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


async def test_a_file_needs_its_collection(dav):
    assert (await dav.ask("PUT", "/dav/usr/none/a.lua", "x")).status == 409


async def test_nothing_is_made_beside_the_tree(dav):
    assert (await dav.ask("PUT", "/dav/a.lua", "x")).status == 403
    assert (await dav.ask("MKCOL", "/dav/x")).status == 403


async def test_the_tree_itself_stays(dav):
    assert (await dav.ask("DELETE", "/dav/usr/")).status == 403
    moved = await dav.ask("MOVE", "/dav/usr/", Destination="/dav/usr/x/")
    assert moved.status == 403
    assert dav.at("lua").is_dir()


async def test_a_collection_is_made_once(dav):
    assert (await dav.ask("MKCOL", "/dav/usr/d")).status == 201
    again = await dav.ask("MKCOL", "/dav/usr/d")
    assert again.status == 405
    assert "PROPFIND" in again.headers["Allow"]


async def test_a_collection_does_not_move_into_itself(dav):
    dav.at("lua/a.lua").write_text("a")
    answer = await dav.ask("MOVE", "/dav/usr/lua/", Destination=dav.url("/dav/usr/lua/x"))
    assert answer.status == 403
    assert [path.name for path in dav.at("lua").iterdir()] == ["a.lua"]


async def test_nothing_is_overwritten_against_the_clients_will(dav):
    dav.at("lua/a.lua").write_text("a")
    dav.at("lua/b.lua").write_text("b")
    answer = await dav.ask(
        "MOVE", "/dav/usr/lua/a.lua", Destination="/dav/usr/lua/b.lua", Overwrite="F"
    )
    assert answer.status == 412
    assert dav.at("lua/a.lua").read_text() == "a"
    assert dav.at("lua/b.lua").read_text() == "b"


async def test_a_collection_is_copied_with_its_members(dav):
    dav.at("lua/deep").mkdir()
    dav.at("lua/deep/a.lua").write_text("a")
    answer = await dav.ask("COPY", "/dav/usr/lua/", Destination="/dav/usr/copy/")
    assert answer.status == 201
    assert dav.at("copy/deep/a.lua").read_text() == "a"
    assert dav.at("lua/deep/a.lua").read_text() == "a"


async def test_dots_lead_nowhere(dav):
    (dav.state_dir / "settings.json").write_text("secret")
    answer = await dav.ask("GET", "/dav/usr/%2e%2e/settings.json")
    assert answer.status == 403
    assert b"secret" not in answer.body


async def test_a_fragment_is_refused(dav):
    await dav.ask("MKCOL", "/dav/usr/d")
    assert (await dav.ask("DELETE", "/dav/usr/d#x")).status == 400
    assert dav.at("d").is_dir()


async def test_without_a_depth_the_whole_tree_is_listed(dav):
    dav.at("lua/deep").mkdir()
    dav.at("lua/deep/a.lua").write_text("a")
    answer = await dav.ask("PROPFIND", "/dav/usr/", prop("getcontentlength"))
    assert answer.status == 207
    assert answer.hrefs == [
        "/dav/usr/",
        "/dav/usr/lua/",
        "/dav/usr/lua/deep/",
        "/dav/usr/lua/deep/a.lua",
    ]
    assert answer.found(f"{D}getcontentlength")[-1] == "1"


async def test_a_link_does_not_exist(dav):
    dav.at("link").symlink_to("/etc/passwd")
    assert (await dav.ask("GET", "/dav/usr/link")).status == 404
