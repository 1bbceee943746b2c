-- Ends what runs too long, in a way that the script cannot catch. Source: lua.md sections 6 and 7.2.
--
-- A count hook belongs to one coroutine and a new one has none, so every coroutine gets it when it is
-- made. A handler of an error that was raised in a hook runs without hooks: it is never called then.

local raw = coroutine
local clock, sethook = os.clock, debug.sethook
local pcall, xpcall, error, select, type = pcall, xpcall, error, select, type

local TEXT = "watchdog end execution"
local NO_YIELD = "attempt to yield from outside a coroutine"
local EVERY = 1000

local began, budget, expired = 0, 0, false
-- How many calls are under way that must not yield although they may be inside a coroutine.
local unyielding = 0

local function hook()
    if expired or clock() - began > budget then
        expired = true
        error(TEXT, 0)
    end
end

local watchdog = {}

-- Runs f(...) for at most so many seconds of processor time; returns what pcall does.
function watchdog.run(seconds, f, ...)
    began, budget, expired = clock(), seconds, false
    sethook(hook, "", EVERY)
    local function finish(...)
        sethook()
        unyielding = 0
        if expired then
            return false, TEXT
        end
        return ...
    end
    return finish(pcall(f, ...))
end

-- Calls f(...) where it must not yield, and lets errors through.
function watchdog.without_yield(f, ...)
    unyielding = unyielding + 1
    local function finish(ok, ...)
        unyielding = unyielding - 1
        if expired then
            error(TEXT, 0)
        end
        return ok, ...
    end
    return finish(pcall(f, ...))
end

-- Whether the error that just ended something must end what is around it as well.
function watchdog.expired()
    return expired
end

local function passed(...)
    if expired then
        error(TEXT, 0)
    end
    return ...
end

local function create(f)
    local made = raw.create(f)
    sethook(made, hook, "", EVERY)
    return made
end

local function wrapped(thread, ok, ...)
    if expired then
        error(TEXT, 0)
    end
    if ok then
        return ...
    end
    local problem = ...
    if raw.status(thread) == "dead" then
        raw.close(thread)
    end
    error(problem, type(problem) == "string" and 3 or 0)
end

local function need_function(f, name)
    if type(f) ~= "function" then
        error(("bad argument #1 to '%s' (function expected)"):format(name), 3)
    end
end

watchdog.coroutine = {
    create = function(f)
        need_function(f, "create")
        return create(f)
    end,
    wrap = function(f)
        need_function(f, "wrap")
        local thread = create(f)
        return function(...)
            return wrapped(thread, raw.resume(thread, ...))
        end
    end,
    resume = function(thread, ...)
        return passed(raw.resume(thread, ...))
    end,
    close = function(thread)
        return passed(raw.close(thread))
    end,
    yield = function(...)
        if unyielding > 0 or not raw.isyieldable() then
            error(NO_YIELD, 2)
        end
        return raw.yield(...)
    end,
    isyieldable = function()
        return unyielding == 0 and raw.isyieldable()
    end,
    running = raw.running,
    status = raw.status,
}

function watchdog.pcall(...)
    if select("#", ...) == 0 then
        error("bad argument #1 to 'pcall' (value expected)", 2)
    end
    return passed(pcall(...))
end

function watchdog.xpcall(f, handler, ...)
    if type(handler) ~= "function" then
        error("bad argument #2 to 'xpcall' (function expected)", 2)
    end
    local function handle(...)
        if expired then
            return (...)
        end
        return handler(...)
    end
    return passed(xpcall(f, handle, ...))
end

return watchdog
