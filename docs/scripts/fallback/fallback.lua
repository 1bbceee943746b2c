-- Somebody else sets the current over MQTT. When that somebody falls silent, go to a safe value.

local evse = require("evse")
local mqtt = require("mqtt")

local LEAST_A = 6
local GRACE_S = 5

return {
    id = "fallback",
    name = "Commands with fallback",
    description = "Takes currents over MQTT, a safe one when they stop coming",
    params = {
        uri = { type = "string", name = "Broker", default = "mqtt://127.0.0.1", order = 1 },
        topic = { type = "string", name = "Topic with the current (A)", default = "evse/current", order = 2 },
        silence = { type = "number", name = "Silent for (s)", default = 300, order = 3 },
        amps = { type = "number", name = "Then offer (A)", default = 6, order = 4 },
    },
    start = function(params)
        local client = mqtt.client(params.uri)
        local heard_at = os.clock()
        local fallen = false

        client:subscribe(params.topic, function(_, text)
            local amps = tonumber(text)
            if not amps or amps < LEAST_A then
                print("fallback: not a current: " .. text:sub(1, 40))
                return
            end
            heard_at = os.clock()
            -- For the case that this script is not there when it should fall back.
            evse.lease(params.silence + GRACE_S, math.min(params.amps, evse.getmaxchargingcurrent()))
            evse.setchargingcurrent(math.min(amps, evse.getmaxchargingcurrent()))
            if fallen then
                fallen = false
                print("fallback: commands again")
            end
        end)

        return coroutine.create(function()
            client:connect() -- goes on in the background when nobody answers
            while true do
                if not fallen and os.clock() - heard_at >= params.silence then
                    fallen = true
                    evse.lease(0)
                    evse.setchargingcurrent(params.amps)
                    print(("fallback: no command for %g s, %g A"):format(params.silence, params.amps))
                end
                coroutine.yield(1000)
            end
        end)
    end,
}
