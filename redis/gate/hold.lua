--[[
hold.lua: holds the price of a request in place of charging it: its credits go
from avail to held, until commit.lua, void.lua or expire.lua ends the hold.
Part of gate.lua.
]]

-- The extra is "hold=<ms>", how long the hold lasts.  The record of a hold is a
-- field of the wallet, and when it ends a score of the shard's set of them.
local function open_hold(w, now)
    local asks, holding = {}, 0
    local now_ms = (now - now % 1000) / 1000

    w.holding = 0

    local function pass(ask, credits)
        local ttl_ms = string.match(ask.extras, 'hold=(%d+)')

        if ttl_ms and credits > 0 then
            assert(call('HEXISTS', k_wallet, 'h:' .. ask.id) == 0,
                   'this request has a hold')
            ask.held, ask.ends_ms = credits, now_ms + ttl_ms
            asks[#asks + 1], holding = ask, holding + credits
            w.holding = w.holding + credits
        end
    end

    local function events(post)
        local k_holds = string.gsub(k_ledger, 'ledger$', 'h')
        local items, records, ends = {}, {}, {}

        for i = 1, #asks do
            local ask, n = asks[i], i * 2
            local whose = ask.key.id .. ' ' .. ask.key.app .. ' '
                          .. ask.feature .. ' ' .. ask.model
            local ends_ms = format('%.0f', ask.ends_ms)
            local ticket = ask.burnt and w.pockets.ticket(ask.ticket,
                                                          ask.burnt)
                           or ask.ticket

            items[i] = ask.id .. ' ' .. whose .. format(' %.0f 0', ask.held)
            records[n - 1], records[n] = 'h:' .. ask.id,
                format('%.0f ', ask.held) .. ends_ms .. ' ' .. whose .. ' '
                .. (ticket == '' and '-' or ticket)
            ends[n - 1], ends[n] = ends_ms, account .. ' ' .. ask.id
        end

        if #asks > 0 then
            post('hold', 0, table.concat(items, ';'), holding)
            call('HSET', k_wallet, unpack(records))
            call('ZADD', k_holds, unpack(ends))
        end
    end

    return { pass = pass, events = events }
end
