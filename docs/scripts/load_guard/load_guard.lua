-- Keeps the house below its main fuse. A three-phase meter on a serial port in "script" mode is
-- asked over Modbus RTU for the currents of the phases: three float32 input registers in a row.

local energymeter = require("energymeter")
local evse = require("evse")
local serial = require("serial")

local LEAST_A = 6
local READ_INPUTS = 4
local ANSWER_MS, PAUSE_MS = 250, 750
local PATIENCE = 3 -- answers that may be missing in a row

local function checksum(bytes)
    local sum = 0xFFFF
    for place = 1, #bytes do
        sum = sum ~ bytes:byte(place)
        for _ = 1, 8 do
            local carry = sum & 1
            sum = sum >> 1
            if carry == 1 then
                sum = sum ~ 0xA001
            end
        end
    end
    return string.pack("<I2", sum)
end

local function question(unit, register)
    local body = string.pack(">BBI2I2", unit, READ_INPUTS, register, 6)
    return body .. checksum(body)
end

-- The currents of three phases, or nothing.
local function understand(unit, answer)
    local expected = string.char(unit, READ_INPUTS, 12)
    local body = answer:sub(1, 15)
    if #answer == 17 and body:sub(1, 3) == expected and answer:sub(16) == checksum(body) then
        return string.unpack(">fff", body, 4)
    end
end

return {
    id = "load_guard",
    name = "Main fuse guard",
    description = "Offers what the main fuse leaves over",
    params = {
        fuse = { type = "number", name = "Main fuse (A)", default = 25, order = 1 },
        margin = { type = "number", name = "Keep free (A)", default = 1, order = 2 },
        ceiling = { type = "number", name = "Offer at most (A)", default = 16, order = 3 },
        settle = { type = "number", name = "Pause at least (s)", default = 60, order = 4 },
        unit = { type = "number", name = "Meter's Modbus address", default = 1, order = 5 },
        register = { type = "number", name = "Register of the first current", default = 6, order = 6 },
    },
    start = function(params)
        local port = serial.open()
        if not port then
            error("there is no serial port in script mode", 0)
        end
        local unit = params.unit // 1
        local ask = question(unit, params.register // 1)
        local offered, missing
        local paused_at, interrupted -- when there was too little last, and whether we stopped a charge

        local function offer(amps)
            amps = math.max(LEAST_A, math.min(amps, params.ceiling, evse.getmaxchargingcurrent()))
            amps = math.floor(amps * 10) / 10
            if amps ~= offered then
                offered = amps
                evse.setchargingcurrent(amps)
            end
        end

        -- What the phase with most load leaves for the car, which the meter sees as well.
        local function spare_a(...)
            local own = { energymeter.getcurrent() }
            local most = -math.huge
            for phase, amps in ipairs({ ... }) do
                most = math.max(most, amps - own[phase])
            end
            return params.fuse - params.margin - most
        end

        local function follow(spare)
            if spare < LEAST_A then
                offer(LEAST_A)
                if evse.getenabled() then
                    evse.setenabled(false)
                    interrupted = true
                    print(("guard: paused, %.1f A left"):format(spare))
                end
                paused_at = os.clock()
            elseif not paused_at then
                offer(math.min(spare, offered + 1)) -- down at once, up one by one
            elseif os.clock() - paused_at >= params.settle then
                paused_at = nil
                if interrupted then
                    interrupted = false
                    evse.setenabled(true)
                    print("guard: goes on")
                end
            end
        end

        local function read_all()
            local parts = {}
            for part in port.read, port do
                parts[#parts + 1] = part
            end
            return table.concat(parts)
        end

        return coroutine.create(function()
            offer(LEAST_A)
            missing = 0
            while true do
                read_all() -- what came too late
                port:write(ask)
                coroutine.yield(ANSWER_MS)
                local l1, l2, l3 = understand(unit, read_all())
                if l1 then
                    missing = 0
                    follow(spare_a(l1, l2, l3))
                else
                    missing = missing + 1
                    if missing == PATIENCE then
                        print("guard: the meter does not answer")
                        offer(LEAST_A)
                    end
                end
                coroutine.yield(PAUSE_MS)
            end
        end)
    end,
}
