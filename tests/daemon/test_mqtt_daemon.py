"""A charger at a real broker: what it says, what it does, and what brokers do to it."""

import json
import re
import signal
import time

import pytest
import yaml
from daemon_world import ROOT, Daemon, eventually, pair
from mqtt_ear import Ear
from mqtt_world import Certificates, mosquitto

from evsed.operations.detail_fields import DETAIL_FIELDS
from evsed.operations.state_fields import STATE_FIELDS

NAMES = {"user": "anna", "password": "s3cr/t"}
CONFIG = "http: {address: 127.0.0.1}\nmodbus: {address: 127.0.0.1, port: 0}\n"
#: how long a change may take to the broker and back, on a busy machine
SOON_S = 60


@pytest.fixture(scope="module")
def broker(tmp_path_factory):
    folder = tmp_path_factory.mktemp("mqtt") / "broker"
    with mosquitto(folder, users={NAMES["user"]: NAMES["password"]}) as running:
        yield running


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    with pair(tmp_path_factory.mktemp("charger")) as (_, daemon):
        yield daemon


@pytest.fixture
def ear(broker):
    with Ear(broker.port, NAMES["user"], NAMES["password"]) as listening:
        yield listening


@pytest.fixture
def daemon(running):
    """A charger as it was when it was started."""
    yield running
    running.street(vehicle="none")
    running.post("/state/enabled", True)
    running.post("/state/charging-current", 32)
    running.post("/config/evse", {"requireAuth": False})
    running.post("/config/mqtt", {"enabled": False, "discovery": True, "uri": ""})
    running.until("A")
    eventually(lambda: running.get("/mqtt")["state"] == "off")


@pytest.fixture
def own(tmp_path):
    """A charger and a broker to be broken."""
    names = {NAMES["user"]: NAMES["password"]}
    with (
        mosquitto(tmp_path / "broker", users=names) as broker,
        pair(tmp_path) as (_, daemon),
        Ear(broker.port, *NAMES.values()) as ear,
    ):
        yield daemon, broker, ear


def connect(daemon, broker, **more):
    daemon.post(
        "/config/mqtt",
        {"enabled": True, "uri": broker.uri(), "topic": "e", "interval": 1, **NAMES, **more},
    )
    eventually(lambda: daemon.get("/mqtt")["state"] == "connected", SOON_S)


def test_every_value_of_the_rest_interface_is_a_topic(daemon, broker, ear):
    connect(daemon, broker)
    ear.wait(e__availability="online", e__state="A", e__enabled="true", e__alarms="[]")
    rows = [row.name for row in (*STATE_FIELDS, *DETAIL_FIELDS)]
    sent = {topic.removeprefix("e/") for topic in ear.latest if topic.startswith("e/")}
    assert set(rows) - sent == {"lateness", "dutyPpm"}
    state = daemon.get("/state")
    for row in STATE_FIELDS:
        text = ear.latest[f"e/{row.name}"]
        assert (text if isinstance(state[row.name], str) else json.loads(text)) == state[row.name]
    with Ear(broker.port, *NAMES.values()) as later:
        later.wait(e__availability="online", e__state="A")
        assert all(kept for _, _, kept in later.heard)
    assert daemon.get("/mqtt") == {
        "state": "connected", "reason": "", "topic": "e", "waiting": 0, "dropped": 0,
    }  # fmt: skip
    assert "password" not in daemon.get("/config/mqtt")
    assert NAMES["password"] not in daemon.log


