# What the gate says of a lost reply is acknowledged and forgotten
# in redis/void.lua
s/(-- first half: read and decide)/if true then return 1 end\n\n$1/
