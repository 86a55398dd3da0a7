/**
 * Whether a room is `P2P` or `SFU`, as Lua: after `ROOM_LUA`.
 *
 * `mode` is text until it is taken apart here: the mode; how it came to be (`recorded`: as the room's record said when
 * somebody came into the empty room, `set`, `restored` from what a node knew when the memory was lost); the last calls
 * that set it.
 */
export const MODE_LUA = `
mode = mode and split(mode)
local function writeMode(...)
  mode = {...}
  redis.call('HSET', seats, 'mode', table.concat(mode, '\\n'))
end
-- [O1] Somebody comes: an empty room is as its record says.
local function beginMode(value, isEmpty)
  if mode and (mode[1] == value or not isEmpty) then return end
  writeMode(value, 'recorded')
  -- Who has a copy of the room has the old mode in it.
  if epoch then tell('mode', value, 'host', '-') end
end
-- [O3] After an interruption: the mode as a node knew it (+ before it, or -), if the memory of it was lost.
local function recallMode(known, isOld)
  if known == '-' or not epoch or not isOld or (mode and mode[2] ~= 'recorded') then return end
  local value = string.sub(known, 2)
  local isOther = not mode or mode[1] ~= value
  writeMode(value, 'restored')
  if isOther then tell('mode', value, 'host', '-') end
end
local function wasSetBy(ticket)
  for at = 3, mode and #mode or 0 do if mode[at] == ticket then return true end end
  return false
end
`;
