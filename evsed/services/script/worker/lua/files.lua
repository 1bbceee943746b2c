-- Files below /usr/ for scripts. Source: lua.md section 8.
--
-- A handle keeps the whole text (files are small) and writes through at once, so that nothing is
-- lost with the process.

local host = ...

local error, next, type, tonumber, tostring, select = error, next, type, tonumber, tostring, select
local setmetatable, collectgarbage = setmetatable, collectgarbage
local find, sub, match, rep, format = string.find, string.sub, string.match, string.rep, string.format
local concat, unpack = table.concat, table.unpack
local pack, floor, tointeger = table.pack, math.floor, math.tointeger
local read_file, write_file, write_out = host.read_file, host.write_file, host.write
local remove_file, rename_file = host.remove_file, host.rename_file

local MOST_OPEN, MOST_BYTES = 8, 256 * 1024

local io = {}
local file = {}
-- What handles stand for; no script can reach it, or the metatable.
local states = setmetatable({}, { __mode = "k" })
local meta = {
    __index = file,
    __name = "FILE*",
    __metatable = false,
    __tostring = function(handle)
        local self = states[handle]
        return (not self or self.closed) and "file (closed)" or format("file (%s)", self.path)
    end,
    __close = function(handle)
        if states[handle] then
            states[handle].closed = true
        end
    end,
}

local function need_text(value, place, name)
    if type(value) ~= "string" then
        error(format("bad argument #%d to '%s' (string expected, got %s)", place, name, type(value)), 3)
    end
    return value
end

local function need_part(value, place)
    if type(value) ~= "string" and type(value) ~= "number" then
        error(format("bad argument #%d to 'write' (string expected, got %s)", place, type(value)), 3)
    end
    return tostring(value)
end

local function opened(handle, name)
    local self = states[handle]
    if not self then
        error(format("bad argument #1 to '%s' (FILE* expected)", name), 3)
    end
    if self.closed then
        error("attempt to use a closed file", 3)
    end
    return self
end

local function how_many()
    local count = 0
    for _, self in next, states do
        if not self.closed then
            count = count + 1
        end
    end
    return count
end

local READERS = {}

-- Takes what may be a numeral as far as it goes, and only then looks whether it is one, as Lua does.
function READERS.n(self)
    local text = self.text
    local _, blank = find(text, "^%s*", self.at)
    local from = blank + 1
    local _, prefix = find(text, "^[+-]?0[xX]", from)
    local digits, power = "^[+-]?%d*%.?%d*", "^[eE][+-]?%d*"
    if prefix then
        digits, power = "^%x*%.?%x*", "^[pP][+-]?%d*"
    end
    local _, stop = find(text, digits, prefix and prefix + 1 or from)
    if find(sub(text, prefix and prefix + 1 or from, stop), "%x") then
        local _, last = find(text, power, stop + 1)
        stop = last or stop
    end
    self.at = stop + 1
    return tonumber(sub(text, from, stop))
end

function READERS.l(self)
    if self.at > #self.text then
        return nil
    end
    local stop = find(self.text, "\n", self.at, true) or #self.text + 1
    local line = sub(self.text, self.at, stop - 1)
    self.at = stop + 1
    return line
end

function READERS.L(self)
    if self.at > #self.text then
        return nil
    end
    local stop = find(self.text, "\n", self.at, true) or #self.text
    local line = sub(self.text, self.at, stop)
    self.at = stop + 1
    return line
end

function READERS.a(self)
    local rest = sub(self.text, self.at)
    self.at = #self.text + 1
    return rest
end

local function read_count(self, count)
    if self.at > #self.text then
        return nil
    end
    local part = sub(self.text, self.at, self.at + floor(count) - 1)
    self.at = self.at + #part
    return part
end

local function read_one(self, form)
    if type(form) == "number" then
        return read_count(self, form)
    end
    local reader = type(form) == "string" and READERS[match(form, "^%*?(%a)")]
    if not reader then
        error("bad argument #1 to 'read' (invalid format)", 4)
    end
    return reader(self)
end

local function read(self, ...)
    if not self.readable then
        return nil, "Bad file descriptor", 9
    end
    local count = select("#", ...)
    if count == 0 then
        return READERS.l(self)
    end
    local values = {}
    for place = 1, count do
        values[place] = read_one(self, (select(place, ...)))
        if values[place] == nil then
            return unpack(values, 1, place)
        end
    end
    return unpack(values, 1, count)
