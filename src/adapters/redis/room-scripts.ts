/**
 * The atomic steps on the seats of a room, as Lua. Each runs on one slot:
 * KEYS: seats, nodes, the room's channel, then (where one peer is meant) its presence key.
 * ARGV: 1 PUBLISH or SPUBLISH, 2 deadline (Redis's clock, ms; 0 for none), 3 an epoch in case one begins, 4 this node,
 * 5 its life, 6 when the room's keys may be forgotten (unix s; 0 where that is not known), 7… as each says.
 * `room-seat.ts` describes seats and changes. Answers begin with a word.
 *
 * Every change is published by the script that makes it, so versions have no gaps. Versions are Redis's time in
 * microseconds, or one more than the last: they grow even if Redis has lost its memory.
 */
const COMMON = `
local seats, nodes, channel, presence = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local publish, deadline, me, life, keepUntil = ARGV[1], tonumber(ARGV[2]), ARGV[4], ARGV[5], tonumber(ARGV[6])
local function text(number) return string.format('%.0f', number) end
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
-- Redis was stopped meanwhile: who asked has been told that it failed.
if deadline > 0 and now > deadline * 1000 then return {'late', text(now / 1000)} end
local epoch, version, born, expires = unpack(redis.call('HMGET', seats, 'epoch', 'version', 'born', 'expires'))
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
local function each(visit)
  local fields = redis.call('HGETALL', seats)
  for at = 1, #fields, 2 do
    if string.sub(fields[at], 1, 2) == 's:' then visit(string.sub(fields[at], 3), split(fields[at + 1])) end
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
local function write(peer, seat, note)
  local old = find(peer)
  if seat[6] ~= 'kept' then count(seat[4], 1) end
  if old and old[6] ~= 'kept' then count(old[4], -1) end
  if seat[4] == me and seat[6] ~= 'kept' then redis.call('HSET', seats, 'l:' .. me, life) end
  local lines = table.concat(seat, '\\n')
  redis.call('HSET', seats, 's:' .. peer, lines)
  redis.call('HDEL', seats, 'g:' .. peer)
  tell('seat', note or '-', peer, lines)
end
local function remove(peer, seat, reason)
  redis.call('HDEL', seats, 's:' .. peer)
  if seat[6] ~= 'kept' then count(seat[4], -1) end
  tell('gone', reason, peer, seat[5], seat[1])
end
-- The memory of such a seat was lost, or may have been: that it is not here proves nothing.
local function isFromBefore(peer, generation, doubt)
  if tonumber(generation) <= tonumber(redis.call('HGET', seats, 'g:' .. peer) or 0) then return false end
  return doubt == '1' or tonumber(generation) < born
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
local function answer(word)
  keep()
  local view = redis.call('HGETALL', seats)
  table.insert(view, 1, word)
  return view
end
`;

/**
 * [N1] Seats a session unless another user holds the name or the room is full. The call that was made before under the
 * same ticket is answered again.
 * ARGV: 7 how many seats the room has, 8 generation that may be replaced, 9 peer, 10 ticket, 11 edit, 12… seat lines.
 */
const ENTER = `${COMMON}
local peer, ticket, sub = ARGV[9], ARGV[10], ARGV[15]
local holder = find(peer)
if holder and holder[3] == ticket then return answer('seated') end
if holder and holder[6] ~= 'kept' and holder[8] ~= sub and holder[1] ~= ARGV[8] then
  return {'held', table.concat(holder, '\\n')}
end
if takes(ARGV[13], ARGV[14]) then
  local taken = 0
  each(function(other, seat) if other ~= peer and takes(seat[6], seat[7]) then taken = taken + 1 end end)
  if taken >= tonumber(ARGV[7]) then return {'full'} end
end
write(peer, {nextVersion(), ARGV[11], ticket, me, unpack(ARGV, 12, 17)})
alive(true)
return answer('seated')
`;

/**
 * [N2] Moves the seat of that generation to this node. The call that was made before under the same ticket is answered
 * again.
 * ARGV: 7 peer, 8 generation, 9 ticket, 10 edit, 11 token hashes, 12 note (`+` before it) or `-`.
 */
const MOVE = `${COMMON}
local peer, ticket = ARGV[7], ARGV[9]
local seat = find(peer)
if seat and seat[3] == ticket then return answer('seated') end
if not seat or seat[1] ~= ARGV[8] then return {'no'} end
write(peer, {nextVersion(), ARGV[10], ticket, me, seat[5], 'here', seat[7], seat[8], ARGV[11], seat[10]}, ARGV[12])
alive(true)
return answer('seated')
`;

