"""LOCK and UNLOCK, beyond what litmus asks."""

import pytest
from dav_world import D, lockinfo, propset


async def _lock(dav, path, scope="exclusive", **headers):
    answer = await dav.ask("LOCK", f"/dav/usr/{path}", lockinfo(scope), **headers)
    assert answer.status in {200, 201}, answer
    token = answer.headers["Lock-Token"].strip("<>")
    assert token.startswith("urn:uuid:")
    return token


CHANGES = [
    ("PUT", "d/a", {}),
    ("DELETE", "d/a", {}),
    ("MOVE", "d/a", {"Destination": "/dav/usr/moved"}),
    ("MOVE", "other", {"Destination": "/dav/usr/d/a"}),
    ("COPY", "other", {"Destination": "/dav/usr/d/a"}),
    ("PROPPATCH", "d/a", {}),
]
INSIDE = [
    ("PUT", "d/new", {}),
    ("MKCOL", "d/new", {}),
    ("LOCK", "d/new", {}),
    ("COPY", "other", {"Destination": "/dav/usr/d/new"}),
]


def _body(method):
    bodies = {"PUT": "x", "PROPPATCH": propset('<a xmlns="b">1</a>'), "LOCK": lockinfo()}
    return bodies.get(method, "")


def _files(dav):
    dav.at("d").mkdir()
    dav.at("d/a").write_text("a")
    dav.at("other").write_text("o")


@pytest.mark.parametrize(("method", "path", "headers"), CHANGES)
async def test_a_locked_file_is_changed_only_by_who_knows_the_token(dav, method, path, headers):
    _files(dav)
    token = await _lock(dav, "d/a")
    refused = await dav.ask(method, f"/dav/usr/{path}", _body(method), **headers)
    assert refused.status == 423
    assert refused.xml.find(f"{D}lock-token-submitted/{D}href").text == "/dav/usr/d/a"
    assert dav.at("d/a").read_text() == "a"
    known = {"If_": f"</dav/usr/d/a> (<{token}>)"}
    answer = await dav.ask(method, f"/dav/usr/{path}", _body(method), **headers, **known)
    assert answer.status in {201, 204, 207}


@pytest.mark.parametrize(("method", "path", "headers"), CHANGES + INSIDE)
async def test_a_deep_lock_protects_what_is_below(dav, method, path, headers):
    _files(dav)
    token = await _lock(dav, "d/", Depth="infinity")
    refused = await dav.ask(method, f"/dav/usr/{path}", _body(method), **headers)
    assert refused.status == 423
    if method != "LOCK":
        known = {"If_": f"</dav/usr/d/> (<{token}>)"}
        answer = await dav.ask(method, f"/dav/usr/{path}", _body(method), **headers, **known)
        assert answer.status in {201, 204, 207}


@pytest.mark.parametrize(("method", "path", "headers"), [*INSIDE, CHANGES[1], CHANGES[2]])
async def test_a_shallow_lock_protects_the_membership(dav, method, path, headers):
    _files(dav)
    await _lock(dav, "d/", Depth="0")
    assert (await dav.ask(method, f"/dav/usr/{path}", _body(method), **headers)).status == 423
    assert (await dav.ask("PUT", "/dav/usr/d/a", "x")).status == 204


async def test_a_collection_with_something_locked_inside_stays_whole(dav):
    _files(dav)
    token = await _lock(dav, "d/a")
    refused = await dav.ask("DELETE", "/dav/usr/d/")
    assert refused.status == 207
    assert refused.hrefs == ["/dav/usr/d/a"]
    assert "423" in refused.xml.findtext(f"{D}response/{D}status")
    assert dav.at("d/a").exists()
    assert (await dav.ask("MOVE", "/dav/usr/d/", Destination="/dav/usr/e/")).status == 423
    known = {"If_": f"</dav/usr/d/a> (<{token}>)"}
    assert (await dav.ask("DELETE", "/dav/usr/d/", **known)).status == 204


async def test_locks_that_exclude_one_another(dav):
    _files(dav)
    await _lock(dav, "d/a", "shared")
    await _lock(dav, "d/a", "shared")
    refused = await dav.ask("LOCK", "/dav/usr/d/", lockinfo())
    assert refused.status == 423
    assert refused.xml.find(f"{D}no-conflicting-lock/{D}href").text == "/dav/usr/d/a"
    await _lock(dav, "d/", "shared", Depth="infinity")
    assert (await dav.ask("LOCK", "/dav/usr/d/new", lockinfo())).status == 423
    assert not dav.at("d/new").exists()


async def test_a_lock_shows_itself(dav):
    owner = '<D:owner><D:href>http://me/?a=1&amp;b=2</D:href><x xmlns="u">&lt;</x></D:owner>'
    _files(dav)
    taken = await dav.ask(
        "LOCK", "/dav/usr/d/", lockinfo(owner=owner), Timeout="Second-90, Infinite"
    )
    listed = await dav.ask("PROPFIND", "/dav/usr/d/a")
    for answer in (taken, listed):
        (active,) = answer.xml.iter(f"{D}activelock")
        assert active.find(f"{D}lockscope/{D}exclusive") is not None
        assert active.findtext(f"{D}depth") == "infinity"
        assert active.findtext(f"{D}owner/{D}href") == "http://me/?a=1&b=2"
        assert active.findtext(f"{D}owner/{{u}}x") == "<"
        assert active.findtext(f"{D}lockroot/{D}href") == "/dav/usr/d/"
        token = active.findtext(f"{D}locktoken/{D}href")
        assert taken.headers["Lock-Token"] == f"<{token}>"
        assert int(active.findtext(f"{D}timeout").removeprefix("Second-")) in {89, 90}


