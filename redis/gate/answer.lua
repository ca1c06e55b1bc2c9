--[[
answer.lua: the answers of the gate, values behind each other in one flat reply.
Part of gate.lua.
]]

local function answer(verdict, app, key, plan, tier, mode, credits, units,
                      avail, limit, wait_ms, more)
    local r, n = reply, size

    r[n + 1], r[n + 2], r[n + 3], r[n + 4], r[n + 5], r[n + 6], r[n + 7],
    r[n + 8], r[n + 9], r[n + 10], r[n + 11], r[n + 12] =
        verdict, app, key, plan, tier, mode, credits, units, avail, limit,
        wait_ms, more
    size = n + 12
end


-- Those that tell nothing about the account.
local function answer_blank(verdict, times)
    for _ = 1, times do
        answer(verdict, '', '', '', 0, '', 0, 0, 0, '', 0, 0)
    end
end


-- What only some plans and requests have; an answer ends with what it is.
local function answer_more(w, p, ask, key_tat, app_tat, used)
    local r, n, more = reply, size, 0

    if p.rated then
        r[n + 1], r[n + 2], r[n + 3] =
            rate_state(key_tat, now, p.key_rate, p.key_burst)
        r[n + 4], r[n + 5], r[n + 6] =
            rate_state(app_tat, now, p.app_rate, p.app_burst)
        n, more = n + 6, 1
    end

    -- a look is told when windows end that nothing is counted in
    if p.mode ~= 'payg' or ask.look then
        r[n + 1], r[n + 2], r[n + 3], r[n + 4], r[n + 5], r[n + 6] =
            p.day, remaining(p.day, w.day_used + used), w.day_end,
            p.month, remaining(p.month, w.month_used + used), w.month_end
        n, more = n + 6, more + 2
    end

    if ask.ticket ~= '' or ask.limits ~= '' then
        r[n + 1], r[n + 2] = ask.ticket, ask.limits
        n, more = n + 2, more + 4
    end

    r[size], size = more, n
end
