--[[
decide.lua: the order of decision on one request of a known key.  Part of
gate.lua.
]]

local function fits(used, units, limit)
    return units == 0 or used + units <= (limit < 0 and 2^53 - 1 or limit)
end


local function remaining(limit, used)
    return limit < 0 and -1 or limit > used and limit - used or 0
end


-- The window without room for these units, ms until it could have: when it
-- ends, or 0 if it is too small for ever.
local function quota_refusal(w, p, units)
    local limit, ends = 'day', w.day_end

    if not fits(w.month_used, units, p.month) then
        limit, ends = 'month', w.month_end
    end

    if not (fits(0, units, p.day) and fits(0, units, p.month)) then
        return limit, 0
    end

    return limit, ends * 1000 - now_ms
end


-- Decides one request of a known key.  Returns the verdict, credits to charge,
-- units to use, limit that refused, ms until it could pass.
local function decide(w, p, ask, parts, key_tat, app_tat)
    local key = ask.key

    if key.state ~= 'active' and key.state ~= 'paused' then
        return 'key_revoked', 0, 0, '', 0
    end

    if key.expires_ms > 0 and now_ms >= key.expires_ms then
        return 'key_expired', 0, 0, '', 0
    end

    if key.state == 'paused' then
        return 'key_paused', 0, 0, '', 0
    end

    if w.state ~= 'active' then
        return w.state == 'suspended' and 'account_suspended'
               or 'account_frozen', 0, 0, '', 0
    end

    if key.app_state ~= 'active' then
        return 'app_suspended', 0, 0, '', 0
    end

    local broken = key.rules and forbidden(key.rules, ask.origin, ask.model)

    if broken then
        return broken, 0, 0, '', 0
    end

    if not p then
        return 'store_unreachable', 0, 0, '', 0
    end

    if ask.tier > p.tier then
        return 'tier_required', 0, 0, '', 0
    end

    for i = 1, #parts do
        local first = parts[i].first

        if first then
            local verdict, limit, wait_ms = first(ask)

            if verdict then
                return verdict, 0, 0, limit or '', wait_ms or 0
            end
        end
    end

    if key_tat and not (ask.look or ask.link) then
        local wait = wait_us(key_tat, now, p.key_rate, p.key_burst)

        if p.key_rate > 0 and wait > 0 then
            return 'rate_limited', 0, 0, 'key_rate', math.ceil(wait / 1000)
        end

        wait = wait_us(app_tat, now, p.app_rate, p.app_burst)

        if p.app_rate > 0 and wait > 0 then
            return 'rate_limited', 0, 0, 'app_rate', math.ceil(wait / 1000)
        end
    end

    local credits, units = ask.cost, 0

    -- What a hybrid prices in credits alone is paid in credits.
    if not ask.paid
       and (p.mode == 'subscription'
            or p.mode == 'hybrid' and (ask.units > 0 or ask.cost == 0))
    then
        local limit, wait_ms

        if not (fits(w.day_used, ask.units, p.day)
                and fits(w.month_used, ask.units, p.month))
        then
            limit, wait_ms = quota_refusal(w, p, ask.units)
        end

        for i = 1, #parts do
            local room = parts[i].room

            if room then
                limit, wait_ms = room(ask, limit, wait_ms)
            end
        end

        if not limit then
            credits, units = 0, ask.units

        elseif p.mode == 'subscription' then
            return 'quota_exceeded', 0, 0, limit, wait_ms
        end
    end

    for i = 1, #parts do
        local last = parts[i].last

        if last then
            local verdict, limit, wait_ms = last(ask, credits, units)

            if verdict then
                return verdict, 0, 0, limit or '', wait_ms or 0
            end
        end
    end

    local usable = w.pockets and w.pockets.usable(ask.feature) or w.avail

    if credits > usable or credits > 0 and w.owing then
        return 'credits_exhausted', 0, 0, '', 0
    end

    return 'pass', credits, units, '', 0
end
