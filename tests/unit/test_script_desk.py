"""``evsed script run`` and ``evsed script test``: scripts at a desk."""

import json
import time

import pytest

from evsed import cli

FOLLOWER = """
local evse, meter = require("evse"), require("energymeter")
return {id = "f", name = "Follower", params = {amps = {type = "number", default = 10}},
  start = function(values) return coroutine.create(function()
    while evse.getstate() ~= evse.STATEC2 do coroutine.yield(100) end
    evse.setchargingcurrent(values.amps)
    coroutine.yield(5000)
    print("offered", evse.getchargingcurrent(), "power", meter.getpower() > 2000)
    print(pcall(evse.setchargingcurrent, 99))
  end) end}
"""


@pytest.fixture
def write(tmp_path):
    def write(text, name="script.lua"):
        (tmp_path / name).write_text(text)
        return str(tmp_path / name)

    return write


def run(capsys, *arguments):
    status = cli.main(["script", *map(str, arguments)])
    return status, capsys.readouterr().out.splitlines()


def test_a_component_steers_a_simulated_charger(write, capsys):
    status, lines = run(
        capsys, "run", write(FOLLOWER), "--for", 12, "--at", 2, "vehicle=charging",
        "--param", "amps=12.5",
    )  # fmt: skip
    said = [line.split("] ", 1)[1] for line in lines]
    assert status == 0
    assert "= state C2, contactor closed, offered 12.5 A" in said
    assert "> evse.setchargingcurrent 12.5" in said
    assert "offered\t12.5\tpower\ttrue" in said
    assert "false\tbad argument #1 to 'setchargingcurrent' (Invalid value)" in said


def test_time_is_stepped_and_stamped(write, capsys):
    script = write(
        "component.register({id = 1, name = 'clock', start = function() "
        "return coroutine.create(function() "
        "coroutine.yield(300000) print(os.clock()) end) end})",
        "init.lua",
    )
    began = time.monotonic()
    status, lines = run(capsys, "run", script, "--for", 301)
    assert status == 0
    assert lines[-1].startswith("[   300.")
    assert time.monotonic() - began < 300


def test_a_message_of_a_broker_reaches_a_script(write, capsys):
    script = write(
        """
return {id = "m", name = "M", start = function() return coroutine.create(function()
  local client = require("mqtt").client("mqtt://desk")
  print(client:connect())
  client:subscribe("grid/+", function(topic, data) print(topic, data) end)
  while true do coroutine.yield(1000) end
end) end}
"""
    )
    _, lines = run(capsys, "run", script, "--for", 3, "--at", 2, "mqtt:grid/power=-1500")
    assert lines[-1] == "[     2.000] grid/power\t-1500"


def test_what_a_script_writes_stays_at_the_desk(write, capsys, tmp_path):
    script = write("print(require('other'), io.open('new', 'w') ~= nil)", "init.lua")
    write("return 'other'", "other.lua")
    status, lines = run(capsys, "run", script, "--for", 1)
    assert status == 0
    assert lines[-1].endswith("other\ttrue")
    assert not (tmp_path / "new").exists()


def test_a_component_that_fails_is_the_answer_no(write, capsys):
    script = write("return {id = 1, name = 'bad', start = function() error('oops') end}")
    status, lines = run(capsys, "run", script, "--for", 1)
    assert status == 1
    assert lines[-1].endswith("/usr/lua/script.lua:1: oops")


@pytest.mark.parametrize(
    "arguments", [("none.lua",), ("--at", "1", "what"), ("--at", "x", "a=b"), ("--board", "none")]
)
def test_a_question_that_cannot_be_answered_has_status_2(write, capsys, arguments):
    script = write("print('x')")
    assert run(capsys, "run", *((script, *arguments) if len(arguments) > 1 else arguments))[0] == 2


def test_recorded_behavior_is_compared(tmp_path, capsys):
    program = {"name": "one", "init": "print(1)", "until": 10, "output": ["1"], "components": []}
    good, bad, broken = (tmp_path / name for name in ("good.json", "bad.json", "broken.json"))
    document = {"format": "evsed-lua-contract/1", "programs": [program]}
    good.write_text(json.dumps(document))
    bad.write_text(json.dumps({**document, "programs": [{**program, "output": ["2"]}]}))
    broken.write_text("{")
    assert run(capsys, "test", good) == (0, ["1 files, 1 of 1 cases went as recorded"])
    status, lines = run(capsys, "test", good, bad)
    assert (status, lines[0]) == (1, f"{bad}: one: output: expected ['2'], got ['1']")
    assert run(capsys, "test", broken, bad)[0] == 2


