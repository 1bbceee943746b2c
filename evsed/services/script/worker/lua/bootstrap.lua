-- Joins the parts and returns what the engine may call; nothing here is ever seen by a script.

local host, sources = ...

local function part(name, ...)
    return assert(load(sources[name], "=" .. name))(...)
end

local watchdog = part("watchdog")
local json = part("json")
local env, loaded = part("sandbox", watchdog, host)
env.io, env.os.remove, env.os.rename = part("files", host)
local component, engine = part("components", watchdog, host, json)
for name, module in next, part("modules", watchdog, host, json, engine) do
    loaded[name] = module
end
env.component, loaded.component = component, component
for _, name in ipairs({ "string", "table", "math", "utf8", "coroutine", "debug", "os", "io", "package" }) do
    loaded[name] = env[name]
end
loaded._G = env

function engine.load(text, name)
    local chunk, problem = load(text, name, "t", env)
    return chunk or false, problem or ""
end

function engine.count()
    return collectgarbage("count")
end

function engine.collect()
    collectgarbage("collect")
end

return engine
