--[[
account.lua: reads what is known of an account: its wallet, the copy of its plan
and the keys of its requests.  Part of gate.lua.
]]

-- fields of the wallet itself; the others are those of keys
local OWN = #fields - 1


-- There is no wallet: the key is unknown, unless the shard was not loaded.
local function account_missing()
    if call('EXISTS', plan_prefix .. 'payg') == 0 then
        return 'store_unreachable'
    end

    -- the worker looks whether the wallet was lost
    if string.find(account, '^%w%w%w%w%w%w%w%w%w%w$') then
        local k_unknown = string.gsub(k_ledger, 'ledger$', 'm')
        local known = redis.pcall('SCARD', k_unknown)

        if type(known) == 'number' and known < 1000 then
            redis.pcall('SADD', k_unknown, account)
        end
    end

    return 'key_unknown'
end


-- The copy of a plan, false where it is missing or can't be read.  That of
-- another shard does as well where it is of the same version.
local function plan_of(code)
    local name, p = plan_prefix .. code, plans[code]

    if not p or p.prefix ~= plan_prefix
                and not (p.version and p.version == call('HGET', name,
                                                         'version'))
    then
        local readable, plan =
            pcall(plan_from, call('HMGET', name, 'tier', 'mode', 'day', 'month',
                                  'key_rate', 'key_burst', 'app_rate',
                                  'app_burst', 'limits', 'align', 'version'))

        p = readable and plan
        plans[code] = p

        if p then
            p.prefix = plan_prefix
        end
    end

    return p
end


-- A key by its record, and what else the wallet has for it; nil where it can't
-- be read.
local function read_key(w, p, record)
    local key = key_from(record)

    if not key then
        return nil
    end

    if key.rules then
        key.rules = call('HGET', k_wallet, 'r:' .. key.id)

        if not key.rules then
            return nil
        end
    end

    local values

    if p and p.rated then
        local key_tat, app_tat = 't:' .. key.id, 't:' .. key.app

        values = call('HMGET', k_wallet, 'a:' .. key.app, 'l:' .. key.app,
                      'l:' .. key.id, key_tat, app_tat)
        key.key_tat, key.app_tat = key_tat, app_tat

        -- by their fields: keys of an app share its time of arrival
        w.tats = w.tats or {}
        w.tats[key_tat] = tonumber(values[4] or 0) or 0
        w.tats[app_tat] = tonumber(values[5] or 0) or 0
    else
        values = call('HMGET', k_wallet, 'a:' .. key.app, 'l:' .. key.app,
                      'l:' .. key.id)
    end

    key.app_state = values[1]

    if values[2] or values[3] then
        key.limits = (values[2] or '') .. '\n' .. (values[3] or '')
    end

    return key
end


-- Reads what the requests of the account need.  Returns the wallet with its
-- keys, the plan (false where it can't be read), the keys by their hashes,
-- whether there are limits with a name, and the calendar of the account, nil
-- where it is that of UTC.  No wallet: nil and the verdict.
local function read_account(at, count)
    local key_of, last = { [ARGV[at + 2]] = OWN + 1 }, OWN + 1

    fields[last] = 'k:' .. ARGV[at + 2]

    for i = at + 2 + STRIDE, at + count * STRIDE, STRIDE do
        local hash = ARGV[i]

        if not key_of[hash] then
            last = last + 1
            fields[last], key_of[hash] = 'k:' .. hash, last
        end
    end

    local found = call('HMGET', k_wallet, unpack(fields, 1, last))

    if not (found[1] or found[2] or found[3] or found[5]) then
        return nil, account_missing()
    end

    local sound, w = pcall(wallet_from, found)

    if sound and found[15] then
        sound, w.pockets = pcall(open, 'pockets', k_wallet, found[15], w.avail,
                                 now_ms)
        w.avail = sound and w.pockets.total()
    end

    if not sound then
        w = wallet_from({ 0, 0, 0, 0, 'frozen', found[6] })

    elseif w.owed and w.owed > 0 then
        local overdraft = call('HGET', k_wallet, 'overdraft')

        w.owing = w.owed >= (tonumber(overdraft or 0) or 0)
    end

    local p = plan_of(w.plan)
    local window_at = p and (w.zone or p.align == 'anniversary')
                      and open('calendar', w.zone,
                               call('HGET', k_wallet, 'anchor'))

    if sound then
        roll_windows(w, p, now_s, window_at)
    end

    local keys, limited = NONE, w.limits or p and p.limits

    for hash, slot in pairs(key_of) do
        local key = read_key(w, p, found[slot] or hash)

        if key then
            if keys == NONE then
                keys = { key }
            else
                keys[#keys + 1] = key
            end

            limited = limited or key.limits
        end

        key_of[hash] = key or false
    end

    w.keys = keys

    return w, p, key_of, p and limited, window_at
end
