"""The OpenAPI 3.1 document, made from the table of endpoints when the daemon starts.

Source: rest.md sections 1, 12 and 13 for what is common to all endpoints.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from aiohttp import web

import evsed
from evsed.operations.state_fields import MAX_LIMIT_WH, MAX_LIMIT_WS
from evsed.operations.values import EnergyUnit
from evsed.services.rest.endpoints import ROOT, Endpoint
from evsed.services.rest.schema import JSON, TEXT, Content, Schema, text, whole

_ABOUT: Final = (
    "Everything below /api/v1. A write is answered with the two bytes OK after a control pass has "
    "taken it: what was written is what the next GET shows. Objects are written in part: keys "
    "that are absent stay as they are, unknown keys are ignored beside a known one, and a write "
    "that is refused has changed nothing. Every error is one line of plain text. HEAD is answered "
    "wherever GET is; another method of a known path is 405 with Allow. JSON bodies and answers "
    "are at most 50 KiB. Energies are in Ws (1 Ws = 1 J) unless the administrator has set "
    "rest.energyUnit to Wh. Operations marked with x-extension are ours, the others are those of "
    "the API that esp32-evse documents. Units are in x-unit."
)
_TAGS: Final = {
    "state": "State and charging control",
    "config": "Configuration",
    "sessions": "History of charging sessions",
    "wifi": "Wi-Fi",
    "script": "Scripting",
    "firmware": "Firmware",
    "nextion": "Display",
    "system": "System",
    "simulator": "Simulator",
}
#: Which other first words of a path belong where; the rest is the system.
_BELONGS: Final = {"reason": "state", "events": "state", "limits": "state"}
_TAG_OF: Final = {tag: tag for tag in _TAGS} | _BELONGS

_REASONS: Final[Mapping[int, str]] = {
    400: "the body or a parameter is not what is expected; nothing has changed",
    401: "credentials are set, and those sent are missing or wrong",
    403: "the request comes from another site, or names a host that is not known here",
    404: "there is no such thing",
    408: "the body did not arrive in time",
    411: "a Content-Length is needed",
    413: "the body is too large",
    415: "the content type is not one that is taken here",
    500: "it failed on our side; nothing has changed",
    503: "too many at once; try again after Retry-After seconds",
    520: "the latest version could not be looked up",
    521: "the upgrade failed",
    522: "the upload broke off",
    523: "not an acceptable package",
    531: "the display refused, or did not answer",
    532: "the upload broke off",
}
_EVERYWHERE: Final = (401, 403, 500)
_WITH_BODY: Final = (400, 408, 413)
_HEADERS: Final[Mapping[int, Mapping[str, Schema]]] = {
    401: {"WWW-Authenticate": text('exactly: Basic realm="Users"')},
    503: {"Retry-After": whole("when to try again", low=0, unit="s")},
}


def with_document(
    endpoints: Iterable[Endpoint], energy_unit: EnergyUnit = EnergyUnit.WS
) -> tuple[Endpoint, ...]:
    """Return the endpoints and one more: GET /openapi.json, which describes all of them."""
    page = _Document()
    own = Endpoint(
        method="GET",
        path="/openapi.json",
        handler=page.answer,
        summary="This description of the API (OpenAPI 3.1)",
        answer={"type": "object"},
        extension=True,
    )
    rows = (*endpoints, own)
    page.fill(document(rows, energy_unit))
    return rows


def document(
    endpoints: Iterable[Endpoint], energy_unit: EnergyUnit = EnergyUnit.WS
) -> dict[str, Any]:
    """Return the OpenAPI document of a table; energies are shown in ``energy_unit``."""
    rows = tuple(endpoints)
    paths: dict[str, dict[str, Any]] = {}
    for row in rows:
        item = paths.setdefault(row.path, _path_item(row))
        item[row.method.lower()] = _operation(row)
    used = {tag_of(row) for row in rows}
    codes = {code for row in rows for code in failures(row)}
    found = {
        "openapi": "3.1.0",
        "info": {
            "title": "evsed: charging station",
            "version": evsed.__version__,
            "description": _ABOUT,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": ROOT}],
        "security": [{}, {"basic": []}],
        "tags": [{"name": name, "description": _TAGS[name]} for name in _TAGS if name in used],
        "paths": paths,
        "components": {
            "securitySchemes": {"basic": _BASIC},
            "responses": {str(code): _failure(code) for code in sorted(codes)},
        },
    }
    return found if energy_unit is EnergyUnit.WS else _in_wh(found)


def tag_of(endpoint: Endpoint) -> str:
    """Return the group an endpoint is shown in."""
    return _TAG_OF.get(endpoint.path.split("/")[1], "system")


def failures(endpoint: Endpoint) -> tuple[int, ...]:
    """Return every code of failure an endpoint can answer with, in order."""
    codes = {*_EVERYWHERE, *endpoint.errors}
    if endpoint.method != "GET":
        codes.update(_WITH_BODY)
    if endpoint.body is not None:
        codes.add(415)
    if endpoint.query:
        codes.add(400)
    return tuple(sorted(codes))


_BASIC: Final = {
    "type": "http",
    "scheme": "basic",
    "description": 'Realm "Users". Asked for only while credentials are set.',
}


class _Document:
    """The document as it is sent; encoded once."""

    def __init__(self) -> None:
        self._body, self._etag = b"", ""

    def fill(self, content: Mapping[str, Any]) -> None:
        """Encode the document."""
        self._body = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
        self._etag = f'"{hashlib.sha256(self._body).hexdigest()[:20]}"'

    async def answer(self, request: web.Request) -> web.Response:
        """Return the document, or 304 to those who have it."""
        headers = {"ETag": self._etag}
        if any(tag.value == self._etag.strip('"') for tag in request.if_none_match or ()):
            return web.Response(status=304, headers=headers)
        return web.Response(body=self._body, content_type=JSON, headers=headers)


def _in_wh(part: Any) -> Any:
    """Return a part of the document with every energy in Wh."""
    if isinstance(part, list):
        return [_in_wh(item) for item in part]
    if not isinstance(part, dict):
        return part
    if part.get("x-unit") != EnergyUnit.WS:
        return {key: _in_wh(value) for key, value in part.items()}
    converted = {**part, "x-unit": EnergyUnit.WH}
    converted["description"] = part["description"].replace("(in Ws)", "(in Wh)")
    if part.get("maximum") == MAX_LIMIT_WS:
        converted["maximum"] = MAX_LIMIT_WH
    return converted


def _path_item(row: Endpoint) -> dict[str, Any]:
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in row.path_parameters
    ]
    return {"parameters": parameters} if parameters else {}


def _operation(row: Endpoint) -> dict[str, Any]:
    found: dict[str, Any] = {
        "operationId": _identifier(row),
        "tags": [tag_of(row)],
        "summary": row.summary,
    }
    if row.about:
        found["description"] = row.about
    if row.extension:
        found["x-extension"] = True
    if row.query:
        found["parameters"] = [_query(name, schema) for name, schema in row.query.items()]
    if row.body is not None:
        found["requestBody"] = {"required": True, "content": _media(row.body)}
    found["responses"] = {"200": _success(row)} | {
        str(code): {"$ref": f"#/components/responses/{code}"} for code in failures(row)
    }
    return found


def _identifier(row: Endpoint) -> str:
    words = re.findall(r"\w+", row.path.replace("-", "/"))
    return row.method.lower() + "".join(word[0].upper() + word[1:] for word in words)


def _query(name: str, schema: Schema) -> dict[str, Any]:
    bare = {key: value for key, value in schema.items() if key != "description"}
    found = {"name": name, "in": "query", "required": False, "schema": bare}
    if "description" in schema:
        found["description"] = schema["description"]
    return found


def _success(row: Endpoint) -> dict[str, Any]:
    found: dict[str, Any] = {"description": "success", "content": _media(row.answer)}
    if isinstance(row.answer, Content) and row.answer.headers:
        found["headers"] = _headers(row.answer.headers)
    return found


def _failure(code: int) -> dict[str, Any]:
    found: dict[str, Any] = {
        "description": _REASONS[code],
        "content": {TEXT: {"schema": text("one line")}},
    }
    if code in _HEADERS:
        found["headers"] = _headers(_HEADERS[code])
    return found


def _headers(schemas: Mapping[str, Schema]) -> dict[str, Any]:
    return {name: {"required": True, "schema": schema} for name, schema in schemas.items()}


def _media(content: Schema | Content) -> dict[str, Any]:
    if isinstance(content, Content):
        kinds = (content.media, *content.media_too)
        return {kind: {"schema": content.schema} for kind in kinds}
    return {JSON: {"schema": content}}
