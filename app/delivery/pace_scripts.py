"""What changes the shared pace, in Lua: each runs whole in Redis, between the steps of all workers.

The schedule is one number, the instant from which a call may begin, in microseconds since 1970. Redis keeps
what was reserved of the daily quota by spans of 5 s, so that it can be told what an answer of the account has
in it already.
"""

RESERVE = """
if redis.call('EXISTS', KEYS[2]) == 1 then return '-1' end
local time = redis.call('TIME')
local day = redis.call('HMGET', KEYS[3], 'left', 'since')
if day[1] then
    local used, reserved = 0, redis.call('HGETALL', KEYS[4])
    for i = 1, #reserved, 2 do
        if tonumber(reserved[i]) >= tonumber(day[2]) then used = used + reserved[i + 1] end
    end
    if used + ARGV[1] > tonumber(day[1]) then
        redis.call('SET', KEYS[2], string.format('%d', time[1] + ARGV[3]), 'EX', ARGV[3])
        return '-1'
    end
    redis.call('HINCRBY', KEYS[4], string.format('%d', time[1] - time[1] % 5), ARGV[1])
end
local now = time[1] * 1000000 + time[2]
local free = math.max(tonumber(redis.call('GET', KEYS[1]) or '0'), now)
local cost = tonumber(ARGV[1]) * 1000000 / tonumber(ARGV[2])
redis.call('SET', KEYS[1], string.format('%.0f', free + cost), 'PX', 600000)
return string.format('%.0f', free - now)
"""
GIVE_BACK = """
local free = redis.call('GET', KEYS[1])
if free then
    local cost = tonumber(ARGV[1]) * 1000000 / tonumber(ARGV[2])
    redis.call('SET', KEYS[1], string.format('%.0f', tonumber(free) - cost), 'PX', 600000)
end
if redis.call('EXISTS', KEYS[2]) == 1 then
    local second = redis.call('TIME')[1]
    redis.call('HINCRBY', KEYS[3], string.format('%d', second - second % 5), -ARGV[1])
end
return 0
"""
NOTE_QUOTA = """
if tonumber(ARGV[1]) < 0 then redis.call('DEL', KEYS[1])
else
    redis.call('HSET', KEYS[1], 'left', ARGV[1], 'since', ARGV[2])
    redis.call('EXPIRE', KEYS[1], ARGV[3])
end
for _, second in ipairs(redis.call('HKEYS', KEYS[2])) do
    if tonumber(second) < tonumber(ARGV[2]) then redis.call('HDEL', KEYS[2], second) end
end
return 0
"""
TELL_RATE = """
if not redis.call('SET', KEYS[2], ARGV[1], 'EX', ARGV[2], 'GET') and redis.call('EXISTS', KEYS[1]) == 1 then
    local time = redis.call('TIME')
    local latest = time[1] * 1000000 + time[2] + tonumber(ARGV[3]) * 1000000
    local free = math.min(tonumber(redis.call('GET', KEYS[1])), latest)
    redis.call('SET', KEYS[1], string.format('%.0f', free), 'PX', 600000)
end
return 0
"""
SLOW_DOWN = """
local time = redis.call('TIME')
local earliest = time[1] * 1000000 + time[2] + tonumber(ARGV[1]) * 1000000
local free = math.max(tonumber(redis.call('GET', KEYS[1]) or '0'), earliest)
redis.call('SET', KEYS[1], string.format('%.0f', free), 'PX', 600000)
return 0
"""
