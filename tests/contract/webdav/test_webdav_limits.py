"""How much may be stored, sent and asked."""

import pytest
from dav_world import D, World, lockinfo, prop, propset


async def test_a_file_may_have_its_limit_and_not_a_byte_more(small_dav):
    assert (await small_dav.ask("PUT", "/dav/usr/a", b"x" * 100_000)).status == 201
    assert (await small_dav.ask("PUT", "/dav/usr/a", b"y" * 100_001)).status == 413
    chunked = await small_dav.send(
        b"PUT /dav/usr/a HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n"
        + b"186a1\r\n"
        + b"z" * 100_001
        + b"\r\n0\r\n\r\n"
    )
    assert chunked.status == 413
    assert chunked.headers["Connection"] == "close"
    assert small_dav.at("a").read_bytes() == b"x" * 100_000
    assert small_dav.leftovers() == []


async def test_sixteen_mebibytes_are_the_usual_limit(dav):
    limit = 16 * 1024 * 1024
    data = b"x" * limit
    assert (await dav.ask("PUT", "/dav/usr/a", data)).status == 201
    assert dav.at("a").stat().st_size == limit
    assert (await dav.ask("PUT", "/dav/usr/b", "", Content_Length=str(limit + 1))).status == 413
    assert not dav.at("b").exists()


async def test_a_full_tree_takes_no_more_but_lets_files_be_replaced(small_dav):
    for name in "ab":
        assert (await small_dav.ask("PUT", f"/dav/usr/{name}", b"x" * 100_000)).status == 201
    refused = await small_dav.ask("PUT", "/dav/usr/c", b"x" * 60_000)
    assert refused.status == 507
    assert "quota-not-exceeded" in refused.text
    copied = await small_dav.ask("COPY", "/dav/usr/a", Destination="/dav/usr/c")
    assert copied.status == 507
    assert (await small_dav.ask("PUT", "/dav/usr/b", b"y" * 100_000)).status == 204
    chunked = await small_dav.send(
        b"PUT /dav/usr/c HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n"
        + b"ea60\r\n"
        + b"z" * 60_000
        + b"\r\n0\r\n\r\n"
    )
    assert chunked.status == 507
    assert sorted(path.name for path in small_dav.usr.iterdir()) == ["a", "b", "lua"]
    assert (await small_dav.ask("DELETE", "/dav/usr/a")).status == 204
    assert (await small_dav.ask("PUT", "/dav/usr/c", b"x" * 60_000)).status == 201


async def test_there_is_an_end_to_the_number_of_files(small_dav):
    for number in range(19):
        assert (await small_dav.ask("PUT", f"/dav/usr/{number}", "x")).status == 201
    for method in ("PUT", "MKCOL", "LOCK"):
        body = {"PUT": "x", "MKCOL": "", "LOCK": lockinfo()}[method]
        answer = await small_dav.ask(method, "/dav/usr/more", body)
        assert answer.status == 507, method
    copied = await small_dav.ask("COPY", "/dav/usr/1", Destination="/dav/usr/more")
    assert copied.status == 507
    assert (await small_dav.ask("PUT", "/dav/usr/1", "again")).status == 204
    assert (await small_dav.ask("COPY", "/dav/usr/1", Destination="/dav/usr/2")).status == 204


async def test_a_disk_that_is_nearly_full_is_left_alone(tmp_path):
    async with World(tmp_path, spare_bytes=1 << 60).serving() as dav:
        answer = await dav.ask("PUT", "/dav/usr/a", "x")
        assert answer.status == 507
        assert "sufficient-disk-space" in answer.text


async def test_the_room_is_told_to_those_who_ask(small_dav):
    await small_dav.ask("PUT", "/dav/usr/a", b"x" * 1000)
    wanted = prop("quota-used-bytes", "quota-available-bytes")
    answer = await small_dav.ask("PROPFIND", "/dav/usr/", wanted, Depth="0")
    assert answer.found(f"{D}quota-used-bytes") == ["1000"]
    assert answer.found(f"{D}quota-available-bytes") == ["249000"]
    file = await small_dav.ask("PROPFIND", "/dav/usr/a", wanted)
    assert [code for code, _ in file.stats()] == [404]


async def test_two_thousand_resources_are_listed_and_not_one_more(dav):
    # the tree itself and lua make two of them
    for number in range(1998):
        dav.at(f"{number}").touch()
    whole = await dav.ask("PROPFIND", "/dav/usr/")
    assert (whole.status, len(whole.hrefs)) == (207, 2000)
    dav.at("lua/one").touch()
    refused = await dav.ask("PROPFIND", "/dav/usr/", Depth="infinity")
    assert refused.status == 403
    assert refused.xml.tag == f"{D}error"
    assert refused.xml[0].tag == f"{D}propfind-finite-depth"
    members = await dav.ask("PROPFIND", "/dav/usr/", Depth="1")
    assert (members.status, len(members.hrefs)) == (207, 2000)


@pytest.mark.parametrize("method", ["PROPFIND", "PROPPATCH", "LOCK"])
async def test_xml_of_more_than_64_kib_is_refused(dav, method):
    dav.at("a").touch()
    body = prop("getetag") if method == "PROPFIND" else propset('<a xmlns="b">1</a>')
    body = lockinfo() if method == "LOCK" else body
    padded = body + " " * (65536 - len(body))
    assert (await dav.ask(method, "/dav/usr/a", padded)).status in {200, 207}
    assert (await dav.ask(method, "/dav/usr/b", padded + " ")).status == 413
    chunk = b"10001\r\n" + (padded + " ").encode() + b"\r\n0\r\n\r\n"
    answer = await dav.send(
        f"{method} /dav/usr/a HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n"
        "\r\n".encode()
        + chunk
    )
    assert answer.status == 413


ENTITIES = """<?xml version="1.0"?>
<!DOCTYPE bomb [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">
<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;"><!ENTITY d "&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;">]>
<propfind xmlns="DAV:"><prop><x>&d;</x></prop></propfind>"""
OUTSIDE = """<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]>
<propfind xmlns="DAV:"><prop><x>&f;</x></prop></propfind>"""


@pytest.mark.parametrize(
    "body",
    [
        ENTITIES,
        OUTSIDE,
        "<!DOCTYPE propfind><propfind xmlns='DAV:'><allprop/></propfind>",
        "<propfind xmlns='DAV:'><allprop/>",
        "<propfind xmlns='DAV:'/>",
        "<propfind><allprop/></propfind>",
        "<D:propfind xmlns:D='DAV:'><D:prop><a:b xmlns:a=''/></D:prop></D:propfind>",
        "<D:propfind xmlns:D='DAV:'><D:allprop/><D:propname/></D:propfind>",
        "<x/>",
        " ",
        "text",
        "<?xml version='1.0' encoding='no-such'?><propfind xmlns='DAV:'><allprop/></propfind>",
        "<propfind xmlns='DAV:'><prop>" + "<a>" * 100 + "</a>" * 100 + "</prop></propfind>",
        "<propfind xmlns='DAV:'><prop>" + "<a/>" * 5000 + "</prop></propfind>",
    ],
)
async def test_xml_that_is_none_or_wants_too_much_is_refused(dav, body):
    for method in ("PROPFIND", "PROPPATCH", "LOCK"):
        assert (await dav.ask(method, "/dav/usr/lua/", body)).status == 400