end

function file:read(...)
    return read(opened(self, "read"), ...)
end

function file:write(...)
    local state = opened(self, "write")
    if not state.writable then
        return nil, "Bad file descriptor", 9
    end
    local parts = {}
    for place = 1, select("#", ...) do
        parts[place] = need_part((select(place, ...)), place)
    end
    local data = concat(parts)
    local at = state.append and #state.text + 1 or state.at
    if at + #data - 1 > MOST_BYTES then
        return nil, state.path .. ": File too large", 27
    end
    local gap = rep("\0", at - 1 - #state.text)
    local text = sub(state.text, 1, at - 1) .. gap .. data .. sub(state.text, at + #data)
    local ok, problem, code = write_file(state.path, text)
    if not ok then
        return nil, problem, code
    end
    state.text, state.at = text, at + #data
    return self
end

function file:lines(...)
    local state = opened(self, "lines")
    local forms = { ... }
    return function()
        if state.closed then
            error("file is already closed", 2)
        end
        return read(state, unpack(forms))
    end
end

function file:seek(whence, offset)
    local state = opened(self, "seek")
    local base = ({ set = 0, cur = state.at - 1, ["end"] = #state.text })[whence or "cur"]
    if not base then
        error(format("bad argument #1 to 'seek' (invalid option '%s')", tostring(whence)), 2)
    end
    local by = tointeger(offset or 0)
    if not by then
        error("bad argument #2 to 'seek' (number has no integer representation)", 2)
    end
    local at = base + by
    if at < 0 or at > 2 ^ 53 then
        return nil, "Invalid argument", 22
    end
    state.at = at + 1
    return at
end

function file:flush()
    opened(self, "flush")
    return self
end

function file:close()
    opened(self, "close").closed = true
    return true
end

local function open(path, mode)
    local kind, plus = match(mode, "^([rwa])(%+?)b?$")
    if not kind then
        error("bad argument #2 to 'open' (invalid mode)", 2)
    end
    if how_many() >= MOST_OPEN then
        collectgarbage("collect")
        if how_many() >= MOST_OPEN then
            return nil, path .. ": Too many open files", 24
        end
    end
    local ok, text, code = read_file(path)
    if kind == "r" and not ok then
        return nil, text, code
    end
    if kind == "w" or not ok then
        text = ""
        local written, problem, failed = write_file(path, text)
        if not written then
            return nil, problem, failed
        end
    end
    local made = setmetatable({}, meta)
    states[made] = {
        path = path,
        text = text,
        at = 1,
        readable = kind == "r" or plus == "+",
        writable = kind ~= "r" or plus == "+",
        append = kind == "a",
    }
    return made
end

function io.open(path, mode)
    return open(need_text(path, 1, "open"), mode == nil and "r" or need_text(mode, 2, "open"))
end

function io.lines(path, ...)
    local handle, problem = open(need_text(path, 1, "lines"), "r")
    if not handle then
        error(problem, 2)
    end
    local state, forms = states[handle], { ... }
    return function()
        if state.closed then
            error("file is already closed", 2)
        end
        local values = pack(read(state, unpack(forms)))
        if values[1] == nil then
            state.closed = true
        end
        return unpack(values, 1, values.n)
    end,
        nil,
        nil,
        handle
end

-- What io.write returns, so that calls can be chained.
local out = setmetatable({}, { __index = {}, __name = "FILE*", __metatable = false })

local function write_all(...)
    for place = 1, select("#", ...) do
        write_out(need_part((select(place, ...)), place))
    end
    return out
end

io.write = write_all

function out.write(_, ...)
    return write_all(...)
end

function io.type(value)
    local state = value ~= nil and states[value]
    if not state then
        return nil
    end
    return state.closed and "closed file" or "file"
end

local function outcome(ok, problem, code)
    if ok then
        return true
    end
    return nil, problem, code
end

return io,
    function(path)
        return outcome(remove_file(need_text(path, 1, "remove")))
    end,
    function(path, other)
        return outcome(rename_file(need_text(path, 1, "rename"), need_text(other, 2, "rename")))
    end
