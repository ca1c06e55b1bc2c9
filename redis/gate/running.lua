--[[
running.lua: limits of how many requests run at once, whose slots are leased:
one that nobody keeps up is free when its lease is over.  Part of gate.lua, for
calls of an account that has such limits.
]]

-- The part of gate.lua beside that of all limits.  The slots of a counter are a
-- sorted set of request ids by the ms when their lease is over; back.lua has
-- how a slot is kept up and let go.
local function open_running(limits, now)
    local prefix = string.match(k_wallet, '^(.*:)w:') .. 'c:' .. account .. ':'
    local now_ms = (now - now % 1000) / 1000
    local counters = {}

    -- The counters of a request, with the slots that are taken of each.  One
    -- that is further away than two leases is of before a clock stepped back.
    local function fitting(ask)
        if not ask.running then
            ask.running = {}

            for _, c in ipairs(limits.of(ask)) do
                if c.limit.meter == 'running' then
                    if not c.name then
                        counters[#counters + 1] = c
                        c.name = prefix .. string.sub(c.field, 3)
                        c.lease, c.fresh = c.limit.lease, {}
                        c.live = call('ZCOUNT', c.name, format('(%.0f', now_ms),
                                      format('%.0f', now_ms + 2 * c.lease))
                    end

                    ask.running[#ask.running + 1] = c
                end
            end
        end

        return ask.running
    end

    return {
        first = function(ask)
            for _, c in ipairs(ask.look and {} or fitting(ask)) do
                if c.limit.refuses and c.live + 1 > c.limit.max then
                    return 'concurrency_limited', c.limit.name,
                           c.limit.max > 0 and 1000 or 0
                end
            end
        end,

        pass = function(ask)
            for _, c in ipairs(fitting(ask)) do
                local word = 'ec:' .. format('%.0f', c.lease) .. ':'
                             .. string.sub(c.field, 3)

                -- a slot that no ticket tells of would outlive its request
                if #ask.ticket + #word < 1800 then
                    ask.ticket = ask.ticket .. (ask.ticket == '' and '' or ';')
                                 .. word
                    c.live = c.live + 1
                    c.fresh[#c.fresh + 1] = format('%.0f', now_ms + c.lease)
                    c.fresh[#c.fresh + 1] = ask.id
                end
            end
        end,

        tell = function(ask)
            for _, c in ipairs(fitting(ask)) do
                local limit = c.limit

                ask.limits = ask.limits .. limit.name .. ' running '
                             .. format('%.0f %.0f 0 ', limit.max,
                                       remaining(limit.max, c.live))
                             .. limit.window .. ' ' .. limit.effect .. '\n'
            end
        end,

        write = function()
            for _, c in ipairs(counters) do
                if #c.fresh > 0 then
                    call('ZREMRANGEBYSCORE', c.name, '-inf',
                         format('%.0f', now_ms))
                    call('ZADD', c.name, unpack(c.fresh))
                    call('PEXPIRE', c.name, format('%.0f', 2 * c.lease))
                end
            end
        end
    }
end
