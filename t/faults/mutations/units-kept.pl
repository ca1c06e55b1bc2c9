# A refund keeps the units of quota
# in redis/refund.lua
s/put\('day_used', math.max\(day_used - units, 0\)\)/returned = units/
