"""The examples of the manual, sent to a running charger as evcc and Home Assistant would."""

from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml

EXAMPLES = Path(__file__).parents[3] / "docs" / "examples"
BODIES = {
    "{{if .enable}}true{{else}}false{{end}}": "false",
    "{{.maxcurrent}}": "6",
    "{{.maxcurrentmillis}}": "6.5",
    "{{ amperes }}": "13.5",
}


def read(name):
    return yaml.safe_load((EXAMPLES / name).read_text(encoding="utf-8"))


def path(address):
    parts = urlsplit(address)
    assert parts.path.startswith("/api/v1/")
    return parts.path.removeprefix("/api/v1")


def sources(part):
    """Yield every evcc source of a configuration."""
    if isinstance(part, dict):
        if part.get("source") == "http":
            yield part
        for value in part.values():
            yield from sources(value)
    elif isinstance(part, list):
        for item in part:
            yield from sources(item)


def picked(value, jq):
    """Return what the few forms of jq give that the example has."""
    name, _, rest = jq.removeprefix(".").partition(" ")
    key, _, index = name.partition("[")
    found = value[key]
    if index:
        found = found[int(index[:-1])]
    return found / int(rest.removeprefix("/ ")) if rest else found


@pytest.fixture
def daemon(start):
    return start()


def test_evcc_reads_and_writes_what_its_example_says(daemon):
    found = list(sources(read("evcc-rest.yaml")))
    assert len(found) == 13
    for source in found:
        if source.get("method") == "POST":
            body = BODIES[source["body"]].encode()
            kind = source["headers"]["content-type"]
            assert daemon.ask("POST", path(source["uri"]), body, kind) == (200, "OK")
        else:
            picked(daemon.get(path(source["uri"])), source["jq"])
    state = daemon.get("/state")
    assert (state["enabled"], state["chargingCurrent"]) == (False, 6.5)


def test_home_assistant_reads_and_writes_what_its_example_says(daemon):
    example = read("home-assistant-rest.yaml")
    (resource,) = example["rest"]
    state = daemon.get(path(resource["resource"]))
    for sensor in resource["sensor"]:
        key = sensor["value_template"].removeprefix("{{ value_json.").removesuffix(" }}")
        assert key in state
    (switch,) = example["switch"]
    kind = switch["headers"]["Content-Type"]
    for body, enabled in ((switch["body_off"], False), (switch["body_on"], True)):
        answer = daemon.ask("POST", path(switch["resource"]), body.encode(), kind)
        assert answer == (200, "OK")
        assert daemon.get(path(switch["state_resource"]))["enabled"] is enabled
    command = example["rest_command"]["evse_charging_current"]
    body = BODIES[command["payload"]].encode()
    answer = daemon.ask("POST", path(command["url"]), body, command["content_type"])
    assert answer == (200, "OK")
    assert daemon.get("/state")["chargingCurrent"] == 13.5
