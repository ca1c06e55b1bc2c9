# The wallet is charged without an event
# in redis/gate.lua
s/    post\('charge'[^\n]*\n/    w.seq = w.seq + 1\n    seq, avail = format('%.0f', w.seq), format('%.0f', w.avail)\n/
