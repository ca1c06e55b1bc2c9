--[[
balance.lua: tells once when a balance falls by so many percent since it was
last topped up.  Part of gate.lua, for calls of an account that wants it.
]]

local function open_balance(w, notices)
    local found = call('HMGET', k_wallet, 'full', 'warned')
    local full, warned = tonumber(found[1] or 0) or 0,
                         tonumber(found[2] or 0) or 0
    local changed = false

    -- what a grant that started made of it
    local topped = w.pockets and w.pockets.topped()

    if topped then
        full, warned, changed = topped, 0, true
    end

    return {
        pass = function (ask, credits)
            for percent in string.gmatch(credits > 0 and w.low or '', '%d+') do
                percent = percent + 0

                if percent > warned and full > 0
                   and (full - w.avail) * 100 >= full * percent
                then
                    warned, changed = percent, true
                    notices[#notices + 1] =
                        ask.id .. ' ' .. ask.key.id .. ' ' .. ask.key.app
                        .. format(' balance %.0f %.0f %.0f', percent, full,
                                  full - w.avail)
                end
            end
        end,

        write = function (put)
            if changed then
                put('full', full)
                put('warned', warned)
            end
        end
    }
end
