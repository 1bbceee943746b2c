"""PROPFIND and PROPPATCH, beyond what litmus asks."""

import contextlib
import sqlite3

import pytest
from dav_world import D, World, prop, propset


async def test_everything_that_is_known_of_a_file(dav):
    dav.at("a.lua").write_text("hello")
    answer = await dav.ask("PROPFIND", "/dav/usr/a.lua")
    assert answer.headers["Content-Type"] == "application/xml; charset=utf-8"
    ((code, names),) = answer.stats()
    assert code == 200
    assert {name.removeprefix(D) for name in names} == {
        *("creationdate", "displayname", "getcontentlength", "getcontenttype", "getetag"),
        *("getlastmodified", "lockdiscovery", "resourcetype", "supportedlock"),
    }
    assert answer.found(f"{D}displayname") == ["a.lua"]
    assert answer.found(f"{D}getcontentlength") == ["5"]
    assert answer.found(f"{D}getcontenttype") == ["text/plain; charset=utf-8"]


async def test_a_collection_says_so(dav):
    answer = await dav.ask("PROPFIND", "/dav/usr/lua/", prop("resourcetype", "getetag"), Depth="0")
    assert len(answer.xml.findall(f".//{D}resourcetype/{D}collection")) == 1
    assert [code for code, _ in answer.stats()] == [200, 404]


async def test_what_is_not_known_is_listed_apart(dav):
    body = (
        '<D:propfind xmlns:D="DAV:" xmlns:m="urn:mine"><D:prop><D:getetag/><D:nothing/><m:x/>'
        '<y xmlns=""/></D:prop></D:propfind>'
    )
    dav.at("a").touch()
    found, absent = (await dav.ask("PROPFIND", "/dav/usr/a", body)).stats()
    assert found == (200, [f"{D}getetag"])
    assert absent == (404, [f"{D}nothing", "{urn:mine}x", "y"])


async def test_names_come_without_values(dav):
    dav.at("a").write_text("x")
    await dav.ask("PROPPATCH", "/dav/usr/a", propset('<m:x xmlns:m="urn:mine">1</m:x>'))
    answer = await dav.ask(
        "PROPFIND", "/dav/usr/a", '<propfind xmlns="DAV:"><propname/></propfind>'
    )
    ((code, names),) = answer.stats()
    assert code == 200
    assert {"{urn:mine}x", f"{D}getetag"} <= set(names)
    assert all(one.text is None for one in answer.xml.iter("{urn:mine}x"))


async def test_included_properties_come_with_all_the_others(dav):
    body = (
        '<D:propfind xmlns:D="DAV:"><D:allprop/><D:include><D:quota-used-bytes/><D:getetag/>'
        "</D:include></D:propfind>"
    )
    answer = await dav.ask("PROPFIND", "/dav/usr/", body, Depth="0")
    assert answer.found(f"{D}quota-used-bytes") == ["0"]
    assert len(answer.xml.findall(f".//{D}resourcetype")) == 1


@pytest.mark.parametrize("depth", ["2", "-1", "x", "", "0, 1"])
async def test_another_depth_is_refused(dav, depth):
    assert (await dav.ask("PROPFIND", "/dav/usr/", Depth=depth)).status == 400


async def test_a_collection_without_its_slash_leads_to_it(dav):
    for target, there in (("/dav/usr", "/dav/usr/"), ("/dav/usr/lua", "/dav/usr/lua/")):
        for method in ("PROPFIND", "GET", "HEAD"):
            answer = await dav.ask(method, target, Depth="1")
            assert (answer.status, answer.headers["Location"]) == (301, there)


async def test_missing_things_are_not_found(dav):
    dav.at("file").touch()
    for target in ("/dav/usr/none", "/dav/none", "/dav/none/", "/dav/usr/file/x", "/dav/usr/file/"):
        for method in ("PROPFIND", "GET", "HEAD"):
            assert (await dav.ask(method, target)).status == 404, target


async def test_the_whole_server_is_listed_from_the_virtual_root(dav):
    dav.at("lua/a").touch()
    answer = await dav.ask("PROPFIND", "/dav/", Depth="infinity")
    assert answer.hrefs == ["/dav/", "/dav/usr/", "/dav/usr/lua/", "/dav/usr/lua/a"]


VALUE = (
    '<m:x xmlns:m="urn:mine" xmlns:o="urn:other" a="1 &lt; 2" o:b="&quot;">text &amp; '
    '<o:y/><z xmlns="urn:z">\u00e4\U0001f50c</z> tail</m:x>'
)


