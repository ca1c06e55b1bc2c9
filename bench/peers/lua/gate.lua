-- gate.lua: a gate in nginx's Lua that asks Redis by a script: what it says of
-- the key passes, or is 403.  Opened by nginx's master with the socket of Redis
-- and the call of the script (Bench.pm, write_call); answers with a function
-- for the access phase.

local ffi = require 'ffi'

ffi.cdef 'unsigned char *SHA256(const unsigned char *d, size_t n, unsigned char *md);'

local SHARDS = 64
local redis, file = ...
local digest, hex = ffi.new('unsigned char[32]'), {}

for n = 0, 255 do
    hex[n] = string.format('%02x', n)
end

local function sha256(text)
    local out = {}

    ffi.C.SHA256(text, #text, digest)
    for n = 0, 31 do
        out[n + 1] = hex[digest[n]]
    end

    return table.concat(out)
end

local lines = {}

for line in io.lines(file) do
    lines[#lines + 1] = line
end

local sha, verdict = lines[1], tonumber(lines[2]) + 1
local command = { 'EVALSHA', sha, unpack(lines, 3) }
local head = '*' .. #command .. '\r\n'

-- A command with its placeholders, '@name@', filled in.
local function command_of(values)
    local out = { head }

    for n = 1, #command do
        local word = string.find(command[n], '@', 1, true)
                     and string.gsub(command[n], '@(%l+)@', values)
                     or command[n]

        out[#out + 1] = '$' .. #word .. '\r\n' .. word .. '\r\n'
    end

    return out
end

-- A reply, or nil and the error.
local function reply_from(socket)
    local line, failed = socket:receive()

    if not line then
        return nil, failed
    end

    local kind, rest = string.sub(line, 1, 1), string.sub(line, 2)

    if kind == '-' then
        return nil, rest
    elseif kind == '*' then
        local list = {}

        for n = 1, tonumber(rest) do
            list[n], failed = reply_from(socket)
            if failed then
                return nil, failed
            end
        end

        return list
    elseif kind == '$' then
        local text = socket:receive(tonumber(rest) + 2)

        return text and string.sub(text, 1, -3)
    end

    return tonumber(rest) or rest
end

local function ask(values)
    local socket = ngx.socket.tcp()
    local done, failed = socket:connect('unix:' .. redis)

    if not done then
        return nil, failed
    end

    done, failed = socket:send(command_of(values))
    if not done then
        return nil, failed
    end

    local reply
    reply, failed = reply_from(socket)
    if reply then
        socket:setkeepalive(600000, 4096)
    end

    return reply, failed
end

return function()
    local key, account = string.match(ngx.var.http_authorization or '',
                                      '^Bearer (tg_live_(%w%w%w%w%w%w%w%w%w%w)%w+)$')

    if not key then
        return ngx.exit(403)
    end

    local reply, failed = ask({ account = account, id = ngx.var.request_id,
                                hash = sha256(key),
                                shard = ngx.crc32_short(account) % SHARDS })

    if not reply then
        ngx.log(ngx.ERR, failed)
        return ngx.exit(500)
    end

    return reply[verdict] ~= 'pass' and ngx.exit(403) or nil
end
