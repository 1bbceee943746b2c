"""What is served is described, and what is described is served."""

import asyncio
from contextlib import ExitStack
from pathlib import Path

import pytest
from openapi_spec_validator import validate

from evsed import app, interfaces
from evsed.building import Options, build
from evsed.services.http.service import HttpService
from evsed.services.rest.endpoints import ROOT
from evsed.services.sessions.service import SessionsService
from evsed.surroundings import surroundings

DOCUMENTED = (Path(__file__).parent / "operations.txt").read_text().split("\n")[:-1]
BOARD = Path(__file__).parents[3] / "boards" / "sim.yaml"


def operations(document):
    return {
        f"{method.upper()} {path}"
        for path, item in document["paths"].items()
        for method in item
        if method != "parameters"
    }


@pytest.fixture(scope="module")
def registered(tmp_path_factory):
    """Every route below the root of the API, as ``interfaces`` hands them to the HTTP service."""
    folder = tmp_path_factory.mktemp("registered")
    with ExitStack() as stack:
        parts = build(Options(board_file=BOARD, state_dir=folder), stack)
        around = surroundings(parts.administrator, folder, simulated=True)
        operations = app._operations(parts, around)
        sessions = SessionsService(operations, folder)
        services = interfaces.services(parts, operations, around, sessions, asyncio.Event())
        (http,) = [
            owner
            for service in services
            if isinstance(owner := getattr(service.serve, "__self__", None), HttpService)
        ]
        return {
            f"{route.method} {route.path.removeprefix(ROOT)}".replace(":[^/]*}", "}")
            for route in http._routes
            if route.path.startswith(ROOT)
        }


def test_every_operation_of_the_api_is_served(registered):
    assert set(DOCUMENTED) <= registered


def test_the_description_has_every_route_and_nothing_else(start, registered):
    document = start().get("/openapi.json")
    validate(document)
    assert operations(document) == registered


def test_what_the_api_does_not_know_is_marked_as_ours(start):
    document = start().get("/openapi.json")
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if method == "parameters":
                continue
            known = f"{method.upper()} {path}" in DOCUMENTED
            assert operation.get("x-extension", False) is not known, (method, path)


def test_every_number_has_a_unit_or_needs_none(start):
    counted = {
        *("chipCores", "chipRevision", "temperatureSensorCount", "temperatureSensors"),
        *("socketLockRetryCount", "baudRate", "unitId", "X-Count", "baud-rate", "index"),
        *("passes", "over5ms", "over20ms", "closings", "openings", "loadedOpenings"),
        *("id", "next", "before", "limit", "sessions", "price", "cost", "waiting", "dropped"),
        *("securityProfile", "queue", "profiles"),
        *("phase", "points", "gain", "value"),  # a value has the unit of its quantity
        *("mon", "tue", "wed", "thu", "fri", "sat", "sun", "schedule"),
    }
    missing = [
        name
        for name, schema in named_schemas(start().get("/openapi.json"))
        if schema.get("type") in ("number", "integer")
        and "x-unit" not in schema
        and name not in counted
    ]
    assert not missing


def named_schemas(part, name=""):
    """Yield every schema of a document with the key, header or parameter it belongs to."""
    if isinstance(part, list):
        for item in part:
            yield from named_schemas(item, name)
    elif isinstance(part, dict):
        if "type" in part:
            yield name, part
        for key, value in part.items():
            inner = part.get("name", name) if key in ("schema", "items") else key
            yield from named_schemas(value, inner)
