-- Charges when it is cheapest, and is ready at a given hour. Prices come over MQTT as a JSON list
-- [{"start": <Unix seconds>, "price": <number>}, ...]; an entry holds until the next one begins.

local evse = require("evse")
local json = require("json")
local mqtt = require("mqtt")

local HOUR_S = 3600

-- Returns the entries that can be understood, in order of time, each with its end.
local function read_prices(payload)
    local ok, list = pcall(json.decode, payload)
    if not ok or type(list) ~= "table" then
        return nil
    end
    local slots = {}
    for _, entry in ipairs(list) do
        if type(entry) == "table" and tonumber(entry.start) and tonumber(entry.price) then
            slots[#slots + 1] = { from = tonumber(entry.start) // 1, price = tonumber(entry.price) }
        end
    end
    table.sort(slots, function(one, other) return one.from < other.from end)
    for place, slot in ipairs(slots) do
        local following = slots[place + 1]
        slot.to = following and math.min(following.from, slot.from + HOUR_S) or slot.from + HOUR_S
    end
    return slots
end

local function next_time_of(hour, now)
    local clock = os.date("*t", now)
    clock.hour, clock.min, clock.sec, clock.isdst = hour, 0, 0, nil
    local at = os.time(clock)
    if at <= now then
        clock.day = clock.day + 1
        clock.isdst = nil
        at = os.time(clock)
    end
    return at
end

-- Chooses slots until their time is enough, cheapest first, early ones when prices are equal.
local function choose(slots, now, ready, needed_s)
    local useful = {}
    for _, slot in ipairs(slots) do
        if slot.to > now and slot.from < ready then
            useful[#useful + 1] = slot
        end
    end
    table.sort(useful, function(one, other)
        if one.price == other.price then
            return one.from < other.from
        end
        return one.price < other.price
    end)
    local chosen, time_s = {}, 0
    for _, slot in ipairs(useful) do
        if time_s >= needed_s then
            break
        end
        chosen[#chosen + 1] = slot
        time_s = time_s + math.min(slot.to, ready) - math.max(slot.from, now)
    end
    table.sort(chosen, function(one, other) return one.from < other.from end)
    return chosen
end

return {
    id = "price_schedule",
    name = "Cheapest hours",
    description = "Charges when electricity is cheap, ready in time",
    params = {
        uri = { type = "string", name = "Broker", default = "mqtt://127.0.0.1", order = 1 },
        topic = { type = "string", name = "Topic with the prices", default = "prices", order = 2 },
        hours = { type = "number", name = "Hours needed", default = 3, order = 3 },
        ready = { type = "number", name = "Ready at (hour of the day)", default = 7, order = 4 },
    },
    start = function(params)
        local client = mqtt.client(params.uri)
        local slots, plan, plan_ends = nil, {}, 0

        client:subscribe(params.topic, function(_, payload)
            local read = read_prices(payload)
            if not read then
                print("prices: not understood")
                return
            end
            slots, plan_ends = read, 0
        end)

        local function make_plan(now)
            plan_ends = next_time_of(params.ready // 1, now)
            plan = choose(slots, now, plan_ends, params.hours * HOUR_S)
            local words = {}
            for place, slot in ipairs(plan) do
                words[place] = os.date("%H:%M", slot.from)
            end
            print("prices: charge at " .. (words[1] and table.concat(words, " ") or "no time"))
        end

        local function is_time(now)
            for _, slot in ipairs(plan) do
                if now >= slot.from and now < slot.to then
                    return true
                end
            end
            return false
        end

        return coroutine.create(function()
            client:connect()
            while true do
                local now = os.time()
                if slots and now >= plan_ends then
                    make_plan(now)
                end
                local wanted = is_time(now)
                if slots and wanted ~= evse.getenabled() then
                    evse.setenabled(wanted)
                end
                coroutine.yield(10000)
            end
        end)
    end,
}
