--[[
apply.lua: applies one command of the worker to a wallet, once and in order.

KEYS    wallet, ledger
ARGV    account, command number, delta (micro-credits), number of pairs,
        field, value ..., number of fields to delete, field ...
Returns 1 applied, 0 was applied before, -1 a gap: an earlier command is
        missing, -2 the delta would make avail negative or 2^53 and more, or
        the wallet's numbers are no integers

Command 1 makes the wallet.  A pair sets state, plan, overdraft, a key record,
the rules of a key, an app record, limits, entitlements to content, the time
zone, the anchor of anniversaries or the percents of a low balance; these but
for the first two, arrival times, counters, and what was used of an
entitlement may be deleted.  Of a balance whose fall is to be told a delta above
0 is what it falls from.  The pair
"units" gives units of quota back: "units day month", to those of the windows
that began then and still last.  The pair "owed" lowers what is owed.  The pair
"take", with a delta of 0, charges the wallet: "id credits[ feature]", for a
request of that id; it appends an event of kind charge, of no credits where there
is too little; then the other pairs, which are what it buys, are not set.  The
pair "link" revokes a download link: "id expires", in unix s, 0 where that isn't
known; or with a third word has it know of so many downloads at least.  Anything
else raises an error and nothing is written.

A delta above 0 goes to the plain pocket, or where the pair "pockets" says: one
name, or "name=amount,..."; one below 0 is of the plain pocket.  The others of
pockets want a delta of 0, and are alone of their kind in a command.  "later" is
a grant to come: "start (ms) id amount pocket".  "lapse" takes what is there, up
to the amount, of "id amount pocket", or has that grant not start, and says so by
an event.  "level" brings avail to so much, by an event of kind adjust.
]]

local k_wallet, k_ledger = KEYS[1], KEYS[2]
local account, number, delta = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local pair_count = tonumber(ARGV[4])
local delete_count = tonumber(ARGV[5 + pair_count * 2])
local FIRST_PAIR, FIRST_DELETE = 5, 6 + pair_count * 2

-- How long a revocation outlives its link, or lasts where its end isn't known.
local LINK_MARGIN_S, LINK_UNKNOWN_S = 3600, 10 * 366 * 86400

local MAY_SET = { '^state$', '^plan$', '^overdraft$', '^k:.', '^r:.', '^a:.',
                  '^l$', '^l:.', '^e:.', '^zone$', '^anchor$', '^low$' }
local MAY_DELETE = { '^k:.', '^r:.', '^a:.', '^t:.', '^l$', '^l:.', '^u:.',
                     '^e:.', '^n:.', '^zone$', '^anchor$', '^low$',
                     '^overdraft$' }


-- The number in a field, or nil unless it is an integer of 0 to 2^53 - 1.
local function integer(text)
    local n = tonumber(text or nil)

    return n and n >= 0 and n < 2^53 and n % 1 == 0 and n or nil
end


local function is_one_of(patterns, field)
    for _, pattern in ipairs(patterns) do
        if string.find(field, pattern) then
            return true
        end
    end

    return false
end


--: include gate/pocket_names.lua
--: include gate/pockets.lua


-- first half: read and decide

assert(integer(number) and delta and delta % 1 == 0,
       'command number and delta are integers')
assert(#ARGV == FIRST_DELETE - 1 + delete_count,
       'pairs and fields are as many as their numbers say')

local change, deletes = {}, {}
local units, units_day, units_month
local take, take_credits, take_feature, paid
local low, deletes_low
local links = {}

-- by field, what a command says of pockets
local OF_POCKETS = { pockets = true, later = true, lapse = true, level = true }
local of_pockets, pocket_words = nil, nil

