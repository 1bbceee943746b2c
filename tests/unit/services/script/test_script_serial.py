"""The serial port of scripts: whose it is, which handle reaches it, and what waits."""

import asyncio

import pytest
from script_world import scripts_at_work

from evsed.errors import HardwareError

OPENING = """
local serial = require("serial")
component.register({id = "a", name = "A", params = {n = {type = "number", default = 1}},
  start = function()
    old = port
    port = serial.open()
    print("port", port ~= nil, serial.open() == nil)
    return coroutine.create(function() coroutine.yield(60) %s print("done") end)
  end})
"""


class Port:
    def __init__(self):
        self.sent, self.waiting, self.room, self.is_there, self.taken = (
            b"",
            [],
            1 << 20,
            True,
            False,
        )

    def open(self):
        if self.taken:
            return None
        self.taken = True
        return self

    def read(self):
        self._alive()
        return self.waiting.pop(0) if self.waiting else b""

    def write(self, data):
        self._alive()
        if len(data) > self.room:
            return False
        self.room -= len(data)
        self.sent += data
        return True

    async def flush(self, timeout_s):
        return timeout_s > 0

    def release(self):
        self.taken = False

    def _alive(self):
        if not self.is_there:
            raise HardwareError("gone")


@pytest.fixture
async def at_work(tmp_path):
    port = Port()
    async with scripts_at_work(tmp_path, ports=port) as scripts:
        yield scripts, port


async def done(scripts):
    await scripts.until(lambda: "done" in scripts.lines)


async def test_bytes_come_and_go_by_type(at_work):
    scripts, port = at_work
    port.waiting = [b"\x00\xff\n", b"more"]
    await scripts.start(
        OPENING % "print(#port:read(), port:read(), port:read()) port:write('65') port:write(65) "
        "port:write(321) port:write(-1) port:write('\\0\\255') print(pcall(port.write, port, {})) "
        "print(port:flush(), port:close(), pcall(port.read, port))"
    )
    await done(scripts)
    assert port.sent == b"65AA\xff\x00\xff"
    assert list(scripts.lines) == [
        "port\ttrue\ttrue",
        "3\tmore\tnil",
        "false\targument must be number or string",
        "nil\tnil\tfalse\tserial error",
        "done",
    ]


async def test_an_old_handle_neither_reaches_nor_closes_the_port_of_a_new_one(at_work):
    scripts, port = at_work
    await scripts.start(
        OPENING % "if old then print(pcall(old.write, old, 'x')) old = nil collectgarbage() "
        "collectgarbage() coroutine.yield(60) port:write('still ours') end"
    )
    await done(scripts)
    await scripts.service.set_component("a", {"n": 2})
    await scripts.until(lambda: list(scripts.lines).count("done") == 2)
    assert list(scripts.lines)[2:] == ["port\ttrue\ttrue", "false\tserial error", "done"]
    assert port.sent == b"still ours"
    assert port.taken


async def test_a_handle_that_is_collected_frees_the_port(at_work):
    scripts, port = at_work
    await scripts.start(
        OPENING % "port = nil collectgarbage() collectgarbage() coroutine.yield(60)"
    )
    await done(scripts)
    await scripts.until(lambda: not port.taken)


async def test_the_port_is_meant_by_its_number_or_its_name(at_work):
    scripts, _ = at_work
    await scripts.start(
        "local serial = require('serial')\n"
        "print(serial.open('nobody'), serial.open(2), serial.open(0))\n"
        "local port = serial.open(1) print(port ~= nil) port:close()\n"
        "print(pcall(serial.open, true))"
    )
    assert list(scripts.lines) == [
        "nil\tnil\tnil",
        "true",
        "false\tbad argument #1 to 'open' (string expected)",
    ]


async def test_a_port_that_is_gone_raises_and_may_be_opened_again(at_work):
    scripts, port = at_work
    await scripts.start(
        OPENING % "while pcall(port.read, port) do coroutine.yield(50) end "
        "port:close() port = serial.open() print(port ~= nil)"
    )
    await scripts.until(lambda: scripts.lines)
    port.is_there = False
    await done(scripts)
    assert "true" in scripts.lines


async def test_a_script_that_writes_faster_than_the_line_waits_a_moment(at_work):
    scripts, port = at_work
    port.room = 3000
    await scripts.start(
        OPENING % "port:write(('x'):rep(5000)) print(pcall(port.write, port, ('y'):rep(17000)))"
    )
    await scripts.until(lambda: len(port.sent) == 2048)
    port.room = 1 << 20
    await done(scripts)
    assert port.sent == b"x" * 5000
    assert "false\tserial error" in scripts.lines


async def test_a_line_that_takes_nothing_is_an_error_after_a_second(at_work):
    scripts, port = at_work
    port.room = 0
    await scripts.start(OPENING % "print(pcall(port.write, port, 'x'))")
    await done(scripts)
    assert "false\tserial error" in scripts.lines
    await asyncio.sleep(0)
    assert port.sent == b""
