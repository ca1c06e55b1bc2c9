--[[
replace.lua: replaces a hash by a newer version of it.

KEYS    hash, and of a copy that a shard has the shard's store
ARGV    version, then field, value ... (without version)
Returns 1 replaced, 0 the stored version is not older, -1 the shard has to wait
        for its wallets, since it is empty or another than the worker knew
]]

local k_hash, k_store = KEYS[1], KEYS[2]
local version = tonumber(ARGV[1])

-- first half: read and decide

assert(version and version >= 0 and version < 2^53 and version % 1 == 0,
       'version is an integer')
assert(#ARGV % 2 == 1, 'a field has no value')

if k_store and not redis.call('HGET', k_store, 'id') then
    return -1
end

local stored = tonumber(redis.call('HGET', k_hash, 'version') or nil)

if stored and stored >= version then
    return 0
end

-- second half: write

redis.call('DEL', k_hash)
redis.call('HSET', k_hash, 'version', string.format('%.0f', version),
           unpack(ARGV, 2))

return 1
