--[[
write.lua: writes what the requests of an account came to.  Part of gate.lua.
]]

local clock_us = format('%d', now)

-- of the wallet whose turn it is: fields and values to be set, and what its
-- last event says
local change, changes = { '', '', '', '' }, 0
local turn, left, seq, avail, held


local function put(field, value)
    change[changes + 1] = field
    change[changes + 2] = type(value) == 'number' and format('%d', value)
                          or value
    changes = changes + 2
end


-- An event of the register; what a part holds leaves avail.
local function post(kind, delta, item, holding)
    local w = turn

    left = left + delta - (holding or 0)

    if holding then
        w.held = w.held + holding
        held = format('%d', w.held)
    end

    w.seq = w.seq + 1
    seq, avail = format('%d', w.seq), format('%d', left)
    call('XADD', k_ledger, '*', 'a', account, 'e', w.found[1], 's', seq,
         't', clock_us, 'k', kind, 'd', format('%d', delta), 'v', avail,
         'h', held, 'n', '0', 'i', item)
end


-- The stream first: where it can't take the events the wallet stays as it was.
-- What was due comes ahead of what it made room for, or took; what a part holds
-- leaves avail by events of its own.
local function write(w, p, before)
    local parts, notices, keys = w.parts or NONE, w.notices or NONE, w.keys
    local due = w.pockets and w.pockets.events or NONE

    assert(w.avail >= 0 and w.avail <= before
           and w.seq + 1 + #due + #notices < 2^53
           and (not w.pockets or w.pockets.total() == w.avail),
           'wallet does not add up')

    turn, changes, seq, held, left = w, 0, nil, w.found[4], w.found[3] + 0

    if w.units_used then
        put('day_used', w.day_used)
        put('month_used', w.month_used)

        if w.rolled then
            put('day', w.day)
            put('month', w.month)
        end
    end

    for i = 1, p.rated and #keys or 0 do
        local key = keys[i]

        if key.passed and p.key_rate > 0 then
            put(key.key_tat, w.tats[key.key_tat])
        end

        if key.passed and p.app_rate > 0 then
            put(key.app_tat, w.tats[key.app_tat])
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

    for i = 1, #due do
        post(unpack(due[i]))
    end

    if w.items then
        post('charge', w.avail + (w.holding or 0) - before,
             table.concat(w.items, ';'))
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

    if w.held > w.found[4] + 0 then
        put('held', held)
    end

    if changes > 0 then
        call('HSET', k_wallet, unpack(change, 1, changes))
    end

    if w.pockets then
        w.pockets.after()
    end

    for i = 1, #parts do
        if parts[i].after then
            parts[i].after()
        end
    end
end
