--[[
wallet.lua: reads the wallet, the plan and the key from their fields, and rolls
the windows of the plan's quotas.  Part of gate.lua.
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

    local at = now_s > w.day and now_s or w.day
    local start = at - at % 86400

    if w.day ~= start then
        w.day, w.day_used, w.rolled = start, 0, true
    end

    at = now_s > w.month and now_s or w.month
    at = month_first((at - at % 86400) / 86400)
    start = at * 86400

    if w.month ~= start then
        w.month, w.month_used, w.rolled = start, 0, true
    end

    w.day_end = w.day + 86400
    w.month_end = month_first(at + 31) * 86400
end


-- The wallet from its fields; raises where its numbers are none.
local function wallet_from(f)
    return {
        epoch = integer(f[1]), seq = integer(f[2]), avail = integer(f[3]),
        held = integer(f[4]), state = f[5], plan = f[6] or 'payg',
        day = integer(f[7] or 0), day_used = integer(f[8] or 0),
        month = integer(f[9] or 0), month_used = integer(f[10] or 0),
        rolled = false, day_end = 0, month_end = 0, limits = f[11],
        zone = f[12], low = f[13], owed = integer(f[14] or 0), owing = false,
        holding = 0, pockets = false
    }
end


-- The plan from its copy; raises where it is missing or can't be read.
local function plan_from(f)
    local mode, day, month = f[2], f[3] + 0, f[4] + 0

    if mode == 'payg' then
        day, month = -1, -1

    elseif mode ~= 'subscription' and mode ~= 'hybrid' then
        error('not a mode')
    end

    return {
        tier = integer(f[1]), mode = mode, day = day, month = month,
        key_rate = integer(f[5]), key_burst = integer(f[6]),
        app_rate = integer(f[7]), app_burst = integer(f[8]),
        limits = f[9], align = f[10]
    }
end


-- The key from its record, nil where it can't be read.
local function key_from(record)
    local id, app, state, expires, more =
        string.match(record, '^(%S+) (%S+) (%S+) (%d+)( ?%l*)$')

    return id and (more == '' or more == ' rules')
           and { id = id, app = app, state = state,
                 expires_ms = expires + 0, app_state = false,
                 key_tat = 't:' .. id, app_tat = 't:' .. app,
                 limits = false,
                 rules = more ~= '' or nil, passed = false }
end
