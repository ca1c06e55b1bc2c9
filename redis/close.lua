--[[
close.lua: keeps requests out of a wallet that is to be made again from the
ledger, and tells what it is.

KEYS    wallet
ARGV    epoch that the ledger knows
Returns epoch, seq, avail, held and number of the last command, each - where it
        is missing or no integer

A wallet of the plan -, which nobody has, answers requests that the store can't
be reached.  One of a later epoch has been made again already and stays open.
]]

local k_wallet, epoch = KEYS[1], tonumber(ARGV[1])


-- The number in a field as it is written, or - unless it is an integer of 0 to
-- 2^53 - 1.
local function integer(text)
    local n = tonumber(text or nil)

    return n and n >= 0 and n < 2^53 and n % 1 == 0
           and string.format('%.0f', n) or '-'
end


-- first half: read and decide

local found = redis.call('HMGET', k_wallet, 'epoch', 'seq', 'avail', 'held',
                         'cmd')

for i = 1, #found do
    found[i] = integer(found[i])
end

-- second half: write

if redis.call('EXISTS', k_wallet) == 1
   and (found[1] == '-' or tonumber(found[1]) <= epoch)
then
    redis.call('HSET', k_wallet, 'plan', '-')
end

return found