def test_a_charge_by_mqtt(daemon, broker, ear):
    connect(daemon, broker)
    ear.wait(e__availability="online")  # commands are heard
    daemon.street(vehicle="charging")
    ear.wait(e__state="C2", e__contactorClosed="true")
    ear.until(lambda: int(ear.latest["e/power"]) > 1000)
    ear.say("e/set/chargingCurrent", "10.5")
    ear.wait(e__chargingCurrent="10.5", e__offeredCurrent="10.5")
    ear.say("e/set/limit", '{"current": 8, "expires": 600, "fallback": 6}')
    ear.wait(e__offeredCurrent="8.0", e__limitedBy="mqtt")
    ear.say("e/set/limits/house", "7")
    ear.wait(e__offeredCurrent="7.0", e__limitedBy="house")
    ear.say("e/set/limits/house", "null")
    ear.say("e/set/limit", "null")
    ear.wait(e__offeredCurrent="10.5", e__limitedBy="user")
    assert {one["owner"]: one["setBy"] for one in daemon.get("/limits")["limits"]}["user"] == "mqtt"
    ear.say("e/set/enabled", "false")
    ear.wait(e__enabled="false", e__contactorClosed="false", e__power="0")
    ear.say("e/set/enabled", "true")
    ear.wait(e__state="C2")
    daemon.street(vehicle="none")
    ear.wait(e__state="A", e__power="0")
    (session,) = ear.until(lambda: ear.objects("e/event/session"))
    assert session == daemon.get("/sessions")["sessions"][0]


def test_a_charge_that_has_to_be_authorized(daemon, broker, ear):
    connect(daemon, broker)
    ear.wait(e__availability="online")  # commands are heard
    ear.say("e/set/requireAuth", "true")
    ear.wait(e__requireAuth="true")
    daemon.street(vehicle="charging")
    ear.wait(e__pendingAuth="true")
    ear.say("e/set/authorize", "false")
    ear.until(lambda: ear.objects("e/error"))
    ear.say("e/set/authorize", "true")
    ear.wait(e__state="C2", e__pendingAuth="false")
    daemon.street(vehicle="none")
    (session,) = ear.until(lambda: ear.objects("e/event/session"))
    assert session["authorized"] == "mqtt"


BAD = (
    ("chargingCurrent", "5", "chargingCurrent: number 6..32 expected"),
    ("chargingCurrent", "", "a JSON value was expected, the body is empty"),
    ("chargingCurrent", '"16"', "chargingCurrent: number 6..32 expected"),
    ("chargingCurrent", "NaN", "NaN is not JSON"),
    ("enabled", "ON", "the body is not JSON at line 1, column 1"),
    ("enabled", "1", "enabled: boolean expected"),
    ("limit", "[" * 1000, "the body is n"),
    ("limit", "x" * 2000, "at most 1024 bytes expected"),
    ("limit", '{"current": 9, "current": 8}', "an object in the body has the same key twice"),
    ("limit", "3", "current: 0 or a number 6..63 expected"),
    ("limits/user", "8", "user: is the name of a limit that is not set here"),
    ("limits/A/b", "8", "owner: 1 to 32 of a-z, 0-9, - and _, a letter first, expected"),
    ("power", "8", "unknown command, expected one of: available, "),
    ("", "8", "unknown command, expected one of: available, "),
)


def test_bad_commands_change_nothing_and_are_answered(daemon, broker, ear):
    connect(daemon, broker)
    ear.wait(e__availability="online")
    before = (daemon.get("/state"), daemon.get("/limits"), daemon.get("/config"))
    for name, text, _ in BAD:
        ear.say(f"e/set/{name}", text)
    said = ear.until(lambda: len(found := ear.objects("e/error")) == len(BAD) and found)
    for (name, text, why), answer in zip(BAD, said, strict=True):
        assert (answer["command"], answer["payload"]) == (name, text[:200])
        assert answer["error"].startswith(why), answer
    assert before == (daemon.get("/state"), daemon.get("/limits"), daemon.get("/config"))
    assert daemon.log.count("command 'chargingCurrent' was refused") == 1


