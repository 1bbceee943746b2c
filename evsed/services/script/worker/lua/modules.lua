-- What `require` finds without a file. Source: lua.md section 9.

local watchdog, host, json, engine = ...

local error, type, tonumber, tostring, ipairs, select = error, type, tonumber, tostring, ipairs, select
local setmetatable, remove, insert = setmetatable, table.remove, table.insert
local yield = watchdog.coroutine.yield

local loaded = {}
-- What finalizers leave for the next pass: they must not call the host themselves.
local dropped = {}

local function bad(place, name, text)
    error(("bad argument #%d to '%s' (%s)"):format(place, name, text), 3)
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
        local ok, problem = host.call(full, value)
        if not ok then
            bad(1, name, problem)
        end
    end
end

local function action(full, name)
    return function()
        local ok, problem = host.call(full)
        if not ok then
            error(("%s: %s"):format(name, problem), 2)
        end
    end
end

local function build(module, constants, getters, setters, actions)
    local made = {}
    for name, value in next, constants do
        made[name] = value
    end
    for name in getters:gmatch("%a+") do
        made["get" .. name] = getter(module, name)
    end
    for name, kind in next, setters do
        made["set" .. name] = setter(module, "set" .. name, kind)
    end
    for name in actions:gmatch("%a+") do
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

-- Older scripts ask the station for these.
for name in ("power chargingtime sessiontime consumption voltage current"):gmatch("%a+") do
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
    local ok, value = host.call(full, ...)
    if not ok then
        error(value, 3)
    end
    return value
end

function aux.write(name, value)
    if type(name) ~= "string" then
        bad(1, "write", ("string expected, got %s"):format(type(name)))
    elseif not host.has_output(name) then
        error("unknow output name", 2)
    elseif type(value) ~= "boolean" then
        bad(2, "write", ("boolean expected, got %s"):format(type(value)))
    end
    aux_call("aux.write", name, value)
end

local function aux_reader(name)
    return function(input)
        if type(input) ~= "string" then
            bad(1, name, ("string expected, got %s"):format(type(input)))
        end
        return (aux_call("aux." .. name, input))
    end
end

aux.read, aux.analogread = aux_reader("read"), aux_reader("analogread")

-- serial ---------------------------------------------------------------------------------------------------

local port = {}
port.__index = port
port.__name = "serial port"
port.__metatable = false
port.__gc = function(self)
    if self.number then
        insert(dropped, { "serial.close", self.number })
    end
end

local function serial_call(self, name, ...)
    if getmetatable(self) ~= false or not rawget(self, "number") then
        error("serial error", 3)
    end
    local ok, value = host.call("serial." .. name, self.number, ...)
    if not ok then
        error("serial error", 3)
    end
    return value
end

function port:read()
    return serial_call(self, "read")
end

function port:write(data)
    if type(data) == "number" then
        data = string.char(math.floor(data) % 256)
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
    self.number = nil
end

loaded.serial = {
    open = function(which)
        local ok, number = host.call("serial.open", which)
        if not ok or not number then
            return nil
        end
        return setmetatable({ number = number }, port)
    end,
}

-- mqtt -----------------------------------------------------------------------------------------------------

local clients = setmetatable({}, { __mode = "v" })

local client = {}
client.__index = client
client.__name = "mqtt client"
client.__metatable = false
client.__gc = function(self)
    insert(dropped, { "mqtt.close", self.number })
end

-- MQTT 3.1.1 section 4.7.
local function matches(filter, topic)
    if topic:sub(1, 1) == "$" and filter:find("^[+#]") then
        return false
    end
    local at = 1
    for level in (filter .. "/"):gmatch("(.-)/") do
        if level == "#" then
            return true
        elseif not at then
            return false
        end
        local stop = topic:find("/", at, true)
        local name = topic:sub(at, (stop or 0) - 1)
        if level ~= "+" and level ~= name then
            return false
        end
        at = stop and stop + 1
    end
    return not at
end

local function matches_parent(filter, topic)
    return filter:sub(-2) == "/#" and matches(filter:sub(1, -3), topic)
end

function client:connect()
    if not watchdog.coroutine.isyieldable() then
        error("attempt to yield from outside a coroutine", 2)
    end
    host.call("mqtt.connect", self.number)
    local attempt
    repeat
        yield(50)
        attempt = host.mqtt_state(self.number)
    until attempt ~= "connecting"
    return attempt == "connected"
end

function client:disconnect()
    host.call("mqtt.disconnect", self.number)
end

local function need_text(value, place, name)
    if type(value) == "number" then
        return tostring(value)
    elseif type(value) ~= "string" then
        error(("bad argument #%d to '%s' (string expected)"):format(place, name), 3)
    end
    return value
end

function client:subscribe(filter, callback)
    filter = need_text(filter, 1, "subscribe")
    if type(callback) ~= "function" then
        bad(2, "subscribe", "function expected")
    end
    for _, one in ipairs(self.subscriptions) do
        if one.filter == filter then
            one.callback = callback
            return
        end
    end
    local ok, problem = host.call("mqtt.subscribe", self.number, filter)
    if not ok then
        error(problem, 2)
    end
    insert(self.subscriptions, { filter = filter, callback = callback })
end

function client:unsubscribe(filter)
    filter = need_text(filter, 1, "unsubscribe")
    for place, one in ipairs(self.subscriptions) do
        if one.filter == filter then
            remove(self.subscriptions, place)
            host.call("mqtt.unsubscribe", self.number, filter)
            return
        end
    end
end

function client:publish(topic, data, qos, retain)
    topic, data = need_text(topic, 1, "publish"), need_text(data, 2, "publish")
    qos = tonumber(qos == nil and 1 or qos)
    if not qos then
        bad(3, "publish", "number expected")
    end
    retain = retain == true or (tonumber(retain) or 0) ~= 0
    local ok, problem = host.call("mqtt.publish", self.number, topic, data, qos >= 1 and 1 or 0, retain)
    if not ok then
        error(problem, 2)
    end
end

local function text_or_nothing(value, place)
    return value ~= nil and need_text(value, place, "client") or nil
end

loaded.mqtt = {
    client = function(uri, user, password)
        uri = need_text(uri, 1, "client")
        user, password = text_or_nothing(user, 2), text_or_nothing(password, 3)
        local ok, number = host.call("mqtt.client", uri, user, password)
        if not ok then
            error(number, 2)
        end
        local made = setmetatable({ number = number, subscriptions = {}, owner = engine.owner() }, client)
        clients[number] = made
        return made
    end,
}

-- Returns whether somebody was called.
function engine.mqtt(number, topic, data)
    local made = clients[number]
    for _, one in ipairs(made and { table.unpack(made.subscriptions) } or {}) do
        if matches(one.filter, topic) or matches_parent(one.filter, topic) then
            engine.call_back(made.owner, one.callback, topic, data)
        end
    end
end

-- Frees what nobody holds any more.
function engine.sweep()
    while dropped[1] do
        local one = remove(dropped)
        host.call(one[1], one[2])
    end
end

loaded.json = json

return loaded
