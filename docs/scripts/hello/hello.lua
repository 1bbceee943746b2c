-- Says how the charger is doing, over and over.

local evse = require("evse")
local energymeter = require("energymeter")

local NAMES = { [0] = "A", "B1", "B2", "C1", "C2", "D1", "D2", "E", "F" }

local function report()
    print(("state %s, %.1f A offered, %d W"):format(
        NAMES[evse.getstate()], evse.getchargingcurrent(), energymeter.getpower()))
end

return {
    id = "hello",
    name = "Hello",
    description = "Prints state, current and power",
    params = {
        seconds = { type = "number", name = "Seconds between two lines", default = 1 },
    },
    start = function(params)
        return coroutine.create(function()
            while true do
                report()
                coroutine.yield(params.seconds * 1000)
            end
        end)
    end,
}
