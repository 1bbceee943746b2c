"""What a script finds around it, and what it never finds."""

import os

import pytest
from lupa import lua54
from sandbox_world import at_desk, printed

from evsed.services.script.desk import Desk

BASE = [
    "assert",
    "error",
    "getmetatable",
    "ipairs",
    "next",
    "pairs",
    "pcall",
    "print",
    "rawequal",
    "rawget",
    "rawlen",
    "rawset",
    "require",
    "select",
    "setmetatable",
    "tonumber",
    "tostring",
    "type",
    "xpcall",
    "warn",
    "load",
    "loadfile",
    "collectgarbage",
]
TABLES = [
    "_G",
    "string",
    "table",
    "math",
    "utf8",
    "coroutine",
    "debug",
    "package",
    "os",
    "io",
    "component",
]
INSIDE = {
    "coroutine": "close create isyieldable resume running status wrap yield",
    "debug": "traceback",
    "package": "cpath loaded path preload",
    "os": "clock date difftime getenv remove rename time",
    "io": "lines open type write",
    "component": "register",
    "string": "byte char find format gmatch gsub len lower match pack packsize rep reverse sub "
    "unpack upper",
    "table": "concat insert move pack remove sort unpack",
    "utf8": "char charpattern codepoint codes len offset",
}
#: Visits everything that can be reached: keys, values, metatables, what modules return, what
#: handles give. Prints what is of no kind that scripts may see.
WALK = """
local seen, found = {}, {}
local function walk(value, path)
  local kind = type(value)
  if kind == "userdata" then found[#found + 1] = path .. " is userdata" end
  if kind == "thread" then found[#found + 1] = path .. " is a thread" end
  if kind ~= "table" and kind ~= "function" and kind ~= "userdata" then return end
  if seen[value] then return end
  seen[value] = true
  if kind == "function" and tostring(value):find("builtin") then found[#found + 1] = path end
  local meta = getmetatable(value)
  if type(meta) == "table" then walk(meta, path .. "<meta>") end
  if kind == "table" then
    for key, inner in next, value do
      walk(key, path .. ".key")
      walk(inner, path .. "." .. tostring(key))
    end
  end
  for _, key in ipairs({"__index", "__gc", "__metatable", "__close", "__globals__", "__class__"}) do
    local ok, inner = pcall(function() return value[key] end)
    if ok and inner ~= nil then walk(inner, path .. "." .. key) end
    if not ok and type(inner) ~= "string" then found[#found + 1] = path .. " error" end
  end
end
walk(_G, "_G")
for _, name in ipairs({"evse", "energymeter", "boardconfig", "aux", "serial", "json", "mqtt"}) do
  walk(require(name), name)
end
walk(getmetatable(""), "string metatable")
walk(io.open("file", "w"), "file")
walk(require("mqtt").client("mqtt://host"), "client")
walk(require("serial").open(), "port")
walk(io.write(""), "output")
print(#found, table.concat(found, " "))
"""
#: Calls every function there is with hostile arguments; every error must be a text.
CALL = """
local values = {nil, true, 0/0, -1, 2^70, "", "\\255\\0", {}, print, coroutine.create(print),
  setmetatable({}, {__tostring = function() return {} end, __index = function() error("mine") end})}
local skipped = {}
for _, f in ipairs({print, error, assert, warn, io.write}) do skipped[f] = true end
local count = 0
local function try(f, name, ...)
  local result = table.pack(pcall(f, ...))
  count = count + 1
  for place = 2, result.n do
    if type(result[place]) == "userdata" then print("userdata", name) end
  end
  if not result[1] and type(result[2]) ~= "string" then print("error", name, type(result[2])) end
end
for _, module in ipairs({"evse", "energymeter", "aux", "serial", "mqtt", "json", "os", "io"}) do
  for name, f in pairs(require(module)) do
    if type(f) == "function" and not skipped[f] then
      for place = 1, 11 do
        try(f, name, values[place])
        try(f, name, "IN", values[place])
        try(f, name, values[place], values[12 - place], values[place])
      end
    end
  end
end
local port = require("serial").open()
local client = require("mqtt").client("mqtt://host")
for _, one in ipairs({port, client, io.open("file", "w+")}) do
  for _, name in ipairs({"read", "write", "flush", "seek", "lines", "connect", "disconnect",
      "subscribe", "unsubscribe", "publish", "close"}) do
    local f = one[name]
    for place = 1, 11 do
      if f then try(f, name, one, values[place]) try(f, name, values[place], one) end
    end
  end
end
print(count > 500)
"""


