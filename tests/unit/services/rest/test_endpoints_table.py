from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from evsed.services.rest.endpoints import Endpoint, routes


async def echo(request):
    return web.json_response(dict(request.match_info))


def endpoint(method, path, **more):
    return Endpoint(method=method, path=path, handler=echo, summary="", **more)


async def served(*endpoints):
    application = web.Application()
    application.add_routes(routes(endpoints))
    return TestClient(TestServer(application))


def test_every_row_becomes_a_route_below_the_root():
    found = routes([endpoint("GET", "/a"), endpoint("POST", "/a"), endpoint("DELETE", "/b")])
    assert [(one.method, one.path) for one in found] == [
        ("GET", "/api/v1/a"),
        ("POST", "/api/v1/a"),
        ("DELETE", "/api/v1/b"),
    ]


async def test_head_is_answered_wherever_get_is():
    async with await served(endpoint("GET", "/a"), endpoint("POST", "/b")) as client:
        assert (await client.head("/api/v1/a")).status == 200
        assert (await client.head("/api/v1/b")).status == 405


async def test_a_name_in_braces_is_one_decoded_piece_and_may_be_empty():
    async with await served(endpoint("GET", "/x/{id}")) as client:
        assert await (await client.get("/api/v1/x/")).json() == {"id": ""}
        assert await (await client.get("/api/v1/x/a%20b%2Fc")).json() == {"id": "a b/c"}
        assert (await client.get("/api/v1/x/a/b")).status == 404
        assert (await client.get("/api/v1/x")).status == 404


def test_path_parameters_are_the_names_in_braces():
    assert endpoint("GET", "/x/{id}/y/{key}").path_parameters == ("id", "key")
    assert endpoint("GET", "/x").path_parameters == ()


def test_a_route_carries_what_is_asked_before_a_large_body_is_invited():
    async def refuse(_request):
        return web.Response(status=413)

    route = endpoint("POST", "/x", expect=refuse).route()
    assert route.kwargs["expect_handler"] is refuse
    assert "expect_handler" not in endpoint("POST", "/x").route().kwargs
