"""Many clients at once on the same few names: nothing breaks, nothing stays behind."""

import asyncio
import os
import random

from dav_world import lockinfo, propset

from evsed.services.webdav.copying import measure

COUNT = int(os.environ.get("EVSED_FUZZ", "480"))
CLIENTS = 8
NAMES = ("a", "b", "a/x", "a/y", "b/x", "b/x/z", "lua/s.lua")
METHODS = (
    *("PUT", "PUT", "GET", "DELETE", "MKCOL", "MKCOL", "COPY", "MOVE", "PROPFIND"),
    *("PROPPATCH", "LOCK", "UNLOCK"),
)
ALLOWED = {200, 201, 204, 207, 301, 400, 403, 404, 405, 409, 412, 423}


async def _one_client(dav, seed):
    """Do this and that; return the codes."""
    dice = random.Random(seed)  # noqa: S311  # the same in every run
    seen, tokens = set(), []
    for _ in range(COUNT // CLIENTS):
        path = f"/dav/usr/{dice.choice(NAMES)}{dice.choice(('', '/'))}"
        method = dice.choice(METHODS)
        bodies = {
            "PUT": "x" * dice.randrange(100_000),
            "PROPPATCH": propset('<c xmlns="u">1</c>'),
            "LOCK": lockinfo(dice.choice(("shared", "exclusive"))),
        }
        headers = {"Destination": f"/dav/usr/{dice.choice(NAMES)}"}
        if tokens:
            headers["Lock_Token"] = f"<{tokens[-1]}>"
            if dice.random() < 0.5:
                headers["If_"] = f"(<{tokens[-1]}>) (Not <DAV:no-lock>)"
        answer = await dav.ask(method, path, bodies.get(method, ""), **headers)
        seen.add(answer.status)
        if "Lock-Token" in answer.headers:
            tokens.append(answer.headers["Lock-Token"].strip("<>"))
        elif method == "UNLOCK" and answer.status == 204:
            tokens.pop()
    return seen


async def test_many_clients_on_the_same_names_leave_everything_in_order(dav):
    seen = set().union(*await asyncio.gather(*(_one_client(dav, one) for one in range(CLIENTS))))
    assert seen <= ALLOWED
    assert {201, 204, 207, 404, 409, 423} <= seen
    assert dav.leftovers() == []
    extent = measure(dav.files.tree, ())
    quota = dav.files.quota
    assert (quota.used_bytes, quota.entries) == (extent.bytes, extent.entries - 1)
    assert quota.available_bytes(1 << 50) == quota.limits.tree_bytes - extent.bytes
    known = {tuple(path.relative_to(dav.usr).parts) for path in dav.usr.rglob("*")} | {()}
    assert set(dav.files.properties.at_or_below(())) <= known
