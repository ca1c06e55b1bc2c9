--[[
reclaim.lua: takes back what is on lease to a host that is not heard of.

KEYS    wallet, ledger, leases
ARGV    account, key id, host, no: as the list of leases had it
Returns 1 taken back, 0 not: it has changed since, or the wallet is closed to be
        made again

What the host used and did not tell yet is charged to the wallet once it tells.
A place in the list without a lease goes.
]]

local k_wallet, k_ledger, k_leases = KEYS[1], KEYS[2], KEYS[3]
local account, key_id, host, no = ARGV[1], ARGV[2], ARGV[3], ARGV[4]

local clock = redis.call('TIME')
local now = tonumber(clock[1]) * 1000000 + tonumber(clock[2])

--: include gate/wallet.lua
--: include lease/wallet.lua


-- first half: read and decide

local member = account .. ' ' .. key_id .. ' ' .. host
local found = redis.call('HMGET', k_wallet, 'epoch', 'seq', 'avail', 'held',
                         'state', 'plan', 'day', 'day_used', 'month',
                         'month_used', 'lent', 'o:' .. key_id .. ':' .. host)
local lease = lease_from(found[12])

if redis.call('HGET', k_leases, member) ~= no or found[6] == '-' then
    return 0
end

if lease and string.format('%.0f', lease.no) ~= no then
    return 0
end

-- second half: write, the stream first

if not lease then
    redis.call('HDEL', k_leases, member)
    return 1
end

local w = lease_wallet(found)

w.key, w.account, w.lent = k_wallet, account, lent_from(found[11])
w.field, w.member = 'o:' .. key_id .. ':' .. host, member
w.counted = false

local credits = lease.credits

lease_back(w, lease, credits, lease.units)
lease.no = nil

if credits > 0 then
    lease_post(w, 'lease', 0, '')
end

lease_write(w, lease, {})

return 1
