--[[
commit.lua: ends the hold of one request, once: by what it cost, or with all of
it going back.

KEYS    wallet, ledger, holds, marker (as refund.lua's)
ARGV    account, request id, epoch, actual (micro-credits, or - where the
        outcome is not charged), overage: what becomes of credits that neither
        the hold nor avail has: reject_next, if_available or overdraft
Returns 1 done, 0 was done before, or there was no hold, -1 no such wallet, or
        another epoch, or one whose numbers are no integers

Where the hold ran out before, which the marker tells, what it cost is taken of
avail as far as that goes, and the rest is waived.  Credits that are owed stand
in the wallet: with reject_next all that is lacking, with overdraft as much as
the wallet's field overdraft has room for; the rest is waived.  Limits of
credits count what it cost in place of what was held, where it is not late.
]]

local k_wallet, k_ledger, k_holds, k_marker = KEYS[1], KEYS[2], KEYS[3],
                                              KEYS[4]
local account, request_id, epoch = ARGV[1], ARGV[2], ARGV[3]
local actual, overage = ARGV[4], ARGV[5]

local MARKER_S = 86400


-- of the hold, for what gives back
local key_id, app_id

--: include gate/pocket_names.lua
--: include gate/pockets.lua
--: include hold/wallet.lua
--: include gate/back.lua


-- By overage: how much of what is lacking the wallet will owe.
local OWE = {
    reject_next = function(w, lacking) return lacking end,
    if_available = function() return 0 end,
    overdraft = function(w, lacking)
        return math.min(lacking, math.max(w.overdraft - w.owed, 0))
    end
}


-- first half: read and decide

assert(actual == '-' or integer(actual), 'actual is an integer')
assert(OWE[overage], 'overage is known')

local w = wallet_open(k_wallet, account, request_id)

-- one of an epoch before has ended with it, which the marker tells
if not w or w.epoch ~= epoch and w.record then
    return -1
end

local marker = not w.record and redis.call('GET', k_marker) or ''
local hold = hold_from(w.record or string.match(marker, '^expired (.*)$'))
local late = not w.record

if not hold or late and actual == '-' then
    return w.record and -1 or 0
end

if not late and (hold.amount > w.held or w.avail + hold.amount >= 2^53) then
    return -1
end

local clock = redis.call('TIME')
local now = tonumber(clock[1]) * 1000000 + tonumber(clock[2])
local cost = actual == '-' and 0 or tonumber(actual)
local sound, taken, where = pcall(hold_end, w, hold, now, cost, late)

if not sound then
    return -1
end

local owed = late and 0 or OWE[overage](w, cost - taken)
local waived = cost - taken - owed
local words = late and {} or ticket_words(hold.ticket)

if w.owed + owed >= 2^53 then
    return -1
end

key_id, app_id = string.match(hold.whose, '^(%S+) (%S+)')

-- second half: write, the stream first

wallet_due(w, k_ledger, now, w.ahead)
w.owed = w.owed + owed
w.avail = w.avail + (late and 0 or hold.amount) - taken
w.held = late and w.held or w.held - hold.amount
wallet_say(w, k_ledger, now,
           late and 'late' or actual == '-' and 'release' or 'commit',
           0 - taken, request_id, hold, actual == '-' and hold.amount or taken,
           where)

if owed > 0 then
    wallet_say(w, k_ledger, now, 'owed', 0, request_id, hold, owed)
end

if waived > 0 then
    wallet_say(w, k_ledger, now, 'waived', 0, request_id, hold, waived)
end

wallet_due(w, k_ledger, now, w.behind)

if owed > 0 then
    wallet_close(w, 'owed', string.format('%.0f', w.owed))
else
    wallet_close(w)
end

if late then
    redis.call('SET', k_marker, '1', 'EX', MARKER_S)
    return 1
end

redis.call('HDEL', k_wallet, 'h:' .. request_id)
redis.call('ZREM', k_holds, account .. ' ' .. request_id)

for _, word in ipairs(words) do
    if actual == '-' then
        word[1](word[2])

    elseif word[3] == 'b' then
        word[1](word[2], cost)
    end
end

return 1