def test_the_globals_are_those_of_the_list_and_no_others(tmp_path):
    got = printed(tmp_path, "for name in pairs(_G) do print(name) end")
    assert sorted(got) == sorted([*BASE, *TABLES, "_VERSION"])


@pytest.mark.parametrize("library", INSIDE)
def test_a_library_has_what_the_list_says(tmp_path, library):
    got = printed(tmp_path, f"for name in pairs({library}) do print(name) end")
    assert sorted(got) == INSIDE[library].split()


def test_nothing_of_the_host_can_be_reached(tmp_path):
    assert printed(tmp_path, WALK, serial=True) == ["0\t"]


def test_whatever_the_arguments_errors_are_texts(tmp_path):
    assert printed(tmp_path, CALL, serial=True, board={"auxinputs": ["IN"]}) == ["true"]


@pytest.mark.parametrize(
    "absent",
    [
        "python",
        "jit",
        "ffi",
        "bit32",
        "arg",
        "os.execute",
        "os.exit",
        "os.tmpname",
        "os.setlocale",
        "io.popen",
        "io.tmpfile",
        "io.input",
        "io.output",
        "io.read",
        "io.stdin",
        "io.stdout",
        "io.stderr",
        "package.loadlib",
        "package.searchers",
        "package.searchpath",
        "string.dump",
        "debug.getregistry",
        "debug.sethook",
        "debug.getupvalue",
        "debug.setmetatable",
        "evse",
        "mqtt",
        "json",
        "aux",
        "serial",
        "energymeter",
        "boardconfig",
    ],
)
def test_what_is_absent_is_nil(tmp_path, absent):
    assert printed(tmp_path, f"print({absent})") == ["nil"]


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        (r'print(load("\27Lua"))', "nil\tattempt to load a binary chunk (mode is 't')"),
        (r'print(load("\27Lua", "x", "b"))', "nil\tattempt to load a binary chunk (mode is 't')"),
        ('print(load("x = 1", "x", "b"))', "nil\tattempt to load a text chunk (mode is 'b')"),
        ('print(load("return _G == ...")(_G))', "true"),
        ('print(load("return _ENV", "x", "t", {})() ~= _G)', "true"),
        ('load("hidden = 5")() print(hidden)', "5"),
        ('print(getmetatable(""))', "false"),
        ('print(pcall(setmetatable, "", {}))', None),
        ("print(os.getenv('PATH'))", "nil"),
        ("print(pcall(collectgarbage, 'stop'))", "false\toption not available"),
        ("print(pcall(setmetatable, {}, {__gc = print}))", "false\t__gc is not available"),
        ("print(math.type(os.time()), math.type(os.clock()))", "integer\tfloat"),
        ("print(coroutine.isyieldable())", "false"),
        ("print(pcall(coroutine.yield))", "false\tattempt to yield from outside a coroutine"),
        ('print(rawequal(require("component"), component))', "true"),
        ('print(require("string") == string, require("_G") == _G)', "true\ttrue"),
    ],
)
def test_a_trick_gets_the_answer_of_the_list(tmp_path, line, wanted):
    got = printed(tmp_path, line)
    assert len(got) == 1
    assert wanted is None or got == [wanted]


@pytest.mark.parametrize(
    "name", ["../secret", "lua/../../secret", "/secret", "a b", "out.secret", "link", "", "fifo"]
)
def test_a_module_outside_of_the_tree_is_not_found(tmp_path, name):
    home = tmp_path / "usr" / "lua"
    home.mkdir(parents=True)
    (tmp_path / "secret.lua").write_text("print('secret')")
    (home / "link.lua").symlink_to(tmp_path / "secret.lua")
    (home / "out").symlink_to(tmp_path)
    os.mkfifo(home / "fifo.lua")
    got = printed(tmp_path, f"local ok, why = pcall(require, '{name}') print(ok, why:sub(1, 60))")
    assert got[0].startswith(f"false\tmodule '{name}' not found:")


@pytest.mark.parametrize(
    "path",
    ["/etc/passwd", "../../secret", "/usr/../secret", "/usr", "link", "out/secret", "a\\0b", ""],
)
def test_a_file_outside_of_the_tree_cannot_be_opened(tmp_path, path):
    home = tmp_path / "usr" / "lua"
    home.mkdir(parents=True)
    (tmp_path / "secret").write_text("secret")
    (home / "link").symlink_to(tmp_path / "secret")
    (home / "out").symlink_to(tmp_path)
    got = printed(
        tmp_path,
        f'print((io.open("{path}"))) print((loadfile("{path}"))) print((io.open("{path}", "r+")))',
    )
    assert got == ["nil"] * 3
    assert (tmp_path / "secret").read_text() == "secret"


