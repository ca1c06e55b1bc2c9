--[[
calendar.lua: windows of time in the time zone of an account.  Part of
gate.lua, for calls that need it.
]]

-- A function of kind, align and unix s that tells from when to when the window
-- lasts that holds this instant (0, 0 of one that never ends).  The zone is
-- offsets of UTC, "offset[ from offset]...", and the anchor is what
-- anniversaries count from, unix s.  A local time that does not exist is the
-- instant after the gap, one that exists twice the first.
local function open_calendar(zone, anchor)
    local DAY, SPANS = 86400, { minute = 60, hour = 3600, day = 86400,
                                week = 604800 }
    local MONDAY = 4 * DAY      -- 1970-01-05
    local froms, offsets = { -2^53 }, {}

    for number in string.gmatch(zone or '', '%-?%d+') do
        if #froms > #offsets then
            offsets[#offsets + 1] = number + 0
        else
            froms[#froms + 1] = number + 0
        end
    end

    offsets[1] = offsets[1] or 0
    anchor = tonumber(anchor or 0) or 0

    local function offset_at(at)
        local i = #offsets

        while i > 1 and at < froms[i] do
            i = i - 1
        end

        return offsets[i]
    end

    -- The first instant whose local time is that, or is past it.
    local function instant(wall)
        for i = 1, #offsets do
            local at = wall - offsets[i]

            if at < froms[i] then
                at = froms[i]
            end

            if i == #offsets or at < froms[i + 1] then
                return at
            end
        end
    end

    local wall_anchor = anchor + offset_at(anchor)
    local anchor_days = (wall_anchor - wall_anchor % DAY) / DAY
    local anchor_in_month = wall_anchor - month_first(anchor_days) * DAY

    -- When a month begins whose first day is the given one: then, or that much
    -- later, but not past its last day.
    local function month_start(first, later)
        local length = month_first(first + 31) - first
        local days = (later - later % DAY) / DAY

        return instant((first + (days < length and days or length - 1)) * DAY
                       + later % DAY)
    end

    -- starts(n) is when the window n begins; n is that of the instant or is
    -- one beside it.
    local function around(at, n, starts)
        local from = starts(n)

        while from > at do
            n = n - 1
            from = starts(n)
        end

        local to = starts(n + 1)

        while to <= at do
            n = n + 1
            from, to = to, starts(n + 1)
        end

        return from, to
    end

    return function (kind, align, at)
        local span, by_anchor = SPANS[kind], align == 'anniversary'
        local wall = at + offset_at(at)

        if kind == 'life' then
            return 0, 0
        end

        if kind == 'month' then
            local later = by_anchor and anchor_in_month or 0
            local first = month_first((wall - wall % DAY) / DAY)

            return around(at, 0, function (n)
                return month_start(month_first(first + 15 + n * 30), later)
            end)
        end

        if span < DAY then
            local from = by_anchor and at - (at - anchor) % span
                         or at - wall % span

            return from, from + span
        end

        local origin = by_anchor and wall_anchor
                       or kind == 'week' and MONDAY or 0
        local ahead = wall - origin

        return around(at, (ahead - ahead % span) / span, function (n)
            return instant(origin + n * span)
        end)
    end
end
