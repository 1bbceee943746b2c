-- A horn when the residual current monitor has tripped, until somebody says they have heard it.

local aux = require("aux")
local evse = require("evse")

local function has_tripped()
    return evse.geterror() & evse.ERRRCMTRIGGEREDBIT ~= 0
end

return {
    id = "alarm_horn",
    name = "Alarm horn",
    description = "Sounds after a residual current, until acknowledged",
    params = {
        horn = { type = "string", name = "Aux output of the horn", default = "OUT1", order = 1 },
        button = { type = "string", name = "Aux input of the button", default = "IN1", order = 2 },
        longest = { type = "number", name = "Silent after (s)", default = 600, order = 3 },
    },
    start = function(params)
        aux.write(params.horn, false) -- also tells at once whether there is such an output

        local function sound(on)
            aux.write(params.horn, on)
        end

        return coroutine.create(function()
            local was_tripped, sounding_since = false, nil
            while true do
                local tripped = has_tripped()
                if tripped and not was_tripped then
                    sounding_since = os.clock()
                    sound(true)
                    print("horn: residual current")
                end
                was_tripped = tripped
                if sounding_since then
                    local heard = aux.read(params.button)
                    if heard or os.clock() - sounding_since >= params.longest then
                        sounding_since = nil
                        sound(false)
                        print(heard and "horn: acknowledged" or "horn: nobody came")
                    end
                end
                coroutine.yield(100)
            end
        end)
    end,
}
