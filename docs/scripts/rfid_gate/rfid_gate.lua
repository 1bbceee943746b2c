-- A card reader on a serial port in "script" mode. It sends the number of a card as 8 to 14
-- hexadecimal digits with anything else before and after them, as most readers do.

local aux = require("aux")
local evse = require("evse")
local serial = require("serial")

local FEWEST, MOST = 8, 14
local LOOK_MS = 100

local function read_list(text)
    local known = {}
    for card in text:gmatch("%x+") do
        known[card:upper()] = true
    end
    return known
end

-- Cuts the numbers out of what arrives; the end may still be missing.
local function cutter()
    local rest = ""
    return function(bytes)
        rest = rest .. bytes
        local cards = {}
        for digits in rest:gmatch("(%x+)%X") do
            if #digits >= FEWEST and #digits <= MOST then
                cards[#cards + 1] = digits:upper()
            end
        end
        rest = rest:match("%x*$"):sub(-MOST - 1)
        return cards
    end
end

return {
    id = "rfid_gate",
    name = "Card reader",
    description = "A known card starts a session, and ends it",
    params = {
        cards = { type = "string", name = "Known cards, with spaces between", default = "", order = 1 },
        beeper = { type = "string", name = "Aux output of a beeper (empty = none)", default = "", order = 2 },
        again = { type = "number", name = "The same card counts again after (s)", default = 3, order = 3 },
    },
    start = function(params)
        local port = serial.open()
        if not port then
            error("there is no serial port in script mode", 0)
        end
        local known, cut = read_list(params.cards), cutter()
        local seen_at = {} -- when each card was last held to the reader
        local owner, ended -- whose session it is; whether that card has ended it

        local function beep(times)
            for _ = 1, params.beeper ~= "" and times or 0 do
                aux.write(params.beeper, true)
                coroutine.yield(80)
                aux.write(params.beeper, false)
                coroutine.yield(80)
            end
        end

        local function is_held(card)
            local now, before = os.clock(), seen_at[card]
            seen_at[card] = now
            return before ~= nil and now - before < params.again
        end

        local function take(card)
            if not known[card] then
                print("card: " .. card .. " is unknown")
                beep(3)
            elseif evse.getpendingauth() then
                evse.authorize()
                owner = card
                print("card: " .. card .. " starts")
                beep(1)
            elseif card == owner and not ended then
                evse.setenabled(false)
                ended = true
                print("card: " .. card .. " ends")
                beep(2)
            else
                beep(2)
            end
        end

        return coroutine.create(function()
            while true do
                for _, card in ipairs(cut(port:read() or "")) do
                    if not is_held(card) then
                        take(card)
                    end
                end
                if evse.getstate() == evse.STATEA then
                    if ended then
                        evse.setenabled(true) -- for whoever comes next
                    end
                    owner, ended = nil, nil
                end
                coroutine.yield(LOOK_MS)
            end
        end)
    end,
}
