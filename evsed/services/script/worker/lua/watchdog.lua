-- Ends what runs too long, in a way that the script cannot catch. Source: lua.md sections 6 and 7.2.
--
-- A count hook belongs to one coroutine and a new one has none, so every coroutine gets it when it is
-- made. A handler of an error that was raised in a hook runs without hooks: it is never called then.

local raw = coroutine
local clock, sethook = os.clock, debug.sethook
local find, format, gsub = string.find, string.format, string.gsub
local pcall, xpcall, error, select, type, load = pcall, xpcall, error, select, type, load
local running, raw_isyieldable, raw_yield = raw.running, raw.isyieldable, raw.yield
local raw_create, raw_resume, raw_close, status = raw.create, raw.resume, raw.close, raw.status

local TEXT = "watchdog end execution"
local NO_YIELD = "attempt to yield from outside a coroutine"
local NO_YIELD_IN_C = "attempt to yield across a C-call boundary"
local EVERY = 1000
-- An error that blames whoever called pcall would name a line of ours.
local OURS = "^watchdog:%d+: "

local began, budget, expired = 0, 0, false
-- Coroutines in which a call is under way that must not yield; those it makes itself may.
local barred = setmetatable({}, { __mode = "k" })

local function hook()
    if expired or clock() - began > budget then
        expired = true
        error(TEXT, 0)
    end
end

local watchdog = { TEXT = TEXT }

-- Runs f(...) for at most so many seconds of processor time; returns what pcall does.
function watchdog.run(seconds, f, ...)
    began, budget, expired = clock(), seconds, false
    sethook(hook, "", EVERY)
    local function finish(...)
        sethook()
        if expired then
            return false, TEXT
        end
        return ...
    end
    return finish(pcall(f, ...))
end

-- Calls f(...) where it must not yield, and lets errors through.
function watchdog.without_yield(f, ...)
    local thread = running()
    local before = barred[thread]
    barred[thread] = true
    local function finish(ok, ...)
        barred[thread] = before
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

local function at_caller(ok, ...)
    if expired then
        error(TEXT, 0)
    elseif ok then
        return ...
    end
    local problem = ...
    if type(problem) == "string" then
        problem = gsub(problem, "^(bad argument #%d+ to ')%a+%.", "%1")
    end
    error(problem, 2)
end

-- Returns f for scripts: its errors carry the line that called it, not one of ours.
function watchdog.borrowed(f)
    return function(...)
        return at_caller(pcall(f, ...))
    end
end

local function create(f)
    local made = raw_create(f)
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
    if status(thread) == "dead" then
        local ended, last = raw_close(thread)
        if not ended then
            problem = last
        end
        passed()
    end
    error(problem, type(problem) == "string" and 2 or 0)
end

-- What pcall returns, to be called as its last act, so that its caller stands right above.
local function caught(ok, ...)
    if expired then
        error(TEXT, 0)
    end
    local problem = ...
    if ok or type(problem) ~= "string" or not find(problem, OURS) then
        return ok, ...
    end
    local _, place = pcall(error, "", 3)
    return false, place .. gsub(problem, OURS, "")
end

-- Complains as Lua does; who gives nothing is told so, although it may have been a nil.
local function need(value, kind, place, name, expected)
    if type(value) ~= kind then
        local got = value == nil and "no value" or type(value)
        error(format("bad argument #%d to '%s' (%s expected, got %s)", place, name, expected or kind, got), 3)
    end
end

watchdog.coroutine = {
    create = function(f)
        need(f, "function", 1, "create")
        return create(f)
    end,
    wrap = function(f)
        need(f, "function", 1, "wrap")
        local thread = create(f)
        return function(...)
            return wrapped(thread, raw_resume(thread, ...))
        end
    end,
    resume = function(thread, ...)
        need(thread, "thread", 1, "resume", "coroutine")
        return passed(raw_resume(thread, ...))
    end,
    close = watchdog.borrowed(raw_close),
    yield = function(...)
        local thread, is_main = running()
        if is_main or barred[thread] then
            error(NO_YIELD, 2)
        elseif not raw_isyieldable() then
            error(NO_YIELD_IN_C, 2)
        end
        return raw_yield(...)
    end,
    isyieldable = function(thread)
        if thread == nil then
            return not barred[running()] and raw_isyieldable()
        end
        need(thread, "thread", 1, "isyieldable", "coroutine")
        return not barred[thread] and raw_isyieldable(thread)
    end,
    running = running,
    status = status,
}

function watchdog.pcall(...)
    if select("#", ...) == 0 then
        error("bad argument #1 to 'pcall' (value expected)", 2)
    end
    return caught(pcall(...))
end

function watchdog.xpcall(f, handler, ...)
    need(handler, "function", 2, "xpcall")
    local function handle(...)
        if expired then
            return (...)
        end
        return handler(...)
    end
    return caught(xpcall(f, handle, ...))
end

-- A reader that is given to load runs protected: what ends it must end the rest as well.
watchdog.load = watchdog.borrowed(load)

return watchdog
