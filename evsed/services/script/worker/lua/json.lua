-- JSON as scripts see it. Source: lua.md section 9.6.
--
-- A \u escape up to U+00FF becomes one byte, as scripts written for the first engine expect; bytes
-- that are in the text as they are stay as they are.

local TOO_DEEP, DEPTH, LONGEST = "json nesting too deep", 32, 256 * 1024
local NO_JSON = "failed to decode json"
local concat, sort = table.concat, table.sort
local type, next, rawget, rawlen, tostring, tonumber = type, next, rawget, rawlen, tostring, tonumber
local error, pcall, select, math_type = error, pcall, select, math.type
local find, sub, byte, char, format, gsub = string.find, string.sub, string.byte, string.char, string.format, string.gsub
local rep, utf8_char, utf8_len = string.rep, utf8.char, utf8.len

local json = {}
local null = {}
local arrays = {}
json.null = null

local function fail()
    error(NO_JSON, 0)
end

-- Encoding -----------------------------------------------------------------------------------------

local ESCAPES = { ['"'] = '\\"', ["\\"] = "\\\\", ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t", ["\b"] = "\\b", ["\f"] = "\\f" }

local function escape(letter)
    return ESCAPES[letter] or format("\\u%04x", byte(letter))
end

-- Bytes that are not UTF-8 become U+FFFD.
local function valid(text)
    local good, bad = utf8_len(text)
    if good then
        return text
    end
    local parts, from = {}, 1
    while bad do
        parts[#parts + 1] = sub(text, from, bad - 1)
        parts[#parts + 1] = "\u{FFFD}"
        from = bad + 1
        if from > #text then
            return concat(parts)
        end
        good, bad = utf8_len(text, from)
    end
    parts[#parts + 1] = sub(text, from)
    return concat(parts)
end

local function encode_text(text)
    return '"' .. gsub(valid(text), '[%c"\\\127]', escape) .. '"'
end

local function encode_number(number)
    if number ~= number or number == 1 / 0 or number == -1 / 0 then
        return "null"
    end
    if math_type(number) == "integer" then
        return format("%d", number)
    end
    if number % 1 == 0 and number > -2 ^ 53 and number < 2 ^ 53 then
        return format("%d", number)
    end
    for digits = 1, 17 do
        local text = format("%." .. digits .. "g", number)
        if tonumber(text) == number then
            return text
        end
    end
end

local encode

local function encode_array(value, length, indent, depth, out)
    out[#out + 1] = "["
    for place = 1, length do
        if place > 1 then
            out[#out + 1] = ","
        end
        if indent then
            out[#out + 1] = "\n" .. rep("  ", depth)
        end
        encode(rawget(value, place), indent, depth, out)
    end
    if indent and length > 0 then
        out[#out + 1] = "\n" .. rep("  ", depth - 1)
    end
    out[#out + 1] = "]"
end

local function encode_object(value, indent, depth, out)
    local keys, values = {}, {}
    for key, item in next, value do
        local kind = type(key)
        if kind ~= "string" and kind ~= "number" then
            error("invalid json key", 0)
        end
        local name = kind == "number" and encode_number(key) or key
        if values[name] == nil then
            keys[#keys + 1] = name
        end
        values[name] = item
    end
    sort(keys)
    out[#out + 1] = "{"
    for place = 1, #keys do
        if place > 1 then
            out[#out + 1] = ","
        end
        if indent then
            out[#out + 1] = "\n" .. rep("  ", depth)
        end
        out[#out + 1] = encode_text(keys[place]) .. (indent and ": " or ":")
        encode(values[keys[place]], indent, depth, out)
    end
    if indent and #keys > 0 then
        out[#out + 1] = "\n" .. rep("  ", depth - 1)
    end
    out[#out + 1] = "}"
end

function encode(value, indent, depth, out)
    local kind = type(value)
    if kind == "string" then
        out[#out + 1] = encode_text(value)
    elseif kind == "number" then
        out[#out + 1] = encode_number(value)
    elseif kind == "boolean" then
        out[#out + 1] = tostring(value)
    elseif kind ~= "table" or value == null then
        out[#out + 1] = "null"
    else
        depth = depth + 1
        if depth > DEPTH then
            error(TOO_DEEP, 0)
        end
        local length = rawlen(value)
        if length > 0 or arrays[value] then
            encode_array(value, length, indent, depth, out)
        else
            encode_object(value, indent, depth, out)
        end
    end
end

function json.encode(...)
    if select("#", ...) == 0 then
        error("bad argument #1 to 'encode' (value expected)", 2)
    end
    local value, formatted = ...
    if formatted ~= nil and type(formatted) ~= "boolean" then
        error(format("bad argument #2 to 'encode' (boolean expected, got %s)", type(formatted)), 2)
    end
    local out = {}
    local ok, problem = pcall(encode, value, formatted, 0, out)
    if not ok then
        error(problem, type(problem) == "string" and problem ~= "watchdog end execution" and 2 or 0)
    end
    local text = concat(out)
    if #text > LONGEST then
        error("json text too long", 2)
    end
    return text
end

-- Marks a table that is to be an array even while it is empty; forgotten with the table.
function json.array(value)
    if type(value) ~= "table" then
        error("bad argument #1 to 'array' (table expected)", 2)
    end
    arrays[value] = true
    return value
end

-- Decoding -----------------------------------------------------------------------------------------

local UNESCAPES = { b = "\b", f = "\f", n = "\n", r = "\r", t = "\t", ['"'] = '"', ["\\"] = "\\", ["/"] = "/" }

local function hex(text, at)
    local digits = sub(text, at, at + 3)
    if not find(digits, "^%x%x%x%x$") then
        fail()
    end
    return tonumber(digits, 16)
end

local function unicode(text, at)
    local code = hex(text, at)
    if code >= 0xD800 and code < 0xDC00 and sub(text, at + 4, at + 5) == "\\u" then
        local low = hex(text, at + 6)
        if low >= 0xDC00 and low < 0xE000 then
            return utf8_char(0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00)), at + 10
        end
    end
    if code < 0x100 then
        return char(code), at + 4
    end
    if code >= 0xD800 and code < 0xE000 then
        return "\u{FFFD}", at + 4
    end
    return utf8_char(code), at + 4
end

local function decode_text(text, at)
    local parts, from = {}, at + 1
    while true do
        local stop = find(text, '["\\%c]', from)
        local letter = stop and sub(text, stop, stop)
        if letter == '"' then
            parts[#parts + 1] = sub(text, from, stop - 1)
            return concat(parts), stop + 1
        elseif letter ~= "\\" then
            if letter ~= "\127" then
                fail()
            end
            parts[#parts + 1] = sub(text, from, stop)
            from = stop + 1
        else
            parts[#parts + 1] = sub(text, from, stop - 1)
            local kind = sub(text, stop + 1, stop + 1)
            if kind == "u" then
                parts[#parts + 1], from = unicode(text, stop + 2)
            else
                parts[#parts + 1] = UNESCAPES[kind] or fail()
                from = stop + 2
            end
        end
    end
end

local function decode_number(text, at)
    local _, stop, whole = find(text, "^(%-?%d+)", at)
    if not stop or find(whole, "^%-?0%d") then
        fail()
    end
    local _, fraction = find(text, "^%.%d+", stop + 1)
    local _, exponent = find(text, "^[eE][+-]?%d+", (fraction or stop) + 1)
    local last = exponent or fraction or stop
    local number = tonumber(sub(text, at, last))
    if not number or number == 1 / 0 or number == -1 / 0 then
        fail()
    end
    return number, last + 1
end

local function skip(text, at)
    local _, stop = find(text, "^[ \t\r\n]*", at)
    return stop + 1
end

local decode

local function decode_array(text, at, depth)
    local list, length = {}, 0
    at = skip(text, at + 1)
    if sub(text, at, at) == "]" then
        return list, at + 1
    end
    while true do
        length = length + 1
        list[length], at = decode(text, at, depth)
        at = skip(text, at)
        local letter = sub(text, at, at)
        if letter == "]" then
            return list, at + 1
        elseif letter ~= "," then
            fail()
        end
        at = skip(text, at + 1)
    end
end

local function decode_object(text, at, depth)
    local object, key = {}, nil
    at = skip(text, at + 1)
    if sub(text, at, at) == "}" then
        return object, at + 1
    end
    while true do
        if sub(text, at, at) ~= '"' then
            fail()
        end
        key, at = decode_text(text, at)
        at = skip(text, at)
        if sub(text, at, at) ~= ":" then
            fail()
        end
        object[key], at = decode(text, skip(text, at + 1), depth)
        at = skip(text, at)
        local letter = sub(text, at, at)
        if letter == "}" then
            return object, at + 1
        elseif letter ~= "," then
            fail()
        end
        at = skip(text, at + 1)
    end
end

local WORDS = { t = { "true", true }, f = { "false", false }, n = { "null", nil } }

function decode(text, at, depth)
    local letter = sub(text, at, at)
    if letter == "{" or letter == "[" then
        if depth >= DEPTH then
            fail()
        end
        return (letter == "{" and decode_object or decode_array)(text, at, depth + 1)
    elseif letter == '"' then
        return decode_text(text, at)
    end
    local word = WORDS[letter]
    if word then
        if sub(text, at, at + #word[1] - 1) ~= word[1] then
            fail()
        end
        return word[2], at + #word[1]
    end
    return decode_number(text, at)
end

local function whole(text)
    local value, at = decode(text, skip(text, 1), 0)
    if skip(text, at) <= #text then
        fail()
    end
    return value
end

function json.decode(text)
    if type(text) ~= "string" then
        error(format("bad argument #1 to 'decode' (string expected, got %s)", type(text)), 2)
    end
    if #text > LONGEST then
        error(NO_JSON, 2)
    end
    local ok, value = pcall(whole, text)
    if not ok then
        error(value == NO_JSON and NO_JSON or value, value == NO_JSON and 2 or 0)
    end
    return value
end

setmetatable(arrays, { __mode = "k" })

return json
