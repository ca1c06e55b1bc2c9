--[[
recall.lua: calls back what is on lease to hosts, where a request is refused
that would pass with it.  Part of gate.lua, for requests that are refused by
credits or by a quota.
]]

-- The ticket of such a refusal is "lent"; nothing is said where it would be
-- refused all the same.  The leases end one after the other, as hosts call.
local function open_recall(w, p, ask)
    local found = call('HMGET', k_wallet, 'lent', 'recall')
    local credits, units = string.match(found[1] or '', '^(%d+) (%d+)$')

    if not credits then
        return
    end

    credits, units = credits + 0, units + 0

    local by_quota = p.mode ~= 'payg' and units > 0
                     and fits(w.day_used - units, ask.units, p.day)
                     and fits(w.month_used - units, ask.units, p.month)
    local by_credits = p.mode ~= 'subscription' and credits > 0
                       and ask.cost <= w.avail + credits and not w.owing

    if not (by_quota or by_credits) then
        return
    end

    ask.ticket = 'lent'

    if not found[2] then
        redis.pcall('HSET', k_wallet, 'recall', '1')
    end
end
