--[[
lapse.lua: has the pockets lapse that have ended and the grants start that are
to, in wallets that nothing else touches.

KEYS    set of accounts by when that is, ledger
ARGV    prefix of wallets, at most so many
Returns how many were looked at, in how many of them something was due

Each wallet is a decision of its own.  One that the set doesn't tell right is
put right; one that can't be read is left for a minute.
]]

local k_lapses, k_ledger = KEYS[1], KEYS[2]
local wallet_prefix, max = ARGV[1], ARGV[2]

local LATER_MS = 60000

--: include gate/pocket_names.lua
--: include gate/pockets.lua
--: include hold/wallet.lua


local clock = redis.call('TIME')
local now = tonumber(clock[1]) * 1000000 + tonumber(clock[2])
local now_ms = (now - now % 1000) / 1000
local due = redis.call('ZRANGEBYSCORE', k_lapses, '-inf',
                       string.format('%.0f', now_ms), 'LIMIT', 0, max)
local lapsed = 0

for _, account in ipairs(due) do
    -- first half: read and decide

    local key = wallet_prefix .. account
    local exists = redis.call('EXISTS', key) == 1
    local w = exists and wallet_open(key, account, '')
    local sound, p = pcall(wallet_pockets, w or {}, nil, now)
    local next_ms = sound and p and p.next() or 0

    -- second half: write, the stream first

    if not exists or w and not w.pocket then
        redis.call('ZREM', k_lapses, account)

    elseif w and sound and #p.events > 0 then
        wallet_due(w, k_ledger, now, p.events)
        wallet_close(w)
        lapsed = lapsed + 1

    elseif not (w and sound) or next_ms > 0 and next_ms <= now_ms then
        redis.call('ZADD', k_lapses, string.format('%.0f', now_ms + LATER_MS),
                   account)

    elseif next_ms > 0 then
        redis.call('ZADD', k_lapses, string.format('%.0f', next_ms), account)

    else
        redis.call('ZREM', k_lapses, account)
    end
end

return { #due, lapsed }
