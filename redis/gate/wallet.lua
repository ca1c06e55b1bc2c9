--[[
wallet.lua: reads the wallet, the plan and the key from their fields, and rolls
the windows of the plan's quotas.  Part of gate.lua and of what lends.
]]

-- The number in a field; raises unless it is an integer of 0 to 2^53 - 1.
local function integer(text)
    local n = text + 0

    if n >= 0 and n < 2^53 and n % 1 == 0 then
        return n
    end

    error('not an integer')
end


-- Whether an argument is such a number, written with digits alone.
local function is_amount(text)
    return string.find(text, '^%d+$') and text + 0 < 2^53
end


-- UTC day number of the first day of the calendar month that holds a day.
local function month_first(days)
    local doe = (days + 719468) % 146097
    local yoe = doe - (doe - doe % 1460) / 1460 + (doe - doe % 36524) / 36524
                - (doe - doe % 146096) / 146096

    yoe = (yoe - yoe % 365) / 365

    local doy = doe - 365 * yoe - (yoe - yoe % 4) / 4 + (yoe - yoe % 100) / 100
    local march = 5 * doy + 2

    march = (march - march % 153) + 2

    return days - doy + (march - march % 5) / 5
end


-- The day and the month of UTC that hold an instant, each with its end.
local function utc_of(at)
    local start = at - at % 86400
    local first = month_first(start / 86400)

    return { day = start, day_end = start + 86400, month = first * 86400,
             month_end = month_first(first + 31) * 86400 }
end


local utc   -- of now, for all wallets of a call

-- Units count only in the window they were used in.  A window that starts in
-- the future stays: a clock that stepped back gives no quota.  The windows are
-- those of UTC, or where there is one those of a calendar.
local function roll_windows(w, p, now_s, window_at)
    if window_at then
        for _, name in ipairs({ 'day', 'month' }) do
            local start, last = w[name], name .. '_end'

            start, w[last] = window_at(name, p.align,
                                       now_s > start and now_s or start)

            if start > w[name] then
                w[name], w[name .. '_used'], w.rolled = start, 0, true
            end
        end

        return
    end

    utc = utc or utc_of(now_s)

    local day = now_s < w.day and utc_of(w.day) or utc
    local month = now_s < w.month and utc_of(w.month) or utc

    if w.day ~= day.day then
        w.day, w.day_used, w.rolled = day.day, 0, true
    end

    if w.month ~= month.month then
        w.month, w.month_used, w.rolled = month.month, 0, true
    end

    w.day_end, w.month_end = day.day_end, month.month_end
end


-- The wallet from its fields; raises where its numbers are none.  What few have
-- is there only where it is, for a table that has to grow is dear.
local function wallet_from(f)
    local epoch, seq, avail, held = f[1] + 0, f[2] + 0, f[3] + 0, f[4] + 0
    local day, day_used, month, month_used, owed =
        (f[7] or 0) + 0, (f[8] or 0) + 0, (f[9] or 0) + 0, (f[10] or 0) + 0,
        (f[14] or 0) + 0

    -- what is no number is not equal to itself, and infinity has no rest
    if epoch % 1 + seq % 1 + avail % 1 + held % 1 + day % 1 + day_used % 1
       + month % 1 + month_used % 1 + owed % 1 ~= 0
       or math.min(epoch, seq, avail, held, day, day_used, month, month_used,
                   owed) < 0
       or math.max(epoch, seq, avail, held, day, day_used, month, month_used,
                   owed) >= 2^53
    then
        error('not an integer')
    end

    local w = {
        found = f, seq = seq, avail = avail, held = held, state = f[5],
        plan = f[6] or 'payg', day = day, day_used = day_used, month = month,
        month_used = month_used, day_end = 0, month_end = 0, rolled = false,
        keys = false, items = false, passed = false
    }

    if f[11] or f[12] or f[13] or f[14] then
        w.limits, w.zone, w.low, w.owed = f[11], f[12], f[13], owed
    end

    return w
end


-- The plan from its copy; raises where it is missing or can't be read.
local function plan_from(f)
    local mode, day, month = f[2], f[3] + 0, f[4] + 0

    if mode == 'payg' then
        day, month = -1, -1

    elseif mode ~= 'subscription' and mode ~= 'hybrid' then
        error('not a mode')
    end

    local key_rate, app_rate = integer(f[5]), integer(f[7])

    return {
        tier = integer(f[1]), mode = mode, day = day, month = month,
        key_rate = key_rate, key_burst = integer(f[6]),
        app_rate = app_rate, app_burst = integer(f[8]),
        limits = f[9], align = f[10], version = f[11], prefix = false,
        rated = key_rate > 0 or app_rate > 0
    }
end


-- The key from its record, nil where it can't be read.
local function key_from(record)
    local id, app, state, expires, more =
        string.match(record, '^(%S+) (%S+) (%S+) (%d+)( ?%l*)$')

    return id and (more == '' or more == ' rules')
           and { id = id, app = app, state = state,
                 expires_ms = expires + 0, app_state = false,
                 rules = more ~= '' or nil }
end
