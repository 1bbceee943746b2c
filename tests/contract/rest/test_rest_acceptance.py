"""Every row of acceptance.yaml, each on a freshly started daemon."""

from pathlib import Path

import pytest
import yaml
from rest_caller import Answer, Charger, charger

ROWS = yaml.safe_load((Path(__file__).parent / "acceptance.yaml").read_text(encoding="utf-8"))
#: What measuring and the clock change by themselves.
RESTLESS = {"state", "voltage", "current", "power", "sessionTime", "chargingTime"}
JSON_TYPE = "application/json"


def settled(charger: Charger) -> tuple[object, ...]:
    """Return everything a refused write must leave alone."""
    state = charger.get("state")
    kept = {key: value for key, value in state.items() if key not in RESTLESS}
    return kept, charger.get("config"), charger.get("firmware/channel")


def send(charger: Charger, step: dict) -> Answer:
    method, _, path = step["do"].partition(" ")
    headers = dict(step.get("headers", {}))
    body = None
    if method not in {"GET", "HEAD"}:
        kind = step.get("type", JSON_TYPE)
        headers |= {} if kind is None else {"Content-Type": kind}
        body = body_of(charger, step)
    return charger.call(method, path, body, headers, chunked=step.get("chunked", False))


def body_of(charger: Charger, step: dict) -> bytes:
    if "echo" in step:
        return charger.call("GET", step["echo"]).body
    text = step.get("body", "") * step.get("repeat", 1)
    return text.ljust(step.get("pad", 0)).encode()


def check(answer: Answer, step: dict) -> None:
    assert answer.status == step["status"], answer.text
    assert {name: answer.headers[name] for name in step.get("sends", {})} == step.get("sends", {})
    if "text" in step:
        assert answer.text == step["text"]
    if "json" in step:
        assert answer.json == step["json"]
    if "keys" in step:
        assert list(answer.json) == step["keys"]
    assert contains(answer.json if "has" in step else {}, step.get("has", {}))
    if answer.status >= 400:
        check_refusal(answer, step.get("says", ""))


def check_refusal(answer: Answer, says: str) -> None:
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert 0 < len(answer.text) < 400
    assert not any(letter in answer.text for letter in "\n<")
    assert says in answer.text


def contains(found: object, wanted: object) -> bool:
    """Tell whether a value is the wanted one, or an object with at least its keys."""
    if isinstance(wanted, dict):
        assert isinstance(found, dict)
        return {key: found[key] for key in wanted} == wanted
    return found == wanted


@pytest.mark.parametrize("row", ROWS, ids=[f"row-{row['row']}" for row in ROWS])
def test_a_row_of_the_acceptance_table(row: dict, folder: Path) -> None:
    with charger(folder / "c", row.get("board", "full"), row.get("config", "")) as fresh:
        for step in row["steps"]:
            if "user" in step:
                fresh.user = step["user"]
            judged = 400 <= step["status"] < 600 and step["status"] != 401
            before = settled(fresh) if judged else None
            check(send(fresh, step), step)
            assert not judged or settled(fresh) == before
            for path, wanted in step.get("then", {}).items():
                assert contains(fresh.get(path), wanted)