async def test_a_value_comes_back_as_xml(dav):
    dav.at("a").touch()
    assert (await dav.ask("PROPPATCH", "/dav/usr/a", propset(VALUE))).status == 207
    body = '<propfind xmlns="DAV:" xmlns:m="urn:mine"><prop><m:x/></prop></propfind>'
    (value,) = (await dav.ask("PROPFIND", "/dav/usr/a", body)).xml.iter("{urn:mine}x")
    assert value.text == "text & "
    assert dict(value.attrib) == {"a": "1 < 2", "{urn:other}b": '"'}
    assert [(one.tag, one.text, one.tail) for one in value] == [
        ("{urn:other}y", None, None),
        ("{urn:z}z", "\u00e4\U0001f50c", " tail"),
    ]


async def test_the_language_of_a_value_is_kept(dav):
    dav.at("a").touch()
    body = (
        '<D:propertyupdate xmlns:D="DAV:" xml:lang="de"><D:set><D:prop><t xmlns="u">Hallo</t>'
        "</D:prop></D:set></D:propertyupdate>"
    )
    await dav.ask("PROPPATCH", "/dav/usr/a", body)
    (value,) = (await dav.ask("PROPFIND", "/dav/usr/a")).xml.iter("{u}t")
    assert value.attrib == {"{http://www.w3.org/XML/1998/namespace}lang": "de"}


async def test_a_protected_property_stops_all_changes(dav):
    dav.at("a").touch()
    body = (
        '<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop><x xmlns="u">1</x><D:getetag>"1"'
        "</D:getetag></D:prop></D:set><D:remove><D:prop><y xmlns='u'/></D:prop></D:remove>"
        "</D:propertyupdate>"
    )
    answer = await dav.ask("PROPPATCH", "/dav/usr/a", body)
    assert answer.stats() == [(403, [f"{D}getetag"]), (424, ["{u}x", "{u}y"])]
    assert "cannot-modify-protected-property" in answer.text
    assert list((await dav.ask("PROPFIND", "/dav/usr/a")).xml.iter("{u}x")) == []


async def test_dates_of_windows_and_of_macos_are_kept(dav):
    dav.at("a").touch()
    for name in ("Win32CreationTime", "Win32FileAttributes", "Win32LastModifiedTime"):
        xml = f'<Z:{name} xmlns:Z="urn:schemas-microsoft-com:">x</Z:{name}>'
        answer = await dav.ask("PROPPATCH", "/dav/usr/a", propset(xml))
        assert [code for code, _ in answer.stats()] == [200]


async def test_changes_are_made_in_their_order(dav):
    dav.at("a").touch()
    body = (
        '<D:propertyupdate xmlns:D="DAV:"><D:remove><D:prop><x xmlns="u"/></D:prop></D:remove>'
        '<D:set><D:prop><x xmlns="u">1</x><y xmlns="u">1</y></D:prop></D:set>'
        '<D:remove><D:prop><y xmlns="u"/></D:prop></D:remove></D:propertyupdate>'
    )
    await dav.ask("PROPPATCH", "/dav/usr/a", body)
    listed = (await dav.ask("PROPFIND", "/dav/usr/a")).xml
    assert [one.text for one in listed.iter("{u}x")] == ["1"]
    assert list(listed.iter("{u}y")) == []


async def test_there_is_room_for_so_much_per_resource(dav):
    dav.at("a").touch()
    many = "".join(f'<p{number} xmlns="u">1</p{number}>' for number in range(64))
    assert [
        code for code, _ in (await dav.ask("PROPPATCH", "/dav/usr/a", propset(many))).stats()
    ] == [200]
    more = await dav.ask("PROPPATCH", "/dav/usr/a", propset('<q xmlns="u">1</q>'))
    assert more.stats() == [(507, ["{u}q"])]
    again = await dav.ask("PROPPATCH", "/dav/usr/a", propset('<p1 xmlns="u">2</p1>'))
    assert again.stats() == [(200, ["{u}p1"])]
    large = await dav.ask("PROPPATCH", "/dav/usr/a", propset(f'<p1 xmlns="u">{"x" * 4096}</p1>'))
    assert large.stats() == [(507, ["{u}p1"])]


async def _colors(dav, *paths):
    """Return the property each path has, None for none."""
    found = []
    for path in paths:
        listed = await dav.ask("PROPFIND", f"/dav/usr/{path}", Depth="0")
        found.append(next((one.text for one in listed.xml.iter("{u}color")), None))
    return found


