-- Components: registering, starting, resuming, ending. Source: lua.md sections 5 and 6.

local watchdog, host, json = ...

local error, next, pairs, rawget, tostring, type, tonumber = error, next, pairs, rawget, tostring, type, tonumber
local sort, floor, ceil, huge = table.sort, math.floor, math.ceil, math.huge
local find, format, sub, rep, concat = string.find, string.format, string.sub, string.rep, table.concat
local resume, close, status = coroutine.resume, coroutine.close, coroutine.status
-- Scripts may replace what is in the table they get.
local encode, decode, array = json.encode, json.decode, json.array

local TASK_S, START_S, INIT_S = 0.1, 2, 2
local LEAST_MS, MOST_MS = 50, 2147483647
local MOST_COMPONENTS, MOST_PARAMETERS, MOST_KEY = 32, 64, 64
local MOST_LABEL, MOST_TEXT = 256, 1024
-- What the list of all components may take; the daemon takes no longer message.
local MOST_LIST = 160 * 1024
local RESERVE = 256 * 1024
local TYPES = { string = true, number = true, boolean = true }
local EXACT = 2 ^ 53

local registered, by_id = {}, {}
-- The component whose code is running, for what it opens.
local current

local component = {}
local engine = {}

local function say(problem)
    if type(problem) ~= "string" then
        problem = format("error object is a %s value", type(problem))
    end
    host.write(problem .. "\n")
    return problem
end

local function label(value, most)
    local kind = type(value)
    return (kind == "string" or kind == "number") and sub(tostring(value), 1, most or MOST_LABEL) or nil
end

-- Parameters -----------------------------------------------------------------------------------------

local function read_parameters(declared)
    if type(declared) ~= "table" then
        return nil
    end
    local found = {}
    for key, entry in next, declared do
        if type(key) == "string" and #key <= MOST_KEY and type(entry) == "table" and #found < MOST_PARAMETERS then
            local kind = rawget(entry, "type")
            if type(kind) == "string" and TYPES[kind] then
                local name, order = rawget(entry, "name"), rawget(entry, "order")
                found[#found + 1] = {
                    key = key,
                    type = kind,
                    name = label(name) or key,
                    default = rawget(entry, "default"),
                    order = type(order) == "number" and order or nil,
                }
            end
        end
    end
    sort(found, function(one, other)
        local first, second = one.order or huge, other.order or huge
        if first ~= second then
            return first < second
        end
        return one.key < other.key
    end)
    return found
end

local function as_number(text, parameter)
    if text == "" then
        return nil
    end
    local number = tonumber(text)
    local finite = number and number - number == 0
    if not finite or not find(text, "^%s*[+-]?[%d.]") or find(text, "[xX]") then
        say(format("parameter %s: '%s' is not a number, the default is used", parameter.key, text))
        return parameter.default
    end
    if number % 1 == 0 and number > -EXACT and number < EXACT then
        return floor(number)
    end
    return number + 0.0
end

local function stored_value(text, parameter)
    if text == nil then
        return parameter.default
    elseif parameter.type == "number" then
        return as_number(text, parameter)
    elseif parameter.type == "boolean" then
        return text == "true"
    end
    return text
end

local function values_of(one)
    if not one.parameters then
        return nil
    end
    local stored = decode(host.stored(one.id))
    local values = {}
    one.values = {}
    for _, parameter in pairs(one.parameters) do
        local value = stored_value(stored[parameter.key], parameter)
        values[parameter.key] = value
        one.values[parameter.key] = value
    end
    return values
end

-- Memory -----------------------------------------------------------------------------------------------

local FULL = "not enough memory"
-- Given up when a script has used up everything, so that it can be ended in order.
local reserve = rep("x", RESERVE)

-- Makes room after a script has failed; call it when nothing of it is held any more.
local function relieve(problem)
    if problem == FULL then
        reserve = nil
        collectgarbage()
        local ok, text = pcall(rep, "x", RESERVE)
        reserve = ok and text or nil
    end
end

-- Life -----------------------------------------------------------------------------------------------

local function failed(one, problem)
    one.status, one.task = "failed", nil
    one.error = sub(say(problem), 1, MOST_TEXT)
end

local function launch(one)
    -- What stays when the watchdog ends whoever starts it, and this with it.
    one.task, one.status, one.error = nil, "failed", watchdog.TEXT
    local before = current
    current = one
    host.enter(one.id)
    local ok, result = watchdog.without_yield(one.start, values_of(one))
    current = before
    host.enter(before and before.id)
    if not ok then
        relieve(result)
        failed(one, result)
        return
    end
    one.error = nil
    if type(result) == "thread" then
        one.task, one.status, one.due = result, "running", host.now()
    else
        one.status = "idle"
    end
end

local function bad(text)
    error(format("bad argument #1 to 'register' (%s)", text), 3)
end

