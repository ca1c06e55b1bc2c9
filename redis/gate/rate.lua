--[[
rate.lua: the arithmetic of a rate (GCRA).  Part of gate.lua.
]]

-- The arrival time that a rate counts from: not before now and, should the
-- clock have stepped back, not more than the burst ahead of it.
local function arrival(tat, now, interval, burst)
    local full = now + burst * interval

    return tat > full and full or tat > now and tat or now
end


-- Microseconds until a rate has room for one more request, or less than one.
local function wait_us(tat, now, interval, burst)
    return tat + interval - now - burst * interval
end


-- What a rate answers: burst, remaining, ms until full.
local function rate_state(tat, now, interval, burst)
    if interval == 0 then
        return 0, 0, 0
    end

    local ahead = tat - now
    local left = burst - ahead / interval
    local full_ms = ahead + 999

    return burst, left - left % 1, (full_ms - full_ms % 1000) / 1000
end
