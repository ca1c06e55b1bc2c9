-- keys.lua: wrk sends requests with the keys of the file named by KEYS, in turn.

local requests, at = {}, 0

function init()
    for key in io.lines(os.getenv('KEYS')) do
        requests[#requests + 1] = wrk.format('GET', nil,
            { ['Authorization'] = 'Bearer ' .. key })
    end
end

function request()
    at = at % #requests + 1
    return requests[at]
end

function done(summary, latency)
    local errors = summary.errors

    io.write(string.format('RESULT %d %d %d %d %d\n', summary.requests,
        summary.duration, latency:percentile(50), latency:percentile(99),
        errors.connect + errors.read + errors.write + errors.timeout
        + errors.status))
end
