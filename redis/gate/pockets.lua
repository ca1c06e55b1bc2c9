--[[
pockets.lua: the credits of a wallet by what they are for and when they end.
Credits that burn alike, of the same priority, end and scope, are a pocket.  Part
of every script that moves credits, for wallets that have a pocket with a name.

The name is "priority/end/scope"; "-" is the pocket 50/0/*, which is what avail
has beyond the others.  Fields of the wallet: "pocket" is the head, "next sum
name amount scoped": when the next one ends or a later grant starts (ms, 0 =
never), what all with a name have, the first one to burn, and what those have
that are not for everything; "pockets" has the others, "later" the grants to
come.  These two are read only where the head can't answer.
]]

-- Opens them and finds what is due by now: ended pockets lapse, later grants
-- start.  Raises where they can't be read, and writes nothing before write().
-- A list is of pairs of a name and an amount, in the order of burning.
local function open_pockets(key, text, avail, now_ms)
    local call, format = redis.call, string.format
    local match, gmatch = string.match, string.gmatch
    local MARKER_S, TICKET_MOST = 86400, 2048
    local plain = { name = '-', priority = 50, ends = 0, scope = '*' }
    local head, all, later = plain, nil, {}
    local next_ms, sum, scoped, next_before = 0, 0, 0, 0
    local low, topped, changed, gone, far = false, false, false, {}, {}
    local part = {}
    local whole, before, pocket_from, named, fits = pocket_names()

    local function place(p)
        local at = 1

        while all[at] and before(all[at], p) do
            at = at + 1
        end

        table.insert(all, at, p)
    end

    -- All pockets in the order of burning, and the later grants.
    local function read()
        if all then
            return all
        end

        local found = call('HMGET', key, 'pockets', 'later', 'low')
        local total = head ~= plain and head.amount or 0

        all, scoped, low = head ~= plain and { head } or {}, 0, found[3]

        for name, amount in gmatch(found[1] or '', '(%S+) (%d+)\n') do
            all[#all + 1] = pocket_from(name, whole(amount))
            total = total + all[#all].amount
        end

        assert(total == sum, 'the pockets do not add up')

        for i = 1, #all do
            scoped = scoped + (all[i].scope ~= '*' and all[i].amount or 0)
        end

        for start, id, amount, name in
            gmatch(found[2] or '', '(%d+) (%S+) (%d+) (%S+)\n')
        do
            later[#later + 1] = { start = whole(start), id = id,
                                  amount = whole(amount), name = name }
        end

        place(plain)

        return all
    end

    -- The pocket of a name; one that is gone is made again.
    local function pocket_of(name)
        for _, p in ipairs(read()) do
            if p.name == name then
                return p
            end
        end

        local p = pocket_from(name, 0)

        place(p)

        return p
    end

    local function move(p, amount)
        p.amount = p.amount + amount
        changed = changed or all or p ~= plain

        if p ~= plain then
            sum = sum + amount
            scoped = scoped + (p.scope ~= '*' and amount or 0)
        end

        if amount > 0 and p.ends > 0 and (next_ms == 0 or p.ends < next_ms) then
            next_ms = p.ends
        end
    end

    -- When the next thing is due, of all.
    local function soonest()
        local soon = 0

        for i = 1, #all + #later do
            local p = all[i]
            local at = not p and later[i - #all].start
                       or p and p.amount > 0 and p.ends or 0

            if at > 0 and (soon == 0 or at < soon) then
                soon = at
            end
        end

        return soon
    end

    -- What all of it comes to: what avail is then.
    function part.total()
        return plain.amount + sum
    end

    function part.next()
        return next_ms
    end

    -- What it came to when a grant started, where its fall is to be told.
    function part.topped()
        return topped
    end

    -- What there is for a feature.
    function part.usable(feature)
        if scoped == 0 or feature == true then
            return plain.amount + sum
        end

        if not all and head.amount == scoped and head.scope ~= '*' then
            return plain.amount + sum - (fits(head, feature) and 0 or scoped)
        end

        local credits = 0

        for _, p in ipairs(read()) do
            credits = credits + (fits(p, feature) and p.amount or 0)
        end

        return credits
    end

    -- Takes an amount, of which there is enough, and returns the list of where.
    function part.burn(amount, feature)
        local list = {}

        if amount == 0 then
            return list
        end

        if not all and head.amount > amount and fits(head, feature) then
            move(head, 0 - amount)
            return { { head.name, amount } }
        end

        for _, p in ipairs(read()) do
            if amount > 0 and p.amount > 0 and fits(p, feature) then
                local taken = math.min(p.amount, amount)

                move(p, 0 - taken)
                amount = amount - taken
                list[#list + 1] = { p.name, taken }
            end
        end

        assert(amount == 0, 'the pockets have too little')

        return list
    end

    -- Takes up to an amount of one pocket; what it was.
    function part.take(name, amount)
        local p = pocket_of(named(name))
        local taken = math.min(p.amount, amount)

        move(p, 0 - taken)

        return taken
    end

    -- Gives back what is in a list, the last that burnt first.
    function part.give(list)
        for i = #list, 1, -1 do
            local name, amount = list[i][1], list[i][2]

            move(not all and name == head.name and head or pocket_of(name),
                 amount)
        end
    end

    -- A grant that is to start: "start id amount name".
    function part.add_later(line)
        local start, id, amount, name =
            match(line, '^(%d+) (%w+) (%d+) (%S+)$')

        assert(start, 'a later grant is "start id amount pocket"')
        read()
        later[#later + 1] = { start = whole(start), id = id,
                              amount = whole(amount), name = named(name) }
        changed, next_ms = true, soonest()
    end

    -- Has a grant not start after all; whether it was to come.
    function part.drop_later(id)
        local known = false

        read()

        for i = #later, 1, -1 do
            if later[i].id == id then
                table.remove(later, i)
                changed, known = true, true
            end
        end

        return known
    end

    -- The pairs of two lists in the order of burning, one pair a name.
    function part.join(one, other)
        local sums, pockets, list = {}, {}, {}

        for i = 1, #one + #other do
            local name, amount = unpack(one[i] or other[i - #one])

            if not sums[name] then
                pockets[#pockets + 1] = name == '-' and plain
                                        or pocket_from(name, 0)
            end

            sums[name] = (sums[name] or 0) + amount
        end

        table.sort(pockets, before)

        for i = 1, #pockets do
            list[i] = { pockets[i].name, sums[pockets[i].name] }
        end

        return list
    end

    -- The list that a text "name=amount,..." tells, or a name alone, of so much
    -- in all.
    function part.list(text_of, amount)
        if not string.find(text_of, '=', 1, true) then
            return { { named(text_of), amount } }
        end

        local list, total = {}, 0

        for word in gmatch(text_of, '[^,]+') do
            local name, credits = match(word, '^([^=]+)=(%d+)$')

            assert(name, 'pockets are "name=amount,..."')
            list[#list + 1] = { named(name), whole(credits) }
            total = total + credits
        end

        assert(total == amount, 'the amounts of pockets do not add up')

        return part.join(list, {})
    end

    -- Parts a list: what comes to an amount, and the rest.
    function part.cut(list, amount)
        local front, rest = {}, {}

        for i = 1, #list do
            local name, credits = list[i][1], list[i][2]
            local taken = math.min(credits, amount)

            amount = amount - taken

            if taken > 0 then
                front[#front + 1] = { name, taken }
            end

            if credits > taken then
                rest[#rest + 1] = { name, credits - taken }
            end
        end

        return front, rest
    end

    -- The text of a list, '' where there is nothing but the plain pocket.
    function part.text(list)
        local words, only = {}, true

        for i = 1, #list do
            words[i] = list[i][1] .. format('=%.0f', list[i][2])
            only = only and list[i][1] == '-'
        end

        return only and '' or table.concat(words, ',')
    end

    -- What an item of the register has of a list behind its units.
    function part.item(list)
        if #list == 1 then
            return list[1][1] == '-' and '' or ' ' .. list[1][1]
        end

        local words = part.text(list)

        return words == '' and '' or ' ' .. words
    end

    -- The ticket of a request with a word for its list.  What is too long for
    -- it is kept beside the wallet as long as it can be given back; without an
    -- id nothing is.
    function part.ticket(ticket, list, id)
        local words = part.text(list)

        if words == '' then
            return ticket
        end

        ticket = ticket .. (ticket == '' and '' or ';') .. 'p:'

        if id and #ticket + #words > TICKET_MOST then
            far[id], words = 'p:' .. words, '@'
        end

        return ticket .. words
    end

    -- What is due: the events that tell of it, each of kind, delta and items.
    -- A start that would be too much for a wallet waits.
    function part.due()
        if next_ms == 0 or now_ms < next_ms then
            return {}
        end

        local events, coming, items, ended = {}, {}, {}, 0

        read()

        for _, grant in ipairs(later) do
            if grant.start <= now_ms and part.total() + grant.amount < 2^53 then
                move(pocket_of(grant.name), grant.amount)
                topped = low
                events[#events + 1] = { 'start', grant.amount,
                    grant.id .. format(' - - - - %.0f 0', grant.amount)
                    .. part.item({ { grant.name } }) }
            else
                coming[#coming + 1] = grant
            end
        end

        later, changed = coming, true

        for _, p in ipairs(all) do
            if p.amount > 0 and p.ends > 0 and p.ends <= now_ms then
                items[#items + 1] = format('- - - - - %.0f 0 ', p.amount)
                                    .. p.name
                ended = ended + p.amount
                move(p, 0 - p.amount)
            end
        end

        if #items > 0 then
            events[#events + 1] = { 'lapse', 0 - ended,
                                    table.concat(items, ';') }
        end

        next_ms = soonest()
        topped = topped and part.total()

        return events
    end

    -- Puts the fields; those that are gone go with after(), which comes behind.
    function part.write(put)
        local tail, lines = {}, {}

        if not changed then
            return
        end

        if all then
            head, next_ms = plain, soonest()

            for i = #all, 1, -1 do
                head = all[i].amount > 0 and all[i] or head
            end

            for i = 1, #all do
                local p = all[i]

                if p ~= head and p ~= plain and p.amount > 0 then
                    tail[#tail + 1] = p.name .. format(' %.0f\n', p.amount)
                end
            end

            for i, grant in ipairs(later) do
                lines[i] = format('%.0f ', grant.start) .. grant.id
                           .. format(' %.0f ', grant.amount) .. grant.name
                           .. '\n'
            end

            for field, lasts in pairs({ pocket = sum > 0 or #lines > 0,
                                        pockets = #tail > 0,
                                        later = #lines > 0 })
            do
                gone[#gone + 1] = not lasts and field or nil
            end
        end

        if not all or sum > 0 or #lines > 0 then
            put('pocket', format('%.0f %.0f ', next_ms, sum) .. head.name
                          .. format(' %.0f %.0f', head ~= plain and head.amount
                                                  or 0, scoped))
        end

        if #tail > 0 then
            put('pockets', table.concat(tail))
        end

        if #lines > 0 then
            put('later', table.concat(lines))
        end

        -- the balance falls from what a start made of it
        if topped then
            put('full', format('%.0f', topped))
            put('warned', '0')
        end
    end

    function part.after()
        local tag, account = match(key, '^(.*:)w:(.*)$')

        if #gone > 0 then
            call('HDEL', key, unpack(gone))
        end

        if next_ms ~= next_before and next_ms > 0 then
            call('ZADD', tag .. 'g', format('%.0f', next_ms), account)

        elseif next_ms ~= next_before then
            call('ZREM', tag .. 'g', account)
        end

        for id, words in pairs(far) do
            call('SET', tag .. 'r:' .. id, words, 'EX', MARKER_S)
        end
    end

    plain.amount = avail

    if text then
        local due, named_sum, name, amount, limited =
            match(text, '^(%d+) (%d+) (%S+) (%d+) ?(%d*)$')

        next_ms, sum = whole(due), whole(named_sum)
        plain.amount, next_before = avail - sum, next_ms
        head = name == '-' and plain or pocket_from(name, whole(amount))
        scoped = tonumber(limited)
        assert(plain.amount >= 0, 'the pockets have more than avail')

        if not scoped then
            read()
        end
    end

    part.events = part.due()

    return part
end