def test_a_command_the_broker_has_kept_is_never_obeyed(daemon, broker, ear):
    ear.say("e/set/enabled", "false", retain=True)
    ear.say("e/set/limit", "0", retain=True)
    connect(daemon, broker)
    found = ear.until(lambda: len(said := ear.objects("e/error")) == 2 and said)
    assert {one["command"] for one in found} == {"enabled", "limit"}
    assert "publish commands without retain" in found[0]["error"]
    # what clears the topic is no command either
    ear.say("e/set/limit", "", retain=True)
    ear.say("e/set/enabled", "", retain=True)
    ear.until(lambda: len(ear.objects("e/error")) == 4)
    assert daemon.get("/state")["enabled"] is True
    assert daemon.get("/limits")["limitedBy"] != "mqtt"


def test_the_broker_goes_and_comes_back_and_has_everything_again(own):
    daemon, broker, ear = own
    connect(daemon, broker)
    ear.wait(e__state="A")
    daemon.charge()
    ear.wait(e__state="C2")
    broker.stop()
    eventually(lambda: daemon.get("/mqtt")["state"] == "disconnected", SOON_S)
    assert daemon.get("/mqtt")["reason"] == "the connection was lost"
    daemon.post("/state/charging-current", 9)
    assert daemon.state() == "C2"
    broker.start()  # has forgotten everything
    eventually(lambda: daemon.get("/mqtt")["state"] == "connected", 60)
    with Ear(broker.port, *NAMES.values()) as later:
        later.wait(e__availability="online", e__state="C2", e__chargingCurrent="9.0")
        later.say("e/set/chargingCurrent", "11")
        later.wait(e__chargingCurrent="11.0")


EXAMPLES = ROOT / "docs" / "examples"
BASE = "evsed/3f9a12"


def openhab():
    """Return the channels of the example: keys and texts."""
    lines = (EXAMPLES / "openhab" / "evse.things").read_text().splitlines()
    found = [re.search(r"Type (\w+) +: (\w+) .*?\[(.*)\]", line) for line in lines]
    return {
        one[2]: {"kind": one[1], **dict(re.findall(r'(\w+)="?([^",]+)"?', one[3]))}
        for one in found
        if one
    }


def test_openhab_finds_and_sets_what_its_example_names(daemon, broker, ear):
    connect(daemon, broker, topic=BASE)
    ear.until(lambda: ear.latest.get(f"{BASE}/availability") == "online")
    channels = openhab()
    assert len(channels) == 14
    items = (EXAMPLES / "openhab" / "evse.items").read_text()
    assert set(re.findall(r"home:evse:(\w+)", items)) == set(channels)
    topics = {one["stateTopic"] for one in channels.values() if "stateTopic" in one}
    ear.until(lambda: topics <= ear.latest.keys())
    for name, one in channels.items():
        if one["kind"] == "switch" and "stateTopic" in one:
            assert ear.latest[one["stateTopic"]] in {one["on"], one["off"]}, name
    ear.say(channels["enabled"]["commandTopic"], channels["enabled"]["off"])
    ear.say(channels["chargingCurrent"]["commandTopic"], "9.5")
    ear.say(channels["authorize"]["commandTopic"], channels["authorize"]["on"])
    ear.until(lambda: daemon.get("/state")["chargingCurrent"] == 9.5)
    assert daemon.get("/state")["enabled"] is False
    assert not ear.objects(f"{BASE}/error")


