-- Shows the charger in Home Assistant, by itself: MQTT discovery.

local boardconfig = require("boardconfig")
local energymeter = require("energymeter")
local evse = require("evse")
local json = require("json")
local mqtt = require("mqtt")

local STATES = { [0] = "A", "B1", "B2", "C1", "C2", "D1", "D2", "E", "F" }
local LOOK_MS = 1000
-- Said again after this time even if nothing changed; Home Assistant gives up after twice that.
local REPEAT_S = 30

return {
    id = "home_assistant",
    name = "Home Assistant",
    description = "Values and switches through MQTT discovery",
    params = {
        uri = { type = "string", name = "Broker", default = "mqtt://homeassistant.local", order = 1 },
        user = { type = "string", name = "User", order = 2 },
        password = { type = "string", name = "Password", order = 3 },
        node = { type = "string", name = "Name in topics", default = "evse", order = 4 },
        prefix = { type = "string", name = "Discovery prefix", default = "homeassistant", order = 5 },
    },
    start = function(params)
        local client = mqtt.client(params.uri, params.user, params.password)
        local base = "evsed/" .. params.node

        local entities = {
            { "sensor", "state", name = "State" },
            { "sensor", "power", name = "Power", unit_of_measurement = "W", device_class = "power",
              state_class = "measurement" },
            { "sensor", "session", name = "Session energy", unit_of_measurement = "Wh", device_class = "energy",
              state_class = "total_increasing" },
            { "sensor", "total", name = "Total energy", unit_of_measurement = "Wh", device_class = "energy",
              state_class = "total_increasing" },
            { "number", "current", name = "Charging current", unit_of_measurement = "A", device_class = "current",
              min = 6, max = evse.getmaxchargingcurrent(), step = 0.1,
              command = function(text) evse.setchargingcurrent(assert(tonumber(text), "not a number")) end },
            { "switch", "enabled", name = "Charging", payload_on = "true", payload_off = "false",
              command = function(text) evse.setenabled(text == "true") end },
        }

        local function read()
            return {
                state = STATES[evse.getstate()],
                power = energymeter.getpower(),
                session = energymeter.getconsumption(),
                total = energymeter.gettotalconsumption(),
                current = evse.getchargingcurrent(),
                enabled = tostring(evse.getenabled()),
            }
        end

        local function announce(entity)
            local kind, key = entity[1], entity[2]
            local said = {
                unique_id = params.node .. "_" .. key,
                state_topic = base .. "/state",
                value_template = "{{ value_json." .. key .. " }}",
                expire_after = kind == "sensor" and 2 * REPEAT_S or nil,
                device = { identifiers = { params.node }, name = boardconfig.devicename, manufacturer = "evsed" },
            }
            for name, value in pairs(entity) do
                if type(name) == "string" and type(value) ~= "function" then
                    said[name] = value
                end
            end
            if entity.command then
                said.command_topic = base .. "/set/" .. key
            end
            client:publish(("%s/%s/%s/%s/config"):format(params.prefix, kind, params.node, key),
                json.encode(said), 1, true)
        end

        for _, entity in ipairs(entities) do
            if entity.command then
                client:subscribe(base .. "/set/" .. entity[2], function(_, text)
                    local ok, problem = pcall(entity.command, text)
                    if not ok then
                        print("home assistant: " .. entity[2] .. ": " .. tostring(problem))
                    end
                end)
            end
        end

        return coroutine.create(function()
            while not client:connect() do
                print("home assistant: the broker does not answer")
                coroutine.yield(30000)
            end
            for _, entity in ipairs(entities) do
                announce(entity)
            end
            local said, said_at
            while true do
                local text, now = json.encode(read()), os.clock()
                if text ~= said or now - said_at >= REPEAT_S then
                    client:publish(base .. "/state", text, 0)
                    said, said_at = text, now
                end
                coroutine.yield(LOOK_MS)
            end
        end)
    end,
}
