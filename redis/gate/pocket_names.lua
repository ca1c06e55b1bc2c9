--[[
pocket_names.lua: what pockets are called, the order in which they burn, and what
they are for.  Goes with pockets.lua.
]]

-- Returns functions: whole(digits), before(pocket, pocket), pocket_from(name,
-- amount), named(name) and fits(pocket, feature).
local function pocket_names()
    local format, match = string.format, string.match
    local gmatch, sub, byte = string.gmatch, string.sub, string.byte

    local function whole(digits)
        local n = tonumber(digits)

        assert(n and n < 2^53, 'an amount of a pocket is an integer')

        return n
    end

    -- in the order of bytes, whatever the locale of Redis is
    local function text_before(a, b)
        for i = 1, #a do
            local x, y = byte(a, i), byte(b, i)

            if x ~= y then
                return y ~= nil and x < y
            end
        end

        return #a < #b
    end

    local function before(a, b)
        if a.priority ~= b.priority then
            return a.priority < b.priority
        end

        if a.ends ~= b.ends then
            return a.ends > 0 and (b.ends == 0 or a.ends < b.ends)
        end

        return a.scope ~= '*'
               and (b.scope == '*' or text_before(a.scope, b.scope))
    end

    local function pocket_from(name, amount)
        local priority, ends, scope = match(name, '^(%d+)/(%d+)/(%S+)$')

        return { name = name, priority = whole(priority), ends = whole(ends),
                 scope = scope, amount = amount }
    end

    -- Raises unless it is how a pocket is named; the other name of the plain
    -- one is "-".
    local function named(name)
        if name == '-' or name == '50/0/*' then
            return '-'
        end

        local priority, ends, scope = match(name, '^(%d+)/(%d+)/(%S+)$')
        local count, last, right = 0, nil, #name <= 200

        for feature in gmatch(scope ~= '*' and scope or '', '[^+]*%+?') do
            feature = match(feature, '^([^+]*)')
            if feature ~= '' then
                right = right and match(feature, '^[a-z0-9][a-z0-9._:-]*%*?$')
                        and (not last or text_before(last, feature))
                count, last = count + 1, feature
            end
        end

        assert(right and scope and (scope == '*' or count > 0) and count <= 8
               and not match(scope, '^%+') and not match(scope, '%+%+')
               and not match(scope, '%+$') and whole(priority) <= 100
               and format('%.0f/%.0f/', whole(priority), whole(ends)) .. scope
                   == name, 'a pocket is "priority/end/scope"')

        return name
    end

    -- Whether a pocket is for a feature, "-" for none; true stands for any.
    local function fits(p, feature)
        if p.scope == '*' or feature == true then
            return true
        end

        p.known = p.known or {}

        if p.known[feature] == nil then
            local found = false

            for code in gmatch(p.scope, '[^+]+') do
                found = found or code == feature
                        or sub(code, -1) == '*' and feature ~= '-'
                           and sub(feature, 1, #code - 1) == sub(code, 1, -2)
            end

            p.known[feature] = found
        end

        return p.known[feature]
    end

    return whole, before, pocket_from, named, fits
end
