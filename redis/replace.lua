--[[
replace.lua: replaces a hash by a newer version of it.

KEYS    hash
ARGV    version, then field, value ... (without version)
Returns 1 replaced, 0 the stored version is not older
]]

local k_hash = KEYS[1]
local version = tonumber(ARGV[1])

-- first half: read and decide

assert(version and version >= 0 and version < 2^53 and version % 1 == 0,
       'version is an integer')
assert(#ARGV % 2 == 1, 'a field has no value')

local stored = tonumber(redis.call('HGET', k_hash, 'version') or nil)

if stored and stored >= version then
    return 0
end

-- second half: write

redis.call('DEL', k_hash)
redis.call('HSET', k_hash, 'version', string.format('%.0f', version),
           unpack(ARGV, 2))

return 1
