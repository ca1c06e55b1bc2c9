--[[
store.lua: tells what a shard's store is, so that one that lost data is known.

KEYS    store, ledger
ARGV    id of the ledger up to which the worker has read it, or - : where the
        stream's last id is below it the stream goes on behind it
Returns the id that the worker gave this store (empty: none), the server's
        replication id (empty on a replica, which may be behind), the last id
        that the stream gave (empty: there is no stream), and the accounts that
        requests came for and that have no wallet

The set of these is mostly not there: named as a key it would keep the script
out of a slot of a cluster that is half moved.
]]

local k_store, k_ledger = KEYS[1], KEYS[2]
local k_unknown = string.gsub(k_ledger, 'ledger$', 'm')
local cursor = ARGV[1]


-- Whether a stream's id is below another.
local function is_below(id, other)
    local ms, n = string.match(id, '^(%d+)-(%d+)$')
    local other_ms, other_n = string.match(other, '^(%d+)-(%d+)$')

    ms, n = tonumber(ms), tonumber(n)
    other_ms, other_n = tonumber(other_ms), tonumber(other_n)

    return ms < other_ms or ms == other_ms and n < other_n
end


-- first half: read and decide

local info = redis.call('INFO', 'replication')
local replid = string.match(info, 'role:master') and
               string.match(info, 'master_replid:(%x+)') or ''
local stream = redis.pcall('XINFO', 'STREAM', k_ledger)
local last = ''

for i = 1, #stream, 2 do
    if stream[i] == 'last-generated-id' then
        last = stream[i + 1]
    end
end

local id = redis.call('HGET', k_store, 'id') or ''
local unknown = redis.call('SMEMBERS', k_unknown)

-- second half: write

if cursor ~= '-' and cursor ~= '0-0'
   and (last == '' or is_below(last, cursor))
then
    redis.call('XADD', k_ledger, cursor, 'a', '-')
    redis.call('XDEL', k_ledger, cursor)
end

return { id, replid, last, unknown }
