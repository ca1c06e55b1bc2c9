--[[
lease.lua: takes what a host used of its leases, and lends to it, renews and
takes back what it has no use for.

KEYS    ledger, leases, ring mark
ARGV    wallet prefix, plan prefix, deadline (us, 0 = none), host, ring, n, then
        n times: account, key hash (- where only records are told), key id (- at
        first), epoch (0 at first), no of the last call that was acknowledged
        (0 at first), wanted credits, units, tokens of the key and of the app,
        credits and units that return, 1 to end it else 0, m, then m times:
        number of the record in its ring, item as in an event of charges
Returns Redis time (us), then n times 24: answer (ok; strict: end it; wait: not
        now; or the verdict of gate.lua by which its requests are refused),
        whether the records are taken (1 or 0), epoch, no (0: there is none),
        credits, units, tokens of the key and of the app that were lent now,
        app id, key id, plan, tier, mode, avail, day (limit, left, end in s),
        month (the same), key rate (burst, us), app rate (the same)

What is lent is held in the wallet, units count as used, and tokens as requests
that came.  Each of the n is decided and written by itself: one that can't be
waits, and the mark remembers which records of it.  A record is taken once: of
the lease as far as it goes, then of what avail has beyond pockets with a name;
what is lacking is owed.  Where no isn't that of the lease, for a reply was
lost, nothing is lent, nor returns until the lease ends: so a host never has
more than the wallet knows of.
]]

local k_ledger, k_leases, k_ring = KEYS[1], KEYS[2], KEYS[3]
local wallet_prefix, plan_prefix = ARGV[1], ARGV[2]
local deadline, host, ring = tonumber(ARGV[3]), ARGV[4], ARGV[5]
local count = tonumber(ARGV[6])
local HEAD, FIXED, ANSWER = 6, 13, 24

-- Of avail and of a quota a call gets at most such a part; where that is less
-- than a quarter of what a host wants the end is near, and it gets nothing.
local PART_CREDITS, PART_UNITS, PART_BURST, PART_WANTED = 8, 16, 4, 4

-- A rate of a smaller burst is not lent of, nor to a key that expires soon.
local BURST_LEAST, EXPIRES_LEAST_MS = 8, 60000

local MARK_S = 30 * 86400

local call = redis.call
local clock = call('TIME')
local now_s = tonumber(clock[1])
local now = now_s * 1000000 + tonumber(clock[2])
local now_ms = (now - now % 1000) / 1000

--: include gate/wallet.lua
--: include gate/rate.lua
--: include gate/calendar.lua
--: include lease/wallet.lua


local function entry_at(at)
    local e = { items = {}, numbers = {} }
    local m

    e.account, e.hash, e.key_id, e.epoch, e.no, e.credits, e.units,
    e.key_tokens, e.app_tokens, e.back_credits, e.back_units, e.ends, m =
        unpack(ARGV, at, at + FIXED - 1)

    for _, name in ipairs({ 'epoch', 'no', 'credits', 'units', 'key_tokens',
                            'app_tokens', 'back_credits', 'back_units' }) do
        assert(is_amount(e[name]), 'numbers are integers')
        e[name] = e[name] + 0
    end

    e.ends, e.tells_only = e.ends == '1', e.hash == '-'

    for i = 1, m do
        e.numbers[i] = integer(ARGV[at + FIXED + (i - 1) * 2])
        e.items[i] = ARGV[at + FIXED + (i - 1) * 2 + 1]
    end

    return e, at + FIXED + m * 2
end


local plans = {}

-- The copy of a plan, nil where it is missing or can't be read.
local function plan_of(code)
    if plans[code] == nil then
        local readable, p =
            pcall(plan_from, call('HMGET', plan_prefix .. code, 'tier', 'mode',
                                  'day', 'month', 'key_rate', 'key_burst',
                                  'app_rate', 'app_burst', 'limits', 'align'))

        plans[code] = readable and p
    end

    return plans[code] or nil
end


