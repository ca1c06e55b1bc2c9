# Requests of one call are each measured by the balance before the call
# in redis/gate.lua
s/(local avail_before, items)/w.first = w.avail\n\n$1/;
s/assert\(w.avail >= 0 and /assert(/
# in redis/gate/decide.lua
s/if credits > w.avail or/if credits > w.first or/