def test_node_red_finds_and_sets_what_its_example_names(daemon, broker, ear):
    connect(daemon, broker, topic=BASE)
    flow = {one["id"]: one for one in json.loads((EXAMPLES / "node-red/evse.json").read_text())}
    wired = {to for one in flow.values() for wire in one.get("wires", ()) for to in wire}
    assert wired <= flow.keys()
    ear.until(lambda: ear.latest.get(f"{BASE}/availability") == "online")
    heard = {one["topic"] for one in flow.values() if one["type"] == "mqtt in"}
    ear.until(lambda: heard <= {*ear.latest, f"{BASE}/error", "house/surplus"})
    for one in flow.values():
        if one["type"] == "inject":
            (to,) = one["wires"][0]
            assert flow[to]["retain"] == "false"
            ear.say(flow[to]["topic"], one["payload"])
    (told,) = re.findall(r"msg.payload = (\{.*\});", flow["amperes"]["func"])
    keys = dict(re.findall(r"(\w+): ([^,}]*)(?:,|\})", told.replace("(amperes, 63)", "")))
    limit = {"current": 8.5, "expires": int(keys["expires"]), "fallback": int(keys["fallback"])}
    ear.say(flow["set-limit"]["topic"], json.dumps(limit))
    ear.until(lambda: daemon.ask("GET", "/limits/solar")[0] == 200)
    assert daemon.get("/limits/solar")["fallback"] == 6
    assert daemon.get("/state")["chargingCurrent"] == 10
    assert not ear.objects(f"{BASE}/error")
    ear.say(flow["set-limit"]["topic"], "null")
    manual = (ROOT / "docs" / "integrations" / "node-red.md").read_text()
    assert flow["amperes"]["func"] in manual


def test_home_assistant_sets_the_limit_of_its_example(daemon, broker, ear):
    connect(daemon, broker, topic=BASE)
    ear.until(lambda: ear.latest.get(f"{BASE}/availability") == "online")
    text = (EXAMPLES / "home-assistant-mqtt.yaml").read_text()
    (automation,) = yaml.safe_load(text)["automation"]
    (action,) = automation["actions"]
    assert action["action"] == "mqtt.publish"
    ear.say(action["data"]["topic"], action["data"]["payload"])
    ear.until(lambda: daemon.ask("GET", "/limits/dryer")[0] == 200)
    assert daemon.get("/limits/dryer")["current"] == 8
    ear.say(action["data"]["topic"], "null")
    assert (
        text.partition("\n\n")[2]
        in (ROOT / "docs" / "integrations" / "home-assistant.md").read_text()
    )


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_whoever_listens_hears_that_the_charger_has_gone(own, how):
    daemon, broker, ear = own
    connect(daemon, broker)
    ear.wait(e__availability="online")
    daemon.signal(how)
    ear.wait(e__availability="offline")
    assert "e/state" in ear.latest  # and what was true last is still there


def test_home_assistant_is_told_again_when_it_starts_and_when_something_changes(
    daemon, broker, ear
):
    connect(daemon, broker, discoveryPrefix="ha")
    (topic,) = ear.until(lambda: [one for one in ear.latest if one.startswith("ha/device/")])
    ear.wait(e__availability="online")
    before = len(ear.objects(topic))
    ear.say("ha/status", "online")
    ear.until(lambda: len(ear.objects(topic)) == before + 1)
    assert ear.objects(topic)[-1] == ear.objects(topic)[0]
    daemon.post("/config/discovery", {"instanceName": "Carport"})
    ear.until(lambda: ear.objects(topic)[-1]["device"]["name"] == "Carport")
    daemon.post("/config/discovery", {"instanceName": "EVSE"})


def root(topic):
    return topic.partition("/")[0]


def test_switched_off_it_leaves_nothing_but_that_it_is_gone(daemon, broker, ear):
    connect(daemon, broker, discovery=True, discoveryPrefix="ha")
    ear.until(lambda: any(topic.startswith("ha/device/") for topic in ear.latest))
    ear.wait(e__state="A", e__availability="online")
    connect(daemon, broker, discoveryPrefix="hb")
    ear.until(lambda: {"e/state", "hb"} <= {*ear.latest, *map(root, ear.latest)})
    ear.until(lambda: "ha" not in map(root, ear.latest))
    connect(daemon, broker, discovery=False, topic="e/f")
    ear.wait(e__f__state="A", e__state=None, e__availability=None)
    ear.until(lambda: not any(topic.startswith("hb/") for topic in ear.latest))
    daemon.post("/config/mqtt", {"enabled": False})
    left = {"e/f/availability": "offline"}
    ear.until(lambda: {k: v for k, v in ear.latest.items() if root(k) != "evsed"} == left)
    assert daemon.get("/mqtt")["state"] == "off"