def test_files_are_small_few_and_whole(tmp_path):
    got = printed(
        tmp_path,
        """
local f = io.open("big", "w")
print(f:write(("x"):rep(256 * 1024)) == f)
print(f:write("x"))
print(f:seek("set", 2^40)) print(f:write("x"))
print(io.type(f), io.type(f:close() and f), io.type({}))
local held = {}
for i = 1, 9 do held[i] = io.open("f" .. i, "w") or false end
print(held[8] and true, held[9])
for i = 1, 8 do held[i] = nil end
print(io.open("f9", "w") ~= nil)
local n = io.open("lines", "w") n:write("a\\nb\\n", 12, "\\n0x10 3.5"):close()
for line in io.lines("lines") do io.write(line, ";") end print()
local r = io.open("lines") print(r:read("l", "L", "n", "n", "n", "n")) r:close()
print(pcall(r.read, r))
""",
    )
    assert got[:-1] == [
        "true",
        "nil\tbig: File too large\t27",
        str(2**40),
        "nil\tbig: File too large\t27",
        "file\tclosed file\tnil",
        "true\tfalse",
        "true",
        "a;b;12;0x10 3.5;",
        "a\tb",
        "\t12\t16\t3.5\tnil",
    ]
    assert got[-1] == "false\tattempt to use a closed file"


#: Everything a script can replace, replaced by something that never ends.
SABOTAGE = """
local function forever() while true do end end
local modules = {string, table, math, utf8, os, io, package, coroutine, debug, component}
for _, name in ipairs({"evse", "json", "aux", "serial", "mqtt", "energymeter"}) do
  modules[#modules + 1] = require(name)
end
local create = coroutine.create
component.register({id = "b", name = "B", start = function()
  return create(function() error({}) end) end})
local values = {}
for _, module in ipairs(modules) do
  for key, value in pairs(module) do
    if type(value) == "function" then module[key] = forever end
  end
end
setmetatable(_G, {__index = forever, __newindex = forever})
"""


def test_replaced_functions_are_never_called_by_the_engine(tmp_path):
    with at_desk(tmp_path, SABOTAGE) as run:
        run.to(200)
        run.restart("b")
        assert [one["status"] for one in run.components()] == ["running"]
        run.to(400)
        assert run.desk.output == ["error object is a table value"] * 2


def test_methods_of_handles_have_no_way_to_a_metatable(tmp_path):
    got = printed(
        tmp_path,
        """
for _, handle in ipairs({io.open("x", "w"), require("mqtt").client("mqtt://h")}) do
  print(getmetatable(handle), rawget(handle, "__index"), handle.__index, handle.__gc)
  print(pcall(setmetatable, handle, {}))
  print(next(handle))
end
""",
    )
    assert got == ["false\tnil\tnil\tnil", "false\tcannot change a protected metatable", "nil"] * 2


def test_generators_work_where_yielding_itself_does_not(tmp_path):
    got = printed(
        tmp_path,
        """
component.register({id = "a", name = "A", start = function()
  local next_one = coroutine.wrap(function() for i = 1, 3 do coroutine.yield(i) end end)
  print(next_one(), next_one(), coroutine.isyieldable(), pcall(coroutine.yield))
end})
""",
    )
    assert got == ["1\t2\tfalse\tfalse\tattempt to yield from outside a coroutine"]


#: Lua itself is the judge of what coroutines do.
COROUTINES = r"""
local out = {}
local function note(...) local p = table.pack(...) for i = 1, p.n do p[i] = tostring(p[i]) end
  out[#out + 1] = table.concat(p, ",", 1, p.n) end
local w = coroutine.wrap(function() error("x", 0) end)
note(pcall(w)) note(pcall(w))
local function call() local r = w() return r end
w = coroutine.wrap(function() error("y", 0) end)
note(pcall(call))
w = coroutine.wrap(function() error({}) end)
note(select("#", pcall(w)))
w = coroutine.wrap(function(...) local a = coroutine.yield(...) return a end)
note(w(1, nil, 3)) note(w("z")) note(pcall(w))
local co = coroutine.create(function() local x <close> = setmetatable({}, {__close = function(_, e)
  out[#out + 1] = "closed " .. tostring(e) end}) coroutine.yield() end)
coroutine.resume(co) note(coroutine.close(co)) note(coroutine.status(co)) note(coroutine.close(co))
co = coroutine.create(function() local x <close> = setmetatable({}, {__close = function()
  error("in close", 0) end}) coroutine.yield() end)
coroutine.resume(co) note(coroutine.close(co))
w = coroutine.wrap(function() local x <close> = setmetatable({}, {__close = function()
  error("last", 0) end}) error("first", 0) end)
note(pcall(w))
note(coroutine.resume(coroutine.create(function() return pcall(error, "e") end)))
note(xpcall(function() error("m", 0) end, function(m) return m .. "!" end))
note(xpcall(function(...) return ... end, print, 1, 2))
note(pcall(pcall)) note(select(2, coroutine.running()))
note(coroutine.resume(coroutine.create(function() return select(2, coroutine.running()) end)))
return table.concat(out, "\n")
"""


