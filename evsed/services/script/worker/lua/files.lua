-- Files below /usr/ for scripts. Source: lua.md section 8.
--
-- A handle keeps the whole text (files are small) and writes through at once, so that nothing is
-- lost with the process.

local host = ...

local error, type, tonumber, tostring, select, ipairs = error, type, tonumber, tostring, select, ipairs
local setmetatable, getmetatable, rawget = setmetatable, getmetatable, rawget

local io = {}
local file = {}
file.__index = file
file.__name = "FILE*"
file.__metatable = false
file.__tostring = function(self)
    return self.closed and "file (closed)" or ("file (%s)"):format(self.path)
end

local open_files = setmetatable({}, { __mode = "k" })
local MOST_OPEN = 8

local function check(self, name)
    if type(self) ~= "table" or not open_files[self] and not rawget(self, "closed") then
        error(("bad argument #1 to '%s' (FILE* expected)"):format(name), 3)
    end
    if self.closed then
        error("attempt to use a closed file", 3)
    end
end

local READERS = {}

function READERS.n(self)
    local _, stop, text = self.text:find("^%s*([+-]?[%w.]+[+-]?%d*)", self.at)
    local number = text and tonumber(text)
    if not number then
        return nil
    end
    self.at = stop + 1
    return number
end

function READERS.l(self)
    if self.at > #self.text then
        return nil
    end
    local stop = self.text:find("\n", self.at, true) or #self.text + 1
    local line = self.text:sub(self.at, stop - 1)
    self.at = stop + 1
    return line
end

function READERS.L(self)
    if self.at > #self.text then
        return nil
    end
    local stop = self.text:find("\n", self.at, true) or #self.text
    local line = self.text:sub(self.at, stop)
    self.at = stop + 1
    return line
end

function READERS.a(self)
    local rest = self.text:sub(self.at)
    self.at = #self.text + 1
    return rest
end

local function read_count(self, count)
    if self.at > #self.text then
        return nil
    end
    local part = self.text:sub(self.at, self.at + count - 1)
    self.at = self.at + #part
    return part
end

local function read_one(self, form)
    if type(form) == "number" then
        return read_count(self, form)
    end
    local reader = type(form) == "string" and READERS[form:match("^%*?(%a)")]
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
            return table.unpack(values, 1, place)
        end
    end
    return table.unpack(values, 1, count)
end

function file:read(...)
    check(self, "read")
    return read(self, ...)
end

function file:write(...)
    check(self, "write")
    if not self.writable then
        return nil, "Bad file descriptor", 9
    end
    local parts = {}
    for place = 1, select("#", ...) do
        local part = (select(place, ...))
        if type(part) ~= "string" and type(part) ~= "number" then
            error(("bad argument #%d to 'write' (string expected, got %s)"):format(place, type(part)), 2)
        end
        parts[place] = tostring(part)
    end
    local data = table.concat(parts)
    local at = self.append and #self.text + 1 or self.at
    local gap = ("\0"):rep(at - 1 - #self.text)
    local text = self.text:sub(1, at - 1) .. gap .. data .. self.text:sub(at + #data)
    local ok, problem = host.write_file(self.path, text)
    if not ok then
        return nil, problem
    end
    self.text, self.at = text, at + #data
    return self
end

function file:lines(...)
    check(self, "lines")
    local forms = { ... }
    return function()
        check(self, "lines")
        return read(self, table.unpack(forms))
    end
end

function file:seek(whence, offset)
    check(self, "seek")
    local base = ({ set = 0, cur = self.at - 1, ["end"] = #self.text })[whence or "cur"]
    if not base then
        error(("bad argument #1 to 'seek' (invalid option '%s')"):format(tostring(whence)), 2)
    end
    local at = base + (offset or 0)
    if at < 0 then
        return nil, "Invalid argument", 22
    end
    self.at = at + 1
    return at
end

function file:flush()
    check(self, "flush")
    return self
end

function file:close()
    check(self, "close")
    self.closed, open_files[self] = true, nil
    return true
end

file.__close = function(self)
    self.closed, open_files[self] = true, nil
end

local function open(path, mode)
    local kind, plus = mode:match("^([rwa])(%+?)b?$")
    if not kind then
        error("bad argument #2 to 'open' (invalid mode)", 3)
    end
    local count = 0
    for _ in next, open_files do
        count = count + 1
    end
    if count >= MOST_OPEN then
        collectgarbage("collect")
        return nil, path .. ": Too many open files", 24
    end
    local ok, text = host.read_file(path)
    if kind == "r" and not ok then
        return nil, text, 2
    end
    if kind == "w" or not ok then
        text = ""
        local written, problem = host.write_file(path, text)
        if not written then
            return nil, problem
        end
    end
    local made = setmetatable({
        path = path,
        text = text,
        at = 1,
        readable = kind == "r" or plus == "+",
        writable = kind ~= "r" or plus == "+",
        append = kind == "a",
    }, file)
    open_files[made] = true
    return made
end

function io.open(path, mode)
    if type(path) ~= "string" then
        error(("bad argument #1 to 'open' (string expected, got %s)"):format(type(path)), 2)
    end
    return open(path, mode or "r")
end

function io.lines(path, ...)
    if type(path) ~= "string" then
        error(("bad argument #1 to 'lines' (string expected, got %s)"):format(type(path)), 2)
    end
    local opened, problem = open(path, "r")
    if not opened then
        error(problem, 2)
    end
    local forms = { ... }
    return function()
        local first, second = read(opened, table.unpack(forms))
        if first == nil then
            opened.closed, open_files[opened] = true, nil
        end
        return first, second
    end
end

function io.write(...)
    for place = 1, select("#", ...) do
        local part = (select(place, ...))
        if type(part) ~= "string" and type(part) ~= "number" then
            error(("bad argument #%d to 'write' (string expected, got %s)"):format(place, type(part)), 2)
        end
        host.write(tostring(part))
    end
    return io
end

function io.type(value)
    if type(value) == "table" and open_files[value] then
        return "file"
    end
    return type(value) == "table" and rawget(value, "closed") and "closed file" or nil
end

local function outcome(ok, problem)
    if ok then
        return true
    end
    return nil, problem
end

return io,
    function(path)
        return outcome(host.remove_file(tostring(path)))
    end,
    function(path, other)
        return outcome(host.rename_file(tostring(path), tostring(other)))
    end
