-- fill.lua: appends events to a ledger stream as the gate would have, one after
-- the other of each account, and leaves the wallets as they are then.
-- KEYS stream, wallet ...; ARGV events an account, items an event, account ...
-- Returns how many events.

local events, items = tonumber(ARGV[1]), tonumber(ARGV[2])
local features = {'image.generate', 'video.generate', 'text.write', 'audio.say',
                  'page.read'}
local price = 1000
local wallets = {}

for i = 2, #KEYS do
    local seen = redis.call('HMGET', KEYS[i], 'epoch', 'seq', 'avail', 'held')
    wallets[i] = {epoch = seen[1], seq = tonumber(seen[2]),
                  avail = tonumber(seen[3]), held = seen[4]}
end

for n = 1, events do
    for i = 2, #KEYS do
        local account, wallet, list = ARGV[i + 1], wallets[i], {}
        local now = redis.call('TIME')

        wallet.seq = wallet.seq + 1
        wallet.avail = wallet.avail - items * price
        for item = 1, items do
            local id = redis.sha1hex(account .. wallet.seq .. '.' .. item)
            list[item] = id:sub(1, 32) .. ' key_0000000001 app_0000000001 '
                .. features[(n + item) % #features + 1] .. ' - ' .. price
                .. ' 0'
        end
        redis.call('XADD', KEYS[1], '*', 'a', account, 'e', wallet.epoch,
                   's', wallet.seq, 't', string.format('%d%06d', now[1], now[2]),
                   'k', 'charge', 'd', -items * price,
                   'v', string.format('%.0f', wallet.avail), 'h', wallet.held,
                   'n', 0, 'i', table.concat(list, ';'))
    end
end

for i = 2, #KEYS do
    redis.call('HSET', KEYS[i], 'seq', wallets[i].seq,
               'avail', string.format('%.0f', wallets[i].avail))
end

return events * (#KEYS - 1)
