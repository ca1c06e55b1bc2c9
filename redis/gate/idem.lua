--[[
idem.lua: calls that carry an Idempotency-Key, of which a second one is not
charged.  Part of gate.lua.
]]

-- What remembers a call is a string of request id, fingerprint and "run" or
-- "done"; back.lua has what becomes of it when the request ends.
local function open_idem()
    local prefix = string.match(k_wallet, '^(.*:)w:') .. 'i:' .. account .. ':'
    local known, taken = {}, {}

    -- lease in ms, hash of the key, fingerprint of the call, s to remember it
    local function word_of(ask)
        return string.match(' ' .. ask.extras,
                            ' idem=((%d+):(%x+):(%x+):%d+)')
    end

    return {
        first = function(ask)
            local word, _, hash, print = word_of(ask)

            if not word then
                return
            end

            local name = prefix .. hash

            known[name] = known[name] or call('GET', name) or nil

            local was, state =
                string.match(known[name] or '', '^%S+ (%x+) (%l+)$')

            if was and was ~= print then
                return 'idempotency_mismatch'
            end

            if state == 'run' then
                return 'idempotency_in_progress', '', 1000
            end

            if state == 'done' then
                ask.cost, ask.units, ask.replay = 0, 0, true
            end
        end,

        pass = function(ask)
            local word, lease, hash, print = word_of(ask)

            if not word or ask.replay then
                return
            end

            local name = prefix .. hash

            known[name] = ask.id .. ' ' .. print .. ' run'
            taken[name] = lease
            ask.ticket = ask.ticket .. (ask.ticket == '' and '' or ';')
                         .. 'ei:' .. word
        end,

        write = function()
            for name, lease in pairs(taken) do
                call('SET', name, known[name], 'PX', lease)
            end
        end
    }
end
