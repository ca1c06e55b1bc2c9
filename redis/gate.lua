--[[
gate.lua: decides n requests of one account, in order, and charges those that
pass as one event of the cheque register.

KEYS    wallet, ledger
ARGV    account, plan key prefix, deadline (us, 0 = none), n, then n times:
        request id, key hash, or the record of a download link in its place,
        feature (- if none), model (-), tier needed,
        cost (micro-credits), units, flags (1 = dry run, 2 = look), origin:
        address (hex digits), method, scope needed (- for what is not known)
        and path, separated by a space; extras (- if none): what only some
        requests ask for, "name=value" separated by a space
Returns Redis time (us), epoch, then n times 25: verdict, app id, key id,
        plan, tier, mode, credits charged, units used, avail after, limit
        that refused (or "rules": it passed those of its key), ms until it
        could pass (0 = unknown), key rate (burst, remaining, ms until full),
        app rate (the same), day (limit, remaining, end in s), month (the
        same), ticket, limits

The ticket is what was taken beside credits and units, opaque to the gate's
module, which hands it back to the script that gives back; limits are the lines
that tell of limits with a name.  Both are empty for most requests.

A refused request and a dry run leave nothing behind; where no request passed
nothing is written at all.  A look, of cost and units 0, is not held up by the
rates and takes nothing of them; in place of credits charged, units used and
ms it tells what is held, and what was used in the day and in the month.

All of this text runs anew for every call, and Redis runs nothing else: hence
few upvalues, which cost time, and x - x % 1 in place of math.floor.
]]

local k_wallet, k_ledger = KEYS[1], KEYS[2]
local account, plan_prefix = ARGV[1], ARGV[2]
local deadline, count = tonumber(ARGV[3]), tonumber(ARGV[4])
local HEAD, STRIDE = 4, 10

local call, format = redis.call, string.format

--: include gate/wallet.lua
--: include gate/rules.lua
--: include gate/rate.lua
--: include gate/decide.lua


-- What only some requests need is made where a call has one of them.
local function make_parts()
--: include gate/calendar.lua
--: include gate/idem.lua
--: include gate/link.lua
--: include gate/limits.lua
--: include gate/running.lua
--: include gate/balance.lua
--: include gate/content.lua
--: include gate/hold.lua
--: include gate/pocket_names.lua
--: include gate/pockets.lua
    return {
        balance = open_balance, calendar = open_calendar,
        content = open_content, hold = open_hold, idem = open_idem,
        limits = open_limits, link = open_link, pockets = open_pockets,
        running = open_running
    }
end

local makers

local function open(name, ...)
    makers = makers or make_parts()

    return makers[name](...)
end


-- first half: read and decide

local clock = call('TIME')
local now_s = tonumber(clock[1])
local now = now_s * 1000000 + tonumber(clock[2])
local reply

local function answer(epoch, ...)
    if not reply then
        reply = { now, epoch, ... }
        return
    end

    local n, r = #reply, reply

    r[n + 1], r[n + 2], r[n + 3], r[n + 4], r[n + 5], r[n + 6], r[n + 7],
    r[n + 8], r[n + 9], r[n + 10], r[n + 11], r[n + 12], r[n + 13], r[n + 14],
    r[n + 15], r[n + 16], r[n + 17], r[n + 18], r[n + 19], r[n + 20],
    r[n + 21], r[n + 22], r[n + 23], r[n + 24], r[n + 25] = ...
end

-- An answer that tells nothing about the account.
local function answer_blank(epoch, verdict)
    answer(epoch, verdict, '', '', '', 0, '', 0, 0, 0, '', 0, 0, 0, 0, 0, 0, 0,
           -1, -1, 0, -1, -1, 0, '', '')
end

local function answer_all(verdict)
    for _ = 1, count do
        answer_blank(0, verdict)
    end

    return reply
end

if deadline > 0 and now > deadline then
    return answer_all('deadline_passed')
end

