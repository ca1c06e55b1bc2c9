--[[
link.lua: signed download links: whether one still serves, and what counts as
a download of it.  Part of gate.lua.

What a client asks for within the window of its first request is that download:
it counts once, for limits with a name too, and has its price once.  The hash
of a link lives an hour longer than the link, the mark of a client as much
longer than the window: that long what failed can be given back.
]]

-- The part for the requests that came by a link, which have no key; the module
-- has checked the signatures.
local function open_link(now)
    local MARGIN_S = 3600
    local base = string.gsub(k_wallet, ':w:', ':d:', 1) .. ':'
    local states, marks, counted = {}, {}, {}

    local function begin(ask)
        local id, expires, max, window =
            string.match(ask.extras, '%f[%l]link=(%w+):(%d+):(%d+):(%d+)')

        ask.link = id and { id = id, expires = expires + 0, max = max + 0,
                            window = window + 0 }
    end

    local function first(ask)
        local link = ask.link

        if not link then
            return
        end

        if now >= link.expires * 1000000 then
            return 'link_expired'
        end

        local key = base .. link.id
        local state = states[key] or call('HMGET', key, 'n', 'revoked')

        states[key] = state

        if state[2] then
            return 'link_revoked'
        end

        local address, method = string.match(ask.origin, '^(%S+) (%S+)')
        local mark = key .. ':' .. address
        local since = marks[mark]

        if since == nil then
            since = string.match(call('GET', mark) or '', ' (%d+)$')
            marks[mark] = since or false
        end

        local same = since and now < since + link.window * 1000000

        if not same and link.max > 0 and (state[1] or 0) + 0 >= link.max then
            return 'downloads_exhausted'
        end

        link.mark = not same and method ~= 'HEAD' and mark

        if not link.mark then
            ask.cost, ask.units, ask.counters = 0, 0, {}
        end
    end

    local function pass(ask)
        local link = ask.link

        if link and link.mark then
            local key = base .. link.id

            states[key][1] = (states[key][1] or 0) + 1
            marks[link.mark] = now
            counted[#counted + 1] = ask
            ask.ticket = ask.ticket .. (ask.ticket == '' and '' or ';')
                         .. 'link:' .. string.sub(link.mark, #base + 1) .. ':'
                         .. ask.id
        end
    end

    local function after()
        for i = 1, #counted do
            local ask = counted[i]
            local link = ask.link
            local key = base .. link.id

            call('HINCRBY', key, 'n', 1)
            call('EXPIREAT', key, format('%.0f', link.expires + MARGIN_S))
            call('SET', link.mark, ask.id .. format(' %.0f', now), 'EX',
                 format('%.0f', link.window + MARGIN_S))
        end
    end

    return { begin = begin, first = first, pass = pass, after = after }
end
