import { AUTHORITY_LUA } from './room-authority-lua.js';
import { ROOM_LUA } from './room-lua.js';
import { MODE_LUA } from './room-mode-lua.js';
import { SEATS_LUA } from './room-seats-lua.js';

/** The atomic steps on the seats of a room, as Lua (`room-lua.ts` says what they have in common). */
const COMMON = ROOM_LUA + AUTHORITY_LUA + SEATS_LUA;

/**
 * [N1] Seats a session unless its user is banned, or another user holds the name, or the room is full. The call that
 * was made before under the same ticket is answered again.
 * ARGV: 7 how many seats the room has, 8 generation that may be replaced, 9 peer, 10 ticket, 11 edit, 12… seat lines,
 * 18 the creator's sub, 19 exclusive (0 or 1), 20 anonymous (0 or 1), 21 the name before (or empty), 22 its generation,
 * 23 the mode of the room's record.
 */
const ENTER = `${COMMON}${MODE_LUA}
local peer, ticket, sub = ARGV[9], ARGV[10], ARGV[15]
local holder = find(peer)
if holder and holder[3] == ticket then return answer('seated') end
local banMs = banned(peer, sub, ARGV[20])
if banMs > 0 then return {'banned', text(banMs)} end
if holder and holder[6] ~= 'kept' and holder[1] ~= ARGV[8]
  and (holder[8] ~= sub or (ARGV[19] == '1' and holder[6] == 'here')) then
  return {'held', table.concat(holder, '\\n')}
end
local taken = 0
each(function(other, seat) if other ~= peer and place(seat) then taken = taken + 1 end end)
if takes(ARGV[13], ARGV[14]) and taken >= tonumber(ARGV[7]) then return {'full'} end
know(ARGV[18])
beginMode(ARGV[23], taken == 0 and not (holder and takes(holder[6], holder[7])))
local seat = {nextVersion(), ARGV[11], ticket, me, unpack(ARGV, 12, 17)}
local before = ARGV[21] ~= '' and ARGV[21] ~= peer and find(ARGV[21])
local isRenamed = before and before[1] == ARGV[22]
seat[11] = isRenamed and before[11] or seat[1]
write(peer, seat)
if isRenamed and host and host[1] == ARGV[21] then appoint(peer, host[2], host[3], '0', '-') end
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
seat[1], seat[2], seat[3], seat[4], seat[6], seat[9] = nextVersion(), ARGV[10], ticket, me, 'here', ARGV[11]
write(peer, seat, ARGV[12])
alive(true)
return answer('seated')
`;

/**
 * [N3] Writes a seat that is still this node's, or that this memory never held. An older edit than the last is void.
 * ARGV: 7 peer, 8 generation, 9 edit, 10 doubt (0 or 1), 11… seat lines, 17 since.
 */
const UPDATE = `${COMMON}
local peer, generation, edit = ARGV[7], ARGV[8], ARGV[9]
local seat = find(peer)
if not seat and not isFromBefore(peer, generation, ARGV[10]) then return {'no'} end
if seat and (seat[1] ~= generation or seat[4] ~= me) then return {'no'} end
if not seat or tonumber(seat[2]) < tonumber(edit) then
  write(peer, {generation, edit, seat and seat[3] or '-', me, unpack(ARGV, 11, 17)})
  alive(ARGV[12] == 'here')
  settle()
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
  vacate(peer)
end
-- Others may know the seat from the memory before, and its own node may just be putting it back.
if not seat or tonumber(seat[11]) < born or ARGV[10] == '1' then
  redis.call('HSET', seats, 'g:' .. peer, generation)
end
alive(false)
settle()
keep()
return {'yes', seat and seat[4] or ''}
`;

/**
 * [N5] Puts the seats of this node back where they are missing or differ, and removes what stands there for it and is
 * none of them; but not what was taken by a call whose answer is still on its way (by its ticket), nor what was given
 * after this was asked (a second before its deadline), nor kept names; and nothing that was kicked or given up comes
 * back.
 * ARGV: 7 the creator's sub, 8 the host (`+` before it) or `-`, 9 the mode (as well), 10 number of tickets, the tickets,
 * then for each seat: peer, generation, edit, seat lines, since.
 */
