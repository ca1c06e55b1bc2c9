--[[
rules.lua: whether the rules of a key forbid a request.  Part of gate.lua.
]]

-- The verdict where a rule of the key forbids a request, else nil.  Of the
-- rules of a kind one has to fit; a kind without any forbids nothing.
local function forbidden(rules, origin, model)
    local sub, match, fitting = string.sub, string.match, {}
    local ip, method, scope, path = match(origin, '^(%S+) (%S+) (%S+) (.*)$')

    for kind, value in string.gmatch(rules, '(%l+) ([^\n]+)') do
        local fits = false
        if kind == 'ip' then
            -- nibbles that are whole, then the bits of one that is not
            local net, bits = match(value, '^(%x+)/(%d+)$')
            local rest = bits % 4
            local whole = (bits - rest) / 4
            local nibble = tonumber(sub(ip, whole + 1, whole + 1), 16)
            fits = #net == #ip and sub(net, 1, whole) == sub(ip, 1, whole)
                   and (rest == 0 or nibble - nibble % 2^(4 - rest)
                        == tonumber(sub(net, whole + 1, whole + 1), 16))

        elseif kind == 'method' then
            fits = value == method or value == 'GET' and method == 'HEAD'

        elseif kind == 'path' then
            fits = sub(path, 1, #value) == value
                   and (sub(value, -1) == '/' or #path == #value
                        or sub(path, #value + 1, #value + 1) == '/')

        elseif kind == 'scope' or kind == 'model' then
            local code = kind == 'scope' and scope or model
            fits = code == '-' or code == value
                   or sub(value, -1) == '*'
                      and sub(code, 1, #value - 1) == sub(value, 1, -2)

        else
            return 'key_unknown'
        end

        fitting[kind] = fitting[kind] or fits
    end

    return fitting.ip == false and 'ip_forbidden'
           or fitting.scope == false and 'scope_missing'
           or fitting.method == false and 'method_forbidden'
           or fitting.path == false and 'path_forbidden'
           or fitting.model == false and 'model_forbidden' or nil
end
