/**
 * What every atomic step on a room begins with, as Lua. Each step runs on one slot:
 * KEYS: seats, nodes, the room's channel, then (where one peer is meant) its presence key.
 * ARGV: 1 PUBLISH or SPUBLISH, 2 deadline (Redis's clock, ms; 0 for none), 3 an epoch in case one begins, 4 this node,
 * 5 its life, 6 when the room's keys may be forgotten (unix s; 0 where that is not known), 7… as each says.
 * `room-seat.ts` and `room-view.ts` describe what is kept, `room-change.ts` what is told. Answers begin with a word.
 *
 * Every change is published by the script that makes it, so versions have no gaps. Versions are Redis's time in
 * microseconds, or one more than the last: they grow even if Redis has lost its memory.
 */
export const ROOM_LUA = `
local seats, nodes, channel, presence = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local publish, deadline, me, life, keepUntil = ARGV[1], tonumber(ARGV[2]), ARGV[4], ARGV[5], tonumber(ARGV[6])
local function text(number) return string.format('%.0f', number) end
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
-- Redis was stopped meanwhile: who asked has been told that it failed.
if deadline > 0 and now > deadline * 1000 then return {'late', text(now / 1000)} end
local epoch, version, born, expires, host, creator, mode =
  unpack(redis.call('HMGET', seats, 'epoch', 'version', 'born', 'expires', 'host', 'creator', 'mode'))
version, born, expires = tonumber(version or 0), tonumber(born or now), tonumber(expires or 0)

local function split(value)
  local lines = {}
  for line in string.gmatch(value .. '\\n', '([^\\n]*)\\n') do lines[#lines + 1] = line end
  return lines
end
local function find(peer)
  local value = redis.call('HGET', seats, 's:' .. peer)
  return value and split(value)
end
-- A seat is taken by who is here, and by a full session that is away.
local function takes(standing, quiet) return standing == 'here' or (standing == 'away' and quiet == '0') end
-- Taking a seat apart costs more than all else that is done with it: visitors do so where they must.
local function place(value)
  return takes(string.match(value, '^[^\\n]*\\n[^\\n]*\\n[^\\n]*\\n[^\\n]*\\n[^\\n]*\\n([^\\n]*)\\n([^\\n]*)'))
end
local function each(visit)
  local fields = redis.call('HGETALL', seats)
  for at = 1, #fields, 2 do
    if string.sub(fields[at], 1, 2) == 's:' then visit(string.sub(fields[at], 3), fields[at + 1]) end
  end
end
local function count(node, by)
  if redis.call('HINCRBY', nodes, node, by) <= 0 then
    redis.call('HDEL', nodes, node)
    redis.call('HDEL', seats, 'l:' .. node)
  end
end
local function nextVersion() return text(math.max(version + 1, now)) end
local function tell(...)
  local previous, new = text(version), nextVersion()
  if not epoch then
    epoch, born = ARGV[3], now
    redis.call('HSET', seats, 'epoch', epoch, 'born', text(born))
  end
  version = tonumber(new)
  redis.call('HSET', seats, 'version', new)
  redis.call(publish, channel, table.concat({'1', epoch, previous, new, me, ...}, '\\n'))
end
-- Nothing stays without a TTL, and nothing ends while it is used.
local function keep()
  if not epoch then return end
  if keepUntil > expires then
    expires = keepUntil
    redis.call('HSET', seats, 'expires', text(expires))
  end
  local at = text(math.max(expires, math.ceil(now / 1000000) + 3600))
  redis.call('EXPIREAT', seats, at)
  redis.call('EXPIREAT', nodes, at)
end
local function alive(yes)
  if yes then redis.call('SET', presence, me, 'EX', 30) else redis.call('DEL', presence) end
end
`;
