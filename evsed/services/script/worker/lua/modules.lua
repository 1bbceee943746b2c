-- What `require` finds without a file. Source: lua.md section 9.

local watchdog, host, json, engine = ...

local error, type, tonumber, tostring, ipairs = error, type, tonumber, tostring, ipairs
local setmetatable, remove, insert, unpack = setmetatable, table.remove, table.insert, table.unpack
local find, sub, gmatch, format, char, floor = string.find, string.sub, string.gmatch, string.format, string.char, math.floor
local yield, isyieldable = watchdog.coroutine.yield, watchdog.coroutine.isyieldable
local call, mqtt_state = host.call, host.mqtt_state

local loaded = {}
-- What finalizers leave for the next pass: they must not call the host themselves.
local dropped = {}

local function bad(place, name, text)
    error(format("bad argument #%d to '%s' (%s)", place, name, text), 3)
end

-- evse and energymeter -----------------------------------------------------------------------------------

local function getter(module, value)
    local get = host.get
    return function()
        return get(module, value)
    end
end

local function setter(module, name, kind)
    local full = module .. "." .. name
    return function(value)
        if kind == "boolean" then
            if type(value) ~= "boolean" then
                bad(1, name, "Must be boolean")
            end
        else
            value = tonumber(value)
            if not value then
                bad(1, name, "Must be number")
            end
        end
        local ok, problem = call(full, value)
        if not ok then
            bad(1, name, problem)
        end
    end
end

local function action(full, name)
    return function()
        local ok, problem = call(full)
        if not ok then
            error(format("%s: %s", name, problem), 2)
        end
    end
end

local function build(module, constants, getters, setters, actions)
    local made = {}
    for name, value in next, constants do
        made[name] = value
    end
    for name in gmatch(getters, "%a+") do
        made["get" .. name] = getter(module, name)
    end
    for name, kind in next, setters do
        made["set" .. name] = setter(module, "set" .. name, kind)
    end
    for name in gmatch(actions, "%a+") do
        made[name] = action(module .. "." .. name, name)
    end
    return made
end

loaded.evse = build("evse", {
    STATEA = 0, STATEB1 = 1, STATEB2 = 2, STATEC1 = 3, STATEC2 = 4, STATED1 = 5, STATED2 = 6, STATEE = 7, STATEF = 8,
    ERRPILOTFAULTBIT = 1, ERRDIODESHORTBIT = 2, ERRLOCKFAULTBIT = 4, ERRUNLOCKFAULTBIT = 8,
    ERRRCMTRIGGEREDBIT = 16, ERRRCMSELFTESTFAULTBIT = 32, ERRTEMPERATUREHIGHBIT = 64, ERRTEMPERATUREFAULTBIT = 128,
    ERRCONTACTORWELDEDBIT = 256, ERRCONTACTOROPENBIT = 512, ERROVERCURRENTBIT = 1024, ERRCABLEFAULTBIT = 2048,
    ERRSUPPLYFAULTBIT = 4096, ERRCONTROLLERFAULTBIT = 8192, ERREMERGENCYSTOPBIT = 16384,
}, [[
    state error enabled available requireauth pendingauth chargingcurrent defaultchargingcurrent maxchargingcurrent
    lowtemperature hightemperature consumptionlimit chargingtimelimit underpowerlimit defaultconsumptionlimit
    defaultchargingtimelimit defaultunderpowerlimit limitreached
]], {
    enabled = "boolean", available = "boolean", requireauth = "boolean",
    chargingcurrent = "number", defaultchargingcurrent = "number", maxchargingcurrent = "number",
    consumptionlimit = "number", chargingtimelimit = "number", underpowerlimit = "number",
}, "authorize")

loaded.energymeter = build("energymeter", { MODEDUMMY = 0, MODECUR = 1, MODECURVLT = 2 }, [[
    mode acvoltage threephases power chargingtime sessiontime consumption totalconsumption voltage current
]], { mode = "number", acvoltage = "number", threephases = "boolean" }, "resettotalconsumption")

