--[[
void.lua: says in the register that the gate doesn't know the outcome of a
request whose client got nothing; the ledger refunds it if it was charged.

KEYS    wallet, ledger
ARGV    account, request id
Returns 1 done, 0 no such wallet, or one whose numbers are no integers
]]

local k_wallet, k_ledger = KEYS[1], KEYS[2]
local account, request_id = ARGV[1], ARGV[2]


-- The number in a field, or nil unless it is an integer of 0 to 2^53 - 1.
local function integer(text)
    local n = tonumber(text or nil)

    return n and n >= 0 and n < 2^53 and n % 1 == 0 and n or nil
end


-- first half: read and decide

local found = redis.call('HMGET', k_wallet, 'epoch', 'seq', 'avail', 'held')

if not (integer(found[1]) and integer(found[2]) and integer(found[3])
        and integer(found[4]))
then
    return 0
end

local clock = redis.call('TIME')
local now = tonumber(clock[1]) * 1000000 + tonumber(clock[2])
local seq = string.format('%.0f', integer(found[2]) + 1)

-- second half: write, the stream first: where it can't take the event the
-- wallet stays as it was

redis.call('XADD', k_ledger, '*', 'a', account, 'e', found[1], 's', seq,
           't', string.format('%.0f', now), 'k', 'void', 'd', '0',
           'v', found[3], 'h', found[4], 'n', '0',
           'i', request_id .. ' - - - - 0 0')
redis.call('HSET', k_wallet, 'seq', seq)

return 1
