--[[
reseat.lua: makes a wallet what the ledger says, under a new epoch.

KEYS    wallet, ledger, holds
ARGV    account, id of the recovery, epoch, number of the last command that is
        in it, avail (micro-credits); then what close.lua answered: epoch, seq,
        avail, held, number of its last command; fields (JSON, an object of
        texts), holds that the ledger knows (JSON: request ids and their
        records), earliest end of a pocket (unix ms, 0 = none)
Returns 1 done, 0 was done before, -1 the wallet is no longer what was answered

What commands had set becomes what the fields say; counters and arrival times
stay.  All holds and leases end: what was held is avail, and markers keep the
records of holds, so that a commit that comes is charged late.  The event tells
the change of avail and held together, and that seq begins anew.
]]

local k_wallet, k_ledger, k_holds = KEYS[1], KEYS[2], KEYS[3]
local account, recovery, epoch = ARGV[1], ARGV[2], tonumber(ARGV[3])
local number, avail = ARGV[4], tonumber(ARGV[5])
local EXPECTED = 5
local fields, holds = cjson.decode(ARGV[11]), cjson.decode(ARGV[12])
local next_ms = ARGV[13]

local MARKER_S, CHUNK = 86400, 1000

-- What a wallet has of the ledger, or is over with an epoch; the rest is of the
-- edge, and stays.
local OWNED = { '^state$', '^plan$', '^overdraft$', '^owed$', '^k:.', '^r:.',
                '^a:.', '^l$', '^l:.', '^e:.', '^zone$', '^anchor$', '^low$',
                '^pocket$', '^pockets$', '^later$', '^o:.', '^lent$',
                '^recall$' }


-- As close.lua has it.
local function integer(text)
    local n = tonumber(text or nil)

    return n and n >= 0 and n < 2^53 and n % 1 == 0
           and string.format('%.0f', n) or '-'
end


local function is_owned(field)
    for _, pattern in ipairs(OWNED) do
        if string.find(field, pattern) then
            return true
        end
    end

    return false
end


-- Calls for a list, in parts that Lua's stack has room for.
local function in_parts(list, command, ...)
    for i = 1, #list, CHUNK do
        local words = { command, ... }

        for j = i, math.min(i + CHUNK - 1, #list) do
            words[#words + 1] = list[j]
        end

        redis.call(unpack(words))
    end
end


-- first half: read and decide

assert(epoch and epoch % 1 == 0 and avail and avail >= 0 and avail < 2^53
       and avail % 1 == 0, 'epoch and avail are integers')

local found = redis.call('HMGET', k_wallet, 'epoch', 'seq', 'avail', 'held',
                         'cmd')

if tonumber(found[1] or 0) and tonumber(found[1] or 0) >= epoch then
    return 0
end

for i = 1, 5 do
    if integer(found[i]) ~= ARGV[EXPECTED + i] then
        return -1
    end
end

local before = (tonumber(ARGV[EXPECTED + 3]) or 0)
               + (tonumber(ARGV[EXPECTED + 4]) or 0)
local all = redis.call('HGETALL', k_wallet)
local change, deletes, ended = {}, {}, {}

for i = 1, #all, 2 do
    local id = string.match(all[i], '^h:(.*)$')

    if id then
        holds[id] = all[i + 1]
        ended[#ended + 1] = account .. ' ' .. id
        deletes[#deletes + 1] = all[i]

    elseif not fields[all[i]]
           and (is_owned(all[i]) or not fields.low
                and (all[i] == 'full' or all[i] == 'warned'))
    then
        deletes[#deletes + 1] = all[i]
    end
end

for field, value in pairs(fields) do
    change[#change + 1], change[#change + 2] = field, value
end

-- second half: write, the stream first: where it can't take the event the
-- wallet stays as it was

local clock = redis.call('TIME')
local now = tonumber(clock[1]) * 1000000 + tonumber(clock[2])
local epoch_text, avail_text = string.format('%.0f', epoch),
                               string.format('%.0f', avail)

redis.call('XADD', k_ledger, '*', 'a', account, 'e', epoch_text, 's', '1',
           't', string.format('%.0f', now), 'k', 'epoch',
           'd', string.format('%.0f', avail - before), 'v', avail_text,
           'h', '0', 'n', number, 'i', recovery .. ' - - - - 0 0')

redis.call('HSET', k_wallet, 'epoch', epoch_text, 'seq', '1',
           'avail', avail_text, 'held', '0', 'cmd', number)
in_parts(change, 'HSET', k_wallet)
in_parts(deletes, 'HDEL', k_wallet)
in_parts(ended, 'ZREM', k_holds)

for id, record in pairs(holds) do
    redis.call('SET', (string.gsub(k_wallet, ':w:.*$', ':r:')) .. id,
               'expired ' .. record, 'EX', MARKER_S, 'NX')
end

if next_ms ~= '0' then
    redis.call('ZADD', (string.gsub(k_ledger, 'ledger$', 'g')), next_ms,
               account)
end

return 1
