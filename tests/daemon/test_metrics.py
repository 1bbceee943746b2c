"""What Prometheus scrapes, judged by its own tool; dashboard and rules name nothing else."""

import http.client
import json
import re
import subprocess
from base64 import b64encode

import pytest
import yaml
from daemon_world import PATIENCE_S, ROOT, eventually, pair

EXAMPLES = ROOT / "docs" / "examples"
RULES = EXAMPLES / "prometheus"
DASHBOARD = EXAMPLES / "grafana" / "evsed.json"
#: of Prometheus itself
OWN = {"up"}
#: only there while it is so
SOMETIMES = {"evsed_alarm", "evsed_connected"}


@pytest.fixture(scope="module")
def daemon(tmp_path_factory):
    with pair(tmp_path_factory.mktemp("metrics")) as (_, running):
        yield running


def fetch(daemon, method="GET", path="/metrics", user=None, body=None):
    """Return status, type and text of a request outside the API."""
    connection = http.client.HTTPConnection("127.0.0.1", daemon.port, timeout=PATIENCE_S)
    headers = {"Content-Type": "application/json"} if body else {}
    if user is not None:
        headers["Authorization"] = f"Basic {b64encode(user).decode()}"
    try:
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        return answer.status, answer.headers["Content-Type"], answer.read().decode()
    finally:
        connection.close()


def scrape(daemon):
    """Return what is measured: a number for each name and its labels as they are written."""
    status, kind, text = fetch(daemon)
    assert (status, kind) == (200, "text/plain; version=0.0.4; charset=utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


def promtool(*words, text=None, folder=RULES):
    done = subprocess.run(
        ["promtool", *words], input=text, text=True, capture_output=True, cwd=folder, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_promtool_finds_nothing_to_object_to(daemon):
    assert promtool("check", "metrics", text=fetch(daemon)[2]).strip() == ""


def test_a_charge_is_measured(daemon):
    before = scrape(daemon)
    assert before['evsed_state{state="A"}'] == 1
    assert before['evsed_state{state="C2"}'] == 0
    daemon.charge()
    eventually(lambda: scrape(daemon)["evsed_energy_joules_total"] > 1000)
    now, state = scrape(daemon), daemon.get("/state")
    assert now['evsed_state{state="C2"}'] == 1
    assert now['evsed_current_amperes{phase="L1"}'] == pytest.approx(state["current"][0], abs=1)
    assert now["evsed_contactor_closings_total"] == 1
    limits = daemon.get("/limits")
    assert now[f'evsed_limited_by{{owner="{limits["limitedBy"]}"}}'] == 1
    assert now['evsed_limit_amperes{owner="user"}'] == 32
    daemon.street(vehicle="none")


def test_every_pass_is_in_the_histogram(daemon):
    now = scrape(daemon)
    name = "evsed_pass_lateness_seconds"
    steps = [value for key, value in now.items() if key.startswith(f"{name}_bucket")]
    assert steps == sorted(steps)
    assert now[f"{name}_count"] == steps[-1] > 0
    assert now[f"{name}_sum"] < now[f"{name}_count"]
    later = scrape(daemon)
    assert later[f"{name}_count"] >= now[f"{name}_count"]


def test_requests_are_counted_by_route_whatever_clients_invent(daemon):
    for owner in range(20):
        fetch(daemon, path=f"/api/v1/limits/o{owner}")
        fetch(daemon, path=f"/nowhere/{owner}")
        fetch(daemon, f"M{owner}", "/api/v1/state")
    requests = {key: value for key, value in scrape(daemon).items() if "_requests_total" in key}
    route = 'route="/api/v1/limits/{owner}",status="404"'
    assert requests[f'evsed_http_requests_total{{method="GET",{route}}}'] == 20
    assert len([key for key in requests if "other" in key]) <= 2
    assert not [key for key in requests if "nowhere" in key or "/o1" in key]


def test_it_asks_for_the_same_password_as_everything(daemon):
    daemon.post("/credentials", {"user": "me", "password": "pa55w0rd"})
    assert fetch(daemon)[0] == 401
    assert fetch(daemon, user=b"me:pa55w0rd")[0] == 200
    nobody = json.dumps({"user": "", "password": ""})
    fetch(daemon, "POST", "/api/v1/credentials", b"me:pa55w0rd", nobody)
    assert fetch(daemon)[0] == 200


def names_in(expression):
    """Return the metrics of an expression."""
    bare = re.sub(r"\{[^}]*\}|\[[^\]]*\]|\b(?:by|ignoring|on|without) ?\([^)]*\)", "", expression)
    return set(re.findall(r"\b(?:evsed_\w+|up)\b", bare))


def expressions():
    for rule in yaml.safe_load((RULES / "alerts.yml").read_text())["groups"][0]["rules"]:
        yield rule["expr"]
    for panel in json.loads(DASHBOARD.read_text())["panels"]:
        yield from (target["expr"] for target in panel["targets"])


def test_rules_and_dashboard_ask_for_what_there_is(daemon):
    there = {key.partition("{")[0] for key in scrape(daemon)} | SOMETIMES | OWN
    asked = set().union(*map(names_in, expressions()))
    assert len(asked) > 15
    assert asked <= there


def test_promtool_likes_the_rules_and_they_fire_when_they_should():
    promtool("check", "config", "prometheus.yml")
    promtool("check", "rules", "alerts.yml")
    promtool("test", "rules", "alerts.test.yml")


def test_panels_are_what_grafana_takes():
    board = json.loads(DASHBOARD.read_text())
    panels = board["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    assert {one["name"] for one in board["templating"]["list"]} == {"source", "charger"}
    taken = set()
    for panel in panels:
        at = panel["gridPos"]
        spots = {
            (x, y)
            for x in range(at["x"], at["x"] + at["w"])
            for y in range(at["y"], at["y"] + at["h"])
        }
        assert not taken & spots, panel["title"]
        assert at["x"] + at["w"] <= 24
        taken |= spots
