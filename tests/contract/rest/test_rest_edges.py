"""Every number that can be written, at its edges and beyond: edges.yaml."""

from pathlib import Path

import pytest
import yaml

EDGES = yaml.safe_load((Path(__file__).parent / "edges.yaml").read_text())
HEADERS = {"Content-Type": "application/json"}


def _cases():
    for path, row in EDGES["values"].items():
        yield pytest.param(f"state/{path}", "{}", "state", row["key"], row, id=f"value-{path}")
    for path in ("state", "config/evse"):
        for key, row in EDGES[path].items():
            yield pytest.param(path, f'{{"{key}":{{}}}}', path, key, row, id=f"{path}-{key}")


CASES = list(_cases())


def written(form, text):
    return form.replace("{}", str(text), 1)


async def send(served, path, text):
    return await served.ask("POST", path, data=text.encode(), headers=HEADERS)


async def value(served, path, key):
    return (await served.get(path)).json[key]


@pytest.mark.parametrize(("path", "form", "read", "key", "row"), CASES)
async def test_good_values_are_taken_and_read_back(full, path, form, read, key, row):
    for good in row["good"]:
        answer = await send(full, path, written(form, good))
        assert (answer.status, answer.text) == (200, "OK")
        assert await value(full, read, key) == good


@pytest.mark.parametrize(("path", "form", "read", "key", "row"), CASES)
async def test_bad_values_are_refused_with_a_sentence(full, path, form, read, key, row):
    before = await value(full, read, key)
    for bad in [*row["bad"], *EDGES["never"]]:
        answer = await send(full, path, written(form, bad))
        assert answer.status == 400, (bad, answer.text)
        syntax = bad in {"NaN", "1e999"}
        assert syntax or key in answer.text, (bad, answer.text)
        assert await value(full, read, key) == before