-- The wallet with plan, key and lease of an entry; nil where it is missing, or
-- closed to be made again.
local function wallet_open(e)
    local key = wallet_prefix .. e.account
    local f = call('HMGET', key, 'epoch', 'seq', 'avail', 'held', 'state',
                   'plan', 'day', 'day_used', 'month', 'month_used', 'l',
                   'zone', 'low', 'owed', 'pocket', 'later', 'lent', 'recall',
                   'k:' .. e.hash)

    if not (f[1] or f[2] or f[3] or f[5]) or f[6] == '-' then
        return nil
    end

    local w = lease_wallet(f)
    local known = f[19] and key_from(f[19]) or nil

    w.key, w.account = key, e.account
    w.pocket, w.later, w.recall = f[15], f[16], f[18]
    w.lent = lent_from(f[17])
    w.counted = false

    if known and (e.key_id == '-' or e.key_id == known.id) then
        w.client = known
    end

    w.key_id = e.key_id ~= '-' and e.key_id or known and known.id or '-'
    w.field = 'o:' .. w.key_id .. ':' .. host
    w.member = e.account .. ' ' .. w.key_id .. ' ' .. host

    local wanted = { w.field }

    if w.client then
        local app = known.app

        known.key_tat, known.app_tat = 't:' .. known.id, 't:' .. app
        wanted = { w.field, 'a:' .. app, known.key_tat, known.app_tat,
                   'l:' .. app, 'l:' .. known.id }
    end

    local more = call('HMGET', key, unpack(wanted))

    w.lease = lease_from(more[1])

    if w.client then
        known.app_state, known.limits = more[2], more[5] or more[6]
        known.tats = { key = tonumber(more[3] or 0) or 0,
                       app = tonumber(more[4] or 0) or 0 }
    end

    w.p = plan_of(w.plan)
    roll_windows(w, w.p, now_s,
                 w.p and (w.zone or w.p.align == 'anniversary')
                 and open_calendar(w.zone, call('HGET', key, 'anchor')))

    return w
end


-- Why requests of the key are refused, as decide.lua has it; nil: they aren't.
local function refusal(w)
    local key = w.client

    if not key then
        return 'key_unknown'

    elseif key.state ~= 'active' and key.state ~= 'paused' then
        return 'key_revoked'

    elseif key.expires_ms > 0 and now_ms >= key.expires_ms then
        return 'key_expired'

    elseif key.state == 'paused' then
        return 'key_paused'

    elseif w.state ~= 'active' then
        return w.state == 'suspended' and 'account_suspended'
               or 'account_frozen'

    elseif key.app_state ~= 'active' then
        return 'app_suspended'

    elseif not w.p then
        return 'store_unreachable'
    end
end


-- Whether it takes the gate to decide: of each request, or now.
local function is_strict(w)
    local key, p, lease = w.client, w.p, w.lease

    return key.rules or key.limits or w.limits or p.limits
           or key.expires_ms > 0 and key.expires_ms - now_ms < EXPIRES_LEAST_MS
           or w.pocket or w.later or w.low or w.owed > 0 or w.recall
           or p.mode ~= 'payg' and (w.zone or p.align == 'anniversary')
           or p.key_rate > 0 and p.key_burst < BURST_LEAST
           or p.app_rate > 0 and p.app_burst < BURST_LEAST
           -- units of a window that is over are not to be used in the next
           or lease and lease.units > 0
              and (lease.day ~= w.day or lease.month ~= w.month)
end


