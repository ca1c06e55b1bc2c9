--[[
gate.lua: decides requests of several accounts, those of each in order, and
charges those that pass as one event of the cheque register for each account.

KEYS    for each account: wallet, ledger
ARGV    deadline (us, 0 = none), then for each account: account, plan key
        prefix, n, then n times:
        request id, key hash, or the record of a download link in its place,
        feature (- if none), model (-), tier needed,
        cost (micro-credits), units, flags (1 = dry run, 2 = look), origin:
        address (hex digits), method, scope needed (- for what is not known)
        and path, separated by a space; extras (- if none): what only some
        requests ask for, "name=value" separated by a space
Returns Redis time (us), then for each account: epoch, then n answers; or the
        text of an error in the place of the epoch, and no answer: of this
        account nothing is decided.  An answer is of 12 values: verdict,
        app id, key id, plan, tier, mode, credits charged, units used, avail
        after, limit that refused (or "rules": it passed those of its key), ms
        until it could pass (0 = unknown), and which of these stand behind it, a
        sum: 1, of a plan that has rates: key rate (burst, remaining, ms until
        full), app rate (the same); 2, of a plan that has a quota, and in a
        look: day (limit, remaining, end in s), month (the same); 4: ticket,
        limits

The ticket is what was taken beside credits and units, opaque to the gate's
module, which hands it back to the script that gives back; of a request that is
refused and would pass with what hosts have on lease, "lent".  Limits are the
lines that tell of limits with a name.  Most requests have neither.

A refused request and a dry run leave nothing behind, but for a call for what
is on lease; where no request passed nothing else is written.  A look, of cost
and units 0, is not held up by the rates and takes nothing of them; in place of
credits charged, units used and ms it tells what is held, and what was used in
the day and in the month.

All requests are decided before anything is written.  Accounts know nothing of
each other: what goes wrong with one is told to its requests alone.

All of this text runs anew for every call, and Redis runs nothing else: hence
few functions and upvalues, which cost time, and x - x % 1 in place of
math.floor.
]]

local KEYS, ARGV = KEYS, ARGV
local deadline = tonumber(ARGV[1])
local STRIDE = 10

local call, format = redis.call, string.format

-- of the account whose turn it is; plans and fields are kept for the next one
local k_wallet, k_ledger, account, plan_prefix
local NONE = {}
local plans, fields = {}, { 'epoch', 'seq', 'avail', 'held', 'state', 'plan',
                            'day', 'day_used', 'month', 'month_used', 'l',
                            'zone', 'low', 'owed', 'pocket', '' }

local clock = call('TIME')
local now_s = tonumber(clock[1])
local now = now_s * 1000000 + tonumber(clock[2])
local now_ms = (now - now % 1000) / 1000
local reply, size = { now, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 }, 1

-- The functions, in one that has the names above as upvalues: they are handed
-- on to those in it at less than what it costs to find a local.  Returns
-- judge(at, count) and write(...), for the account whose turn it is.
local function make_gate()
--: include gate/wallet.lua
--: include gate/rules.lua
--: include gate/rate.lua
--: include gate/decide.lua
--: include gate/answer.lua

-- What only some requests need is made where a call has one of them.
local function make_parts()
--: include gate/calendar.lua
--: include gate/idem.lua
--: include gate/link.lua
--: include gate/limits.lua
--: include gate/running.lua
--: include gate/balance.lua
--: include gate/content.lua
--: include gate/hold.lua
--: include gate/recall.lua
--: include gate/pocket_names.lua
--: include gate/pockets.lua
    return {
        balance = open_balance, calendar = open_calendar,
        content = open_content, hold = open_hold, idem = open_idem,
        limits = open_limits, link = open_link, pockets = open_pockets,
        recall = open_recall, running = open_running
    }
end

local makers

local function open(name, ...)
    makers = makers or make_parts()

    return makers[name](...)
end

--: include gate/account.lua
--: include gate/judge.lua
--: include gate/write.lua

return judge, write
end


-- The account whose turn it is.
local function turn_to(i, at)
    k_wallet, k_ledger = KEYS[i], KEYS[i + 1]
    account, plan_prefix = ARGV[at], ARGV[at + 1]
end

-- What went wrong with an account takes the place of its answers.
local function answer_fault(from, to, fault)
    local gone, text = to - from, type(fault) == 'table' and fault.err or fault

    -- an error of Redis begins with its code
    reply[from] = string.find(text, '^%u+ ') and text or 'ERR ' .. text

    for n = from + 1, size do
        reply[n] = reply[n + gone]
    end

    size = size - gone
end


-- first half: read and decide

local judge, write = make_gate()
local at, passed, known = 2, {}, {}

for i = 1, #KEYS, 2 do
    local count, from = ARGV[at + 2] + 0, size + 1

    -- decided twice before it is written it would spend its balance twice
    assert(not known[KEYS[i]], 'an account comes twice')
    known[KEYS[i]] = true

    reply[from], size = 0, from

    turn_to(i, at)

    local sound, w, p, before = pcall(judge, at + 2, count)

    if not sound then
        answer_fault(from, size, w)

    elseif w then
        passed[#passed + 1] = { w, p, before, i, at, from, size }
    end

    at = at + 3 + count * STRIDE
end

-- second half: write

local faults

for i = 1, #passed do
    local w, p, before, turn, place, from, to = unpack(passed[i])

    turn_to(turn, place)

    local sound, fault = pcall(write, w, p, before)

    if not sound then
        faults = { from = from, to = to, fault = fault, before = faults }
    end
end

-- the last one first: the places of the others stay
while faults do
    answer_fault(faults.from, faults.to, faults.fault)
    faults = faults.before
end

-- made with room for one answer
reply[size + 1] = nil

return reply
