--[[
wallet.lua: what the scripts that lend and take back have in common: the record
of a lease, and how it, its wallet and the list of leases are written.
]]

-- The wallet from its fields, with what the gate has no use for.
local function lease_wallet(f)
    local w = wallet_from(f)

    w.epoch, w.owed = f[1] + 0, w.owed or 0

    return w
end


-- A lease from its record, nil where there is none; raises where it can't be
-- read.  Its no grows from the time when it was made, us: none comes again, not
-- in the next lease of the same host and key either.
local function lease_from(record)
    if not record then
        return nil
    end

    local no, credits, units, day, month =
        string.match(record, '^(%d+) (%d+) (%d+) (%d+) (%d+)$')

    return { no = integer(no), credits = integer(credits),
             units = integer(units), day = integer(day),
             month = integer(month) }
end


-- All that is on lease of a wallet, which tells others what may return.
local function lent_from(text)
    local credits, units = string.match(text or '0 0', '^(%d+) (%d+)$')

    return { credits = integer(credits), units = integer(units) }
end


-- What a lease has becomes less: by what was used of it, or what returns.
local function lease_less(w, lease, credits, units)
    lease.credits, lease.units = lease.credits - credits, lease.units - units
    w.held = w.held - credits
    w.lent.credits = math.max(w.lent.credits - credits, 0)
    w.lent.units = math.max(w.lent.units - units, 0)
    assert(lease.credits >= 0 and lease.units >= 0 and w.held >= 0,
           'a lease does not add up')
end


-- Gives back to the wallet; units to the windows that they are of, where these
-- still last.
local function lease_back(w, lease, credits, units)
    lease_less(w, lease, credits, units)
    w.avail = w.avail + credits

    for _, window in ipairs({ 'day', 'month' }) do
        if units > 0 and lease[window] == w[window] then
            w[window .. '_used'] = math.max(w[window .. '_used'] - units, 0)
            w.counted = true
        end
    end
end


-- An event, by which avail and held become what w says.  The stream comes
-- first: where it can't take the event the wallet stays as it was.
local function lease_post(w, kind, delta, items)
    w.seq = w.seq + 1
    assert(w.avail >= 0 and w.held >= 0 and w.avail + w.held < 2^53
           and w.seq < 2^53, 'wallet does not add up')
    redis.call('XADD', k_ledger, '*', 'a', w.account,
               'e', string.format('%.0f', w.epoch),
               's', string.format('%.0f', w.seq),
               't', string.format('%.0f', now), 'k', kind,
               'd', string.format('%.0f', delta),
               'v', string.format('%.0f', w.avail),
               'h', string.format('%.0f', w.held), 'n', '0', 'i', items)
end


-- Writes the wallet with a lease of it, and its place in the list; without a
-- number the lease is over.  Changes are fields and values beside.
local function lease_write(w, lease, changes)
    local function put(name, value)
        changes[#changes + 1] = name
        changes[#changes + 1] = string.format('%.0f', value)
    end

    put('seq', w.seq)
    put('avail', w.avail)
    put('held', w.held)

    if w.counted then
        put('day', w.day)
        put('day_used', w.day_used)
        put('month', w.month)
        put('month_used', w.month_used)
    end

    if w.lent.credits > 0 or w.lent.units > 0 then
        changes[#changes + 1] = 'lent'
        changes[#changes + 1] = string.format('%.0f %.0f', w.lent.credits,
                                              w.lent.units)
    end

    if lease and lease.no then
        changes[#changes + 1] = w.field
        changes[#changes + 1] =
            string.format('%.0f %.0f %.0f %.0f %.0f', lease.no, lease.credits,
                          lease.units, lease.day, lease.month)
    end

    redis.call('HSET', w.key, unpack(changes))

    -- who waits for it asks anew once all of it has returned
    if w.lent.credits == 0 and w.lent.units == 0 then
        redis.call('HDEL', w.key, 'lent', 'recall')
    end

    if lease and lease.no then
        redis.call('HSET', k_leases, w.member,
                   string.format('%.0f', lease.no))

    elseif lease then
        redis.call('HDEL', w.key, w.field)
        redis.call('HDEL', k_leases, w.member)
    end
end