local fields, slots = { 'epoch', 'seq', 'avail', 'held', 'state', 'plan',
                        'day', 'day_used', 'month', 'month_used', 'l', 'zone',
                        'low', 'owed', 'pocket' }, {}

for i = 1, count do
    local hash = ARGV[HEAD + (i - 1) * STRIDE + 2]

    if not slots[hash] then
        slots[hash] = #fields + 1
        fields[#fields + 1] = 'k:' .. hash
    end
end

local found = call('HMGET', k_wallet, unpack(fields))

if not (found[1] or found[2] or found[3] or found[5]) then
    local loaded = call('EXISTS', plan_prefix .. 'payg') == 1

    -- the worker looks whether the wallet was lost
    if loaded and string.find(account, '^%w%w%w%w%w%w%w%w%w%w$') then
        local k_unknown = string.gsub(k_ledger, 'ledger$', 'm')
        local known = redis.pcall('SCARD', k_unknown)

        if type(known) == 'number' and known < 1000 then
            redis.pcall('SADD', k_unknown, account)
        end
    end

    return answer_all(loaded and 'key_unknown' or 'store_unreachable')
end

local sound, w = pcall(wallet_from, found)

if sound and found[15] then
    sound, w.pockets = pcall(open, 'pockets', k_wallet, found[15], w.avail,
                             (now - now % 1000) / 1000)
    w.avail = sound and w.pockets.total()
end

if not sound then
    w = { epoch = 0, avail = 0, state = 'frozen', plan = found[6] or 'payg',
          day_used = 0, month_used = 0, day_end = 0, month_end = 0,
          pockets = false }

elseif w.owed > 0 then
    local overdraft = call('HGET', k_wallet, 'overdraft')

    w.owing = w.owed >= (tonumber(overdraft or 0) or 0)
end

local readable, p =
    pcall(plan_from, call('HMGET', plan_prefix .. w.plan, 'tier', 'mode',
                          'day', 'month', 'key_rate', 'key_burst', 'app_rate',
                          'app_burst', 'limits', 'align'))

p = readable and p

local window_at = p and (w.zone or p.align == 'anniversary')
                  and open('calendar', w.zone, call('HGET', k_wallet, 'anchor'))

if sound then
    roll_windows(w, p, now_s, window_at)
end

local keys, key_of = {}, {}

fields = {}

for hash, slot in pairs(slots) do
    local key = key_from(found[slot] or hash)

    if key and key.rules then
        key.rules = call('HGET', k_wallet, 'r:' .. key.id)
    end

    if key and key.rules ~= false then
        local n = #fields

        keys[#keys + 1], key_of[hash] = key, key
        fields[n + 1], fields[n + 2], fields[n + 3], fields[n + 4],
        fields[n + 5] = 'a:' .. key.app, key.key_tat, key.app_tat,
                        'l:' .. key.app, 'l:' .. key.id
    end
end

-- theoretical arrival times by field of the wallet
local tats = {}
local limited = p and (w.limits or p.limits)

if #keys > 0 then
    local rates = call('HMGET', k_wallet, unpack(fields))

    for i = 1, #keys do
        local key, at = keys[i], i * 5

        key.app_state = rates[at - 4]
        tats[key.key_tat] = tonumber(rates[at - 3] or 0) or 0
        tats[key.app_tat] = tonumber(rates[at - 2] or 0) or 0

        if rates[at - 1] or rates[at] then
            key.limits = (rates[at - 1] or '') .. '\n' .. (rates[at] or '')
            limited = p
        end
    end
end

local asks, wanted = {}, ''

for i = 1, count do
    local id, hash, feature, model, tier, cost, units, flags, origin, extras =
        unpack(ARGV, HEAD + 1 + (i - 1) * STRIDE, HEAD + i * STRIDE)
    local sound = is_amount(tier) and is_amount(cost) and is_amount(units)

    asks[i] = {
        id = id, key = key_of[hash], feature = feature, model = model,
        tier = sound and tier + 0, cost = sound and cost + 0,
        units = sound and units + 0, look = flags == '2', dry = flags == '1',
        origin = origin, extras = extras, ticket = '', limits = ''
    }

    if extras ~= '-' then
        wanted = wanted .. ' ' .. extras
    end
end

-- What only some requests need: tables of functions, called where they are
-- there.  first(ask), ahead of the rates, and last(ask, credits, units), when
-- the price is known, return a verdict to refuse, the limit and the ms to wait;
-- first may change ask.cost and ask.units, and by ask.paid says that credits
-- are charged whatever the mode.  room(ask, limit, wait_ms) says the
-- same of the quota: nil where there is room for ask.units.  pass(ask, credits,
-- units) takes what the request takes, and may add to ask.ticket; tell(ask)
-- comes after any decision, a look's too, and may add lines to ask.limits;
-- write(put) comes once, before the register, events(post) after its event of
-- charges, and after() behind it, for keys of a part's own.  Notices are the
-- items of events that tell of a threshold.
local parts, notices = {}, {}

local function wants(word)
    return wanted ~= '' and string.find(wanted, word, 1, true)
end

-- ahead of what would count a call that was charged before, or a download
if wants(' idem=') then
    parts[1] = open('idem')
end

if wants(' link=') then
    parts[#parts + 1] = open('link', asks, now)
end

if wants(' content=') then
    parts[#parts + 1] = open('content', w, p, now_s)
end

if limited then
    local at = #parts + 1

    readable, parts[at] =
        pcall(open, 'limits', w, p, keys, now, window_at, notices)

    -- a limit that can't be read is one that nobody can say is kept
    if not readable then
        p, parts[at] = false, nil

    elseif parts[at].running then
        table.insert(parts, at, open('running', parts[at], now))
    end
end

if w.low then
    parts[#parts + 1] = open('balance', w, notices)
end

if wants(' hold=') then
    parts[#parts + 1] = open('hold', w, now)
end

local avail_before, items, passed, units_used = w.avail, {}, 0, 0

-- to write a number is dear, and requests of a call mostly take the same
local taken, taken_credits, taken_units

for i = 1, count do
    local ask = asks[i]
    local key = ask.key

    if not ask.cost then
        answer_blank(w.epoch, 'cost_invalid')

    elseif not key then
        answer_blank(w.epoch, 'key_unknown')

    else
        local key_tat, app_tat = tats[key.key_tat], tats[key.app_tat]

        if p then
            key_tat = arrival(key_tat, now, p.key_rate, p.key_burst)
            app_tat = arrival(app_tat, now, p.app_rate, p.app_burst)
        end

        local look, link = ask.look, ask.link
        local verdict, credits, used, limit, retry_ms =
            decide(w, p, now, ask, (look or link) and 0 or key_tat,
                   (look or link) and 0 or app_tat, parts)
        local avail, day_used, month_used = w.avail - credits,
                                            w.day_used + used,
                                            w.month_used + used

        if look then
            if verdict == 'pass' then
                credits, used, retry_ms = w.held, w.day_used, w.month_used
            end

        elseif verdict == 'pass' then
            if not link then
                key_tat, app_tat = key_tat + p.key_rate, app_tat + p.app_rate
            end

            limit = key.rules and 'rules' or limit

            if not ask.dry then
                w.avail, w.day_used, w.month_used = avail, day_used, month_used
                tats[key.key_tat], tats[key.app_tat] = key_tat, app_tat
                key.passed, passed = not link, passed + 1
                units_used = units_used + used

                if w.pockets then
                    ask.burnt = w.pockets.burn(credits, ask.feature)
                end

                for j = 1, #parts do
                    if parts[j].pass then
                        parts[j].pass(ask, credits, used)
                    end
                end

                if ask.burnt and not ask.held then
                    ask.ticket = w.pockets.ticket(ask.ticket, ask.burnt, ask.id)
                end

                assert(#ask.ticket <= 2048, 'a ticket is too long')

                if (credits > 0 or used > 0) and not ask.held then
                    if credits ~= taken_credits or used ~= taken_units then
                        taken = format(' %.0f %.0f', credits, used)
                        taken_credits, taken_units = credits, used
                    end

                    items[#items + 1] =
                        ask.id .. ' ' .. key.id .. ' ' .. key.app .. ' '
                        .. ask.feature .. ' ' .. ask.model .. taken
                        .. (ask.burnt and w.pockets.item(ask.burnt) or '')
                end
            end
        end

        if w.pockets and not look then
            avail = w.pockets.usable(ask.feature) - (ask.dry and credits or 0)
        end

        if p then
            for j = 1, #parts do
                if parts[j].tell then
                    parts[j].tell(ask)
                end
            end

            local kb, kl, kf = rate_state(key_tat, now, p.key_rate, p.key_burst)
            local ab, al, af = rate_state(app_tat, now, p.app_rate, p.app_burst)

            answer(w.epoch, verdict, key.app, key.id, w.plan, p.tier, p.mode,
                   credits, used, avail, limit, retry_ms, kb, kl, kf, ab, al,
                   af, p.day, remaining(p.day, day_used), w.day_end, p.month,
                   remaining(p.month, month_used), w.month_end, ask.ticket,
                   ask.limits)
        else
            answer(w.epoch, verdict, key.app, key.id, w.plan, 0, '', 0, 0,
                   avail, '', 0, 0, 0, 0, 0, 0, 0, -1, -1, 0, -1, -1, 0, '', '')
        end
    end
end

if passed == 0 then
    return reply
end

-- second half: write

local due = w.pockets and w.pockets.events or {}

assert(w.avail >= 0 and w.avail <= avail_before
       and w.seq + 1 + #due + #notices < 2^53
       and (not w.pockets or w.pockets.total() == w.avail),
       'wallet does not add up')

local change = {}

local function put(field, value)
    local n = #change

    change[n + 1] = field
    change[n + 2] = type(value) == 'number' and format('%.0f', value) or value
end

if units_used > 0 then
    put('day_used', w.day_used)
    put('month_used', w.month_used)

    if w.rolled then
        put('day', w.day)
        put('month', w.month)
    end
end

for i = 1, #keys do
    local key = keys[i]

    if key.passed and p.key_rate > 0 then
        put(key.key_tat, tats[key.key_tat])
    end

    if key.passed and p.app_rate > 0 then
        put(key.app_tat, tats[key.app_tat])
    end
end

if w.pockets then
    w.pockets.write(put)
end

for i = 1, #parts do
    if parts[i].write then
        parts[i].write(put)
    end
end

-- The stream first: where it can't take the events the wallet stays as it was.
-- What was due comes ahead of what it made room for, or took; what a part holds
-- leaves avail by events of its own.
local seq, avail, held, running = nil, nil, found[4], found[3] + 0

local function post(kind, delta, item, holding)
    running = running + delta - (holding or 0)

    if holding then
        w.held = w.held + holding
        held = format('%.0f', w.held)
    end

    w.seq = w.seq + 1
    seq, avail = format('%.0f', w.seq), format('%.0f', running)
    call('XADD', k_ledger, '*', 'a', account, 'e', found[1], 's', seq,
         't', format('%.0f', now), 'k', kind, 'd', format('%.0f', delta),
         'v', avail, 'h', held, 'n', '0', 'i', item)
end

for i = 1, #due do
    post(unpack(due[i]))
end

if #items > 0 then
    post('charge', w.avail + w.holding - avail_before,
         table.concat(items, ';'))
end

for i = 1, #parts do
    if parts[i].events then
        parts[i].events(post)
    end
end

for i = 1, #notices do
    post('threshold', 0, notices[i])
end

if seq then
    put('seq', seq)
    put('avail', avail)
end

if w.holding > 0 then
    put('held', held)
end

if #change > 0 then
    call('HSET', k_wallet, unpack(change))
end

if w.pockets then
    w.pockets.after()
end

for i = 1, #parts do
    if parts[i].after then
        parts[i].after()
    end
end

return reply
