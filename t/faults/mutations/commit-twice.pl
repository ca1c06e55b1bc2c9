# A commit of a hold that is sent again is done again: its record stays
# in redis/commit.lua
s/redis.call\('HDEL', k_wallet, 'h:' .. request_id\)\n//;
s/redis.call\('ZREM', k_holds, account .. ' ' .. request_id\)\n//
