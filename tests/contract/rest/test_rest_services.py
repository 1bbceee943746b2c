"""What REST makes of the services behind it: log, scripts, radio; and further acceptance rows."""

from itertools import pairwise

import pytest
from rest_services import OneScript, Radio, Ring

from evsed.errors import HardwareError


@pytest.fixture
async def scripted(serve):
    scripts = OneScript()
    async with serve(scripts=scripts) as served:
        served.scripts = scripts
        yield served


async def test_row_48_energy_is_counted_in_watt_seconds(full):
    await full.post("simulator", {"vehicle": "charging", "phases": 1, "maxCurrent": 3600 / 230})
    await full.until(state="C2")
    full.run_ms(12_000)  # until the vehicle takes all it wants
    full.passing = False
    before = (await full.get("state")).json
    full.run_ms(100_000)
    after = (await full.get("state")).json
    assert after["power"] == pytest.approx(3600, rel=0.01)
    assert after["consumption"] - before["consumption"] == pytest.approx(360_000, rel=0.01)


async def test_row_93_whoever_polls_while_much_is_logged_sees_the_last_line(serve):
    logs = Ring()
    async with serve(logs=logs) as served:
        counts, seen, last = [0], "", 0
        for number in range(5000):
            logs.ring.append(f"line {number}")
            if number % 150 and number != 4999:
                continue
            answer = await served.get(f"log?index={last}")
            if int(answer.headers["X-Count"]) < last:
                answer = await served.get("log")
            last = int(answer.headers["X-Count"])
            counts.append(last)
            seen += answer.text
    assert any(later < earlier for earlier, later in pairwise(counts))
    assert seen.endswith("line 4999\n")


@pytest.mark.parametrize("count", [0, 1, 60, 61, 1999])
async def test_the_log_comes_whole_however_long_it_is(serve, count):
    logs = Ring()
    for number in range(count):
        logs.ring.append(f"line {number} with an ä")
    async with serve(logs=logs) as served:
        answer = await served.get("log")
        assert answer.text == "".join(f"line {number} with an ä\n" for number in range(count))
        assert (answer.headers["X-Count"], answer.type) == (str(count), "text/plain; charset=utf-8")
        head = await served.ask("HEAD", "log")
        assert (head.status, head.text, head.headers["X-Count"]) == (200, "", str(count))


async def test_row_97_one_parameter_is_changed_and_the_others_are_kept(scripted):
    change = {"params": [{"key": "min_current", "value": 6.5}]}
    answer = await scripted.post("script/components/solar", change)
    assert (answer.status, answer.text) == (200, "OK")
    shown = (await scripted.get("script/components/solar")).json
    assert shown == {
        "params": [
            {"key": "enabled", "name": "Enabled", "type": "boolean", "value": True},
            {"key": "min_current", "name": "Minimum current", "type": "number", "value": 6.5},
        ]
    }


async def test_row_98_a_parameter_of_the_wrong_type_is_refused(scripted):
    change = {"params": [{"key": "min_current", "value": "six"}]}
    answer = await scripted.post("script/components/solar", change)
    assert (answer.status, "min_current" in answer.text) == (400, True)


async def test_what_was_shown_of_a_component_can_be_posted_back(scripted):
    shown = (await scripted.get("script/components/solar")).json
    assert (await scripted.post("script/components/solar", shown)).status == 200


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        {"params": {}},
        {"params": []},
        {"params": [1]},
        {"params": [{"value": 1}]},
        {"params": [{"key": 1, "value": 1}]},
        {"params": [{"key": "enabled", "value": []}]},
        {"params": [{"key": "enabled", "value": {}}]},
        {"params": [{"key": "enabled", "value": True}, {"key": "enabled", "value": False}]},
        {"params": [{"key": "enabled", "value": False}, {"key": "what", "value": 1}]},
    ],
)
async def test_parameters_that_make_no_sense_change_nothing(scripted, body):
    before = dict(scripted.scripts.parameters)
    assert (await scripted.post("script/components/solar", body)).status == 400
    assert scripted.scripts.parameters == before


async def test_the_list_of_components_has_an_empty_description(scripted):
    (one,) = (await scripted.get("script/components")).json
    assert {"id": "solar", "name": "Solar", "description": ""}.items() <= one.items()


@pytest.mark.parametrize("path", ["", "none", "so%2Flar", "%00", "x" * 500])
async def test_a_component_that_is_not_there_is_null_and_cannot_be_changed(scripted, path):
    answer = await scripted.get(f"script/components/{path}")
    assert (answer.status, answer.text, answer.type) == (200, "null", "application/json")
    change = {"params": [{"key": "a", "value": 1}]}
    refusal = await scripted.post(f"script/components/{path}", change)
    assert (refusal.status, "\n" in refusal.text) == (404, False)


