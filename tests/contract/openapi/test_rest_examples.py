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


def limit(template, amperes):
    """Return the body a template makes of a current."""
    head, _, rest = template.partition("{{")
    return (head + amperes + rest.partition("}}")[2]).encode()


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


EVCC_READS = ("status", "enabled", "power", "energy", "currents")


def test_evcc_with_a_limit_of_its_own_falls_back_without_it(daemon):
    (charger,) = read("evcc-limits.yaml")["chargers"]
    for key, amperes in (("maxcurrent", "9"), ("maxcurrentmillis", "9.5")):
        source = charger[key]["set"]
        body = limit(source["body"], amperes)
        kind = source["headers"]["content-type"]
        assert daemon.ask(source["method"], path(source["uri"]), body, kind) == (200, "OK")
    shown = daemon.get("/limits")
    assert (shown["permitted"], shown["limitedBy"]) == (9.5, "evcc")
    assert (shown["limits"][0]["expires"], shown["limits"][0]["fallback"]) == (120, 6.0)
    assert float(charger["maxcurrent"]["timeout"].rstrip("s")) * 2 <= 120
    for source in sources({key: charger[key] for key in EVCC_READS}):
        picked(daemon.get(path(source["uri"])), source["jq"])


def test_home_assistant_guards_the_fuse(daemon):
    example = read("home-assistant-limits.yaml")
    command = example["rest_command"]["evse_house_limit"]
    for amperes, permitted in (("0", 0.0), ("17.3", 17.3)):
        body = limit(command["payload"], amperes)
        answer = daemon.ask(
            command["method"].upper(), path(command["url"]), body, command["content_type"]
        )
        assert answer == (200, "OK")
        assert daemon.get("/limits")["permitted"] == permitted
    (resource,) = example["rest"]
    found = daemon.get(path(resource["resource"]))
    for sensor in resource["sensor"]:
        key = sensor["value_template"].removeprefix("{{ value_json.").removesuffix(" }}")
        assert key in found
