"""Recorded behavior of scripts, run at a desk: formats evsed-lua/1 and evsed-lua-contract/1.

Source: lua.md section 16.
"""

import json
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from evsed.errors import BadFileError
from evsed.services.script.components import values_to_store
from evsed.services.script.desk import EPOCH_S, Desk, Run, in_utc
from evsed.services.script.worker.engine import Value

_PROGRAMS: Final = "evsed-lua-contract/1"
_SCRIPT: Final = "evsed-lua/1"
_SHOWN: Final = ("id", "name", "description", "status")


@dataclass(frozen=True, slots=True)
class Verdict:
    """How one case went; ``difference`` is empty when it went as recorded."""

    name: str
    difference: str


def case_names(path: Path) -> list[str]:
    """Return the names of the cases of a file, in order.

    Raises:
        BadFileError: not a file of recorded cases.
    """
    return [case["name"] for case in _cases(_document(path))]


def run_file(path: Path, only: str | None = None) -> Iterator[Verdict]:
    """Run the cases of a file, or the one of a name.

    Raises:
        BadFileError: not a file of recorded cases.
    """
    document = _document(path)
    for case in _cases(document):
        if only in {None, case["name"]}:
            with in_utc():
                if document["format"] == _PROGRAMS:
                    difference = _run_program(document, case)
                else:
                    difference = _run_case(path, document, case)
            yield Verdict(case["name"], difference)


def _document(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        form = document["format"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadFileError(f"{path}: not recorded behavior of a script: {error}") from error
    if form not in {_PROGRAMS, _SCRIPT}:
        raise BadFileError(f"{path}: format {form!r} is not known")
    return dict(document)


def _cases(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the one list of cases a file has; its name depends on the format."""
    named = document.get("cases") or document.get("programs")
    found = named or next(value for value in document.values() if isinstance(value, list))
    return list(found)


def _run_program(document: Mapping[str, Any], program: Mapping[str, Any]) -> str:
    desk = _desk({**document, **program}, program.get("params", {}))
    with _tree({"init.lua": program["init"].encode()}) as root:
        run = Run(desk, root)
        for step in program.get("steps", ()):
            run.to(step["at"])
            _apply(run, step, step.get("params", {}))
        run.to(program["until"])
        shown = [
            {key: one[key] for key in _SHOWN if one.get(key) is not None}
            for one in run.components()
        ]
    return _differ("output", program["output"], desk.output) or _differ(
        "components", program["components"], shown
    )


def _run_case(path: Path, document: Mapping[str, Any], case: Mapping[str, Any]) -> str:
    recorded = document["component"]
    component = recorded["id"]
    name = Path(document["script"]).stem
    script = path.parent / document["script"]
    desk = _desk({**document, **case}, {component: case.get("params", {})})
    entry = f'component.register(require("{name}"))'.encode()
    with _tree({"init.lua": entry, f"{name}.lua": script.read_bytes()}) as root:
        run = Run(desk, root)
        run.to(0)
        if not case.get("params") and (difference := _differs_unset(recorded, run)):
            return difference
        for step in case["steps"]:
            run.to(step["at"])
            difference = _compare(desk, step, frozenset(case.get("ignore", ())))
            if difference:
                return f"at {step['at']} ms: {difference}"
            _apply(run, step, {component: step["params"]} if "params" in step else {})
        status = run.components()[0]["status"]
    return _differ("status", case["status"], status)


def _differs_unset(recorded: Mapping[str, Any], run: Run) -> str:
    """Compare a component of which nothing is stored with what the interface showed of it."""
    wanted, shown = _by_key(recorded), _by_key(run.components()[0])
    return _differ("component", wanted, {key: shown.get(key) for key in wanted})


def _by_key(component: Mapping[str, Any]) -> dict[str, Any]:
    """Return a component with its parameters by key; each has a value, and be it None."""
    if "params" not in component:
        return dict(component)
    params = [{"value": None, **one} for one in component["params"]]
    return {**component, "params": sorted(params, key=lambda one: str(one["key"]))}


def _desk(settings: Mapping[str, Any], parameters: Mapping[str, Mapping[str, Value]]) -> Desk:
    """Return the surroundings a case describes; what it says goes before what its file says."""
    return Desk(
        board=settings.get("board"),
        initial=settings.get("initial"),
        epoch_s=settings.get("epoch", EPOCH_S),
        serial=settings.get("serial", False),
        replies=settings.get("serialReply", ()),
        parameters=parameters,
    )


def _compare(desk: Desk, step: Mapping[str, Any], ignored: frozenset[str]) -> str:
    """Compare what happened since the last comparison, and forget it."""
    if "calls" not in step and "output" not in step:
        return ""
    calls = [[name, given] for name, given in desk.calls if name not in ignored]
    output = list(desk.output)
    desk.calls.clear()
    desk.output.clear()
    return _differ("calls", step.get("calls", []), calls) or _differ(
        "output", step.get("output", []), output
    )


def _apply(
    run: Run, step: Mapping[str, Any], parameters: Mapping[str, Mapping[str, Value]]
) -> None:
    """Do what a step says.

    Args:
        run: what it is done to.
        step: everything but the parameters.
        parameters: what is stored over REST, by component.
    """
    desk = run.desk
    desk.set(step.get("set", {}))
    if "mqtt" in step:
        run.message(step["mqtt"]["topic"], step["mqtt"]["payload"])
    if "serialRx" in step:
        desk.arrive(bytes.fromhex(step["serialRx"]))
    for component, values in parameters.items():
        listed = next(one for one in run.components() if one["id"] == component)
        desk.store(component, values_to_store(listed, values))
        run.restart(component)


def _differ(what: str, wanted: object, got: object) -> str:
    return "" if wanted == got else f"{what}: expected {wanted!r}, got {got!r}"


@contextmanager
def _tree(files: Mapping[str, bytes]) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="evsed-desk-") as folder:
        home = Path(folder, "usr", "lua")
        home.mkdir(parents=True)
        for name, content in files.items():
            (home / name).write_bytes(content)
        yield home.parent