async def test_the_id_of_a_component_is_decoded(scripted):
    assert (await scripted.get("script/components/sol%61r")).json is not None


async def test_scripts_are_reloaded_whatever_the_body(scripted):
    answer = await scripted.ask("POST", "script/reload", data=b"{", headers={"Content-Type": "x/y"})
    assert (answer.status, answer.text, scripted.scripts.reloads) == (200, "OK", 1)


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("", "hello\nworld\n"),
        ("?index=0", "hello\nworld\n"),
        ("?index=1", "world\n"),
        ("?index=2", ""),
        ("?index=99999", ""),
        (f"?index={'9' * 5000}", ""),
        ("?index=0001", "world\n"),
    ],
)
async def test_output_is_given_from_an_index_on(scripted, query, text):
    answer = await scripted.get(f"script/output{query}")
    assert (answer.status, answer.text, answer.headers["X-Count"]) == (200, text, "2")


@pytest.mark.parametrize("index", ["", "abc", "-1", "1.0", "%2B1", "0x1", "%D9%A1", "1 "])
@pytest.mark.parametrize("path", ["script/output", "log"])
async def test_what_is_no_index_is_refused(scripted, path, index):
    answer = await scripted.get(f"{path}?index={index}")
    assert (answer.status, "index" in answer.text) == (400, True)


async def test_networks_are_listed_in_the_words_of_the_interface(serve):
    async with serve(wifi=Radio()) as served:
        assert (await served.get("wifi/scan")).json == [
            {"ssid": "myhome", "rssi": -57, "auth": True},
            {"ssid": "guest", "rssi": -71, "auth": False},
        ]


@pytest.mark.parametrize("body", ["1", '"true"', "null", "{}", "[true]"])
async def test_only_true_and_false_switch_the_access_point(serve, body):
    radio = Radio()
    async with serve(wifi=radio) as served:
        headers = {"Content-Type": "application/json"}
        answer = await served.ask("POST", "wifi/state/ap", data=body, headers=headers)
        assert (answer.status, radio.switched) == (400, [])
        assert (await served.post("wifi/state/ap", False)).text == "OK"
        assert radio.switched == [False]


async def test_the_panic_record_is_shown_and_forgotten(serve):
    async with serve(logs=Ring()) as served:
        answer = await served.get("log/panic")
        assert (answer.text, answer.headers["X-Time"]) == ("it ended\n", "1234")
        assert answer.type == "text/plain; charset=utf-8"
        assert (await served.ask("DELETE", "log/panic")).text == "OK"
        answer = await served.get("log/panic")
        assert (answer.text, answer.headers["X-Time"]) == ("", "0")


@pytest.mark.parametrize(
    "failure", [OSError(98, "Address already in use"), HardwareError("it is broken")]
)
async def test_settings_that_cannot_be_applied_are_not_kept(full, failure):
    async def fail(before, after):
        if after.tcp_enabled:
            raise failure

    full.operations.on_change("modbus", fail)
    answer = await full.post("config/modbus", {"tcpEnabled": True, "unitId": 5})
    assert (answer.status, "\n" in answer.text) == (500, False)
    assert str(failure.args[-1]) in answer.text
    assert (await full.get("config/modbus")).json == {"tcpEnabled": False, "unitId": 1}


async def test_the_password_is_never_shown(full):
    secret = "correct horse"  # noqa: S105 - nobody uses it
    await full.post("config/wifi", {"enabled": True, "ssid": "home", "password": secret})
    for path in ("config", "config/wifi", "log", "wifi/state"):
        assert secret not in (await full.get(path)).text
    refusal = await full.post("config/wifi", {"password": "héllo" + secret})
    assert (refusal.status, secret in refusal.text) == (400, False)


@pytest.mark.parametrize("body", ["true", '"1"', "null", "[]", "{}", "1e11", "4294967296", "-0.1"])
async def test_the_clock_is_set_to_numbers_of_its_range_only(full, body):
    headers = {"Content-Type": "application/json"}
    answer = await full.ask("POST", "time", data=body, headers=headers)
    assert (answer.status, "time" in answer.text) == (400, True)


async def test_the_clock_shows_what_it_was_set_to(full):
    assert (await full.post("time", 1795363646.9)).text == "OK"
    assert (await full.get("time")).json - 1795363646 in {0, 1, 2}