async def test_properties_follow_their_resources(dav):
    dav.at("d").mkdir()
    dav.at("d/a").touch()
    dav.at("d.b").touch()
    for path, color in (("d/", "red"), ("d/a", "blue"), ("d.b", "green")):
        await dav.ask("PROPPATCH", f"/dav/usr/{path}", propset(f'<color xmlns="u">{color}</color>'))
    await dav.ask("COPY", "/dav/usr/d/", Destination="/dav/usr/e/")
    assert await _colors(dav, "e/", "e/a", "d/a", "d.b") == ["red", "blue", "blue", "green"]
    await dav.ask("MOVE", "/dav/usr/d/", Destination="/dav/usr/f/")
    assert await _colors(dav, "f/", "f/a", "d.b") == ["red", "blue", "green"]
    dav.at("d").mkdir()
    assert await _colors(dav, "d/") == [None]
    await dav.ask("DELETE", "/dav/usr/f/")
    await dav.ask("MKCOL", "/dav/usr/f/")
    await dav.ask("PUT", "/dav/usr/f/a", "x")
    assert await _colors(dav, "f/", "f/a", "d.b") == [None, None, "green"]
    await dav.ask("COPY", "/dav/usr/d.b", Destination="/dav/usr/e/a")
    assert await _colors(dav, "e/a", "e/") == ["green", "red"]


async def test_properties_live_on_and_those_of_nothing_are_forgotten(tmp_path):
    async with World(tmp_path).serving() as dav:
        for name in "ab":
            dav.at(name).touch()
            await dav.ask("PROPPATCH", f"/dav/usr/{name}", propset('<color xmlns="u">red</color>'))
    (tmp_path / "usr" / "b").unlink()
    async with World(tmp_path).serving() as dav:
        assert await _colors(dav, "a") == ["red"]
    with contextlib.closing(sqlite3.connect(tmp_path / "dav-props.db")) as database:
        assert database.execute("SELECT path FROM property").fetchall() == [("a",)]


async def test_a_damaged_database_is_set_aside(tmp_path, caplog):
    (tmp_path / "dav-props.db").write_bytes(b"not a database" * 1000)
    async with World(tmp_path).serving() as dav:
        dav.at("a").touch()
        await dav.ask("PROPPATCH", "/dav/usr/a", propset('<color xmlns="u">red</color>'))
        assert await _colors(dav, "a") == ["red"]
    assert (tmp_path / "dav-props.db.unusable").exists()
    assert "is damaged" in caplog.text


async def test_without_a_database_the_files_are_served(tmp_path, caplog):
    (tmp_path / "dav-props.db").mkdir()
    async with World(tmp_path).serving() as dav:
        assert (await dav.ask("PUT", "/dav/usr/a", "x")).status == 201
        await dav.ask("PROPPATCH", "/dav/usr/a", propset('<color xmlns="u">red</color>'))
        assert await _colors(dav, "a") == ["red"]
    assert "are not kept" in caplog.text


async def test_a_database_that_fails_stops_no_change_of_files(dav, monkeypatch, caplog):
    dav.at("a").touch()
    await dav.ask("PROPPATCH", "/dav/usr/a", propset('<color xmlns="u">red</color>'))

    def refuse(_orders: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(dav.files.properties, "_write", refuse)
    assert (await dav.ask("MOVE", "/dav/usr/a", Destination="/dav/usr/b")).status == 201
    assert (await dav.ask("DELETE", "/dav/usr/b")).status == 204
    assert "could not follow" in caplog.text
    dav.at("c").touch()
    refused = await dav.ask("PROPPATCH", "/dav/usr/c", propset('<color xmlns="u">red</color>'))
    assert refused.status == 507


async def test_too_many_names_at_once_are_refused(dav):
    names = "".join(f"<p{number}/>" for number in range(257))
    body = f'<D:propfind xmlns:D="DAV:"><D:prop>{names}</D:prop></D:propfind>'
    assert (await dav.ask("PROPFIND", "/dav/usr/", body)).status == 413
    answer = await dav.ask("PROPFIND", "/dav/usr/", body.replace("<p0/>", ""), Depth="0")
    assert [(code, len(found)) for code, found in answer.stats()] == [(404, 256)]


async def test_an_answer_in_many_pieces_is_whole(dav):
    names = "".join(f'<p{number} xmlns="urn:{"n" * 100}"/>' for number in range(200))
    body = f'<D:propfind xmlns:D="DAV:"><D:prop><D:getetag/>{names}</D:prop></D:propfind>'
    for number in range(20):
        dav.at(f"{number}").touch()
    answer = await dav.ask("PROPFIND", "/dav/usr/", body, Depth="1")
    assert answer.headers["Transfer-Encoding"] == "chunked"
    assert len(answer.body) > 300_000
    assert len(answer.hrefs) == 22
    assert len(answer.found(f"{D}getetag")) == 22