-- Takes the records that were not taken before.  Returns items of the register,
-- what they come to, and items of what is owed.
local function use(w, e, is_new)
    local items, spent, used_units, owed, match = {}, 0, 0, {}, string.match
    local lease = w.lease or { credits = 0, units = 0 }
    local named = w.pocket and match(w.pocket, '^%d+ (%d+)') or 0
    local has = lease.credits + math.max(w.avail - integer(named), 0)

    for i = 1, #e.items do
        if is_new(e.numbers[i]) then
            local item = e.items[i]
            local credits, units =
                match(item, '^%S+ %S+ %S+ %S+ %S+ (%d+) (%d+)$')

            credits, units = integer(credits), integer(units)

            local taken = has < credits and has or credits

            has, used_units = has - taken, used_units + units
            spent = spent + taken

            if taken < credits then
                local whose = match(item, '^(%S+ %S+ %S+ %S+ %S+) ')

                owed[#owed + 1] = whose .. string.format(' %.0f 0',
                                                         credits - taken)
                w.owed = w.owed + credits - taken
                item = whose .. string.format(' %.0f %.0f', taken, units)
            end

            if taken > 0 or units > 0 then
                items[#items + 1] = item
            end
        end
    end

    local own, own_units = math.min(spent, lease.credits),
                           math.min(used_units, lease.units)

    if own > 0 or own_units > 0 then
        lease_less(w, lease, own, own_units)
    end

    w.avail = w.avail - (spent - own)

    if used_units > own_units then
        w.day_used = w.day_used + used_units - own_units
        w.month_used = w.month_used + used_units - own_units
        w.counted = true
    end

    assert(w.owed < 2^53 and w.day_used < 2^53 and w.month_used < 2^53,
           'a sum is too large')

    return items, spent, owed
end


local function left_of(limit, used)
    return limit < 0 and -1 or limit > used and limit - used or 0
end


-- As much of what is wanted as such a part of what there is allows, nil where
-- that is too little.
local function share(wanted, left, part)
    local most = (left - left % part) / part

    return most * PART_WANTED >= wanted and math.min(wanted, most) or nil
end


-- Lends of a rate, by the arrival time of as many requests.
local function tokens(w, which, wanted)
    local rate, burst = w.p[which .. '_rate'], w.p[which .. '_burst']
    local tats = w.client.tats

    if rate == 0 then
        return 0
    end

    tats[which] = arrival(tats[which], now, rate, burst)

    local free = (now + burst * rate - tats[which]) / rate
    local part = burst / PART_BURST
    local most = math.min(wanted, free - free % 1, part - part % 1)

    tats[which] = tats[which] + most * rate

    return most
end


-- Lends of what the mode of the plan charges.  Returns credits and units, nil
-- where there is too little of either.
local function lend(w, e)
    local p = w.p
    local endless = 2^53 - 1
    local left = math.min(
        left_of(p.day < 0 and endless or p.day, w.day_used),
        left_of(p.month < 0 and endless or p.month, w.month_used))

    -- what a hybrid's quota has no room for is charged
    if p.mode == 'payg' or p.mode == 'hybrid' and left == 0 then
        return share(e.credits, w.avail, PART_CREDITS), 0
    end

    return 0, share(e.units, left, PART_UNITS)
end


-- Renews a lease, or makes one: lends what is wanted, as far as it goes.
-- Returns the answer, credits, units and tokens that are lent.
local function renew(w, e)
    local verdict = refusal(w) or is_strict(w) and 'strict'
    local lease = w.lease

    -- the host ends what it has where no isn't that of the lease
    if verdict or w.epoch ~= e.epoch and e.epoch ~= 0
       or (lease and lease.no or 0) ~= e.no
    then
        return verdict or lease and 'ok' or 'strict', 0, 0, 0, 0
    end

    local credits, units = lend(w, e)

    if not (credits and units) then
        return 'strict', 0, 0, 0, 0
    end

    if not lease then
        lease = { no = now - 1, credits = 0, units = 0 }
        w.lease = lease
    end

    -- those that are left are of the same windows
    lease.day, lease.month = w.day, w.month
    lease.credits, lease.units = lease.credits + credits, lease.units + units
    w.lent.credits, w.lent.units = w.lent.credits + credits,
                                   w.lent.units + units
    w.avail, w.held = w.avail - credits, w.held + credits
    w.day_used, w.month_used = w.day_used + units, w.month_used + units
    w.counted = w.counted or units > 0

    return 'ok', credits, units, tokens(w, 'key', e.key_tokens),
           tokens(w, 'app', e.app_tokens)
end


-- The fields of an answer that tell of key, plan and wallet.
local function told(w)
    local p, key = w.p, w.client

    if not (p and key) then
        return key and key.app or '', w.key_id, w.plan, 0, '', w.avail, -1, -1,
               0, -1, -1, 0, 0, 0, 0, 0
    end

    return key.app, key.id, w.plan, p.tier, p.mode, w.avail,
           p.day, left_of(p.day, w.day_used), w.day_end,
           p.month, left_of(p.month, w.month_used), w.month_end,
           p.key_rate > 0 and p.key_burst or 0, p.key_rate,
           p.app_rate > 0 and p.app_burst or 0, p.app_rate
end


-- Decides one entry, and writes what it comes to.
local function settle(e, is_new)
    -- first half: read and decide

    local w = wallet_open(e)

    if not w then
        return nil
    end

    local avail, held, owing = w.avail, w.held, w.owed
    local items, spent, owed = use(w, e, is_new)
    local lease, changes = w.lease, {}
    local fits = lease and lease.no == e.no and w.epoch == e.epoch
    local answer, credits, units, key_tokens, app_tokens = 'ok', 0, 0, 0, 0

    if not e.tells_only and e.ends then
        if lease then
            lease_back(w, lease, lease.credits, lease.units)
            lease.no = nil
        end

    elseif not e.tells_only then
        if fits then
            lease_back(w, lease, math.min(e.back_credits, lease.credits),
                       math.min(e.back_units, lease.units))
        end

        answer, credits, units, key_tokens, app_tokens = renew(w, e)

        if fits or not lease and w.lease then
            w.lease.no = w.lease.no + 1
        end
    end

    if w.owed > owing then
        changes = { 'owed', string.format('%.0f', w.owed) }
    end

    for which, lent in pairs({ key = key_tokens, app = app_tokens }) do
        if lent > 0 then
            changes[#changes + 1] = w.client[which .. '_tat']
            changes[#changes + 1] = string.format('%.0f', w.client.tats[which])
        end
    end

    -- second half: write, the stream first

    if #items > 0 or w.avail ~= avail or w.held ~= held then
        lease_post(w, 'lease', 0 - spent, table.concat(items, ';'))
    end

    if #owed > 0 then
        lease_post(w, 'owed', 0, table.concat(owed, ';'))
    end

    if #items > 0 or #owed > 0 or w.lease and not e.tells_only
       and (fits or e.ends or not lease)
    then
        lease_write(w, w.lease, changes)
    end

    return answer, 1, w.epoch, w.lease and w.lease.no or 0, credits, units,
           key_tokens, app_tokens, told(w)
end


-- first half: read and decide; of the leases each by itself

assert(string.sub(k_ring, -#host - #ring - 1) == host .. ':' .. ring,
       'the mark is that of the ring')

local reply = { now }

local function answer(...)
    local n, values = #reply, { ... }

    for i = 1, ANSWER do
        reply[n + i] = values[i]
    end
end

local function answer_blank(e, verdict)
    answer(verdict, 0, e.epoch, e.no, 0, 0, 0, 0, '', '', '', 0, '', 0, -1, -1,
           0, -1, -1, 0, 0, 0, 0, 0)
end

local entries, at = {}, HEAD + 1

for i = 1, count do
    entries[i], at = entry_at(at)
end

if deadline > 0 and now > deadline then
    for i = 1, count do
        answer_blank(entries[i], 'deadline_passed')
    end

    return reply
end

-- The mark is the highest number that was told, and those below that wait.  A
-- list that is no hash fails before anything is written.
local mark, waits, highest = call('GET', k_ring) or '0', {}, nil

call('HEXISTS', k_leases, '')

for number in string.gmatch(mark, '%d+') do
    if highest then
        waits[number + 0] = true
    else
        highest = number + 0
    end
end

local last = highest

local function is_new(number)
    return number > last or waits[number]
end

-- second half: write

for i = 1, count do
    local e = entries[i]
    local result = { pcall(settle, e, is_new) }
    local taken = result[1] and result[2]

    if taken then
        answer(unpack(result, 2))
    else
        answer_blank(e, 'wait')
    end

    for j = 1, #e.numbers do
        local number = e.numbers[j]

        if taken then
            waits[number] = nil
        elseif is_new(number) then
            waits[number] = true
        end

        highest = number > highest and number or highest
    end
end

local numbers = {}

for number in pairs(waits) do
    numbers[#numbers + 1] = string.format('%.0f', number)
end

-- what is told of the ring, in a text that is the same for the same
table.sort(numbers)
table.insert(numbers, 1, string.format('%.0f', highest))

local text = table.concat(numbers, ' ')

if text ~= mark then
    call('SET', k_ring, text, 'EX', MARK_S)
end

return reply
