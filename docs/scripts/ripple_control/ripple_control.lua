-- A contact of the grid operator, or of a tariff clock, limits the current or pauses charging.

local aux = require("aux")
local evse = require("evse")

local LEAST_A = 6

return {
    id = "ripple_control",
    name = "Grid operator's contact",
    description = "Less current, or none, while a contact is closed",
    params = {
        input = { type = "string", name = "Aux input of the contact", default = "IN1", order = 1 },
        amps = { type = "number", name = "Current while closed (A), 0 = pause", default = 6, order = 2 },
        delay = { type = "number", name = "Wait before going back (s)", default = 10, order = 3 },
    },
    start = function(params)
        local pause = params.amps < LEAST_A
        local limited, paused = false, false
        local wanted_a -- what was set before, and by others while we limit
        local open_since

        local function hold()
            if pause then
                if evse.getenabled() then
                    evse.setenabled(false)
                    paused = true
                end
            elseif evse.getchargingcurrent() > params.amps then
                wanted_a = evse.getchargingcurrent()
                evse.setchargingcurrent(params.amps)
            end
            if not limited then
                limited = true
                print(pause and "grid: pause" or ("grid: at most %g A"):format(params.amps))
            end
        end

        local function let_go()
            if paused then
                evse.setenabled(true)
            end
            if wanted_a then
                evse.setchargingcurrent(math.min(wanted_a, evse.getmaxchargingcurrent()))
            end
            limited, paused, wanted_a = false, false, nil
            print("grid: no limit")
        end

        return coroutine.create(function()
            while true do
                local now = os.clock()
                if aux.read(params.input) then
                    open_since = nil
                    hold()
                elseif limited then
                    open_since = open_since or now
                    if now - open_since >= params.delay then
                        let_go()
                    end
                end
                coroutine.yield(250)
            end
        end)
    end,
}
