"""/script: output, reload, components and their parameters. Source: rest.md section 5.4."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from aiohttp import web

from evsed.errors import RejectedError
from evsed.operations.values import json_object
from evsed.services.rest.answers import failed, index_of, json_answer, lines_answer, ok
from evsed.services.rest.body import BodyReader
from evsed.services.rest.endpoints import Endpoint
from evsed.services.rest.ports import Component, Parameter, Scripts, Value
from evsed.services.rest.schema import LINES, Schema, array, or_null, record, text, whole

INDEX: Final[Mapping[str, Schema]] = {"index": whole("first line wanted; 0 without it", low=0)}
_VALUE: Final[Schema] = {
    "type": ["string", "number", "boolean", "null"],
    "description": "null: as the script has it",
}
_COMPONENT: Final = record(
    {
        "id": text(),
        "name": text(),
        "description": text(),
        "status": text(words=("running", "idle", "finished", "failed", "stopped")),
        "error": text("why it failed"),
    },
    required=("id", "name", "description"),
)
_PARAMETER: Final = record(
    {
        "key": text(),
        "name": text("for people"),
        "type": text(words=("string", "number", "boolean")),
        "value": _VALUE,
    }
)
_SHOWN: Final = or_null(record({"params": array(_PARAMETER, "sorted")}))
_WRITTEN: Final = record(
    {
        "params": array(
            record({"key": text(), "value": _VALUE}, required=("key",)),
            "those to change; others keep their value",
            shortest=1,
        )
    }
)


def values_of(body: object) -> dict[str, Value]:
    """Return what a client wants the parameters of a component to be.

    Raises:
        RejectedError: not an object with an array of keys and values.
    """
    params = json_object(body).get("params")
    if not isinstance(params, list) or not params:
        raise RejectedError("an array with at least one key and value is expected", key="params")
    values: dict[str, Value] = {}
    for number, entry in enumerate(params):
        where = f"params[{number}]"
        key, value = _key_and_value(where, entry)
        if key in values:
            raise RejectedError(f"{key!r} is there twice", key=where)
        values[key] = value
    return values


def _known(one: Component) -> dict[str, object]:
    """Return a component without what it has nothing to say about."""
    shown = {
        "id": one.id,
        "name": one.name,
        "description": one.description,
        "status": one.status,
        "error": one.error,
    }
    return {key: value for key, value in shown.items() if value is not None}


def _parameter(one: Parameter) -> dict[str, object]:
    return {"key": one.key, "name": one.name, "type": one.type, "value": one.value}


def _key_and_value(where: str, entry: object) -> tuple[str, Value]:
    if not isinstance(entry, dict) or not isinstance(entry.get("key"), str):
        raise RejectedError("an object with a text as key is expected", key=where)
    value = entry.get("value")
    if value is not None and not isinstance(value, str | int | float):
        raise RejectedError("a text, a number, true, false or null expected", key=f"{where}.value")
    return entry["key"], value


@dataclass(frozen=True, slots=True, kw_only=True)
class ScriptResource:
    """The script engine as a resource."""

    scripts: Scripts
    bodies: BodyReader = field(default_factory=BodyReader)

    def endpoints(self) -> tuple[Endpoint, ...]:
        """Return the rows of the table."""
        return (*self._engine(), *self._components())

    def _engine(self) -> tuple[Endpoint, ...]:
        return (
            Endpoint(
                method="GET",
                path="/script/output",
                handler=self.output,
                summary="Output of the scripts",
                query=INDEX,
                answer=LINES,
            ),
            Endpoint(
                method="POST",
                path="/script/reload",
                handler=self.reload,
                summary="Start all scripts again; nothing while the engine is off",
            ),
        )

    def _components(self) -> tuple[Endpoint, ...]:
        return (
            Endpoint(
                method="GET",
                path="/script/components",
                handler=self.components,
                summary="Components of the scripts",
                answer=array(_COMPONENT),
            ),
            Endpoint(
                method="GET",
                path="/script/components/{id}",
                handler=self.component,
                summary="Parameters of a component; null when there is none of this id",
                answer=_SHOWN,
            ),
            Endpoint(
                method="POST",
                path="/script/components/{id}",
                handler=self.set_component,
                summary="Change parameters of a component and start it again",
                body=_WRITTEN,
                errors=(404,),
            ),
        )

    async def output(self, request: web.Request) -> web.Response:
        """GET /script/output."""
        return lines_answer(*self.scripts.output(index_of(request)))

    async def reload(self, request: web.Request) -> web.Response:
        """POST /script/reload."""
        await self.bodies.drain(request)
        await self.scripts.reload()
        return ok()

    async def components(self, _request: web.Request) -> web.Response:
        """GET /script/components."""
        return json_answer([_known(one) for one in self.scripts.components()])

    async def component(self, request: web.Request) -> web.Response:
        """GET /script/components/{id}."""
        parameters = self.scripts.component(request.match_info["id"])
        if parameters is None:
            return json_answer(None)
        return json_answer({"params": [_parameter(one) for one in parameters]})

    async def set_component(self, request: web.Request) -> web.Response:
        """POST /script/components/{id}."""
        name = request.match_info["id"]
        values = values_of(await self.bodies.json(request))
        if self.scripts.component(name) is None:
            return failed(404, f"there is no component {name[:64]!r}")
        await self.scripts.set_component(name, values)
        return ok()
