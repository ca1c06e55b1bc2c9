# The wallet is charged without an event
# in redis/gate/write.lua
s/post\('charge'.*?';'\)\)\n/w.seq = w.seq + 1\n        seq, avail = format('%d', w.seq), format('%d', w.avail)\n/s