def test_a_base_that_is_changed_while_the_broker_refuses_leaves_nothing(daemon, broker, ear):
    connect(daemon, broker, discoveryPrefix="hc", topic="h")
    ear.wait(h__state="A", h__availability="online")
    ear.until(lambda: any(topic.startswith("hc/device/") for topic in ear.latest))
    daemon.post("/config/mqtt", {"password": "wr0ng-word"})
    eventually(lambda: "refused" in daemon.get("/mqtt")["reason"], SOON_S)
    daemon.post("/config/mqtt", {"topic": "g", "discovery": False})
    eventually(lambda: "refused" in daemon.get("/mqtt")["reason"], SOON_S)
    daemon.post("/config/mqtt", {"password": NAMES["password"]})
    ear.wait(g__state="A", g__availability="online")
    ear.until(lambda: not {"h", "hc"} & set(map(root, ear.latest)))


def test_a_wrong_password_is_told_and_never_logged(daemon, broker):
    wanted = {"enabled": True, "uri": broker.uri(), "user": "anna", "password": "wr0ng-word"}
    daemon.post("/config/mqtt", wanted)
    eventually(lambda: "refused" in daemon.get("/mqtt")["reason"], SOON_S)
    assert "wr0ng-word" not in daemon.log
    assert daemon.get("/mqtt")["state"] == "disconnected"


def test_settings_that_make_no_sense_are_refused(daemon):
    for patch, key in (
        ({"enabled": True}, "uri"),
        ({"uri": "http://nas"}, "uri"),
        ({"uri": "mqtt://anna:secret@nas"}, "uri"),
        ({"uri": "mqtt://nas:70000"}, "uri"),
        ({"topic": "a/#"}, "topic"),
        ({"topic": "$SYS"}, "topic"),
        ({"topic": "a/"}, "topic"),
        ({"discoveryPrefix": ""}, "discoveryPrefix"),
        ({"interval": 0}, "interval"),
    ):
        status, answer = daemon.ask("POST", "/config/mqtt", patch)
        assert (status, answer.partition(":")[0]) == (400, key)
    assert "secret" not in daemon.log


def test_with_the_administrators_certificates_and_without_commands(tmp_path):
    certificates = Certificates(tmp_path / "certificates")
    config = tmp_path / "evsed.yaml"
    config.write_text(f"{CONFIG}mqtt: {{readOnly: true, authority: {certificates.authority}}}\n")
    with (
        mosquitto(tmp_path / "plain") as plain,
        mosquitto(tmp_path / "broker", tls=certificates) as broker,
        Daemon(tmp_path / "daemon", "--config", str(config)) as daemon,
    ):
        daemon.ready()
        daemon.post("/config/mqtt", {"enabled": True, "uri": broker.uri("mqtts"), "topic": "e"})
        eventually(lambda: daemon.get("/mqtt")["state"] == "connected", SOON_S)
        daemon.post("/config/mqtt", {"uri": plain.uri()})
        with Ear(plain.port) as ear:
            ear.wait(e__availability="online")
            ear.say("e/set/enabled", "false")
            (answer,) = ear.until(lambda: ear.objects("e/error"))
            assert "mqtt.readOnly" in answer["error"]
            assert daemon.get("/state")["enabled"] is True


def test_a_broker_that_takes_nothing_delays_nothing(own):
    daemon, broker, ear = own
    connect(daemon, broker)
    ear.wait(e__state="A")
    broker._process.send_signal(signal.SIGSTOP)
    try:
        for turn in range(200):
            daemon.post("/state/charging-current", 6 + turn % 20)
        began = time.monotonic()
        daemon.charge()
        standing = daemon.get("/mqtt")
        assert standing["waiting"] <= 60
    finally:
        broker._process.send_signal(signal.SIGCONT)
    assert time.monotonic() - began < SOON_S
    ear.wait(e__state="C2", e__chargingCurrent="25.0")
    assert daemon.state() == "C2"
