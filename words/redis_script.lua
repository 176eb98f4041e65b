-- What is done to a store within Redis, as one step that no other comes between. KEYS: the state, a hash; the
-- entries, a sorted set of ENTRY<TAB>SEVERITY in the order of their bytes; those that are insults, a set.
-- ARGV: the verb, the farm, the store's identity, the version that the caller has seen, then the verb's own.
local state, entries, insults = KEYS[1], KEYS[2], KEYS[3]
local verb = ARGV[1]

local function get(...)
    return redis.call('HMGET', state, ...)
end

local function set(...)
    redis.call('HSET', state, ...)
end

if verb == 'open' then
    if redis.call('EXISTS', state) == 0 then
        set('farm', ARGV[2], 'schema', 1, 'id', ARGV[3], 'version', 0, 'broadcast', 0, 'holder', '', 'due', 0, 'free', 0)
    end
    return get('farm', 'schema', 'id')
end

local own = get('farm', 'id', 'version', 'broadcast')
if not own[1] then
    return redis.error_reply('WINNOW the words are gone; version ' .. ARGV[4] .. ' was there')
elseif own[1] ~= ARGV[2] or own[2] ~= ARGV[3] then
    return redis.error_reply('WINNOW another store is there in place of that of version ' .. ARGV[4])
elseif tonumber(own[3]) < tonumber(ARGV[4]) then
    return redis.error_reply('WINNOW its version has fallen from ' .. ARGV[4] .. ' to ' .. own[3])
end
local version, on = tonumber(own[3]), tonumber(own[4])

-- What is read comes first, as it is asked for most. Many lines are one text: that is one value to write and to read,
-- not a hundred thousand.
if verb == 'list' or verb == 'random' then
    local lines
    if verb == 'list' then
        lines = redis.call('ZRANGEBYLEX', entries, ARGV[5], ARGV[6], 'LIMIT', 0, ARGV[7])
    else
        lines = redis.call('SRANDMEMBER', insults, ARGV[5])
    end
    lines[#lines + 1] = ''
    return {version, on, 0, 0, table.concat(lines, '\n')}
end

local known, unknown, changed, found = 0, 0, false, ''

-- The line of an entry, or nil: behind the tab there are digits, and a colon follows those.
local function find(entry)
    return redis.call('ZRANGEBYLEX', entries, '[' .. entry .. '\t', '[' .. entry .. '\t:', 'LIMIT', 0, 1)[1]
end

-- What a list allows is no insult.
local function put(line)
    redis.call('ZADD', entries, 0, line)
    if line:sub(1, 1) ~= '!' then
        redis.call('SADD', insults, line)
    end
end

local function drop(line)
    redis.call('ZREM', entries, line)
    redis.call('SREM', insults, line)
end

local function add(entry, severity)
    local there = find(entry)
    if there and tonumber(there:match('%d+$')) >= tonumber(severity) then
        return there
    end
    if there then
        drop(there)
    end
    put(entry .. '\t' .. severity)
    changed = true
    return there
end

local function remove(entry)
    local there = find(entry)
    if there then
        drop(there)
        changed = true
    end
    return there
end

if verb == 'add' or verb == 'remove' then
    for i = 5, #ARGV, 2 do
        local there
        if verb == 'add' then
            there = add(ARGV[i], ARGV[i + 1])
        else
            there = remove(ARGV[i])
        end
        if there then
            known = known + 1
        else
            unknown = unknown + 1
        end
    end
elseif verb == 'start' or verb == 'stop' then
    on = verb == 'start' and 1 or 0
    set('broadcast', on)
elseif verb == 'look' then
    local time = redis.call('TIME')
    found = get('holder', 'due', 'free')
    found[4], found[5] = time[1], time[2]
elseif verb == 'swap' then
    local turn = get('holder', 'due', 'free')
    if turn[1] == ARGV[5] and turn[2] == ARGV[6] and turn[3] == ARGV[7] then
        set('holder', ARGV[8], 'due', ARGV[9], 'free', ARGV[10])
        known = 1
    end
end
if changed then
    version = version + 1
    set('version', string.format('%.0f', version))
end
return {version, on, known, unknown, found}
