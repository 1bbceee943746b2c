-- One press: full current for a while, whatever was set before. Another press: back to that.

local aux = require("aux")
local evse = require("evse")

return {
    id = "boost_key",
    name = "Boost key",
    description = "Full current for half an hour at the press of a key",
    params = {
        input = { type = "string", name = "Aux input of the key", default = "IN1", order = 1 },
        minutes = { type = "number", name = "How long (minutes)", default = 30, order = 2 },
    },
    start = function(params)
        local until_s, before -- when the boost ends, and what to go back to

        local function begin()
            before = { enabled = evse.getenabled(), amps = evse.getchargingcurrent() }
            until_s = os.clock() + params.minutes * 60
            evse.setchargingcurrent(evse.getmaxchargingcurrent())
            if not before.enabled then
                evse.setenabled(true)
            end
            print(("boost: %.0f A for %g minutes"):format(evse.getchargingcurrent(), params.minutes))
        end

        local function finish(why)
            until_s = nil
            evse.setchargingcurrent(math.min(before.amps, evse.getmaxchargingcurrent()))
            if not before.enabled then
                evse.setenabled(false)
            end
            print("boost: over, " .. why)
        end

        local function is_unplugged()
            return evse.getstate() == evse.STATEA
        end

        return coroutine.create(function()
            local was_down = aux.read(params.input)
            local had_car = false
            while true do
                local down = aux.read(params.input)
                if down and not was_down then
                    if until_s then
                        finish("key")
                    else
                        begin()
                        had_car = not is_unplugged()
                    end
                elseif until_s and os.clock() >= until_s then
                    finish("time")
                elseif until_s and had_car and is_unplugged() then
                    finish("the car has gone")
                end
                had_car = had_car or not is_unplugged()
                was_down = down
                coroutine.yield(100)
            end
        end)
    end,
}
