-- Takes current away before the charger has to stop for heat, and gives it back slowly.

local boardconfig = require("boardconfig")
local evse = require("evse")

local LEAST_A = 6
local LOOK_MS = 10000

return {
    id = "temperature_derating",
    name = "Cooler charging",
    description = "Less current the hotter it gets",
    params = {
        from = { type = "number", name = "Begin to reduce at (°C)", default = 50, order = 1 },
        to = { type = "number", name = "Least current at (°C)", default = 65, order = 2 },
        rise = { type = "number", name = "Give back (A per minute)", default = 1, order = 3 },
    },
    start = function(params)
        if not boardconfig.temperaturesensor then
            error("this board has no temperature sensor", 0)
        elseif params.to <= params.from then
            error("'to' must be above 'from'", 0)
        end
        local step_a = params.rise * LOOK_MS / 60000
        local wanted -- what to go back to; nil while nothing is taken away

        local function ceiling(hot)
            local share = math.max(0, math.min(1, (hot - params.from) / (params.to - params.from)))
            local most = wanted or evse.getchargingcurrent()
            return math.floor((most - share * (most - LEAST_A)) * 10) / 10
        end

        local function offer(amps)
            if math.abs(amps - evse.getchargingcurrent()) >= 0.05 then
                evse.setchargingcurrent(amps)
            end
        end

        local function look()
            local hot, amps = evse.gethightemperature(), evse.getchargingcurrent()
            local most = ceiling(hot)
            if amps > most then
                if not wanted then
                    wanted = amps
                    print(("heat: %.1f °C, reducing"):format(hot))
                end
                offer(most)
            elseif wanted then
                offer(math.min(most, wanted, amps + step_a))
                if evse.getchargingcurrent() >= wanted then
                    wanted = nil
                    print(("heat: %.1f °C, all given back"):format(hot))
                end
            end
        end

        return coroutine.create(function()
            while true do
                look()
                coroutine.yield(LOOK_MS)
            end
        end)
    end,
}
