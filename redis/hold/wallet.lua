--[[
wallet.lua: what the scripts that end or change a hold have in common: the
wallet, the record of a hold, and what they say in the register.
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
                             'owed', 'overdraft', 'h:' .. id)
    local w = { key = key, account = account, epoch = found[1],
                seq = integer(found[2]), avail = integer(found[3]),
                held = integer(found[4]), owed = integer(found[5] or 0),
                overdraft = integer(found[6] or 0), record = found[7] }

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
             whose = whose, ticket = ticket }
end


local function hold_text(hold)
    return string.format('%.0f %.0f ', hold.amount, hold.ends_ms)
           .. hold.whose .. ' ' .. hold.ticket
end


-- An event of one item: credits of the hold's request; what the wallet is then
-- stands in w, and is written by wallet_close().  The stream comes first: where
-- it can't take the event the wallet stays as it was.
local function wallet_say(w, ledger, now, kind, delta, id, hold, credits)
    w.seq = w.seq + 1
    assert(w.avail >= 0 and w.held >= 0 and w.avail < 2^53 and w.seq < 2^53,
           'wallet does not add up')
    redis.call('XADD', ledger, '*', 'a', w.account, 'e', w.epoch,
               's', string.format('%.0f', w.seq),
               't', string.format('%.0f', now), 'k', kind,
               'd', string.format('%.0f', delta),
               'v', string.format('%.0f', w.avail),
               'h', string.format('%.0f', w.held), 'n', '0',
               'i', string.format('%s %s %.0f 0', id, hold.whose, credits))
end


local function wallet_close(w, ...)
    redis.call('HSET', w.key, 'seq', string.format('%.0f', w.seq),
               'avail', string.format('%.0f', w.avail),
               'held', string.format('%.0f', w.held), ...)
end
