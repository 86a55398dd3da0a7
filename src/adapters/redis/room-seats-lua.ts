/** How seats are written and removed, as Lua: after `ROOM_LUA` and `AUTHORITY_LUA`. */
export const SEATS_LUA = `
local function write(peer, seat, message)
  local old = find(peer)
  if seat[6] ~= 'kept' then count(seat[4], 1) end
  if old and old[6] ~= 'kept' then count(old[4], -1) end
  if seat[4] == me and seat[6] ~= 'kept' then redis.call('HSET', seats, 'l:' .. me, life) end
  local lines = table.concat(seat, '\\n')
  redis.call('HSET', seats, 's:' .. peer, lines)
  redis.call('HDEL', seats, 'g:' .. peer)
  tell('seat', message or '-', peer, lines)
  judge(peer, seat)
end
local function remove(peer, seat, reason, ...)
  redis.call('HDEL', seats, 's:' .. peer)
  if seat[6] ~= 'kept' then count(seat[4], -1) end
  tell('gone', reason, peer, seat[5], seat[1], ...)
  vacate(peer)
end
-- Was it given up, as it was noted where a word from before that might come later?
local function hasEnded(peer, generation)
  return tonumber(generation) <= tonumber(redis.call('HGET', seats, 'g:' .. peer) or 0)
end
-- The memory of such a seat was lost, or may have been: that it is not here proves nothing.
local function isFromBefore(peer, generation, doubt)
  if hasEnded(peer, generation) then return false end
  return (doubt == '1' or tonumber(generation) < born) and not wasKicked(peer, generation)
end
local function answer(word)
  settle()
  keep()
  return look(word)
end
`;
