-- A button that takes the charger out of service for as long as it is held or latched.
-- It is a convenience, not an emergency stop: that one opens the contactor without any software.

local aux = require("aux")
local evse = require("evse")

return {
    id = "stop_button",
    name = "Stop button",
    description = "Out of service while a contact says so",
    params = {
        input = { type = "string", name = "Aux input of the button", default = "IN1", order = 1 },
        opener = { type = "boolean", name = "The contact opens when pressed", default = false, order = 2 },
    },
    start = function(params)
        local function pressed()
            return aux.read(params.input) ~= params.opener
        end

        pressed() -- an input that does not exist is a mistake to be seen at once
        local ours = false -- it was us who took the charger out of service

        return coroutine.create(function()
            local before = pressed()
            while true do
                local now = pressed()
                if now == before then -- twice the same: not a contact that bounces
                    if now and evse.getavailable() then
                        evse.setavailable(false)
                        ours = true
                        print("stop: out of service")
                    elseif ours and not now then
                        ours = false
                        evse.setavailable(true)
                        print("stop: back in service")
                    end
                end
                before = now
                coroutine.yield(100)
            end
        end)
    end,
}
