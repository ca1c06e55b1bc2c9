--[[
content.lua: whether an account may have a piece of content, and what pays for
it: its plan, a view that is open, an entitlement, or credits.  Part of
gate.lua.
]]

-- The part, for calls in which a request asks for content by an extra
-- "content=sold,window,tier,code,bundle,...": 1 where a view is sold for the cost
-- of the request, else 0; seconds that a view is open; the lowest tier whose
-- plans include it (- for none); its code, and those of bundles that it is in.
local function open_content(w, p, now_s)
    local match, gmatch = string.match, string.gmatch
    local views, counts = {}, {}

    -- The view of a piece of content, open where it has the id of the request
    -- that opened it; shared where another has used it since.
    local function view_of(code)
        local view = views[code]

        if not view then
            local key = string.gsub(k_wallet, ':w:', ':v:', 1) .. ':' .. code
            local id, shared = match(call('GET', key) or '', '^(%S+) ([01])$')

            view = { key = key, id = id, shared = shared == '1' }
            views[code] = view
        end

        return view
    end

    -- What was used of an entitlement, in this month or in its life.  A month
    -- that starts in the future stays, as those of quotas do.
    local function count_of(id, span)
        local count = counts[id]

        if not count then
            local text = call('HGET', k_wallet, 'n:' .. id)
            local at, used = match(text or '', '^(%d+) (%d+)$')
            local start = span == 'month' and w.month or 0

            count = at and at + 0 >= start and { start = at, used = used + 0 }
                    or { start = format('%.0f', start), used = 0 }
            counts[id] = count
        end

        return count
    end

    -- Of the entitlements that hold the one without a number of views, else
    -- the one that lapses first; their lines are "id until views span".
    local function entitled(fields)
        local best, best_ends

        for _, lines in ipairs(call('HMGET', k_wallet, unpack(fields))) do
            for id, till, views, span in
                gmatch(lines or '', '(%w+) (%d+) (%-?%d+) (%l+)')
            do
                local ends = till == '0' and 2^53 or till + 0

                if now_s < ends and views == '-1' then
                    return id, -1

                elseif now_s < ends
                       and count_of(id, span).used < views + 0
                then
                    if span == 'month' and w.month_end < ends then
                        ends = w.month_end
                    end

                    if not best or ends < best_ends then
                        best, best_ends = id, ends
                    end
                end
            end
        end

        return best
    end

    local part = {}

    function part.first(ask)
        local asked = match(' ' .. ask.extras, ' content=(%S+)')

        if not asked or ask.replay then
            return
        end

        local sold, window, tier, code, bundles =
            match(asked, '^([01]),(%d+),([%d-]+),([^,]+)(.*)$')
        local cost = ask.cost

        ask.view, ask.cost, ask.units = nil, 0, 0

        if tier ~= '-' and p.tier >= tier + 0 then
            return
        end

        local view = view_of(code)

        if not view.id then
            local fields = { 'e:' .. code }

            for bundle in gmatch(bundles, '[^,]+') do
                fields[#fields + 1] = 'e:' .. bundle
            end

            local id, views = entitled(fields)

            if views == -1 then
                return
            end

            if not id and sold == '0' then
                return 'content_locked'
            end

            if not id then
                ask.cost, ask.paid = cost, true
            end

            ask.by, ask.code, ask.window = id or '-', code, window
        end

        ask.view = view
    end

    function part.pass(ask)
        local view = ask.view

        if view and view.id then
            view.joined = view.joined or not view.shared
            view.shared = true

        elseif view then
            local count = counts[ask.by]

            view.id, view.opened, view.window = ask.id, true, ask.window

            if count then
                count.used, count.changed = count.used + 1, true
            end

            ask.ticket = (ask.ticket == '' and '' or ask.ticket .. ';')
                         .. 'content:' .. ask.code .. ',' .. ask.by .. ','
                         .. (count and count.start or 0)
        end
    end

    function part.write(put)
        for id, count in pairs(counts) do
            if count.changed then
                put('n:' .. id, count.start .. format(' %.0f', count.used))
            end
        end
    end

    function part.after()
        for _, view in pairs(views) do
            local value = (view.id or '') .. (view.shared and ' 1' or ' 0')

            if view.opened then
                call('SET', view.key, value, 'EX', view.window)

            elseif view.joined then
                call('SET', view.key, value, 'XX', 'KEEPTTL')
            end
        end
    end

    return part
end
