-- keys.lua: wrk sends requests with the keys of the first ACCOUNTS lines of the
-- file KEYS, mixed by Zipf's law: the n-th comes 1/n as often as the first.

local MIX = 131072
local mix, at = {}, 0

function init()
    local accounts, sum = tonumber(os.getenv('ACCOUNTS')), 0
    local requests, sums = {}, {}

    for key in io.lines(os.getenv('KEYS')) do
        local n = #requests + 1

        requests[n] = wrk.format('GET', nil,
                                 { ['Authorization'] = 'Bearer ' .. key })
        sum = sum + 1 / n
        sums[n] = sum
        if n == accounts then
            break
        end
    end

    math.randomseed(1)
    for n = 1, MIX do
        local point, low, high = math.random() * sum, 1, #requests

        while low < high do
            local middle = math.floor((low + high) / 2)

            if sums[middle] < point then
                low = middle + 1
            else
                high = middle
            end
        end

        mix[n] = requests[low]
    end
end

function request()
    at = at % MIX + 1
    return mix[at]
end

function done(summary, latency)
    local errors = summary.errors

    io.write('RESULT ', table.concat({ summary.requests, summary.duration,
        latency:percentile(50), latency:percentile(95), latency:percentile(99),
        latency:percentile(99.9), errors.connect + errors.read + errors.write
        + errors.timeout + errors.status }, ' '), '\n')
end
