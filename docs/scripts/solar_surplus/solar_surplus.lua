-- Charges with what the roof has left over. A meter at the grid publishes its power over MQTT:
-- above zero the house draws, below zero it feeds in. A number, or JSON with a field "power".

local energymeter = require("energymeter")
local evse = require("evse")
local json = require("json")
local mqtt = require("mqtt")

local LEAST_A = 6
local LOOK_MS = 1000

local function watts_in(payload)
    local ok, value = pcall(json.decode, payload)
    if ok and type(value) == "table" then
        value = value.power
    end
    return ok and type(value) == "number" and value or nil
end

-- Remembers since when something has been so.
local function lasting()
    local since
    return function(so, now)
        since = so and (since or now) or nil
        return since and now - since or -1
    end
end

return {
    id = "solar_surplus",
    name = "Solar surplus",
    description = "Charges with what would be fed in",
    params = {
        uri = { type = "string", name = "Broker", default = "mqtt://127.0.0.1", order = 1 },
        user = { type = "string", name = "User", order = 2 },
        password = { type = "string", name = "Password", order = 3 },
        topic = { type = "string", name = "Topic with the power (W)", default = "grid/power", order = 4 },
        phases = { type = "number", name = "Phases the car uses", default = 1, order = 5 },
        volts = { type = "number", name = "Volts of a phase", default = 230, order = 6 },
        keep = { type = "number", name = "Leave to the house (W)", default = 100, order = 7 },
        begin = { type = "number", name = "Begin after enough for (s)", default = 60, order = 8 },
        finish = { type = "number", name = "Pause after too little for (s)", default = 120, order = 9 },
        silence = { type = "number", name = "Pause when the meter is silent for (s)", default = 30, order = 10 },
    },
    start = function(params)
        local client = mqtt.client(params.uri, params.user, params.password)
        local grid_w, heard_at
        local enough_for, scarce_for = lasting(), lasting()
        local charging = false

        client:subscribe(params.topic, function(_, payload)
            local watts = watts_in(payload)
            if watts then
                grid_w, heard_at = watts, os.clock()
            else
                print("solar: not a power: " .. payload:sub(1, 40))
            end
        end)

        -- The roof's surplus is what the grid gets now, and what the car takes already.
        local function surplus_a()
            local watts = energymeter.getpower() - grid_w - params.keep
            local amps = watts / (params.volts * params.phases)
            return math.min(math.floor(amps * 10) / 10, evse.getmaxchargingcurrent())
        end

        local function offer(amps)
            if math.abs(amps - evse.getchargingcurrent()) >= 0.05 then
                evse.setchargingcurrent(amps)
            end
        end

        local function switch(on, why)
            charging = on
            evse.setenabled(on)
            print("solar: " .. why)
        end

        local function look()
            local now = os.clock()
            local knows = heard_at and now - heard_at <= params.silence
            local amps = knows and surplus_a() or 0
            local enough_s = enough_for(amps >= LEAST_A, now)
            local scarce_s = scarce_for(charging and amps < LEAST_A, now)
            if charging and not knows then
                switch(false, "pause, the meter is silent")
            elseif charging and scarce_s >= params.finish then
                switch(false, "pause, too little")
            elseif charging then
                offer(math.max(amps, LEAST_A))
            elseif enough_s >= params.begin then
                offer(amps)
                switch(true, ("begin with %.1f A"):format(amps))
            end
        end

        return coroutine.create(function()
            evse.setenabled(false)
            client:connect() -- goes on in the background when nobody answers
            while true do
                look()
                coroutine.yield(LOOK_MS)
            end
        end)
    end,
}
