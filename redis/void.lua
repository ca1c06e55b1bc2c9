--[[
void.lua: says in the register that the gate doesn't know the outcome of a
request whose client got nothing; the ledger refunds it if it was charged.  A
hold of the request is released at once, and that is all there is to say.

KEYS    wallet, ledger
ARGV    account, request id, ticket: what it would have taken beside credits
        and units (- for none), which is given back where it took it
Returns 1 done, 0 no such wallet, or one whose numbers are no integers
]]

local k_wallet, k_ledger = KEYS[1], KEYS[2]
local account, request_id, ticket = ARGV[1], ARGV[2], ARGV[3]

-- of the hold, for what gives back
local key_id, app_id

--: include gate/pocket_names.lua
--: include gate/pockets.lua
--: include hold/wallet.lua
--: include gate/back.lua


-- first half: read and decide

local w = wallet_open(k_wallet, account, request_id)

if not w then
    return 0
end

local hold = hold_from(w.record)
local words = ticket_words(hold and hold.ticket or ticket or '-')
local clock = redis.call('TIME')
local now = tonumber(clock[1]) * 1000000 + tonumber(clock[2])

if hold then
    if not pcall(hold_end, w, hold, now, 0) then
        return 0
    end

    key_id, app_id = string.match(hold.whose, '^(%S+) (%S+)')
end

-- second half: write, the stream first

wallet_due(w, k_ledger, now, w.ahead)

if hold then
    w.avail, w.held = w.avail + hold.amount, w.held - hold.amount
end

wallet_say(w, k_ledger, now, hold and 'release' or 'void', 0, request_id,
           hold or { whose = '- - - -' }, hold and hold.amount or 0)
wallet_due(w, k_ledger, now, w.behind)
wallet_close(w)

if hold then
    redis.call('HDEL', k_wallet, 'h:' .. request_id)
    redis.call('ZREM', (string.gsub(k_ledger, 'ledger$', 'h')),
               account .. ' ' .. request_id)
end

for _, word in ipairs(words) do
    word[1](word[2])
end

return 1
