--[[
judge.lua: decides the requests of an account, in order.  Part of gate.lua.
]]

-- Costs and units as numbers, false where they are none: those of a call are
-- mostly the same, and the table has room for one more.
local amounts = { ['0'] = 0, ['1'] = 1, [''] = false }

local function amount_of(text)
    local n = amounts[text]

    if n == nil then
        n = is_amount(text) and text + 0
        amounts[text] = n or false
    end

    return n
end


-- The words of all extras of the requests whose arguments are behind a place.
local function wanted_of(at, count)
    local wanted = ''

    for i = at + STRIDE, at + count * STRIDE, STRIDE do
        if ARGV[i] ~= '-' then
            wanted = wanted .. ' ' .. ARGV[i]
        end
    end

    return wanted
end


-- What only some requests need: tables of functions, called where they are
-- there.  begin(ask) comes first; first(ask), ahead of the rates, and last(ask,
-- credits, units), when the price is known, return a verdict to refuse, the
-- limit and the ms to wait; first may change ask.cost and ask.units, and by
-- ask.paid says that credits are charged whatever the mode.  room(ask, limit,
-- wait_ms) says the same of the quota: nil where there is room for ask.units.
-- pass(ask, credits, units) takes what the request takes, and may add to
-- ask.ticket; tell(ask) comes after any decision, a look's too, and may add
-- lines to ask.limits; write(put) comes once, before the register, events(post)
-- after its event of charges, and after() behind it, for keys of a part's own.
-- Notices are the items of events that tell of a threshold.  Returns whether
-- the limits can be read.
local function open_parts(w, p, wanted, limited, window_at)
    local parts, notices, readable = {}, {}, true

    local function wants(word)
        return string.find(wanted, word, 1, true)
    end

    -- ahead of what would count a call that was charged before, or a download
    if wants(' idem=') then
        parts[1] = open('idem')
    end

    if wants(' link=') then
        parts[#parts + 1] = open('link', now)
    end

    if wants(' content=') then
        parts[#parts + 1] = open('content', w, p, now_s)
    end

    if limited then
        local at = #parts + 1

        readable, parts[at] =
            pcall(open, 'limits', w, p, w.keys, now, window_at, notices)

        if not readable then
            parts[at] = nil

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

    w.parts, w.notices = parts, notices

    return readable
end


-- to write a number is dear, and requests of a call mostly take the same
local taken, taken_credits, taken_units

-- Takes what a request takes that passes.
local function take(w, ask, credits, used)
    local key, parts, burnt = ask.key, w.parts or NONE, ''

    w.passed, w.avail = true, w.avail - credits
    key.passed = not ask.link

    if used > 0 then
        w.day_used, w.month_used = w.day_used + used, w.month_used + used
        w.units_used = (w.units_used or 0) + used
    end

    if w.pockets then
        ask.burnt = w.pockets.burn(credits, ask.feature)
        burnt = w.pockets.item(ask.burnt)
    end

    for i = 1, #parts do
        if parts[i].pass then
            parts[i].pass(ask, credits, used)
        end
    end

    if ask.burnt and not ask.held then
        ask.ticket = w.pockets.ticket(ask.ticket, ask.burnt, ask.id)
    end

    assert(#ask.ticket <= 2048, 'a ticket is too long')

    if (credits > 0 or used > 0) and not ask.held then
        if credits ~= taken_credits or used ~= taken_units then
            taken = format(' %d %d', credits, used)
            taken_credits, taken_units = credits, used
        end

        local item = ask.id .. ' ' .. key.id .. ' ' .. key.app .. ' '
                     .. ask.feature .. ' ' .. ask.model .. taken .. burnt

        if w.items then
            w.items[#w.items + 1] = item
        else
            w.items = { item }
        end
    end
end


-- Decides one request of a known key, takes what it takes, and answers it.
local function judge_one(w, p, ask)
    local key, key_tat, app_tat, parts = ask.key, nil, nil, w.parts or NONE

    if p and p.rated then
        key_tat = arrival(w.tats[key.key_tat], now, p.key_rate, p.key_burst)
        app_tat = arrival(w.tats[key.app_tat], now, p.app_rate, p.app_burst)
    end

    for i = 1, #parts do
        if parts[i].begin then
            parts[i].begin(ask)
        end
    end

    local verdict, credits, used, limit, wait_ms =
        decide(w, p, ask, parts, key_tat, app_tat)
    local avail, ahead = w.avail - credits, used

    if ask.look then
        if verdict == 'pass' then
            credits, used, wait_ms = w.held, w.day_used, w.month_used
        end

    elseif verdict == 'pass' then
        limit = key.rules and 'rules' or limit

        if key_tat and not ask.link then
            key_tat, app_tat = key_tat + p.key_rate, app_tat + p.app_rate
        end

        if not ask.dry then
            ahead = 0
            take(w, ask, credits, used)

            if key_tat then
                w.tats[key.key_tat], w.tats[key.app_tat] = key_tat, app_tat
            end
        end

    elseif not ask.dry
           and (verdict == 'credits_exhausted' or verdict == 'quota_exceeded')
    then
        open('recall', w, p, ask)
    end

    if w.pockets and not ask.look then
        avail = w.pockets.usable(ask.feature) - (ask.dry and credits or 0)
    end

    if not p then
        answer(verdict, key.app, key.id, w.plan, 0, '', 0, 0, avail, '', 0, 0)
        return
    end

    for i = 1, #parts do
        if parts[i].tell then
            parts[i].tell(ask)
        end
    end

    answer(verdict, key.app, key.id, w.plan, p.tier, p.mode, credits, used,
           avail, limit, wait_ms, 0)

    if key_tat or p.mode ~= 'payg' or ask.look or ask.ticket ~= ''
       or ask.limits ~= ''
    then
        answer_more(w, p, ask, key_tat, app_tat, ahead)
    end
end


-- Decides all of them, whose arguments are behind a place.  Returns what
-- write() wants where some of them have passed, else false.
local function judge(at, count)
    if deadline > 0 and now > deadline then
        answer_blank('deadline_passed', count)
        return
    end

    local w, p, key_of, limited, window_at = read_account(at, count)

    if not w then
        answer_blank(p, count)
        return
    end

    local wanted, readable = wanted_of(at, count), true
    local before, plan = w.avail, p

    if limited or w.low or wanted ~= '' then
        readable = open_parts(w, p, wanted, limited, window_at)
    end

    -- a limit that can't be read is one that nobody can say is kept
    p = readable and p
    reply[size] = w.found[1] + 0

    for i = at + 1, at + count * STRIDE, STRIDE do
        local id, hash, feature, model, tier, cost, units, flags, origin,
              extras = unpack(ARGV, i, i + STRIDE - 1)
        local key = key_of[hash]

        tier, cost, units = amount_of(tier), amount_of(cost), amount_of(units)

        if not (tier and cost and units) then
            answer_blank('cost_invalid', 1)

        elseif not key then
            answer_blank('key_unknown', 1)

        else
            judge_one(w, p, {
                id = id, key = key, feature = feature, model = model,
                tier = tier, cost = cost, units = units, look = flags == '2',
                dry = flags == '1', origin = origin, extras = extras,
                ticket = '', limits = ''
            })
        end
    end

    return w.passed and w, plan, before
end
