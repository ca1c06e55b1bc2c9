--[[
release.lua: ends what a request had only while it ran, or keeps it up while the
request goes on.  What is left to itself ends with its lease.

KEYS    wallet
ARGV    account, request id, outcome (run: it goes on; done: it is over and was
        charged; back: it is over and was not), ticket as gate.lua answered it
Returns how many words of the ticket end with the request

A second time, and for a request that is over, it does nothing.
]]

local k_wallet = KEYS[1]
local account, request_id = ARGV[1], ARGV[2]
local outcome, ticket = ARGV[3], ARGV[4]

--: include gate/back.lua


local count = 0

for tag, word in string.gmatch(ticket, '(%l+):([^;]+)') do
    if ENDS[tag] then
        ENDS[tag](word, outcome)
        count = count + 1
    end
end

return count
