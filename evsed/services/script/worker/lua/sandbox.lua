-- The globals a script sees: a list of what is there, never of what is not. Source: lua.md section 8.

local watchdog, host = ...

local error, load, select, tostring, type, rawget = error, watchdog.load, select, tostring, type, rawget
local concat, floor = table.concat, math.floor
local find, gsub, gmatch, sub, format = string.find, string.gsub, string.gmatch, string.sub, string.format
local setmetatable, getmetatable = watchdog.borrowed(setmetatable), getmetatable
local collectgarbage, time, date = watchdog.borrowed(collectgarbage), watchdog.borrowed(os.time), watchdog.borrowed(os.date)

local env = {}
env._G = env
env._VERSION = "Lua 5.4"

for name in gmatch("assert error getmetatable ipairs next pairs rawequal rawget rawlen rawset select tonumber tostring type", "%a+") do
    env[name] = _G[name]
end

local function copy(library, without)
    local found = {}
    for name, value in next, library do
        if name ~= without then
            found[name] = value
        end
    end
    return found
end

env.string = copy(string, "dump")
env.table = copy(table)
env.math = copy(math)
env.utf8 = copy(utf8)
env.coroutine = watchdog.coroutine
env.pcall, env.xpcall = watchdog.pcall, watchdog.xpcall
env.debug = { traceback = debug.traceback }

-- Methods of texts come from the library scripts see, and nobody replaces them for all others.
local texts = getmetatable("")
texts.__index = env.string
texts.__metatable = false

function env.setmetatable(object, metatable)
    if type(metatable) == "table" and rawget(metatable, "__gc") ~= nil then
        error("__gc is not available", 2) -- a finalizer runs where no watchdog sees it
    end
    return setmetatable(object, metatable)
end

function env.collectgarbage(option, ...)
    option = option or "collect"
    if option ~= "collect" and option ~= "count" and option ~= "step" then
        error("option not available", 2)
    end
    return collectgarbage(option, ...)
end

-- Code -----------------------------------------------------------------------------------------------

function env.load(chunk, name, mode, ...)
    if type(chunk) ~= "function" and type(chunk) ~= "string" and type(chunk) ~= "number" then
        error(format("bad argument #1 to 'load' (function expected, got %s)", type(chunk)), 2)
    end
    if mode ~= nil and mode ~= "t" and mode ~= "bt" then
        if mode == "b" and type(chunk) == "string" and sub(chunk, 1, 1) ~= "\27" then
            return load(chunk, name, "b")
        end
        mode = "t"
    end
    local scope = env
    if select("#", ...) > 0 then
        scope = (...)
    end
    return load(chunk, name, "t", scope)
end

function env.loadfile(path, _, ...)
    if type(path) ~= "string" then
        error("bad argument #1 to 'loadfile' (string expected)", 2)
    end
    local ok, text = host.read_file(path)
    if not ok then
        return nil, "cannot open " .. path
    end
    local scope = env
    if select("#", ...) > 0 then
        scope = (...)
    end
    return load(text, "@" .. path, "t", scope)
end

local package = { loaded = {}, preload = {}, path = "/usr/lua/?.lua;/usr/lua/?/init.lua", cpath = "" }
env.package = package

local function search(name)
    local tried = {}
    if find(name, "^[%w_.-]+$") and type(package.path) == "string" then
        local place = gsub(gsub(name, "%.", "/"), "%%", "%%%%")
        for pattern in gmatch(package.path, "[^;]+") do
            local path = gsub(pattern, "%?", place)
            local ok, text = host.read_file(path)
            if ok then
                return path, text
            end
            tried[#tried + 1] = format("\n\tno file '%s'", path)
        end
    end
    return nil, concat(tried)
end

function env.require(name)
    if type(name) == "number" then
        name = tostring(name)
    elseif type(name) ~= "string" then
        error(format("bad argument #1 to 'require' (string expected, got %s)", type(name)), 2)
    end
    local loaded = package.loaded[name]
    if loaded then
        return loaded
    end
    local loader, origin = package.preload[name], ":preload:"
    if not loader then
        local path, text = search(name)
        if not path then
            error(format("module '%s' not found:%s", name, text), 2)
        end
        local problem
        loader, problem = load(text, "@" .. path, "t", env)
        if not loader then
            error(format("error loading module '%s' from file '%s':\n\t%s", name, path, problem), 2)
        end
        origin = path
    end
    local value = loader(name, origin)
    if value ~= nil then
        package.loaded[name] = value
    elseif package.loaded[name] == nil then
        package.loaded[name] = true
    end
    return package.loaded[name], origin
end

-- Time -----------------------------------------------------------------------------------------------

env.os = {
    clock = function()
        return (host.uptime())
    end,
    difftime = os.difftime,
    getenv = function()
        return nil
    end,
    time = function(moment)
        if moment == nil then
            return floor(host.wall())
        end
        return time(moment)
    end,
    date = function(form, moment)
        return date(form or "%c", moment or floor(host.wall()))
    end,
}

-- Output ---------------------------------------------------------------------------------------------

local NO_TEXT = "'__tostring' must return a string"

local function shown(value)
    if type(value) ~= "table" then
        return tostring(value)
    end
    local ok, text = watchdog.pcall(tostring, value)
    if not ok then
        error(text, text == NO_TEXT and 3 or 0)
    end
    return text
end

function env.print(...)
    local parts = { ... }
    local count = select("#", ...)
    for place = 1, count do
        parts[place] = shown(parts[place])
    end
    host.write(concat(parts, "\t", 1, count) .. "\n")
end

local warnings = true

function env.warn(first, ...)
    local parts = { first, ... }
    for place = 1, select("#", ...) + 1 do
        if type(parts[place]) ~= "string" then
            error(format("bad argument #%d to 'warn' (string expected)", place), 2)
        end
    end
    if select("#", ...) == 0 and sub(first, 1, 1) == "@" then
        if first == "@on" or first == "@off" then
            warnings = first == "@on"
        end
    elseif warnings then
        host.write("Lua warning: " .. concat(parts) .. "\n")
    end
end

return env, package.loaded
