--[[
gate.lua: decides n requests of one account, in order, and charges those that
pass as one event of the cheque register.

KEYS    wallet, ledger
ARGV    account, plan key prefix, deadline (us, 0 = none), n, then n times:
        request id, key hash, feature (- if none), model (-), tier needed,
        cost (micro-credits), units, flags (1 = dry run, 2 = look), origin:
        address (hex digits), method, scope needed (- for what is not known)
        and path, separated by a space
Returns Redis time (us), epoch, then n times 23: verdict, app id, key id,
        plan, tier, mode, credits charged, units used, avail after, limit
        that refused (or "rules": it passed those of its key), ms until it
        could pass (0 = unknown), key rate (burst, remaining, ms until full),
        app rate (the same), day (limit, remaining, end in s), month (the same)

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
local HEAD, STRIDE = 4, 9

local call, format = redis.call, string.format


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
-- the future stays: a clock that stepped back gives no quota.
local function roll_windows(w, now_s)
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
local function wallet_from(f, now_s)
    local w = {
        epoch = integer(f[1]), seq = integer(f[2]), avail = integer(f[3]),
        held = integer(f[4]), state = f[5], plan = f[6] or 'payg',
        day = integer(f[7] or 0), day_used = integer(f[8] or 0),
        month = integer(f[9] or 0), month_used = integer(f[10] or 0),
        rolled = false, day_end = 0, month_end = 0
    }

    roll_windows(w, now_s)

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

    return {
        tier = integer(f[1]), mode = mode, day = day, month = month,
        key_rate = integer(f[5]), key_burst = integer(f[6]),
        app_rate = integer(f[7]), app_burst = integer(f[8])
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
                 rules = more ~= '' or nil, passed = false }
end


-- The verdict where a rule of the key forbids a request, else nil.  Of the
-- rules of a kind one has to fit; a kind without any forbids nothing.
local function forbidden(rules, origin, model)
    local sub, match, fitting = string.sub, string.match, {}
    local ip, method, scope, path = match(origin, '^(%S+) (%S+) (%S+) (.*)$')

    for kind, value in string.gmatch(rules, '(%l+) ([^\n]+)') do
        local fits = false
        if kind == 'ip' then
            -- nibbles that are whole, then the bits of one that is not
            local net, bits = match(value, '^(%x+)/(%d+)$')
            local rest = bits % 4
            local whole = (bits - rest) / 4
            local nibble = tonumber(sub(ip, whole + 1, whole + 1), 16)
            fits = #net == #ip and sub(net, 1, whole) == sub(ip, 1, whole)
                   and (rest == 0 or nibble - nibble % 2^(4 - rest)
                        == tonumber(sub(net, whole + 1, whole + 1), 16))

        elseif kind == 'method' then
            fits = value == method or value == 'GET' and method == 'HEAD'

        elseif kind == 'path' then
            fits = sub(path, 1, #value) == value
                   and (sub(value, -1) == '/' or #path == #value
                        or sub(path, #value + 1, #value + 1) == '/')

        elseif kind == 'scope' or kind == 'model' then
            local code = kind == 'scope' and scope or model
            fits = code == '-' or code == value
                   or sub(value, -1) == '*'
                      and sub(code, 1, #value - 1) == sub(value, 1, -2)

        else
            return 'key_unknown'
        end

        fitting[kind] = fitting[kind] or fits
    end

    return fitting.ip == false and 'ip_forbidden'
           or fitting.scope == false and 'scope_missing'
           or fitting.method == false and 'method_forbidden'
           or fitting.path == false and 'path_forbidden'
           or fitting.model == false and 'model_forbidden' or nil
end


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


local function fits(used, units, limit)
    return units == 0 or used + units <= (limit < 0 and 2^53 - 1 or limit)
end


local function remaining(limit, used)
    return limit < 0 and -1 or limit > used and limit - used or 0
end


-- The window without room for these units, ms until it could have: when it
-- ends, or 0 if it is too small for ever.
local function quota_refusal(w, p, units, now_ms)
    local limit, ends = 'day', w.day_end

    if not fits(w.month_used, units, p.month) then
        limit, ends = 'month', w.month_end
    end

    if not (fits(0, units, p.day) and fits(0, units, p.month)) then
        return limit, 0
    end

    return limit, ends * 1000 - now_ms
end


-- Decides one request of a known key; broken is the verdict of its rules, if
-- they forbid it.  Returns the verdict, credits to
-- charge, units to use, limit that refused, ms until it could pass.
local function decide(w, p, key, key_tat, app_tat, now, tier, cost, units,
                      broken)
    local now_ms = (now - now % 1000) / 1000

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

    if broken then
        return broken, 0, 0, '', 0
    end

    if not p then
        return 'store_unreachable', 0, 0, '', 0
    end

    if tier > p.tier then
        return 'tier_required', 0, 0, '', 0
    end

    local wait = wait_us(key_tat, now, p.key_rate, p.key_burst)

    if p.key_rate > 0 and wait > 0 then
        return 'rate_limited', 0, 0, 'key_rate', math.ceil(wait / 1000)
    end

    wait = wait_us(app_tat, now, p.app_rate, p.app_burst)

    if p.app_rate > 0 and wait > 0 then
        return 'rate_limited', 0, 0, 'app_rate', math.ceil(wait / 1000)
    end

    -- What a hybrid prices in credits alone is paid in credits.
    if p.mode == 'subscription' or (p.mode == 'hybrid'
                                    and (units > 0 or cost == 0))
    then
        if fits(w.day_used, units, p.day) and fits(w.month_used, units, p.month)
        then
            return 'pass', 0, units, '', 0
        end

        if p.mode == 'subscription' then
            return 'quota_exceeded', 0, 0, quota_refusal(w, p, units, now_ms)
        end
    end

    if cost > w.avail then
        return 'credits_exhausted', 0, 0, '', 0
    end

    return 'pass', cost, 0, '', 0
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
    r[n + 21], r[n + 22], r[n + 23] = ...
end

-- An answer that tells nothing about the account.
local function answer_blank(epoch, verdict)
    answer(epoch, verdict, '', '', '', 0, '', 0, 0, 0, '', 0, 0, 0, 0, 0, 0, 0,
           -1, -1, 0, -1, -1, 0)
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
                        'day', 'day_used', 'month', 'month_used' }, {}

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

    return answer_all(loaded and 'key_unknown' or 'store_unreachable')
end

local sound, w = pcall(wallet_from, found, now_s)

if not sound then
    w = { epoch = 0, avail = 0, state = 'frozen', plan = found[6] or 'payg',
          day_used = 0, month_used = 0, day_end = 0, month_end = 0 }
end

local readable, p =
    pcall(plan_from, call('HMGET', plan_prefix .. w.plan, 'tier', 'mode',
                          'day', 'month', 'key_rate', 'key_burst', 'app_rate',
                          'app_burst'))

p = readable and p

local keys, key_of = {}, {}

fields = {}

for hash, slot in pairs(slots) do
    local key = found[slot] and key_from(found[slot])

    if key and key.rules then
        key.rules = call('HGET', k_wallet, 'r:' .. key.id)
    end

    if key and key.rules ~= false then
        local n = #fields

        keys[#keys + 1], key_of[hash] = key, key
        fields[n + 1], fields[n + 2], fields[n + 3] =
            'a:' .. key.app, key.key_tat, key.app_tat
    end
end

-- theoretical arrival times by field of the wallet
local tats = {}

if #keys > 0 then
    local rates = call('HMGET', k_wallet, unpack(fields))

    for i = 1, #keys do
        local key, at = keys[i], i * 3

        key.app_state = rates[at - 2]
        tats[key.key_tat] = tonumber(rates[at - 1] or 0) or 0
        tats[key.app_tat] = tonumber(rates[at] or 0) or 0
    end
end

local avail_before, items, passed, units_used = w.avail, {}, 0, 0

for i = 1, count do
    local id, hash, feature, model, tier, cost, units, flags, origin =
        unpack(ARGV, HEAD + 1 + (i - 1) * STRIDE, HEAD + i * STRIDE)
    local key = key_of[hash]

    if not (is_amount(tier) and is_amount(cost) and is_amount(units)) then
        answer_blank(w.epoch, 'cost_invalid')

    elseif not key then
        answer_blank(w.epoch, 'key_unknown')

    else
        local key_tat, app_tat = tats[key.key_tat], tats[key.app_tat]

        if p then
            key_tat = arrival(key_tat, now, p.key_rate, p.key_burst)
            app_tat = arrival(app_tat, now, p.app_rate, p.app_burst)
        end

        local look = flags == '2'
        local verdict, credits, used, limit, retry_ms =
            decide(w, p, key, look and 0 or key_tat, look and 0 or app_tat,
                   now, tier + 0, cost + 0, units + 0,
                   key.rules and forbidden(key.rules, origin, model))
        local avail, day_used, month_used = w.avail - credits,
                                            w.day_used + used,
                                            w.month_used + used

        if look then
            if verdict == 'pass' then
                credits, used, retry_ms = w.held, w.day_used, w.month_used
            end

        elseif verdict == 'pass' then
            key_tat, app_tat = key_tat + p.key_rate, app_tat + p.app_rate
            limit = key.rules and 'rules' or limit

            if flags ~= '1' then
                w.avail, w.day_used, w.month_used = avail, day_used, month_used
                tats[key.key_tat], tats[key.app_tat] = key_tat, app_tat
                key.passed, passed = true, passed + 1
                units_used = units_used + used

                if credits > 0 or used > 0 then
                    items[#items + 1] = id .. ' ' .. key.id .. ' ' .. key.app
                                        .. ' ' .. feature .. ' ' .. model
                                        .. ' ' .. (credits > 0 and cost or '0')
                                        .. ' ' .. (used > 0 and units or '0')
                end
            end
        end

        if p then
            local kb, kl, kf = rate_state(key_tat, now, p.key_rate, p.key_burst)
            local ab, al, af = rate_state(app_tat, now, p.app_rate, p.app_burst)

            answer(w.epoch, verdict, key.app, key.id, w.plan, p.tier, p.mode,
                   credits, used, avail, limit, retry_ms, kb, kl, kf, ab, al,
                   af, p.day, remaining(p.day, day_used), w.day_end, p.month,
                   remaining(p.month, month_used), w.month_end)
        else
            answer(w.epoch, verdict, key.app, key.id, w.plan, 0, '', 0, 0,
                   avail, '', 0, 0, 0, 0, 0, 0, 0, -1, -1, 0, -1, -1, 0)
        end
    end
end

if passed == 0 then
    return reply
end

-- second half: write

assert(w.avail >= 0 and w.avail <= avail_before and w.seq + 1 < 2^53,
       'wallet does not add up')

local change = {}

local function put(field, number)
    local n = #change

    change[n + 1], change[n + 2] = field, format('%.0f', number)
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

-- The stream first: where it can't take the event the wallet stays as it was.
if #items > 0 then
    local n = #change
    local seq, avail = format('%.0f', w.seq + 1), format('%.0f', w.avail)

    change[n + 1], change[n + 2] = 'seq', seq
    change[n + 3], change[n + 4] = 'avail', avail
    call('XADD', k_ledger, '*', 'a', account, 'e', found[1], 's', seq,
         't', format('%.0f', now), 'k', 'charge',
         'd', format('%.0f', w.avail - avail_before), 'v', avail,
         'h', found[4], 'n', '0', 'i', table.concat(items, ';'))
end

if #change > 0 then
    call('HSET', k_wallet, unpack(change))
end

return reply
