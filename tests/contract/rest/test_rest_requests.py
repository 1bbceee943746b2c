"""Every line of requests.yaml, each against a fresh station."""

import asyncio
import json
import logging
from pathlib import Path

import pytest
import yaml

CASES = yaml.safe_load((Path(__file__).parent / "requests.yaml").read_text())
#: What measuring and the clock change by themselves.
RESTLESS = {"voltage", "current", "power", "sessionTime", "chargingTime", "state"}
JSON_TYPE = "application/json"


def title(case):
    return case["name"].replace(" ", "-")


def body_of(case):
    text = case.get("body", "") * case.get("repeat", 1)
    return text.ljust(case.get("pad", 0)).encode()


async def in_pieces(body):
    for start in range(0, len(body), 4096):
        yield body[start : start + 4096]


def request_of(case):
    headers = dict(case.get("headers", {}))
    request = {"headers": headers}
    if "body" in case or case["do"].startswith("POST"):
        kind = case.get("type", JSON_TYPE)
        if kind is None:
            request["skip_auto_headers"] = ["Content-Type"]
        else:
            headers["Content-Type"] = kind
        body = body_of(case)
        request["data"] = in_pieces(body) if case.get("chunked") else body
    return request


async def everything(served):
    state = (await served.get("state")).json
    settled = {key: value for key, value in state.items() if key not in RESTLESS}
    return (
        settled,
        (await served.get("config/evse")).json,
        (await served.get("simulator")).json["vehicle"],
    )


async def prepare(served, steps):
    for step in steps:
        method, path, body = step.split(" ", 2)
        assert (await served.ask(method, path, json=json.loads(body))).status == 200


def check_refusal(answer, says):
    assert answer.type == "text/plain; charset=utf-8"
    assert answer.text
    assert "\n" not in answer.text
    assert "<" not in answer.text
    assert "Traceback" not in answer.text
    assert len(answer.text) < 400
    assert says in answer.text


@pytest.mark.parametrize("case", CASES, ids=title)
async def test_a_request_gets_its_answer(full, case):
    await prepare(full, case.get("first", []))
    before = await everything(full)
    method, _, path = case["do"].partition(" ")
    answer = await full.ask(method, path.strip('"'), **request_of(case))
    assert answer.status == case["status"], answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    if answer.status >= 400:
        check_refusal(answer, case.get("says", ""))
        assert await everything(full) == before
    if "answer" in case:
        assert (answer.text, answer.type) == (case["answer"], "text/plain")
    for path, wanted in case.get("then", {}).items():
        found = (await full.get(path)).json
        assert {key: found[key] for key in wanted} == wanted


async def test_a_wrong_method_is_told_the_right_ones(full):
    answer = await full.ask("PUT", "state", json={})
    assert {name.strip() for name in answer.headers["Allow"].split(",")} == {"GET", "HEAD", "POST"}


@pytest.mark.parametrize(
    "path", ["state", "config/evse", "board-config", "info", "events", "reason"]
)
async def test_head_is_allowed_wherever_get_is(full, path):
    answer = await full.ask("HEAD", path)
    assert (answer.status, answer.text) == (200, "")


@pytest.mark.parametrize("mode", ["cur_vlt"])
async def test_a_bare_board_cannot_measure_what_it_lacks(bare, mode):
    answer = await bare.post("config/evse", {"energyMeterMode": mode})
    check_refusal(answer, "energyMeterMode")
    assert answer.status == 400


@pytest.mark.parametrize("key", ["socketOutlet", "rcm"])
async def test_a_bare_board_cannot_use_what_is_not_fitted(bare, key):
    answer = await bare.post("config/evse", {key: True})
    check_refusal(answer, key)
    assert answer.status == 400
    assert (await bare.get("config/evse")).json[key] is False


async def test_real_hardware_has_no_simulator(bare):
    answer = await bare.get("simulator")
    assert answer.status == 404
    check_refusal(answer, "")


async def test_without_extensions_only_the_api_is_served(serve):
    async with serve(extensions=False) as served:
        for path in ("events", "reason", "simulator"):
            assert (await served.get(path)).status == 404
        assert (await served.get("state")).status == 200


async def test_bytes_that_are_not_http_are_answered_and_logged_in_one_line(full, caplog):
    caplog.set_level(logging.INFO, "evsed.services.http")
    for _ in range(3):
        reader, writer = await asyncio.open_connection("127.0.0.1", full.http.port)
        writer.write(b"\x16\x03\x01\x02\x00\x01\r\n\r\n")
        assert b" 400 " in await asyncio.wait_for(reader.readline(), 5)
        writer.close()
        await writer.wait_closed()
    assert [record.levelname for record in caplog.records] == ["INFO"]
