-- Writes a line into a table at the end of each session, and publishes it as well if asked to.

local energymeter = require("energymeter")
local evse = require("evse")
local json = require("json")
local mqtt = require("mqtt")

local FILE = "/usr/lua/sessions.csv"
local HEAD = "begin,seconds,charging_seconds,energy_wh,cost\n"
-- A file of a script may have 256 KiB.
local FULL_BYTES = 250000

local function append(line)
    local old = io.open(FILE, "r")
    local size = old and old:seek("end") or 0
    if old then
        old:close()
    end
    if size > FULL_BYTES then
        os.rename(FILE, FILE .. ".old")
        size = 0
    end
    local file, problem = io.open(FILE, "a")
    if not file then
        print("receipt: " .. problem)
        return
    end
    file:write(size == 0 and HEAD or "", line, "\n")
    file:close()
end

return {
    id = "session_receipt",
    name = "Receipts",
    description = "One line for each session: time, energy, cost",
    params = {
        price = { type = "number", name = "Price of a kWh", default = 0.3, order = 1 },
        uri = { type = "string", name = "Broker (empty = none)", default = "", order = 2 },
        topic = { type = "string", name = "Topic", default = "evse/receipt", order = 3 },
    },
    start = function(params)
        local client = params.uri ~= "" and mqtt.client(params.uri) or nil

        local function finish(session)
            local cost = session.energy / 1000 * params.price
            append(("%s,%d,%d,%d,%.2f"):format(os.date("%Y-%m-%d %H:%M:%S", session.begin),
                session.seconds, session.charging, session.energy, cost))
            print(("receipt: %.1f kWh in %d minutes, %.2f"):format(
                session.energy / 1000, session.seconds // 60, cost))
            if client then
                client:publish(params.topic, json.encode({
                    begin = session.begin,
                    seconds = session.seconds,
                    chargingSeconds = session.charging,
                    energyWh = session.energy,
                    cost = math.floor(cost * 100 + 0.5) / 100,
                }), 1, true)
            end
        end

        return coroutine.create(function()
            if client then
                client:connect() -- if nobody is there yet, messages wait and the daemon goes on trying
            end
            local session
            while true do
                local state = evse.getstate()
                if state >= evse.STATEB1 and state <= evse.STATED2 then
                    session = session or { begin = os.time() - energymeter.getsessiontime() }
                    session.seconds = energymeter.getsessiontime()
                    session.charging = energymeter.getchargingtime()
                    session.energy = energymeter.getconsumption()
                elseif session and state == evse.STATEA then
                    finish(session)
                    session = nil
                end
                coroutine.yield(1000)
            end
        end)
    end,
}
