--[[
wallet.lua: what the scripts that end or change a hold, or let credits lapse,
have in common: the wallet, the record of a hold, and what they say in the
register.
]]

-- The number in a field, or nil unless it is an integer of 0 to 2^53 - 1.
local function integer(text)
    local n = tonumber(text or nil)

    return n and n >= 0 and n < 2^53 and n % 1 == 0 and n or nil
end


-- The wallet with the record of a request's hold, or nil where there is none,
-- or its numbers are no integers.
local function wallet_open(key, account, id)
    local found = redis.call('HMGET', key, 'epoch', 'seq', 'avail', 'held',
                             'owed', 'overdraft', 'h:' .. id, 'pocket')
    local w = { key = key, account = account, epoch = found[1],
                seq = integer(found[2]), avail = integer(found[3]),
                held = integer(found[4]), owed = integer(found[5] or 0),
                overdraft = integer(found[6] or 0), record = found[7],
                pocket = found[8] }

    return integer(w.epoch) and w.seq and w.avail and w.held and w.owed
           and w.overdraft and w or nil
end


-- A hold from its record: what is held, and until when; whose it is as an item
-- of the register has it.  nil where it can't be read.
local function hold_from(record)
    local amount, ends_ms, whose, ticket =
        string.match(record or '', '^(%d+) (%d+) (%S+ %S+ %S+ %S+) (.+)$')

    if not (integer(amount) and integer(ends_ms)) then
        return nil
    end

    return { amount = integer(amount), ends_ms = integer(ends_ms),
             whose = whose, ticket = ticket,
             feature = string.match(whose, '^%S+ %S+ (%S+)'),
             words = string.match(';' .. ticket, ';p:([^;]+)') }
end


local function hold_text(hold)
    return string.format('%.0f %.0f ', hold.amount, hold.ends_ms)
           .. hold.whose .. ' ' .. hold.ticket
end


-- The pockets of a wallet where it has some with a name, or the hold took from
-- one, with the list of what is held; else nil.  Raises where they can't be read,
-- as what follows does: then nothing is written.
local function wallet_pockets(w, hold, now)
    if w.pocket or hold and hold.words then
        w.pockets = open_pockets(w.key, w.pocket, w.avail,
                                 (now - now % 1000) / 1000)
        w.ahead = w.pockets.events

        if hold then
            hold.list = w.pockets.list(hold.words or '-', hold.amount)
        end
    end

    return w.pockets
end


-- Ends a hold, or what is late for one, by as much of its cost as there is: that,
-- and from where, as an item tells it.  What is due ahead of its event and
-- behind it stands in w.
local function hold_end(w, hold, now, cost, late)
    local held = late and 0 or hold.amount
    local p = wallet_pockets(w, hold, now)

    if not p then
        return math.min(cost, w.avail + held), ''
    end

    local taken = math.min(cost, held + p.usable(hold.feature))
    local list, rest = p.cut(late and {} or hold.list, taken)

    p.give(rest)

    if taken > held then
        list = p.join(list, p.burn(taken - held, hold.feature))
    end

    assert(p.total() < 2^53, 'there is no room for what returns')
    w.behind = p.due()

    return taken, p.item(list)
end


-- Holds more, if there is so much: whether there is.
local function hold_add(w, hold, now, more)
    local p = wallet_pockets(w, hold, now)

    if w.held + more >= 2^53
       or more > (p and p.usable(hold.feature) or w.avail)
    then
        return false
    end

    if not p then
        return true
    end

    local others = string.gsub(';' .. hold.ticket, ';p:[^;]+', '')

    hold.list = p.join(hold.list, p.burn(more, hold.feature))
    hold.ticket = p.ticket(others == ';-' and '' or string.sub(others, 2),
                           hold.list)
    hold.ticket = hold.ticket == '' and '-' or hold.ticket

    return true
end


-- An event, by which avail and held become what w says.  The stream comes first:
-- where it can't take the event the wallet stays as it was.
local function wallet_post(w, ledger, now, kind, delta, items)
    w.seq = w.seq + 1
    assert(w.avail >= 0 and w.held >= 0 and w.avail < 2^53 and w.seq < 2^53,
           'wallet does not add up')
    redis.call('XADD', ledger, '*', 'a', w.account, 'e', w.epoch,
               's', string.format('%.0f', w.seq),
               't', string.format('%.0f', now), 'k', kind,
               'd', string.format('%.0f', delta),
               'v', string.format('%.0f', w.avail),
               'h', string.format('%.0f', w.held), 'n', '0', 'i', items)
end


-- The same of one item: credits of the hold's request, and where they were.
local function wallet_say(w, ledger, now, kind, delta, id, hold, credits, where)
    wallet_post(w, ledger, now, kind, delta,
                string.format('%s %s %.0f 0', id, hold.whose, credits)
                .. (where or ''))
end


-- The events of what was due in its pockets.
local function wallet_due(w, ledger, now, events)
    for _, event in ipairs(events or {}) do
        w.avail = w.avail + event[2]
        wallet_post(w, ledger, now, unpack(event))
    end
end


local function wallet_close(w, ...)
    local change = { ... }

    if w.pockets then
        w.pockets.write(function (field, text)
            change[#change + 1], change[#change + 2] = field, text
        end)
    end

    redis.call('HSET', w.key, 'seq', string.format('%.0f', w.seq),
               'avail', string.format('%.0f', w.avail),
               'held', string.format('%.0f', w.held), unpack(change))

    if w.pockets then
        w.pockets.after()
    end
end
