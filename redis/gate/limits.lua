--[[
limits.lua: limits with a name, of a plan, an account, an app or a key.  All
that fit a request must have room for it, and are debited together.  Part of
gate.lua, for calls of an account that has some.
]]

-- The part of gate.lua; of(ask) are the counters of the limits that fit a
-- request.  A counter is a field of the wallet: the arrival time of a rate,
-- else the start of its window, what was used in it, the highest percent that
-- was told of, and of which maximum.
local function open_limits(w, p, keys, now, window_at, notices)
    local now_s, now_ms = (now - now % 1000000) / 1000000,
                          (now - now % 1000) / 1000
    local by_field, fields = {}, {}
    local most, running = 2^53 - 1, false

    window_at = window_at
                or open_calendar(w.zone, call('HGET', k_wallet, 'anchor'))

    -- The limits of one line each; raises where one can't be read.
    local function limits_from(text)
        local METERS = { rate = true, requests = true, units = true,
                         credits = true, running = true }
        local WINDOWS = { minute = true, hour = true, day = true, week = true,
                          month = true, life = true }
        local limits = {}

        for line in string.gmatch(text, '[^\n]+') do
            local id, name, meter, max, window, align, per, feature, effect,
                  percents = string.match(line, '^(%w+) (%S+) (%l+) (%d+) (%w+)'
                                                .. ' (%S+) (%l+) (%S+) (%l+) (%S+)$')

            if not METERS[meter]
               or not (WINDOWS[window] or tonumber(window) and window + 0 > 0)
            then
                error('not a limit')
            end

            running = running or meter == 'running'
            limits[#limits + 1] = {
                id = id, name = name, meter = meter, max = integer(max),
                window = window, align = align, per = per, effect = effect,
                feature = feature, refuses = effect == 'refuse',
                prefix = string.match(feature, '^(.*)%*$'),
                interval = meter == 'rate' and integer(window) or nil,
                lease = meter == 'running' and integer(window) or nil,
                percents = percents
            }
        end

        return limits
    end

    -- The counter of a limit for this key.
    local function counter_of(limit, key)
        local whose = limit.per == 'key' and key.id
                      or limit.per == 'app' and key.app or nil
        local field = 'u:' .. limit.id .. (whose and ':' .. whose or '')

        if not by_field[field] then
            by_field[field] = {
                limit = limit, field = field,
                word = limit.id .. ' ' .. (whose and string.sub(limit.per, 1, 1)
                                           or '-')
            }
            fields[#fields + 1] = field
        end

        return by_field[field]
    end

    local shared = limits_from((w.limits or '') .. '\n' .. (p.limits or ''))

    for i = 1, #keys do
        local key = keys[i]
        local own = key.limits and limits_from(key.limits) or {}

        key.counters = {}

        for j = 1, #shared + #own do
            local limit = shared[j] or own[j - #shared]

            key.counters[j] = counter_of(limit, key)
        end
    end

    local stored = #fields > 0 and call('HMGET', k_wallet, unpack(fields)) or {}

    for i = 1, #fields do
        local c = by_field[fields[i]]
        local limit, text = c.limit, stored[i] or ''

        if limit.meter == 'rate' then
            c.tat = arrival(tonumber(text) or 0, now, limit.interval, limit.max)

        elseif limit.meter ~= 'running' then
            local start, used, told, of =
                string.match(text, '^(%d+) (%d+) (%d+) (%d+)$')

            c.start, c.used = tonumber(start or 0), tonumber(used or 0)
            c.told = of and of + 0 == limit.max and told + 0 or 0

            -- a window of the future stays, as when a clock stepped back
            local from, to = window_at(limit.window, limit.align,
                                       now_s > c.start and now_s or c.start)

            if from > c.start then
                c.start, c.used, c.told = from, 0, 0
            end

            c.ends = to
        end
    end

    -- The counters of the limits that fit a request; a look sees all.
    local function fitting(ask)
        if not ask.counters then
            local feature, counters = ask.feature, {}

            for _, c in ipairs(ask.key.counters) do
                local limit = c.limit
                local prefix = limit.prefix

                -- a download link is nobody's key
                if (limit.feature == feature or ask.look
                    or prefix and string.sub(feature, 1, #prefix) == prefix)
                   and not (ask.link and limit.per == 'key')
                then
                    counters[#counters + 1] = c
                end
            end

            ask.counters = counters
        end

        return ask.counters
    end

    -- The name of the limit of a meter that has no room for that much, and ms
    -- until it has, 0 for never; nil where all have.  Among several, and the
    -- one that was found before, the one that lasts.
    local function refusal(ask, meter, amount, name, wait_ms)
        for _, c in ipairs(fitting(ask)) do
            local limit = c.limit

            if limit.meter == meter and limit.refuses and amount > 0
               and c.used + amount > limit.max
            then
                local wait = amount <= limit.max and c.ends > 0
                             and c.ends * 1000 - now_ms or 0

                if not name or wait_ms > 0 and (wait == 0 or wait > wait_ms)
                then
                    name, wait_ms = limit.name, wait
                end
            end
        end

        return name, wait_ms
    end

    local function take(ask, c, amount)
        local limit = c.limit

        c.used = c.used + amount < most and c.used + amount or most

        -- four holders with eight limits each have room for their words
        if #ask.ticket < 1700 then
            ask.ticket = ask.ticket .. (ask.ticket == '' and '' or ';')
                         .. (limit.meter == 'credits' and 'b:' or 'u:')
                         .. c.word .. format(' %.0f %.0f', c.start, amount)
        end

        for percent in string.gmatch(limit.percents, '%d+') do
            percent = percent + 0

            if percent > c.told and c.used * 100 >= limit.max * percent then
                c.told = percent
                notices[#notices + 1] =
                    ask.id .. ' ' .. ask.key.id .. ' ' .. ask.key.app .. ' '
                    .. limit.name .. format(' %.0f %.0f %.0f', percent,
                                            limit.max, c.used)
            end
        end
    end

    return {
        of = fitting, running = running,

        first = function (ask)
            local name, wait_us_most = nil, 0

            for _, c in ipairs(fitting(ask)) do
                local limit = c.limit

                if limit.meter == 'rate' and limit.refuses and not ask.look then
                    local wait = wait_us(c.tat, now, limit.interval, limit.max)

                    if wait > wait_us_most then
                        name, wait_us_most = limit.name, wait
                    end
                end
            end

            if name then
                return 'rate_limited', name, math.ceil(wait_us_most / 1000)
            end
        end,

        room = function (ask, name, wait_ms)
            return refusal(ask, 'units', ask.units, name, wait_ms)
        end,

        last = function (ask, credits)
            local name, wait_ms = refusal(ask, 'credits', credits)

            name, wait_ms = refusal(ask, 'requests', ask.look and 0 or 1, name,
                                    wait_ms)

            if name then
                return 'cap_reached', name, wait_ms
            end
        end,

        pass = function (ask, credits, units)
            local amounts = { requests = 1, credits = credits, units = units }

            for _, c in ipairs(fitting(ask)) do
                local limit = c.limit

                if limit.meter == 'rate' then
                    c.tat = arrival(c.tat + limit.interval, now, limit.interval,
                                    limit.max)
                    c.changed = true

                elseif (amounts[limit.meter] or 0) > 0 then
                    take(ask, c, amounts[limit.meter])
                    c.changed = true
                end
            end
        end,

        tell = function (ask)
            for _, c in ipairs(fitting(ask)) do
                local limit = c.limit
                local max, left, reset = limit.max, c.used, c.ends

                if c.tat then
                    max, left, reset = rate_state(c.tat, now, limit.interval,
                                                  limit.max)
                elseif left then
                    left = remaining(max, left)
                end

                if left then
                    ask.limits = ask.limits .. limit.name .. ' ' .. limit.meter
                                 .. format(' %.0f %.0f %.0f ', max, left, reset)
                                 .. limit.window .. ' ' .. limit.effect .. '\n'
                end
            end
        end,

        write = function (put)
            for i = 1, #fields do
                local c = by_field[fields[i]]

                if c.changed and c.tat then
                    put(c.field, format('%.0f', c.tat))

                elseif c.changed then
                    put(c.field, format('%.0f %.0f %.0f %.0f', c.start, c.used,
                                        c.told, c.limit.max))
                end
            end
        end
    }
end
