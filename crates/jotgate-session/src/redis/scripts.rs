//! The two scripts that run inside Redis, each alone and as a whole.

use redis::Script;

/// Compiled once; Redis is given the text when it does not know the hash.
pub(super) struct Scripts {
    pub(super) open: Script,
    pub(super) write: Script,
}

/// What a script answers when the store is another one than the caller knows.
pub(super) const OTHER_STORE: &str = "JOTGATESTORE";

impl Scripts {
    pub(super) fn new() -> Self {
        Self {
            open: Script::new(OPEN),
            write: Script::new(WRITE),
        }
    }
}

/// KEYS: store, changes. ARGV: the id of a new store, the version of the keys.
/// Gives id, begin, version, and the clock in milliseconds. Makes the store when there is none. A new stream begins a millisecond ahead:
/// behind every entry of one that was lost just now, so that nodes which read on from there see that it is another.
const OPEN: &str = r"
local time = redis.call('TIME')
local millis = time[1] .. string.format('%03d', math.floor(time[2] / 1000))
redis.call('HSETNX', KEYS[1], 'version', ARGV[2])
redis.call('HSETNX', KEYS[1], 'began', time[1])
local is_new = redis.call('HSETNX', KEYS[1], 'id', ARGV[1]) == 1
if redis.call('EXISTS', KEYS[2]) == 0 then
    redis.call('XADD', KEYS[2], string.format('%.0f-0', millis + 1), 'o', ARGV[1])
elseif is_new then
    redis.call('XADD', KEYS[2], '*', 'o', ARGV[1])
end
local store = redis.call('HMGET', KEYS[1], 'id', 'began', 'version')
return {store[1], store[2], store[3], millis}
";

/// KEYS: store, sessions, activity, changes. ARGV: the id of the store, the node, how many changes the
/// stream keeps, then for each operation its letter and its arguments:
///
/// - `c` key, sealed session, last use, user's set, limit (0: none), n, n keys that have run out.
///   Gives 0, 1 when the key is taken, 2 when the user has too many.
/// - `e` key, reason, user's set, public id. Gives 0. A program may have named a new session as this one.
/// - `u` key, last use. Gives 0.
/// - `t` key of the token, milliseconds. Gives 0, 1 when it was used before.
const WRITE: &str = r"
local store, sessions, activity, changes = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
if redis.call('HGET', store, 'id') ~= ARGV[1] then
    return redis.error_reply('JOTGATESTORE it is another store')
end
local results, i = {}, 4
local function tell(field, value, at)
    redis.call('XADD', changes, 'MAXLEN', '~', ARGV[3], '*', 'n', ARGV[2], field, value, 'a', at)
end
while i <= #ARGV do
    local letter, key, result = ARGV[i], ARGV[i + 1], 0
    if letter == 'c' then
        local record, at, user, limit = ARGV[i + 2], ARGV[i + 3], ARGV[i + 4], tonumber(ARGV[i + 5])
        local over = tonumber(ARGV[i + 6])
        local kept = redis.call('HGET', sessions, key)
        local count = 0
        if limit > 0 then
            count = redis.call('SCARD', user)
            for j = i + 7, i + 6 + over do
                count = count - redis.call('SISMEMBER', user, ARGV[j])
            end
        end
        if kept then
            if kept ~= record then result = 1 end
        elseif limit > 0 and count >= limit then
            result = 2
        else
            redis.call('HSET', sessions, key, record)
            redis.call('ZADD', activity, at, key)
            redis.call('SADD', user, key)
            tell('c', key .. record, at)
        end
        i = i + 7 + over
    elseif letter == 'e' then
        local kept = redis.call('HGET', sessions, key)
        if not kept or string.sub(kept, 1, 16) == ARGV[i + 4] then
            redis.call('ZREM', activity, key)
            redis.call('SREM', ARGV[i + 3], key)
            redis.call('HDEL', sessions, key)
        end
        if kept and string.sub(kept, 1, 16) == ARGV[i + 4] then
            tell('e', key .. ARGV[i + 4] .. ARGV[i + 2], 0)
        end
        i = i + 5
    elseif letter == 'u' then
        if redis.call('ZADD', activity, 'XX', 'GT', 'CH', ARGV[i + 2], key) == 1 then
            tell('u', key, ARGV[i + 2])
        end
        i = i + 3
    else
        if not redis.call('SET', key, '1', 'NX', 'PX', ARGV[i + 2]) then result = 1 end
        i = i + 3
    end
    results[#results + 1] = result
end
return results
";
