--[[
expire.lua: gives back what is held for requests whose hold ran out.

KEYS    holds, ledger
ARGV    prefix of wallets, prefix of markers, at most so many
Returns how many were looked at, how many of them ran out

Each hold is a decision of its own.  One that the set doesn't tell right is put
right; one whose wallet can't be read is left for a minute.  The marker, which
lives for a day, keeps the record for a commit that comes late.
]]

local k_holds, k_ledger = KEYS[1], KEYS[2]
local wallet_prefix, marker_prefix, max = ARGV[1], ARGV[2], ARGV[3]

local MARKER_S, LATER_MS = 86400, 60000


-- of the hold, for what gives back
local k_wallet, key_id, app_id

--: include gate/pocket_names.lua
--: include gate/pockets.lua
--: include hold/wallet.lua
--: include gate/back.lua


local clock = redis.call('TIME')
local now = tonumber(clock[1]) * 1000000 + tonumber(clock[2])
local now_ms = (now - now % 1000) / 1000
local due = redis.call('ZRANGEBYSCORE', k_holds, '-inf',
                       string.format('%.0f', now_ms), 'LIMIT', 0, max)
local expired = 0

for _, member in ipairs(due) do
    -- first half: read and decide

    local account, id = string.match(member, '^(%S+) (%S+)$')
    k_wallet = wallet_prefix .. (account or '')
    local exists = account and redis.call('EXISTS', k_wallet) == 1
    local w = exists and wallet_open(k_wallet, account, id)
    local hold = w and hold_from(w.record)
    local known = hold and pcall(ticket_words, hold.ticket)

    -- second half: write, the stream first

    if not exists or w and not w.record then
        redis.call('ZREM', k_holds, member)

    elseif not known or hold.amount > w.held
           or w.avail + hold.amount >= 2^53
           or hold.ends_ms <= now_ms and not pcall(hold_end, w, hold, now, 0)
    then
        redis.call('ZADD', k_holds, string.format('%.0f', now_ms + LATER_MS),
                   member)

    elseif hold.ends_ms > now_ms then
        redis.call('ZADD', k_holds, string.format('%.0f', hold.ends_ms),
                   member)

    else
        wallet_due(w, k_ledger, now, w.ahead)
        w.avail, w.held = w.avail + hold.amount, w.held - hold.amount
        wallet_say(w, k_ledger, now, 'expired', 0, id, hold, hold.amount)
        wallet_due(w, k_ledger, now, w.behind)
        wallet_close(w)
        redis.call('HDEL', k_wallet, 'h:' .. id)
        redis.call('ZREM', k_holds, member)
        redis.call('SET', marker_prefix .. id, 'expired ' .. w.record,
                   'EX', MARKER_S)

        key_id, app_id = string.match(hold.whose, '^(%S+) (%S+)')

        -- what ends with the request is leased, and it may still run
        for _, word in ipairs(ticket_words(hold.ticket)) do
            if string.sub(word[3], 1, 1) ~= 'e' then
                word[1](word[2])
            end
        end

        expired = expired + 1
    end
end

return { #due, expired }
