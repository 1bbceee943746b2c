-- Ends what runs too long, in a way that the script cannot catch. Source: lua.md sections 6 and 7.2.
--
-- A count hook belongs to one coroutine and a new one has none, so every coroutine gets it when it is
-- made. A handler of an error that was raised in a hook runs without hooks: it is never called then.

local raw = coroutine
local clock, sethook, format, gsub = os.clock, debug.sethook, string.format, string.gsub
local pcall, xpcall, error, select, type, load = pcall, xpcall, error, select, type, load
local running, raw_isyieldable, raw_yield = raw.running, raw.isyieldable, raw.yield
local raw_create, raw_resume, raw_close, status = raw.create, raw.resume, raw.close, raw.status

local TEXT = "watchdog end execution"
local NO_YIELD = "attempt to yield from outside a coroutine"
local NO_YIELD_IN_C = "attempt to yield across a C-call boundary"
local EVERY = 1000

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

local function need_function(f, name)
    if type(f) ~= "function" then
        error(format("bad argument #1 to '%s' (function expected)", name), 3)
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
            return wrapped(thread, raw_resume(thread, ...))
        end
    end,
    resume = function(thread, ...)
        if type(thread) ~= "thread" then
            error("bad argument #1 to 'resume' (coroutine expected)", 2)
        end
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
    isyieldable = function()
        return not barred[running()] and raw_isyieldable()
    end,
    running = running,
    status = status,
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

-- A reader that is given to load runs protected: what ends it must end the rest as well.
function watchdog.load(...)
    return passed(load(...))
end

return watchdog
