--[[
refund.lua: gives back what one request was charged, once.

KEYS    wallet, ledger, marker (lives for a day: no refund comes later)
ARGV    account, request id, epoch, key id, app id, feature, model, credits,
        units, day window end, month window end, ticket (- for none), as the
        gate answered them
Returns 1 done, 0 was done before, -1 no such wallet, or another epoch, or
        one whose numbers are no integers

Units return only to a window that is still current.  The event tells what
was given back: its units are 0 where both windows are over.  Where there were
neither credits nor units there is none.  Credits stay charged where what they
paid for has been used by another request since, which the ticket tells.
]]

local k_wallet, k_ledger, k_marker = KEYS[1], KEYS[2], KEYS[3]
local account, request_id, epoch = ARGV[1], ARGV[2], ARGV[3]
local key_id, app_id, feature, model = ARGV[4], ARGV[5], ARGV[6], ARGV[7]
local credits, units = tonumber(ARGV[8]), tonumber(ARGV[9])
local day_end, month_end = tonumber(ARGV[10]), tonumber(ARGV[11])
local ticket = ARGV[12]

local MARKER_S = 86400

-- No window is longer, not even with a change of the clocks, and no two of
-- them are as short.
local DAY_MOST_S, MONTH_MOST_S = 36 * 3600, 33 * 86400


-- The number in a field, or nil unless it is an integer of 0 to 2^53 - 1.
local function integer(text)
    local n = tonumber(text or nil)

    return n and n >= 0 and n < 2^53 and n % 1 == 0 and n or nil
end


--: include gate/back.lua
--: include gate/pocket_names.lua
--: include gate/pockets.lua


-- first half: read and decide

assert(integer(credits) and integer(units) and day_end and month_end,
       'credits, units and window ends are integers')

local found = redis.call('HMGET', k_wallet, 'epoch', 'seq', 'avail', 'held',
                         'day', 'day_used', 'month', 'month_used', 'pocket')
local seq, avail, held = integer(found[2]), integer(found[3]),
                         integer(found[4])
local day, day_used = integer(found[5] or 0), integer(found[6] or 0)
local month, month_used = integer(found[7] or 0), integer(found[8] or 0)

if found[1] ~= epoch or not (seq and avail and held and day and day_used
                             and month and month_used)
   or avail + credits >= 2^53
then
    return -1
end

local marker = redis.call('GET', k_marker) or 'p:'

if string.sub(marker, 1, 2) ~= 'p:' then
    return 0
end

local clock = redis.call('TIME')
local now_s = tonumber(clock[1])
local words, kept = ticket_words(ticket)
local change, returned = {}, 0

local function put(field, value)
    change[#change + 1] = field
    change[#change + 1] = type(value) == 'number' and string.format('%.0f', value)
                          or value
end

if kept then
    credits = 0
end

-- What the ticket had no room for is in the marker.
local where = string.match(';' .. ticket, ';p:([^;]+)')

if where == '@' then
    where = string.sub(marker, 3)
end

-- Gives back to the pockets that it came from, and finds what is due: ahead of
-- that, and behind it, where one of them has ended.
local function give_pockets()
    local p = open_pockets(k_wallet, found[9], avail,
                           now_s * 1000 + math.floor(clock[2] / 1000))
    local list = p.list(where or '-', tonumber(ARGV[8]))

    if kept then
        list = {}
    end

    p.give(list)
    assert(p.total() < 2^53, 'there is no room for what returns')

    return p, p.due(), p.item(list)
end

local sound, pockets, behind, item_of = true, nil, {}, ''

if found[9] or where then
    sound, pockets, behind, item_of = pcall(give_pockets)
end

if not sound then
    return -1
end

local is_event = credits > 0 or units > 0

-- A start within a window's length of the end is the start of that window.
if units > 0 and day < day_end and day_end - day <= DAY_MOST_S
   and now_s < day_end
then
    put('day_used', math.max(day_used - units, 0))
    returned = units
end

if units > 0 and month < month_end and month_end - month <= MONTH_MOST_S
   and now_s < month_end
then
    put('month_used', math.max(month_used - units, 0))
    returned = units
end

-- second half: write, the stream first: where it can't take the event the
-- wallet stays as it was

local item = string.format('%s %s %s %s %s %.0f %.0f', request_id, key_id,
                           app_id, feature, model, credits, returned)
             .. item_of

local function post(kind, delta, items)
    seq, avail = seq + 1, avail + delta
    redis.call('XADD', k_ledger, '*', 'a', account, 'e', epoch,
               's', string.format('%.0f', seq),
               't', string.format('%.0f', now_s * 1000000 + tonumber(clock[2])),
               'k', kind, 'd', string.format('%.0f', delta),
               'v', string.format('%.0f', avail),
               'h', string.format('%.0f', held), 'n', '0', 'i', items)
end

for _, event in ipairs(pockets and pockets.events or {}) do
    post(unpack(event))
end

if is_event then
    post('refund', credits, item)
end

for _, event in ipairs(behind) do
    post(unpack(event))
end

put('seq', seq)
put('avail', avail)

if pockets then
    pockets.write(put)
end

redis.call('HSET', k_wallet, unpack(change))

if pockets then
    pockets.after()
end

for _, word in ipairs(words) do
    word[1](word[2])
end

redis.call('SET', k_marker, '1', 'EX', MARKER_S)

return 1
