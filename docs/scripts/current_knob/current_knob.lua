-- A potentiometer on an analog input sets the charging current, in whole amperes.

local aux = require("aux")
local evse = require("evse")

local LEAST_A = 6
-- Past the middle between two amperes by this much before the value changes: no flutter.
local STICKY_A = 0.2

return {
    id = "current_knob",
    name = "Current knob",
    description = "Sets the charging current by hand",
    params = {
        input = { type = "string", name = "Analog input of the knob", default = "ADC1", order = 1 },
        left = { type = "number", name = "At the left stop (mV)", default = 100, order = 2 },
        right = { type = "number", name = "At the right stop (mV)", default = 3200, order = 3 },
    },
    start = function(params)
        if params.left == params.right then
            error("the two stops must differ", 0)
        end

        local function turned_to()
            local share = (aux.analogread(params.input) - params.left) / (params.right - params.left)
            local most = evse.getmaxchargingcurrent()
            return LEAST_A + (most - LEAST_A) * math.max(0, math.min(1, share)), most
        end

        return coroutine.create(function()
            local set
            while true do
                local amps, most = turned_to()
                if not set or math.abs(amps - set) > 0.5 + STICKY_A then
                    local nearest = math.min(math.floor(amps + 0.5), most)
                    if nearest ~= set then
                        set = nearest
                        evse.setchargingcurrent(set)
                        print(("knob: %d A"):format(set))
                    end
                end
                coroutine.yield(200)
            end
        end)
    end,
}
