"""Scripts in a whole daemon: what they can do, and that charging does not notice them."""

import contextlib
import signal
import time
from pathlib import Path

import pytest
from daemon_world import alive, descendants, eventually
from mqtt_world import free_port

KINDS = (b"evsed.services.script.worker", b"evsed.host.mqtt.worker")
GOOD = """
component.register({id = "good", name = "Good", params = {n = {type = "number", default = 1}},
  start = function(p) print("n", p.n)
    return coroutine.create(function() while true do coroutine.yield(50) end end) end})
"""
BAD = """
component.register({id = "bad", name = "Bad", start = function()
  return coroutine.create(function() while true do coroutine.yield(50) %s end end) end})
"""
HARM = {
    "spinning": "pcall(function() while true do end end)",
    "calls": "for i = 1, 200 do pcall(require('aux').read, 'IN') end",
    "commands": "for i = 1, 20 do require('evse').setchargingcurrent(10 + i / 10) end",
    "printing": "for i = 1, 5000 do print(i) end",
    "memory": "local t = {} while true do t[#t + 1] = ('x'):rep(1e5) .. #t end",
    "pattern": 'local s = ("a"):rep(200000) s:find(("a-"):rep(40) .. "b")',
    "files": "local f = io.open('x', 'w') for i = 1, 50 do f:write(('x'):rep(2000)) end f:close()",
}


def write(daemon, name, text):
    folder = daemon.state_dir / "usr" / "lua"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text)


def statuses(daemon):
    return {one["id"]: one["status"] for one in daemon.get("/script/components")}


def test_a_script_is_loaded_steered_and_switched_off(daemon):
    write(daemon, "init.lua", GOOD)
    assert daemon.get("/script/components") == []
    daemon.post("/config/script", {"enabled": True})
    assert statuses(daemon) == {"good": "running"}
    daemon.post("/script/components/good", {"params": [{"key": "n", "value": 6.5}]})
    assert daemon.get("/script/components/good")["params"] == [
        {"key": "n", "name": "n", "type": "number", "value": 6.5}
    ]
    assert "n\t6.5" in daemon.get("/script/output").splitlines()
    assert daemon.ask("POST", "/script/components/what", {"params": [{"key": "n"}]})[0] == 404
    daemon.post("/config/script", {"enabled": False})
    assert daemon.get("/script/components") == []
    assert daemon.get("/script/output") == ""


def test_hidden_files_start_nothing_and_others_do(daemon):
    write(daemon, "init.lua", "print('first')")
    daemon.post("/config/script", {"enabled": True, "autoReload": True})
    write(daemon, ".init.lua.swp.lua", "x")
    time.sleep(3)
    assert daemon.get("/script/output").splitlines()[2:] == ["first"]
    write(daemon, "init.lua", "print('second')")
    eventually(lambda: daemon.get("/script/output").splitlines()[2:] == ["second"])


def test_compiled_files_are_refused(daemon):
    write(daemon, "init.luac", "\x1bLua")
    write(daemon, "init.lua", "print('text')")
    daemon.post("/config/script", {"enabled": True})
    lines = daemon.get("/script/output").splitlines()
    assert "init.luac is not loaded: compiled files are refused" in lines
    assert lines[-1] == "text"


@pytest.mark.parametrize("name", HARM)
def test_charging_goes_on_whatever_scripts_do(charging, name):
    daemon = charging
    write(daemon, "init.lua", BAD % HARM[name] + GOOD)
    daemon.post("/config/script", {"enabled": True})
    give_up = time.monotonic() + 2.5
    slowest_s = 0.0
    while time.monotonic() < give_up:
        began = time.monotonic()
        assert daemon.state() == "C2"
        slowest_s = max(slowest_s, time.monotonic() - began)
        time.sleep(0.02)
    late = daemon.get("/reason")["lateness"]
    print(name, f"REST {slowest_s * 1000:.0f} ms", late)  # noqa: T201  # figures, with pytest -s
    assert daemon.get("/simulator")["contactor"]["closed"] is True
    assert slowest_s < 5
    eventually(lambda: statuses(daemon).get("good") == "running")


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_no_worker_outlives_the_daemon(daemon, how):
    uri = f"mqtt://127.0.0.1:{free_port()}"
    write(daemon, "init.lua", f"require('mqtt').client('{uri}')\n" + BAD % "" + GOOD)
    daemon.post("/config/script", {"enabled": True})
    started = eventually(lambda: len(of := workers(daemon)) == 2 and of)
    daemon.signal(how)
    daemon.wait()
    eventually(lambda: not alive(started))


def workers(daemon):
    """Return the processes that run scripts, and their connections, for a daemon."""
    found = set()
    for child in descendants(daemon.popen.pid):
        with contextlib.suppress(OSError):
            if any(kind in Path(f"/proc/{child}/cmdline").read_bytes() for kind in KINDS):
                found.add(child)
    return found