-- Until it is renewed: when the time is over, or nobody is left to renew it, the charger falls back.
function loaded.evse.lease(seconds, amps)
    local ok, problem, place = call("evse.lease", tonumber(seconds) or false, tonumber(amps) or false)
    if not ok then
        bad(place or 1, "lease", problem)
    end
end

-- Older scripts ask the station for these.
for name in gmatch("power chargingtime sessiontime consumption voltage current", "%a+") do
    loaded.evse["get" .. name] = loaded.energymeter["get" .. name]
end

-- boardconfig ----------------------------------------------------------------------------------------------

loaded.boardconfig = json.decode(host.board)
for name, value in next, {
    ENERGYMETERNONE = 0, ENERGYMETERCUR = 1, ENERGYMETERCURVLT = 2,
    SERIALTYPENONE = 0, SERIALTYPEUART = 1, SERIALTYPERS485 = 2,
} do
    loaded.boardconfig[name] = value
end

-- aux ------------------------------------------------------------------------------------------------------

local aux = {}
loaded.aux = aux

local function aux_call(full, ...)
    local ok, value = call(full, ...)
    if not ok then
        error(value, 3)
    end
    return value
end

function aux.write(name, value)
    if type(name) ~= "string" then
        bad(1, "write", format("string expected, got %s", type(name)))
    elseif not host.has_output(name) then
        error("unknow output name", 2)
    elseif type(value) ~= "boolean" then
        bad(2, "write", format("boolean expected, got %s", type(value)))
    end
    aux_call("aux.write", name, value)
end

local function aux_reader(name)
    return function(input)
        if type(input) ~= "string" then
            bad(1, name, format("string expected, got %s", type(input)))
        end
        return (aux_call("aux." .. name, input))
    end
end

aux.read, aux.analogread = aux_reader("read"), aux_reader("analogread")

-- serial ---------------------------------------------------------------------------------------------------

-- What handles stand for; kept where no script can reach it.
local ports = setmetatable({}, { __mode = "k" })

-- The metatable of a handle is never its table of methods: a script can reach and change those.
local function handle(name, methods, collected)
    return { __index = methods, __name = name, __metatable = false, __gc = collected }
end

local port = {}
local port_meta = handle("serial port", port, function(self)
    if ports[self] then
        insert(dropped, { "serial.close", ports[self] })
    end
end)

local function serial_call(self, name, ...)
    local number = ports[self]
    if not number then
        error("serial error", 3)
    end
    local ok, value = call("serial." .. name, number, ...)
    if not ok then
        error("serial error", 3)
    end
    return value
end

function port:read()
    return (serial_call(self, "read"))
end

function port:write(data)
    if type(data) == "number" then
        if data ~= data or data - data ~= 0 then
            error("argument must be number or string", 2)
        end
        data = char(floor(data) % 256)
    elseif type(data) ~= "string" then
        error("argument must be number or string", 2)
    end
    serial_call(self, "write", data)
end

function port:flush()
    serial_call(self, "flush")
end

function port:close()
    serial_call(self, "close")
    ports[self] = nil
end

loaded.serial = {
    open = function(which)
        local kind = type(which)
        if kind ~= "nil" and kind ~= "string" and kind ~= "number" then
            bad(1, "open", "string expected")
        end
        local ok, number = call("serial.open", which)
        if not ok or not number then
            return nil
        end
        local made = setmetatable({}, port_meta)
        ports[made] = number
        return made
    end,
}

-- mqtt -----------------------------------------------------------------------------------------------------

local MOST_SUBSCRIPTIONS = 32

local clients = setmetatable({}, { __mode = "k" })
local by_number = setmetatable({}, { __mode = "v" })

local client = {}
local client_meta = handle("mqtt client", client, function(self)
    insert(dropped, { "mqtt.close", clients[self].number })
end)

-- MQTT 3.1.1 section 4.7.
local function matches(filter, topic)
    if sub(topic, 1, 1) == "$" and find(filter, "^[+#]") then
        return false
    end
    local at = 1
    for level in gmatch(filter .. "/", "(.-)/") do
        if level == "#" then
            return true
        elseif not at then
            return false
        end
        local stop = find(topic, "/", at, true)
        local name = sub(topic, at, (stop or 0) - 1)
        if level ~= "+" and level ~= name then
            return false
        end
        at = stop and stop + 1
    end
    return not at
