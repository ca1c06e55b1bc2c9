--[[
back.lua: gives back what a ticket says that a request took beside credits and
units, and ends what the request had only while it ran.  A ticket is words
joined by ";", each a tag, a colon and what the part of gate.lua wrote that took
it.  Part of refund.lua, release.lua and void.lua, which name the wallet, the
account and the request.
]]

-- To the counter of a limit, where it is still in the window that was debited:
-- "id holder start amount", the holder "a" or "k" if it is the request's app or
-- key, else "-".  What is left was used of it after all.
local function counter_back(word, left)
    local id, whose, start, amount =
        string.match(word, '^(%w+) ([ak%-]) (%d+) (%d+)$')
    local field = 'u:' .. id .. (whose == 'k' and ':' .. key_id
                                 or whose == 'a' and ':' .. app_id or '')
    local counter = redis.call('HGET', k_wallet, field)
    local from, used, rest = string.match(counter or '',
                                          '^(%d+) (%d+)( .*)$')

    if from == start then
        used = math.max(used - amount + (left or 0), 0)
        redis.call('HSET', k_wallet, field,
                   from .. string.format(' %.0f', used) .. rest)
    end
end


-- By tag: what gives it back.  It gets the word behind its tag, and writes.
-- "b" is what was taken of limits of credits, "u" of those of requests or units.
local BACK = { b = counter_back, u = counter_back }

-- Credits return with credits: to the pockets that they came from.
function BACK.p() end


-- "id:address:request id": what counted as a download of a link, unless that
-- client has begun another one.
function BACK.link(word)
    local id, address, request_id =
        string.match(word, '^(%w+):([^:]+):(%S+)$')
    local key = string.gsub(k_wallet, ':w:', ':d:', 1) .. ':' .. id
    local mark = key .. ':' .. address

    if string.match(redis.call('GET', mark) or '', '^(%S+) ') == request_id
    then
        redis.call('DEL', mark)

        if tonumber(redis.call('HGET', key, 'n') or 0) > 0 then
            redis.call('HINCRBY', key, 'n', -1)
        end
    end
end


-- The same of what ends with the request: tags that begin with "e", of words
-- that begin with a lease in ms.  The second argument is the outcome: "run" (it
-- goes on), "done" (it was charged) or "back" (it was not).
local ENDS = {}


-- A call with an Idempotency-Key: remembered where it was charged, else
-- forgotten, unless the key is another request's by now.
function ENDS.ei(word, outcome)
    local lease, hash, print, ttl =
        string.match(word, '^(%d+):(%x+):(%x+):(%d+):%d+$')
    local name = string.match(k_wallet, '^(.*:)w:') .. 'i:' .. account .. ':'
                 .. hash
    local mine = request_id .. ' ' .. print
    local now = redis.call('GET', name)

    if now and now ~= mine .. ' run' then
        return
    end

    if outcome == 'run' then
        redis.call('SET', name, mine .. ' run', 'PX', lease)

    elseif outcome == 'done' then
        redis.call('SET', name, mine .. ' done 0', 'EX', ttl)

    elseif now then
        redis.call('DEL', name)
    end
end


-- A slot of a limit of running requests: lease and counter.
function ENDS.ec(word, outcome)
    local lease, counter = string.match(word, '^(%d+):(.+)$')
    local name = string.match(k_wallet, '^(.*:)w:') .. 'c:' .. account .. ':'
                 .. counter

    if outcome == 'run' then
        local clock = redis.call('TIME')
        local over = clock[1] * 1000 + math.floor(clock[2] / 1000) + lease

        redis.call('ZADD', name, string.format('%.0f', over), request_id)
        redis.call('PEXPIRE', name, string.format('%.0f', 2 * lease))

    else
        redis.call('ZREM', name, request_id)
    end
end


for tag, finish in pairs(ENDS) do
    BACK[tag] = function(word) finish(word, 'back') end
end

-- By tag: whether what was taken has to stay, for others use it; then so do the
-- credits, here and in limits.  It gets the word, and reads.
local KEPT = {}


local function view_key(code)
    return string.gsub(k_wallet, ':w:', ':v:', 1) .. ':' .. code
end


-- A view that this request opened: "code,entitlement or -,start of its month".
function KEPT.content(word)
    local code = string.match(word, '^[^,]+')

    return redis.call('GET', view_key(code)) == request_id .. ' 1'
end


function BACK.content(word)
    local code, id, start = string.match(word, '^([^,]+),([^,]+),(%d+)$')
    local field, key = 'n:' .. id, view_key(code)
    local count = redis.call('HGET', k_wallet, field) or ''
    local at, used = string.match(count, '^(%d+) (%d+)$')

    if at == start and used + 0 > 0 then
        redis.call('HSET', k_wallet, field,
                   start .. string.format(' %.0f', used - 1))
    end

    if redis.call('GET', key) == request_id .. ' 0' then
        redis.call('DEL', key)
    end
end


-- The words of a ticket as pairs of what gives back and what it gets, and
-- whether the credits stay taken; raises where a word is unknown.
local function ticket_words(ticket)
    local words, kept = {}, false

    for tag, word in string.gmatch(ticket, '(%l+):([^;]+)') do
        assert(BACK[tag], 'a ticket has an unknown word')
        kept = kept or KEPT[tag] and KEPT[tag](word)
    end

    for tag, word in string.gmatch(ticket, '(%l+):([^;]+)') do
        if not (kept and (KEPT[tag] or tag == 'b')) then
            words[#words + 1] = { BACK[tag], word, tag }
        end
    end

    return words, kept
end
