--[[
back.lua: gives back what a ticket says that a request took beside credits and
units.  A ticket is words joined by ";", each a tag, a colon and what the part
of gate.lua wrote that took it.  Part of refund.lua.
]]

-- By tag: what gives it back.  It gets the word behind its tag, and writes.
local BACK = {}


-- The words of a ticket as pairs of what gives back and what it gets; raises
-- where one is unknown.
local function ticket_words(ticket)
    local words = {}

    for tag, word in string.gmatch(ticket, '(%l+):([^;]+)') do
        assert(BACK[tag], 'a ticket has an unknown word')
        words[#words + 1] = { BACK[tag], word }
    end

    return words
end