for i = 1, pair_count do
    local at = FIRST_PAIR + (i - 1) * 2
    local field, value = ARGV[at], ARGV[at + 1]

    if field == 'units' then
        units, units_day, units_month =
            string.match(value, '^(%d+) (%d+) (%d+)$')
        assert(integer(units), 'units are given back as "units day month"')

    elseif field == 'take' then
        local of

        take, take_credits, of = string.match(value, '^(%w+) (%d+)(.*)$')
        take_credits = integer(take_credits)
        take_feature = of == '' and '-'
                       or string.match(of or '', '^ ([a-z0-9][a-z0-9._:-]*)$')
        assert(take_credits and take_feature and delta == 0,
               'a charge is "id credits", alone')

    elseif OF_POCKETS[field] then
        assert(not of_pockets and (field == 'pockets' and delta > 0
                                   or field ~= 'pockets' and delta == 0),
               'this is not said of pockets')
        of_pockets, pocket_words = field, value

    elseif field == 'owed' then
        paid = integer(value)
        assert(paid, 'what is owed no longer is an integer')
    elseif field == 'link' then
        local id, expires, used = string.match(value, '^(%w+) (%d+) ?(%d*)$')

        assert(integer(expires) and (used == '' or integer(used)),
               'a link is told as "id expires[ downloads]"')
        links[#links + 1] = {
            string.gsub(k_wallet, ':w:', ':d:', 1) .. ':' .. id, expires + 0,
            integer(used)
        }

    else
        assert(is_one_of(MAY_SET, field), 'a command may not set this field')
        change[#change + 1], change[#change + 2] = field, value
        low = low or field == 'low'
    end
end

for i = 1, delete_count do
    deletes[i] = ARGV[FIRST_DELETE + i - 1]
    assert(is_one_of(MAY_DELETE, deletes[i]),
           'a command may not delete this field')
    deletes_low = deletes_low or deletes[i] == 'low'
end

assert(not (take and of_pockets), 'a charge says by itself of which pockets')

local found = redis.call('HMGET', k_wallet, 'epoch', 'seq', 'avail', 'held',
                         'cmd', 'day', 'day_used', 'month', 'month_used',
                         'low', 'full', 'owed', 'pocket')

local exists = found[1] or found[2] or found[3] or found[4] or found[5]

if not exists then
    found = { '1', '0', '0', '0', '0' }
end

local epoch, seq, avail = integer(found[1]), integer(found[2]),
                          integer(found[3])
local held, applied = integer(found[4]), integer(found[5])

if not (epoch and seq and avail and held and applied) then
    return -2
end

if number <= applied then
    return 0
end

if number > applied + 1 then
    return -1
end

local clock = redis.call('TIME')
local now = tonumber(clock[1]) * 1000000 + tonumber(clock[2])
local pockets = (found[13] or of_pockets)
                and open_pockets(k_wallet, found[13], avail,
                                 (now - now % 1000) / 1000)
local before = pockets and pockets.total() or avail
local kind, items, is_event = 'command', '', take or delta ~= 0

if of_pockets == 'level' then
    delta = integer(pocket_words)
    assert(delta, 'a level is an integer')
    delta, is_event, kind = delta - before, true, 'adjust'
end

if before + delta < 0 or before + delta >= 2^53 then
    return -2
end

if take and take_credits > (pockets and pockets.usable(take_feature) or avail)
then
    take_credits, paid, change = 0, nil, {}
end

-- Has the pockets take, or give, what the command says; what an item tells of
-- where, and the credits of it.
local function move_pockets()
    if take then
        return pockets.item(pockets.burn(take_credits, take_feature))

    elseif of_pockets == 'later' then
        pockets.add_later(pocket_words)

    elseif of_pockets == 'lapse' then
        local id, amount, name =
            string.match(pocket_words, '^(%w+) (%d+) (%S+)$')

        assert(integer(amount), 'a grant lapses as "id amount pocket"')

        local known = pockets.drop_later(id)
        local taken = known and 0 or pockets.take(name, integer(amount))

        delta, is_event, kind = 0 - taken, true, 'lapse'
        items = id .. string.format(' - - - - %.0f 0', taken)
                .. pockets.item({ { name, taken } })

    elseif delta < 0 and of_pockets then
        return pockets.item(pockets.burn(0 - delta, true))

    elseif delta < 0 then
        delta = pockets.take('-', 0 - delta) == 0 - delta and delta or nil

    elseif delta > 0 then
        local list = pockets.list(of_pockets == 'pockets' and pocket_words
                                  or '-', delta)

        pockets.give(list)
        return pockets.item(list)
    end
end

local where = pockets and move_pockets() or ''

-- the plain pocket had too little
if not delta then
    return -2
end

local behind = pockets and pockets.due() or {}

local function put(field, value)
    change[#change + 1] = field
    change[#change + 1] = string.format('%.0f', value)

    return change[#change]
end

-- second half: write, the stream first: where it can't take the event the
-- wallet stays as it was

if not exists then
    put('epoch', epoch)
    put('held', held)
end

if units and found[6] == units_day then
    put('day_used', math.max((integer(found[7]) or 0) - units, 0))
end

if units and found[8] == units_month then
    put('month_used', math.max((integer(found[9]) or 0) - units, 0))
end

if take then
    -- a zero that was negated would be written as "-0"
    delta = 0 - take_credits
    kind = 'charge'
    items = string.format('%s - - - - %.0f 0', take, take_credits) .. where

elseif kind == 'adjust' then
    items = string.format('- - - - - %.0f 0', math.abs(delta)) .. where
end

if (low or found[10]) and (delta > 0 or not found[11]) and not deletes_low then
    put('full', before + delta)
    put('warned', 0)
end

if deletes_low then
    deletes[#deletes + 1], deletes[#deletes + 2] = 'full', 'warned'
end

if paid then
    put('owed', math.max((integer(found[12] or 0) or 0) - paid, 0))
end

local cmd = put('cmd', number)

local function post(of_kind, change_of, of_items, no)
    seq, avail = seq + 1, avail + change_of
    redis.call('XADD', k_ledger, '*', 'a', account, 'e', found[1],
               's', string.format('%.0f', seq),
               't', string.format('%.0f', now), 'k', of_kind,
               'd', string.format('%.0f', change_of),
               'v', string.format('%.0f', avail), 'h', found[4],
               'n', no or '0', 'i', of_items)
end

-- What was due comes ahead of what the command did, what ended since behind it.
for _, event in ipairs(pockets and pockets.events or {}) do
    post(unpack(event))
end

if is_event then
    post(kind, delta, items, not take and cmd)
end

for _, event in ipairs(behind) do
    post(unpack(event))
end

put('seq', seq)
put('avail', avail)

if pockets then
    pockets.write(function (field, text)
        change[#change + 1], change[#change + 2] = field, text
    end)
end

redis.call('HSET', k_wallet, unpack(change))

if pockets then
    pockets.after()
end

if #deletes > 0 then
    redis.call('HDEL', k_wallet, unpack(deletes))
end

-- One that was used knows when it ends, and is gone then.
for _, link in ipairs(links) do
    local ends = link[2] > 0 and link[2] + LINK_MARGIN_S
                 or redis.call('TTL', link[1]) < 0
                    and redis.call('TIME')[1] + LINK_UNKNOWN_S

    if link[3] then
        local known = tonumber(redis.call('HGET', link[1], 'n') or 0)

        redis.call('HSET', link[1], 'n',
                   string.format('%.0f', math.max(known, link[3])))
    else
        redis.call('HSET', link[1], 'revoked', '1')
    end

    if ends then
        redis.call('EXPIREAT', link[1], string.format('%.0f', ends))
    end
end

return 1