@pytest.mark.parametrize(
    ("wish", "seconds"),
    [
        (None, 600),
        ("Infinite", 3600),
        ("Second-4100000000", 3600),
        ("Second-99999999999999999999", 3600),
        ("Second-0", 1),
        ("soon, Second-7", 7),
        ("soon", 600),
    ],
)
async def test_how_long_a_lock_lives(dav, wish, seconds):
    headers = {} if wish is None else {"Timeout": wish}
    answer = await dav.ask("LOCK", "/dav/usr/a", lockinfo(), **headers)
    assert answer.found(f"{D}timeout") == [f"Second-{seconds}"]


async def test_a_lock_on_nothing_makes_an_empty_file(dav):
    answer = await dav.ask("LOCK", "/dav/usr/a", lockinfo())
    assert answer.status == 201
    assert dav.at("a").read_bytes() == b""
    assert (await dav.ask("LOCK", "/dav/usr/none/a", lockinfo())).status == 409


async def test_a_lock_is_refreshed_by_its_token_alone(dav):
    _files(dav)
    token = await _lock(dav, "d/", Timeout="Second-5")
    fresh = await dav.ask("LOCK", "/dav/usr/d/a", If_=f"(<{token}>)", Timeout="Second-50")
    assert fresh.status == 200
    assert fresh.found(f"{D}timeout") == ["Second-50"]
    assert "Lock-Token" not in fresh.headers
    assert (await dav.ask("LOCK", "/dav/usr/d/a")).status == 400
    assert (await dav.ask("LOCK", "/dav/usr/other", If_=f"(<{token}>)")).status == 412


async def test_unlocking_needs_the_right_token_at_the_right_place(dav):
    _files(dav)
    token = await _lock(dav, "d/a")
    codes = {
        "none": await dav.ask("UNLOCK", "/dav/usr/d/a"),
        "bare": await dav.ask("UNLOCK", "/dav/usr/d/a", Lock_Token=token),
        "wrong": await dav.ask("UNLOCK", "/dav/usr/d/a", Lock_Token="<urn:uuid:1>"),
        "elsewhere": await dav.ask("UNLOCK", "/dav/usr/other", Lock_Token=f"<{token}>"),
        "right": await dav.ask("UNLOCK", "/dav/usr/d/a", Lock_Token=f"<{token}>"),
        "again": await dav.ask("UNLOCK", "/dav/usr/d/a", Lock_Token=f"<{token}>"),
    }
    assert [answer.status for answer in codes.values()] == [400, 400, 409, 409, 204, 409]
    assert (await dav.ask("DELETE", "/dav/usr/d/a")).status == 204


async def test_locks_go_with_what_they_are_on(dav):
    _files(dav)
    token = await _lock(dav, "d/a")
    known = {"If_": f"(<{token}>)"}
    moved = await dav.ask("MOVE", "/dav/usr/d/a", Destination="/dav/usr/d/b", **known)
    assert moved.status == 201
    assert (await dav.ask("PUT", "/dav/usr/d/b", "x")).status == 204
    assert (await dav.ask("PUT", "/dav/usr/d/a", "x")).status == 201


async def test_replacing_a_locked_file_keeps_its_lock(dav):
    _files(dav)
    token = await _lock(dav, "d/a")
    known = {"If_": f"</dav/usr/d/a> (<{token}>)"}
    moved = await dav.ask("MOVE", "/dav/usr/other", Destination="/dav/usr/d/a", **known)
    assert moved.status == 204
    assert (await dav.ask("PUT", "/dav/usr/d/a", "x")).status == 423
    assert (await dav.ask("UNLOCK", "/dav/usr/d/a", Lock_Token=f"<{token}>")).status == 204


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (lockinfo("exclusive", f"<D:owner>{'x' * 4096}</D:owner>"), 413),
        (lockinfo("whatever"), 400),
        ('<D:lockinfo xmlns:D="DAV:"><D:lockscope><D:shared/></D:lockscope></D:lockinfo>', 400),
    ],
)
async def test_a_wish_that_is_not_understood(dav, body, code):
    assert (await dav.ask("LOCK", "/dav/usr/a", body)).status == code
    assert not dav.at("a").exists()


async def test_depth_one_is_no_lock(dav):
    assert (await dav.ask("LOCK", "/dav/usr/lua/", lockinfo(), Depth="1")).status == 400


async def test_there_is_an_end_to_the_number_of_locks(dav):
    dav.at("a").touch()
    for _ in range(256):
        await _lock(dav, "a", "shared")
    assert (await dav.ask("LOCK", "/dav/usr/a", lockinfo("shared"))).status == 507
    assert (await dav.ask("LOCK", "/dav/usr/new", lockinfo())).status == 507
    assert not dav.at("new").exists()


async def test_nothing_is_locked_outside_the_tree(dav):
    for target in ("/dav/", "/dav/x"):
        assert (await dav.ask("LOCK", target, lockinfo())).status == 403
