# A call with an Idempotency-Key is forgotten when it is over
# in redis/gate/back.lua
s/elseif outcome == 'done' then/elseif outcome == 'never' then/