function component.register(definition)
    if type(definition) ~= "table" then
        bad("must be table")
    end
    local id, name = label(rawget(definition, "id")), label(rawget(definition, "name"))
    local start = rawget(definition, "start")
    if not id then
        bad("no id field")
    elseif not name then
        bad("no name field")
    elseif type(start) ~= "function" then
        bad("no start function")
    elseif by_id[id] then
        bad("component with duplicate id")
    elseif #registered >= MOST_COMPONENTS then
        bad("too many components")
    end
    local one = {
        id = id,
        name = name,
        description = label(rawget(definition, "description"), MOST_TEXT),
        parameters = read_parameters(rawget(definition, "params")),
        values = {},
        start = start,
        status = "idle",
        place = #registered + 1,
    }
    registered[one.place], by_id[id] = one, one
    host.changed()
    if host.quarantined(id) then
        one.status = "stopped"
        say(format("component %s ended the engine too often and is not started", id))
    else
        launch(one)
    end
    host.changed()
end

-- The engine's side ------------------------------------------------------------------------------------

local function delay(value)
    if type(value) ~= "number" or value ~= value or value < LEAST_MS then
        return LEAST_MS
    end
    return value >= MOST_MS and MOST_MS or ceil(value)
end

local function close_task(one)
    local task = one.task
    one.task = nil
    if task then
        local ok, closed, problem = watchdog.run(TASK_S, close, task)
        if not ok then
            say(closed)
        elseif not closed and problem ~= nil then
            say(problem)
        end
    end
end

-- Ends a task that has failed; one that used up the memory is gone before a word is said about it.
local function end_task(one, problem)
    local task = one.task
    one.task = nil
    if problem == FULL then
        reserve = nil
    else
        failed(one, problem)
    end
    watchdog.run(TASK_S, close, task)
    task = nil
    relieve(problem)
    if problem == FULL then
        failed(one, problem)
    end
end

local function run_task(one)
    current = one
    host.enter(one.id)
    -- What pcall of resume returns: whether it was ended, whether it went well, what it said.
    local ran, ok, said = watchdog.run(TASK_S, resume, one.task)
    if not ran then
        ok, said = false, ok
    end
    if not ok then
        end_task(one, said)
    end
    current = nil
    host.enter(nil)
    if not ok then
        host.changed()
    elseif status(one.task) == "dead" then
        one.task, one.status = nil, "finished"
        host.changed()
    else
        one.due = host.now() + delay(said)
    end
end

-- Runs every task that is due; returns when the next one is, or nothing.
function engine.run()
    local now, due = host.now(), {}
    for place = 1, #registered do
        local one = registered[place]
        if one.task and one.due <= now then
            due[#due + 1] = one
        end
    end
    sort(due, function(one, other)
        if one.due ~= other.due then
            return one.due < other.due
        end
        return one.place < other.place
    end)
    for place = 1, #due do
        if due[place].task then
            run_task(due[place])
        end
    end
    local soonest
    for place = 1, #registered do
        local one = registered[place]
        if one.task and (not soonest or one.due < soonest) then
            soonest = one.due
        end
    end
    return soonest
end

-- Runs the entry file.
function engine.init(chunk)
    local ok, problem = watchdog.run(INIT_S, chunk)
    if not ok then
        relieve(problem)
        say(problem)
    end
end

-- Calls back into a script, between tasks.
function engine.call_back(owner, f, ...)
    current = by_id[owner]
    host.enter(owner)
    local ok, problem = watchdog.run(TASK_S, f, ...)
    if not ok then
        relieve(problem)
        say(problem)
    end
    current = nil
    host.enter(nil)
end

-- Ends one component and starts it again with the parameters that are stored now.
function engine.restart(id)
    local one = by_id[id]
    if not one then
        return
    end
    close_task(one)
    engine.forget(id)
    host.release(id)
    local ok, problem = watchdog.run(START_S, launch, one)
    if not ok then
        relieve(problem)
        failed(one, problem)
    end
    host.changed()
end

function engine.owner()
    return current and current.id
end

local function shown(one)
    local parameters = {}
    for place, parameter in pairs(one.parameters or {}) do
        local value = one.values[parameter.key]
        if not TYPES[type(value)] then
            value = nil
        end
        parameters[place] = { key = parameter.key, name = parameter.name, type = parameter.type, value = value }
    end
    return {
        id = one.id,
        name = one.name,
        description = one.description,
        status = one.status,
        error = one.error,
        params = array(parameters),
    }
end

-- Returns the list of components as JSON.
function engine.list()
    local list, room = {}, MOST_LIST - #registered * 3 * MOST_TEXT
    for place = 1, #registered do
        local one = shown(registered[place])
        local ok, text = pcall(encode, one)
        if not ok or #text > room then
            one.params, one.error = array({}), "the parameters are too long to be shown"
            text = encode(one)
        else
            room = room - #text
        end
        list[place] = text
    end
    return "[" .. concat(list, ",") .. "]"
end

return component, engine