const RECONCILE = `${COMMON}${MODE_LUA}
local tickets, own = {}, {}
local first = 11 + tonumber(ARGV[10])
for at = 11, first - 1 do tickets[ARGV[at]] = true end
for at = first, #ARGV, 10 do own[ARGV[at]] = at end
know(ARGV[7])
each(function(peer, value)
  local at, seat = own[peer], split(value)
  local isMine = at and ARGV[at + 3] == seat[5]
  -- Given after this was asked: what was sent to a stopped Redis may overtake what was sent later, or be overtaken.
  local isNew = deadline > 0 and tonumber(seat[1]) > (deadline - 1000) * 1000
  if seat[4] == me and seat[6] ~= 'kept' and not isMine and not isNew and not tickets[seat[3]] then
    remove(peer, seat, 'disconnected')
  end
end)
local isOld = false
for at = first, #ARGV, 10 do
  local peer, generation, edit = ARGV[at], ARGV[at + 1], ARGV[at + 2]
  version = math.max(version, tonumber(generation))
  local seat = find(peer)
  local new = {generation, edit, seat and seat[3] or '-', me, unpack(ARGV, at + 3, at + 9)}
  if not seat then
    if not wasKicked(peer, generation) and not hasEnded(peer, generation) then write(peer, new) end
  elseif seat[1] == generation and seat[4] == me then
    redis.call('HSET', seats, 'l:' .. me, life)
    seat[2] = edit
    if table.concat(seat, '\\n') ~= table.concat(new, '\\n') then write(peer, new) end
  end
  isOld = isOld or tonumber(ARGV[at + 9]) < born
end
recallMode(ARGV[9], isOld)
restore(ARGV[8])
return answer('view')
`;

/** Ends nothing and writes nothing, but for kicks that hold no more. */
const VIEW = `${COMMON}
return look('view')
`;

/**
 * [N6] Ends the seats of a node that has not written here since the life in which it was judged dead. Answers with the
 * peers whose seats it ended, `+` before a name that stays kept, `-` before one that is gone.
 * ARGV: 7 the node, 8 its life.
 */
const SWEEP = `${COMMON}
local node, ended = ARGV[7], {'swept'}
if tonumber(redis.call('HGET', seats, 'l:' .. node) or 0) > tonumber(ARGV[8]) then return ended end
each(function(peer, value)
  local seat = split(value)
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
if #ended > 1 then
  settle()
  keep()
end
return ended
`;

/**
 * [N14] Ends the seat of a peer for the host, and keeps its user out. The call that was made before under the same
 * ticket is not carried out again.
 * ARGV: 7 by, 8 its generation, 9 peer, 10 length of the ban (ms), 11 reason (`+` before it) or `-`, 12 ticket.
 */
const KICK = `${COMMON}
local by, peer, banMs, reason, ticket = ARGV[7], ARGV[9], tonumber(ARGV[10]), ARGV[11], ARGV[12]
for _, kick in ipairs(kicks()) do if kick[8] == ticket then return {'done', ''} end end
settle()
if not isHost(by, ARGV[8]) then return {'not host'} end
local seat = find(peer)
if peer == by or not seat or seat[6] == 'kept' then return {'absent'} end
local nowMs = math.floor(now / 1000)
-- Nodes that missed the news learn of it from the view: for ten seconds at least.
local untilMs, banUntilMs = nowMs + math.max(banMs, 10000), banMs > 0 and nowMs + banMs or 0
note({peer, seat[1], by, reason, text(untilMs), text(banUntilMs), seat[8], ticket})
remove(peer, seat, 'kicked', by, reason)
alive(false)
keep()
return {'done', seat[4]}
`;

/**
 * [N13] Makes another peer the host, for the one that is. The call that was made before under the same ticket is not
 * carried out again.
 * ARGV: 7 by, 8 its generation, 9 peer, 10 ticket.
 */
const TRANSFER = `${COMMON}
local by, peer, ticket = ARGV[7], ARGV[9], ARGV[10]
if host and host[5] == ticket then return {'done'} end
settle()
if not isHost(by, ARGV[8]) then return {'not host'} end
local seat = find(peer)
if peer == by or not seat or not takes(seat[6], seat[7]) then return {'absent'} end
appoint(peer, 'given', '+' .. seat[8], '0', ticket)
keep()
return {'done'}
`;

/**
 * [O1] Changes the mode of a room in which somebody is. The call that was made before under the same ticket is not
 * carried out again.
 * ARGV: 7 mode, 8 reason, 9 by (`+` before it) or `-`, 10 its generation, 11 ticket.
 */
const SET_MODE = `${COMMON}${MODE_LUA}
local value, by, ticket = ARGV[7], ARGV[9], ARGV[11]
if wasSetBy(ticket) then return {'done'} end
settle()
if by ~= '-' and not isHost(string.sub(by, 2), ARGV[10]) then return {'not host'} end
local isEmpty = true
each(function(_, seat) if isEmpty and place(seat) then isEmpty = false end end)
if isEmpty then return {'absent'} end
local isOther = not mode or mode[1] ~= value
writeMode(value, 'set', ticket, unpack(mode or {}, 3, 9))
if isOther then tell('mode', value, ARGV[8], by) end
keep()
return {'done'}
`;

export const roomScripts = {
  enter: ENTER,
  move: MOVE,
  update: UPDATE,
  leave: LEAVE,
  reconcile: RECONCILE,
  view: VIEW,
  sweep: SWEEP,
  kick: KICK,
  transfer: TRANSFER,
  setMode: SET_MODE,
} as const;