/**
 * [N3] Writes a seat that is still this node's, or that this memory never held. An older edit than the last is void.
 * ARGV: 7 peer, 8 generation, 9 edit, 10 doubt (0 or 1), 11… seat lines.
 */
const UPDATE = `${COMMON}
local peer, generation, edit = ARGV[7], ARGV[8], ARGV[9]
local seat = find(peer)
if not seat and not isFromBefore(peer, generation, ARGV[10]) then return {'no'} end
if seat and (seat[1] ~= generation or seat[4] ~= me) then return {'no'} end
if not seat or tonumber(seat[2]) < tonumber(edit) then
  write(peer, {generation, edit, seat and seat[3] or '-', me, unpack(ARGV, 11, 16)})
  alive(ARGV[12] == 'here')
  keep()
end
return {'yes'}
`;

/**
 * [N4] Removes the seat of that generation, whoever serves it. One that this memory never held is gone all the same,
 * once.
 * ARGV: 7 peer, 8 generation, 9 reason, 10 doubt (0 or 1).
 */
const LEAVE = `${COMMON}
local peer, generation, reason = ARGV[7], ARGV[8], ARGV[9]
local seat = find(peer)
if seat and seat[1] ~= generation then return {'no'} end
if not seat and not isFromBefore(peer, generation, ARGV[10]) then return {'no'} end
if seat then
  remove(peer, seat, reason)
else
  tell('gone', reason, peer, '', generation)
  redis.call('HSET', seats, 'g:' .. peer, generation)
end
alive(false)
keep()
return {'yes', seat and seat[4] or ''}
`;

/**
 * [N5] Puts the seats of this node back where they are missing or differ, and removes what stands there for it and is
 * none of them; but not what was taken by a call whose answer is still on its way (by its ticket), nor what was given
 * after this was asked (a second before its deadline), nor kept names.
 * ARGV: 7 number of tickets, the tickets, then for each seat: peer, generation, edit, seat lines.
 */
const RECONCILE = `${COMMON}
local tickets, own = {}, {}
local first = 8 + tonumber(ARGV[7])
for at = 8, first - 1 do tickets[ARGV[at]] = true end
for at = first, #ARGV, 9 do own[ARGV[at]] = at end
each(function(peer, seat)
  local at = own[peer]
  local isMine = at and ARGV[at + 3] == seat[5]
  -- Given after this was asked: what was sent to a stopped Redis may overtake what was sent later, or be overtaken.
  local isNew = deadline > 0 and tonumber(seat[1]) > (deadline - 1000) * 1000
  if seat[4] == me and seat[6] ~= 'kept' and not isMine and not isNew and not tickets[seat[3]] then
    remove(peer, seat, 'disconnected')
  end
end)
for at = first, #ARGV, 9 do
  local peer, generation, edit = ARGV[at], ARGV[at + 1], ARGV[at + 2]
  version = math.max(version, tonumber(generation))
  local seat = find(peer)
  local new = {generation, edit, seat and seat[3] or '-', me, unpack(ARGV, at + 3, at + 8)}
  if not seat then
    write(peer, new)
  elseif seat[1] == generation and seat[4] == me then
    redis.call('HSET', seats, 'l:' .. me, life)
    seat[2] = edit
    if table.concat(seat, '\\n') ~= table.concat(new, '\\n') then write(peer, new) end
  end
end
return answer('view')
`;

/**
 * [N6] Ends the seats of a node that has not written here since the life in which it was judged dead. Answers with the
 * peers whose seats it ended, `+` before a name that stays kept, `-` before one that is gone.
 * ARGV: 7 the node, 8 its life.
 */
const SWEEP = `${COMMON}
local node, ended = ARGV[7], {'swept'}
if tonumber(redis.call('HGET', seats, 'l:' .. node) or 0) > tonumber(ARGV[8]) then return ended end
each(function(peer, seat)
  if seat[4] ~= node or seat[6] == 'kept' then return end
  if seat[7] == '1' then
    seat[6] = 'kept'
    write(peer, seat)
    ended[#ended + 1] = '+' .. peer
  else
    remove(peer, seat, 'disconnected')
    ended[#ended + 1] = '-' .. peer
  end
end)
if #ended > 1 then keep() end
return ended
`;

export const roomScripts = {
  enter: ENTER,
  move: MOVE,
  update: UPDATE,
  leave: LEAVE,
  reconcile: RECONCILE,
  sweep: SWEEP,
} as const;
