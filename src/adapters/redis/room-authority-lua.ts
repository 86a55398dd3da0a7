/**
 * Who is the host, and who was removed by it, as Lua: after `ROOM_LUA`, before the seats are written.
 *
 * `host` is text until it is taken apart here: peer; how it came to be (`elected` by rule, `given` by the one before,
 * `restored` from what a node knew when the memory was lost); its user's sub after `+`, or `-` where that is not known;
 * until when its missing seat is waited for (microseconds, else 0); the call that gave it.
 */
export const AUTHORITY_LUA = `
local AWAIT = 10000000
host = host and split(host)
local creatorIsNew, doubted, claimed = false, false, false
local function setHost(...)
  host = {...}
  redis.call('HSET', seats, 'host', table.concat(host, '\\n'))
end
local function appoint(peer, ...)
  setHost(peer, ...)
  tell('host', peer)
end
-- The room's creator is the host as long as it is there, unless it has given that away.
local function know(sub)
  -- A room that was made anew while peers sit in it is theirs.
  if creator == sub or (creator and host) then return end
  creator, creatorIsNew = sub, true
  if host and host[2] == 'elected' and host[3] ~= '+' .. sub then claimed = true end
end
-- A seat was written: is the host another one now? Seats are walked through only where that may be.
local function judge(peer, seat)
  local sub, isNew = '+' .. seat[8], tonumber(seat[11]) >= born
  if not host then
    if takes(seat[6], seat[7]) then doubted = true end
  elseif host[1] == peer then
    if host[3] == '-' and not isNew then host[3] = sub end
    if host[4] ~= '0' then setHost(peer, host[2], host[3], '0', host[5]) end
    if seat[6] == 'kept' or host[3] ~= sub then doubted = true end
  elseif seat[8] == creator and takes(seat[6], seat[7]) and host[3] ~= sub then
    -- Who was the host when the memory was lost was so with the creator there, or not: that holds.
    if host[2] == 'elected' or (host[2] == 'restored' and isNew) then claimed = true end
  end
end
local function vacate(peer)
  if host and host[1] == peer then host[4], doubted = '0', true end
end
local function stands()
  if host[4] ~= '0' then return now <= tonumber(host[4]) end
  local seat = find(host[1])
  return seat and seat[6] ~= 'kept' and host[3] == '+' .. seat[8]
end
-- The creator's seat that has been there longest, and the one of all.
local function candidates()
  local creators, first
  each(function(peer, value)
    if not place(value) then return end
    local seat = split(value)
    local candidate = {peer = peer, sub = seat[8], since = tonumber(seat[11])}
    if not first or candidate.since < first.since then first = candidate end
    if seat[8] == creator and not (creators and creators.since < candidate.since) then creators = candidate end
  end)
  return creators, first
end
-- [N12] The end of every step that changes seats.
local function settle()
  if epoch and creatorIsNew then redis.call('HSET', seats, 'creator', creator) end
  if host and host[4] ~= '0' and now > tonumber(host[4]) then doubted = true end
  if not doubted and not claimed then return end
  local isVacant = not host or (doubted and not stands())
  doubted = false
  if not isVacant and not claimed then return end
  claimed = false
  local creators, first = candidates()
  local chosen = creators or (isVacant and first)
  if chosen then
    appoint(chosen.peer, 'elected', '+' .. chosen.sub, '0', '-')
  elseif isVacant and host then
    host = nil
    redis.call('HDEL', seats, 'host')
  end
end
-- [N17] After an interruption: the host as a node knew it (+ before it, or -), if the memory of it was lost.
local function restore(known)
  local peer = string.sub(known, 1, 1) == '+' and string.sub(known, 2)
  local seat, holder = peer and find(peer), host and find(host[1])
  local isBack = seat and seat[6] ~= 'kept' and tonumber(seat[11]) < born
  if not host then
    doubted = true
    local _, first = candidates()
    local isOver = seat or now > born + AWAIT or not peer or redis.call('HEXISTS', seats, 'g:' .. peer) == 1
    if isBack then
      appoint(peer, 'restored', '+' .. seat[8], '0', '-')
    elseif first and not isOver then
      appoint(peer, 'restored', '-', text(born + AWAIT), '-')
    end
  elseif holder then
    -- It was chosen among those who came before the nodes had said who was there.
    local isTooNew = host[2] == 'elected' and tonumber(holder[11]) >= born and holder[8] ~= creator
    if isBack and isTooNew and peer ~= host[1] then appoint(peer, 'restored', '+' .. seat[8], '0', '-') end
  elseif not doubted and host[4] == '0' then
    -- A replica that did not know of its seat took over.
    setHost(host[1], host[2], host[3], text(now + AWAIT), host[5])
  end
end
local function isHost(peer, generation)
  if not host or host[1] ~= peer or not stands() then return false end
  local seat = find(peer)
  return seat and seat[1] == generation
end

-- Kicks that hold, as lines of columns: peer, generation, by, reason (+ before it, or -), until (ms), end of the ban
-- (ms; 0 for none), sub, the call that made it.
local noted
local function writeKicks()
  local lines = {}
  for at, kick in ipairs(noted) do lines[at] = table.concat(kick, '\\t') end
  if #lines > 0 then
    redis.call('HSET', seats, 'kicks', table.concat(lines, '\\n'))
  else
    redis.call('HDEL', seats, 'kicks')
  end
end
local function kicks()
  if noted then return noted end
  noted = {}
  local isPast, column = false, '([^\\t]*)'
  local pattern = '^' .. string.rep(column .. '\\t', 7) .. column .. '$'
  for line in string.gmatch(redis.call('HGET', seats, 'kicks') or '', '[^\\n]+') do
    local kick = {string.match(line, pattern)}
    if tonumber(kick[5]) * 1000 > now then noted[#noted + 1] = kick else isPast = true end
  end
  if isPast then writeKicks() end
  return noted
end
-- Of too many, those that end first make room.
local function note(kick)
  local all = kicks()
  while #all >= 256 do
    local first = 1
    for at = 2, #all do if tonumber(all[at][5]) < tonumber(all[first][5]) then first = at end end
    table.remove(all, first)
  end
  all[#all + 1] = kick
  writeKicks()
end
local function wasKicked(peer, generation)
  for _, kick in ipairs(kicks()) do
    if kick[1] == peer and tonumber(generation) <= tonumber(kick[2]) then return true end
  end
  return false
end
-- Milliseconds for which such a peer is kept out.
local function banned(peer, sub, isAnonymous)
  local untilMs = 0
  for _, kick in ipairs(kicks()) do
    if kick[7] == sub or (isAnonymous == '1' and kick[1] == peer) then untilMs = math.max(untilMs, tonumber(kick[6])) end
  end
  return math.ceil(untilMs - now / 1000)
end
local function look(word)
  kicks()
  local view = redis.call('HGETALL', seats)
  table.insert(view, 1, word)
  return view
end
`;
