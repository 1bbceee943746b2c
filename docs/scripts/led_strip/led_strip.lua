-- Three aux outputs switch the colors of an LED strip; the color and its rhythm tell the state.

local aux = require("aux")
local boardconfig = require("boardconfig")
local evse = require("evse")

local BEAT_MS = 250
-- One word per beat; letters are the colors that are lit, "-" is dark.
local RHYTHMS = {
    free = "g",
    card = "b b - -",
    waiting = "b",
    charging = "gb gb b b",
    limit = "rg",
    fault = "r -",
    off = "r",
    dark = "-",
}

local function situation()
    local state = evse.getstate()
    if state == evse.STATEF then
        return "off"
    elseif state == evse.STATEE or evse.geterror() ~= 0 then
        return "fault"
    elseif state == evse.STATEA then
        return "free"
    elseif evse.getpendingauth() then
        return "card"
    elseif evse.getlimitreached() then
        return "limit"
    elseif state == evse.STATEC2 or state == evse.STATED2 then
        return "charging"
    end
    return "waiting"
end

local function beats_of(rhythm)
    local beats = {}
    for beat in rhythm:gmatch("%S+") do
        beats[#beats + 1] = beat
    end
    return beats
end

local function must_exist(name)
    for _, output in ipairs(boardconfig.auxoutputs) do
        if output == name then
            return
        end
    end
    error(("the board has no output '%s'"):format(name), 0)
end

return {
    id = "led_strip",
    name = "LED strip",
    description = "Color and rhythm tell the state",
    params = {
        red = { type = "string", name = "Output for red", default = "OUT1", order = 1 },
        green = { type = "string", name = "Output for green", default = "OUT2", order = 2 },
        blue = { type = "string", name = "Output for blue", default = "OUT3", order = 3 },
        rest = { type = "number", name = "Dark when free for (s), 0 = never", default = 0, order = 4 },
    },
    start = function(params)
        local lamps = { { "r", params.red }, { "g", params.green }, { "b", params.blue } }
        local lit = {}
        for _, lamp in ipairs(lamps) do
            must_exist(lamp[2])
        end

        local function show(beat)
            for _, lamp in ipairs(lamps) do
                local color, output = lamp[1], lamp[2]
                local on = beat:find(color, 1, true) ~= nil
                if lit[output] ~= on then
                    lit[output] = on
                    aux.write(output, on)
                end
            end
        end

        return coroutine.create(function()
            local what, since, beats, place
            while true do
                local now = situation()
                if now ~= what then
                    what, since = now, os.clock()
                    beats, place = beats_of(RHYTHMS[now]), 0
                elseif now == "free" and params.rest > 0 and os.clock() - since >= params.rest then
                    beats = beats_of(RHYTHMS.dark)
                end
                show(beats[place % #beats + 1])
                place = place + 1
                coroutine.yield(BEAT_MS)
            end
        end)
    end,
}