def test_coroutines_and_errors_behave_as_those_of_lua(tmp_path):
    plain = lua54.LuaRuntime().eval("load(...)", COROUTINES, "=here")()
    home = tmp_path / "usr" / "lua"
    home.mkdir(parents=True)
    (home / "plain.lua").write_text(COROUTINES)
    assert printed(tmp_path, "print(loadfile('plain.lua')())") == [
        line.replace("here:", "plain.lua:") for line in plain.split("\n")
    ]


def test_what_runs_too_long_in_a_reader_of_load_ends(tmp_path):
    got = printed(
        tmp_path,
        "while true do load(function() while true do end end) end",
    )
    assert got == ["watchdog end execution"]


class BusyDesk(Desk):
    """Every reading of an input takes long, and meanwhile somebody else sets 11 A."""

    def call(self, name, arguments):
        if name == "aux.read":
            self.advance(self.now_ms + 60)
            self.set({"evse.chargingcurrent": 11})
        return super().call(name, arguments)


def test_a_script_sees_one_picture_until_it_yields_and_its_own_writes(tmp_path):
    text = """
local evse, aux = require('evse'), require('aux')
component.register({id = 'a', name = 'A', start = function()
  return coroutine.create(function()
    print(evse.getchargingcurrent())
    aux.read('IN') print(evse.getchargingcurrent())
    evse.setchargingcurrent(7) print(evse.getchargingcurrent())
    aux.read('IN') print(evse.getchargingcurrent())
    coroutine.yield(500) print(evse.getchargingcurrent())
  end)
end})
"""
    with at_desk(tmp_path, text, desk=BusyDesk, board={"auxinputs": ["IN"]}) as run:
        run.to(1000)
        assert run.desk.output == ["16.0", "16.0", "7.0", "7.0", "11.0"]


def test_a_failed_task_is_closed(tmp_path):
    with at_desk(
        tmp_path,
        """
component.register({id = "a", name = "A", start = function() return coroutine.create(function()
  local x <close> = setmetatable({}, {__close = function() print("closed") end})
  error("oops", 0) end) end})
""",
    ) as run:
        assert run.desk.output == ["oops", "closed"]


def test_long_parameters_do_not_break_the_list(tmp_path):
    with at_desk(
        tmp_path,
        """
for i = 1, 32 do
  local params = {}
  for k = 1, 64 do params["k" .. k] = {type = "string", default = ("x"):rep(4096)} end
  component.register({id = i, name = ("n"):rep(1e6), description = ("d"):rep(1e6), params = params,
    start = function() error(("e"):rep(1e6), 0) end})
end
""",
    ) as run:
        listed = run.components()
        assert len(listed) == 32
        assert len(str(listed)) < 300_000


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("setmetatable(1, {})", "bad argument #1 to 'setmetatable' (table expected, got number)"),
        ("setmetatable(io.write(''), {})", "cannot change a protected metatable"),
        ("os.time({})", "field 'year' missing in date table"),
        ("coroutine.resume(1)", "bad argument #1 to 'resume' (coroutine expected, got number)"),
        ("collectgarbage('stop')", "option not available"),
        ("os.remove({})", "bad argument #1 to 'remove' (string expected, got table)"),
        ("io.open('x', 'q')", "bad argument #2 to 'open' (invalid mode)"),
        ("require('mqtt').client({})", "bad argument #1 to 'client' (string expected)"),
        ("require('evse').setenabled(1)", "bad argument #1 to 'setenabled' (Must be boolean)"),
        ("component.register({})", "bad argument #1 to 'register' (no id field)"),
    ],
)
def test_an_error_carries_the_line_that_called(tmp_path, line, wanted):
    got = printed(tmp_path, f"local x = 1\n{line}\nprint('not here')")
    assert got == [f"/usr/lua/init.lua:2: {wanted}"]
