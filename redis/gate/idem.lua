--[[
idem.lua: calls that carry an Idempotency-Key, of which a second one is not
charged.  Part of gate.lua.
]]

-- What remembers a call is a string of request id, fingerprint and "run" or
-- "done" with the number of times that it was tried again since; back.lua has
-- what becomes of it when the request ends.
local function open_idem()
    local prefix = string.match(k_wallet, '^(.*:)w:') .. 'i:' .. account .. ':'
    local known, taken = {}, {}

    -- lease in ms, hash of the key, fingerprint of the call, s to remember it,
    -- and how often it may be tried again
    local function word_of(ask)
        return string.match(' ' .. ask.extras,
                            ' idem=((%d+):(%x+):(%x+):%d+:(%d+))')
    end

    return {
        first = function(ask)
            local word, _, hash, print, retries = word_of(ask)

            if not word then
                return
            end

            local name = prefix .. hash

            known[name] = known[name] or call('GET', name) or nil

            local was, state, tried =
                string.match(known[name] or '', '^%S+ (%x+) (%l+) ?(%d*)$')

            if was and was ~= print then
                return 'idempotency_mismatch'
            end

            if state == 'run' then
                return 'idempotency_in_progress', '', 1000
            end

            -- beyond these it is a call like the first
            if state == 'done' and tried + 0 < retries + 0 then
                ask.cost, ask.units, ask.replay = 0, 0, tried + 1
            end
        end,

        pass = function(ask)
            local word, lease, hash, print = word_of(ask)

            if not word then
                return
            end

            local name = prefix .. hash

            if ask.replay then
                known[name] = string.match(known[name], '^.* ') .. ask.replay
                taken[name] = { 'KEEPTTL' }
                return
            end

            known[name] = ask.id .. ' ' .. print .. ' run'
            taken[name] = { 'PX', lease }
            ask.ticket = ask.ticket .. (ask.ticket == '' and '' or ';')
                         .. 'ei:' .. word
        end,

        write = function()
            for name, how in pairs(taken) do
                call('SET', name, known[name], unpack(how))
            end
        end
    }
end
