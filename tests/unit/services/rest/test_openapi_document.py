import json

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from openapi_spec_validator import validate

from evsed.operations.state_fields import MAX_LIMIT_WH, STATE_FIELDS, WRITABLE
from evsed.operations.values import EnergyUnit
from evsed.services.rest.endpoints import Endpoint, routes
from evsed.services.rest.openapi import document, failures, tag_of, with_document
from evsed.services.rest.schema import (
    FILE,
    LINES,
    flag,
    of_table,
    of_written_row,
    or_null,
    patch,
    whole,
)


async def nothing(_request):
    return web.Response()


def endpoint(method="GET", path="/state", **more):
    return Endpoint(method=method, path=path, handler=nothing, summary="A summary", **more)


def operation(row):
    return document([row])["paths"][row.path][row.method.lower()]


def test_every_row_is_an_operation_and_the_document_is_valid():
    rows = [
        endpoint(answer=of_table(STATE_FIELDS)),
        endpoint("POST", body=patch({name: of_written_row(row) for name, row in WRITABLE.items()})),
        endpoint("DELETE", "/log/panic"),
        endpoint("POST", "/firmware/upload", body=FILE, errors=(521, 522, 523)),
        endpoint("GET", "/log", answer=LINES, query={"index": whole("first", low=0)}),
        endpoint("GET", "/script/components/{id}", answer=or_null({"type": "object"})),
    ]
    made = document(rows)
    validate(made)
    found = {(method.upper(), path) for path, item in made["paths"].items() for method in item}
    assert found - {("PARAMETERS", "/script/components/{id}")} == {
        (row.method, row.path) for row in rows
    }


def test_two_operations_never_have_the_same_identifier():
    rows = [endpoint(), endpoint("POST"), endpoint(path="/state/{id}"), endpoint(path="/a-b")]
    made = document(rows)
    found = [
        one["operationId"]
        for item in made["paths"].values()
        for method, one in item.items()
        if method != "parameters"
    ]
    assert len(set(found)) == len(rows)


@pytest.mark.parametrize(
    ("row", "codes"),
    [
        (endpoint(), (401, 403, 500)),
        (endpoint(query={"index": whole()}), (400, 401, 403, 500)),
        (endpoint("POST"), (400, 401, 403, 408, 413, 500)),
        (endpoint("POST", body=flag()), (400, 401, 403, 408, 413, 415, 500)),
        (endpoint("DELETE", errors=(404,)), (400, 401, 403, 404, 408, 413, 500)),
    ],
)
def test_codes_of_failure_follow_from_method_body_and_query(row, codes):
    assert failures(row) == codes
    assert set(operation(row)["responses"]) == {"200", *map(str, codes)}


def test_what_a_failure_looks_like_is_said_once():
    made = document([endpoint(), endpoint("POST")])
    assert made["paths"]["/state"]["get"]["responses"]["401"] == {
        "$ref": "#/components/responses/401"
    }
    refused = made["components"]["responses"]["401"]
    assert set(refused["content"]) == {"text/plain"}
    assert "WWW-Authenticate" in refused["headers"]


def test_a_write_is_answered_with_ok_as_text():
    content = operation(endpoint("POST"))["responses"]["200"]["content"]
    assert content["text/plain"]["schema"]["enum"] == ["OK"]


def test_extensions_are_marked_and_only_they():
    assert operation(endpoint(extension=True))["x-extension"] is True
    assert "x-extension" not in operation(endpoint())


def test_units_and_ranges_are_there():
    schema = of_table(STATE_FIELDS)["properties"]["chargingCurrent"]
    assert (schema["x-unit"], schema["minimum"], schema["maximum"]) == ("A", 6, 63)
    assert "(in A)" in schema["description"]


def test_headers_that_come_with_an_answer_are_described():
    headers = operation(endpoint(answer=LINES))["responses"]["200"]["headers"]
    assert headers["X-Count"]["schema"]["type"] == "integer"


def test_energies_are_described_in_wh_where_they_are_sent_in_wh():
    rows = [endpoint(answer=of_table(STATE_FIELDS))]
    made = document(rows, EnergyUnit.WH)
    text = json.dumps(made["paths"])
    assert "Ws" not in text
    keys = made["paths"]["/state"]["get"]["responses"]["200"]["content"]["application/json"]
    limit = keys["schema"]["properties"]["consumptionLimit"]
    assert (limit["x-unit"], limit["maximum"]) == ("Wh", MAX_LIMIT_WH)


@pytest.mark.parametrize(
    ("path", "tag"),
    [("/state/enabled", "state"), ("/reason", "state"), ("/log/panic", "system"), ("/x", "system")],
)
def test_every_path_belongs_to_a_group(path, tag):
    assert tag_of(endpoint(path=path)) == tag


async def test_the_document_describes_itself_and_is_sent_once():
    application = web.Application()
    application.add_routes(routes(with_document([endpoint()])))
    async with TestClient(TestServer(application)) as client:
        answer = await client.get("/api/v1/openapi.json")
        assert answer.headers["Content-Type"] == "application/json"
        made = await answer.json()
        assert made["paths"]["/openapi.json"]["get"]["x-extension"] is True
        known = {"If-None-Match": answer.headers["ETag"]}
        again = await client.get("/api/v1/openapi.json", headers=known)
        assert (again.status, await again.read()) == (304, b"")
        other = await client.get("/api/v1/openapi.json", headers={"If-None-Match": '"other"'})
        assert other.status == 200