def test_a_lease_falls_back_in_virtual_time(write, capsys):
    script = write(
        'local evse = require("evse")\n'
        "component.register({id = 'l', name = 'L', start = function() "
        "return coroutine.create(function() evse.lease(5, 8) "
        "coroutine.yield(9000) print(pcall(evse.lease, 5, 5)) evse.lease(0) end) end})",
        "init.lua",
    )
    status, lines = run(capsys, "run", script, "--for", 14, "--vehicle", "charging")
    said = [line.split("] ", 1)[1] for line in lines]
    assert status == 0
    assert "> evse.lease 5 8.0" in said
    assert "false\tbad argument #2 to 'lease' (Invalid value)" in said
    offers = [line.rpartition("offered ")[2] for line in said if "contactor closed" in line]
    assert offers[-3:] == ["32.0 A", "8.0 A", "32.0 A"]


RECORDED = {
    "format": "evsed-lua-contract/1",
    "board": {"energymeter": 1, "auxinputs": [], "auxoutputs": [], "auxanaloginputs": []},
    "cases": [
        {
            "name": "a meter mode the board cannot do",
            "init": 'local em = require("energymeter")\n'
            "print(pcall(em.setmode, 2))\nprint(pcall(em.setmode, 1))",
            "until": 0,
            "output": ["false\tbad argument #1 to 'setmode' (Invalid value)", "true"],
            "components": [],
        },
        {
            "name": "a case has its own surroundings",
            "board": {"auxinputs": ["OWN"]},
            "initial": {"evse": {"state": "C2"}, "aux": {"OWN": True}},
            "epoch": 1767298200,
            "serial": True,
            "serialReply": [{"to": "61", "after": 20, "bytes": "62"}],
            "init": 'local port = require("serial").open()\n'
            'print(require("evse").getstate(), require("aux").read("OWN"), os.time())\n'
            'component.register({id = "c", name = "C", params = {n = {type = "number"}},\n'
            "  start = function(p) print(p.n) return coroutine.create(function()\n"
            '  port:write("a") coroutine.yield(50) print(port:read()) end) end})',
            "params": {"c": {"n": 1}},
            "steps": [{"at": 100, "params": {"c": {"n": 2}}}],
            "until": 200,
            "output": ["4\ttrue\t1767298200", "1", "b", "2", "nil"],
            "components": [{"id": "c", "name": "C", "status": "finished"}],
        },
    ],
}

DEFAULTED = {
    "format": "evsed-lua/1",
    "script": "d.lua",
    "component": {"id": "d"},
    "cases": [
        {
            "name": "null makes the default count again",
            "params": {"n": 5, "s": "x"},
            "steps": [
                {"at": 100, "output": ["5\tx\ttrue"], "params": {"n": None, "s": None}},
                {"at": 200, "output": ["1\t\ttrue"], "params": {"b": False}},
                {"at": 300, "output": ["1\t\tfalse"], "params": {"b": None}},
                {"at": 400, "output": ["1\t\ttrue"]},
            ],
            "status": "idle",
        }
    ],
}
DEFAULTED_SCRIPT = """
return {id = "d", name = "D", params = {n = {type = "number", default = 1},
  s = {type = "string", default = "d"}, b = {type = "boolean", default = true}},
  start = function(p) print(p.n, p.s, p.b) end}
"""


def test_a_desk_refuses_what_its_board_cannot_do(write, capsys):
    status, lines = run(capsys, "test", write(json.dumps(RECORDED), "board.json"))
    assert (status, lines) == (0, ["1 files, 2 of 2 cases went as recorded"])


def test_parameters_of_a_case_are_stored_as_over_rest(write, capsys):
    write(DEFAULTED_SCRIPT, "d.lua")
    status, lines = run(capsys, "test", write(json.dumps(DEFAULTED), "d.json"))
    assert (status, lines) == (0, ["1 files, 1 of 1 cases went as recorded"])


SHOWN = {
    "format": "evsed-lua/1",
    "script": "d.lua",
    "component": {
        "id": "d",
        "name": "D",
        "params": [
            {"key": "b", "name": "b", "type": "boolean", "value": True},
            {"key": "f", "name": "F", "type": "boolean", "value": False},
            {"key": "n", "name": "n", "type": "number", "value": None},
        ],
    },
    "cases": [{"name": "nothing is stored", "steps": [], "status": "idle"}],
}
SHOWN_SCRIPT = """
return {id = "d", name = "D", params = {n = {type = "number", order = 1},
  f = {type = "boolean", name = "F", default = false}, b = {type = "boolean", default = %s}},
  start = function() end}
"""


@pytest.mark.parametrize(("default", "as_recorded"), [("true", 1), ("false", 0), ("nil", 0)])
def test_the_component_is_compared_as_well(write, capsys, default, as_recorded):
    write(SHOWN_SCRIPT % default, "d.lua")
    status, lines = run(capsys, "test", write(json.dumps(SHOWN), "d.json"))
    assert status == 1 - as_recorded
    assert lines[-1] == f"1 files, {as_recorded} of 1 cases went as recorded"
