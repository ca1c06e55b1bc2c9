--[[
extend.lua: lets the hold of a request that still runs last longer, and holds
more for it.

KEYS    wallet, ledger, holds
ARGV    account, request id, epoch, ms from now that it is to last, credits
        (micro) that are to be held as well, 0 for none
Returns 1 done, 2 it lasts longer, but avail has not so much more, 0 there is no
        such hold any more, -1 no such wallet, or another epoch, or one whose
        numbers are no integers
]]

local k_wallet, k_ledger, k_holds = KEYS[1], KEYS[2], KEYS[3]
local account, request_id, epoch = ARGV[1], ARGV[2], ARGV[3]
local ttl_ms, more = tonumber(ARGV[4]), tonumber(ARGV[5])


--: include gate/pocket_names.lua
--: include gate/pockets.lua
--: include hold/wallet.lua


-- first half: read and decide

assert(integer(ttl_ms) and integer(more), 'time and credits are integers')

local w = wallet_open(k_wallet, account, request_id)

if not w or w.epoch ~= epoch then
    return -1
end

local hold = hold_from(w.record)

if not hold then
    return w.record and -1 or 0
end

local clock = redis.call('TIME')
local now = tonumber(clock[1]) * 1000000 + tonumber(clock[2])
local sound, has = pcall(hold_add, w, hold, now, more)

if not sound then
    return -1
end

-- a clock that stepped back does not make it shorter
hold.ends_ms = math.max(hold.ends_ms, (now - now % 1000) / 1000 + ttl_ms)

-- second half: write, the stream first

wallet_due(w, k_ledger, now, w.ahead)

if has and more > 0 then
    w.avail, w.held = w.avail - more, w.held + more
    hold.amount = hold.amount + more
    wallet_say(w, k_ledger, now, 'hold', 0, request_id, hold, more)
end

wallet_close(w, 'h:' .. request_id, hold_text(hold))
redis.call('ZADD', k_holds, string.format('%.0f', hold.ends_ms),
           account .. ' ' .. request_id)

return has and 1 or 2