end

local function matches_parent(filter, topic)
    return sub(filter, -2) == "/#" and matches(sub(filter, 1, -3), topic)
end

local function mine(self)
    local found = clients[self]
    if not found then
        error("mqtt client expected", 3)
    end
    return found
end

function client:connect()
    local number = mine(self).number
    if not isyieldable() then
        error("attempt to yield from outside a coroutine", 2)
    end
    call("mqtt.connect", number)
    local attempt
    repeat
        yield(50)
        attempt = mqtt_state(number)
    until attempt ~= "connecting"
    return attempt == "connected"
end

function client:disconnect()
    call("mqtt.disconnect", mine(self).number)
end

local function need_text(value, place, name)
    if type(value) == "number" then
        return tostring(value)
    elseif type(value) ~= "string" then
        error(format("bad argument #%d to '%s' (string expected)", place, name), 3)
    end
    return value
end

function client:subscribe(filter, callback)
    local own = mine(self)
    filter = need_text(filter, 1, "subscribe")
    if type(callback) ~= "function" then
        bad(2, "subscribe", "function expected")
    end
    for _, one in ipairs(own.subscriptions) do
        if one.filter == filter then
            one.callback = callback
            return
        end
    end
    if #own.subscriptions >= MOST_SUBSCRIPTIONS then
        error("too many subscriptions", 2)
    end
    local ok, problem = call("mqtt.subscribe", own.number, filter)
    if not ok then
        error(problem, 2)
    end
    insert(own.subscriptions, { filter = filter, callback = callback })
end

function client:unsubscribe(filter)
    local own = mine(self)
    filter = need_text(filter, 1, "unsubscribe")
    for place, one in ipairs(own.subscriptions) do
        if one.filter == filter then
            remove(own.subscriptions, place)
            call("mqtt.unsubscribe", own.number, filter)
            return
        end
    end
end

function client:publish(topic, data, qos, retain)
    local own = mine(self)
    topic, data = need_text(topic, 1, "publish"), need_text(data, 2, "publish")
    qos = tonumber(qos == nil and 1 or qos)
    if not qos then
        bad(3, "publish", "number expected")
    end
    retain = retain == true or (tonumber(retain) or 0) ~= 0
    local ok, problem = call("mqtt.publish", own.number, topic, data, qos >= 1 and 1 or 0, retain)
    if not ok then
        error(problem, 2)
    end
end

local function text_or_nothing(value, place)
    if value == nil then
        return nil
    elseif type(value) ~= "string" and type(value) ~= "number" then
        error(format("bad argument #%d to 'client' (string expected)", place), 3)
    end
    return tostring(value)
end

loaded.mqtt = {
    client = function(uri, user, password)
        uri = need_text(uri, 1, "client")
        user, password = text_or_nothing(user, 2), text_or_nothing(password, 3)
        local ok, number = call("mqtt.client", uri, user, password)
        if not ok then
            error(number, 2)
        end
        local made = setmetatable({}, client_meta)
        clients[made] = { number = number, subscriptions = {}, owner = engine.owner() }
        by_number[number] = made
        return made
    end,
}

-- Hands a message to everybody who has subscribed to it.
function engine.mqtt(number, topic, data)
    local own = by_number[number] and clients[by_number[number]]
    for _, one in ipairs(own and { unpack(own.subscriptions) } or {}) do
        if matches(one.filter, topic) or matches_parent(one.filter, topic) then
            engine.call_back(own.owner, one.callback, topic, data)
        end
    end
end

-- Ends what a component has subscribed to: what is still on the way is not for its next life.
function engine.forget(owner)
    for _, own in next, clients do
        if own.owner == owner then
            own.subscriptions = {}
        end
    end
end

-- Frees what nobody holds any more.
function engine.sweep()
    while dropped[1] do
        local one = remove(dropped)
        call(one[1], one[2])
    end
end

loaded.json = json

return loaded
