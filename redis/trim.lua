--[[
trim.lua: removes what is settled from a stream, and notes how far Postgres came.

KEYS    stream, store
ARGV    cursor, the id up to which Postgres has settled; the cursor before it,
        or '' where it isn't known; for how many ms settled entries are kept;
        how many entries lie between the two cursors
Returns how many entries were removed

The store of a stream tells of two ids that only grow: `settled`, up to where
some Postgres has committed, at `settled_at` (Redis time, ms), and `trimmed`,
up to where entries are gone; and `kept`, how many settled entries are still
there.  A Postgres whose cursor is before them was restored from a copy.
]]

local k_stream, k_store = KEYS[1], KEYS[2]
local cursor, before, keep_ms, count = ARGV[1], ARGV[2], tonumber(ARGV[3]),
                                       tonumber(ARGV[4])


-- Ids are two numbers of up to 20 digits, too many for a double.
local function is_after(id, other)
    local a, b = string.match(id, '^(%d+)%-(%d+)$')
    local c, d = string.match(other, '^(%d+)%-(%d+)$')

    assert(a and c, 'an id is "ms-n"')

    if a ~= c then
        return #a > #c or #a == #c and a > c
    end

    return #b > #d or #b == #d and b > d
end


-- first half: read and decide

assert(keep_ms and keep_ms >= 0 and count and count >= 0,
       'keep and count are numbers')

local clock = redis.call('TIME')
local now_ms = clock[1] * 1000 + math.floor(clock[2] / 1000)
local found = redis.call('HMGET', k_store, 'settled', 'trimmed', 'kept')
local settled, trimmed = found[1] or '0-0', found[2] or '0-0'
local kept = tonumber(found[3] or 0) or 0
local advances = is_after(cursor, settled)
local last = cursor

if not advances then
    count = 0
elseif before ~= settled then
    count = #redis.call('XRANGE', k_stream, '(' .. settled, cursor)
end

if keep_ms > 0 then
    local due = string.format('%.0f-18446744073709551615',
                              math.max(now_ms - keep_ms, 0))
    local up_to = is_after(cursor, due) and due or cursor
    local entry = redis.call('XREVRANGE', k_stream, up_to, '-', 'COUNT', 1)[1]

    last = entry and entry[1]
end

-- second half: write; what frees memory comes first, for after it Redis takes
-- the marks even where it is full

local removed = 0

if last then
    local ms, n = string.match(last, '^(%d+)%-(%d+)$')

    removed = redis.call('XTRIM', k_stream, 'MINID', '=',
                         string.format('%s-%.0f', ms, n + 1))
end

local marks = {}

if advances then
    marks = { 'settled', cursor, 'settled_at', string.format('%.0f', now_ms) }
end

if removed > 0 and is_after(last, trimmed) then
    marks[#marks + 1], marks[#marks + 2] = 'trimmed', last
end

-- without a time to keep them none are left, however they were counted
kept = (keep_ms > 0 or is_after(settled, cursor))
       and math.max(kept + count - removed, 0) or 0

if kept ~= tonumber(found[3] or 0) then
    marks[#marks + 1], marks[#marks + 2] = 'kept', string.format('%.0f', kept)
end

if #marks > 0 then
    redis.call('HSET', k_store, unpack(marks))
end

return removed
