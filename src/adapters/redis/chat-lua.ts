/**
 * The steps of a room's chat, as Lua. Each runs on one slot:
 * KEYS: what waits for the archive, the latest messages, the known ids, the room's channel (`keys.ts`).
 * ARGV: 1 PUBLISH or SPUBLISH, 2 deadline (Redis's clock, ms; 0 for none), 3… as each says. Answers begin with a word.
 * `chat-text.ts` describes the members and what is published.
 *
 * A place is Redis's time in microseconds, or one more than the last: places grow even if Redis has lost its memory. Who
 * says something names the last that it knows of, because Redis's clock may go back, or another Redis take its place.
 */
const COMMON = `
local buffer, recent, ids, channel = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local publish, deadline = ARGV[1], tonumber(ARGV[2])
local function text(number) return string.format('%.0f', number) end
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
-- Redis was stopped meanwhile: who asked has been told that it failed.
if deadline > 0 and now > deadline * 1000 then return {'late', text(now / 1000)} end
local function below(set, seq)
  return tonumber(redis.call('ZREVRANGEBYSCORE', set, seq, '-inf', 'WITHSCORES', 'LIMIT', 0, 1)[2] or 0)
end
-- The last place that is not above this one; the latest ones and what waits may have come to their ends apart.
local function last(seq) return math.max(below(recent, seq), below(buffer, seq)) end
-- What was said up to there is to be nowhere: a room of the same name may have been made since. An id of its own among the ids.
local function forgotten() return tonumber(redis.call('ZSCORE', ids, 'forgotten') or 0) end
local function put(seq, id, member)
  redis.call('ZADD', buffer, seq, member)
  redis.call('ZADD', recent, seq, member)
  redis.call('ZADD', ids, seq, id)
end
-- Answers how many were dropped because more than maxWaiting wait.
local function tidy(maxWaiting)
  redis.call('ZREMRANGEBYRANK', recent, 0, -201)
  redis.call('ZREMRANGEBYSCORE', ids, '-inf', text(now - 3600000000))
  redis.call('ZREMRANGEBYRANK', ids, 0, -250001)
  redis.call('EXPIRE', recent, 3600)
  redis.call('EXPIRE', ids, 3600)
  redis.call('EXPIRE', buffer, 604800)
  local dropped = math.max(redis.call('ZCARD', buffer) - maxWaiting, 0)
  if dropped > 0 then redis.call('ZREMRANGEBYRANK', buffer, 0, dropped - 1) end
  return dropped
end
`;

/**
 * [Q2] [Q3] [Q7] ARGV: 3 how many may wait, 4 the id (`idOf`), 5 the message without its place, 6 what the place is above.
 * Answers `said`, the place before it, its place, how many were dropped; or `again`, the place before it, its place, and
 * the message as it was said first where that is still here.
 */
const APPEND = `${COMMON}
local known = redis.call('ZSCORE', ids, ARGV[4])
if known then
  known = text(tonumber(known))
  local first = redis.call('ZRANGEBYSCORE', recent, known, known)[1]
    or redis.call('ZRANGEBYSCORE', buffer, known, known)[1]
  return {'again', text(last('(' .. known)), known, first}
end
local previous = last('+inf')
local seq = text(math.max(math.max(previous, forgotten(), tonumber(ARGV[6])) + 1, now))
local member = seq .. '\\n' .. ARGV[5]
put(seq, ARGV[4], member)
local dropped = tidy(tonumber(ARGV[3]))
redis.call(publish, channel, 'said\\n' .. text(previous) .. '\\n' .. member)
return {'said', text(previous), seq, text(dropped)}
`;

/** [Q6] ARGV: 3 how many may wait, then of each message: its place, the id, the message without its place. */
const RESTORE = `${COMMON}
local back = {'restored'}
local function has(set, seq) return redis.call('ZCOUNT', set, seq, seq) > 0 end
local gone = forgotten()
for at = 4, #ARGV, 3 do
  local seq, id = ARGV[at], ARGV[at + 1]
  local known = redis.call('ZSCORE', ids, id)
  -- Known under another place: it was said again meanwhile, and is one message. Under this one it may only be recalled.
  local isOther = known and text(tonumber(known)) ~= seq
  if tonumber(seq) > gone and not (isOther or has(recent, seq) or has(buffer, seq)) then
    local member = seq .. '\\n' .. ARGV[at + 2]
    put(seq, id, member)
    back[#back + 1] = member
  end
end
if #back > 1 then
  tidy(tonumber(ARGV[3]))
  redis.call(publish, channel, table.concat(back, '\\n'))
end
return {'restored'}
`;

/** [Q3] ARGV: 3… of each message its place and the id. What is known stays as it is. */
const RECALL = `${COMMON}
local oldest = math.max(forgotten(), now - 3600000000)
for at = 3, #ARGV, 2 do
  if tonumber(ARGV[at]) > oldest then redis.call('ZADD', ids, 'NX', ARGV[at], ARGV[at + 1]) end
end
redis.call('EXPIRE', ids, 3600)
return {'recalled'}
`;

/** [Q6] ARGV: 3… places. Told again each time: an answer may have been lost, and the news with it. */
const ARCHIVED = `${COMMON}
for at = 3, #ARGV do redis.call('ZREMRANGEBYSCORE', buffer, ARGV[at], ARGV[at]) end
redis.call(publish, channel, 'archived\\n' .. table.concat(ARGV, '\\n', 3))
return {'archived'}
`;

/** [Q11] Answers the place up to which all is forgotten. */
const FORGET = `${COMMON}
local place = text(math.max(last('+inf'), forgotten(), now))
redis.call('DEL', buffer, recent, ids)
redis.call('ZADD', ids, place, 'forgotten')
redis.call('EXPIRE', ids, 3600)
redis.call(publish, channel, 'forgotten')
return {'forgotten', place}
`;

/** Answers the place of the last message. */
const LAST = `${COMMON}
return {'last', text(last('+inf'))}
`;

/**
 * [Q2] [Q8] What waits and the latest ones, in one look: between two looks a message might go from the one to the other.
 * ARGV: 3 ZRANGEBYSCORE or ZREVRANGEBYSCORE, 4 from, 5 to, 6 how many of each. Answers members, some of them twice.
 */
const READ = `${COMMON}
local found = {'read'}
for _, set in ipairs({recent, buffer}) do
  for _, member in ipairs(redis.call(ARGV[3], set, ARGV[4], ARGV[5], 'LIMIT', 0, ARGV[6])) do
    found[#found + 1] = member
  end
end
return found
`;

export const chatScripts = {
  append: APPEND,
  restore: RESTORE,
  recall: RECALL,
  archived: ARCHIVED,
  forget: FORGET,
  last: LAST,
  read: READ,
} as const;

/**
 * [Q6] Which rooms wait. KEYS: a part of the list.
 *
 * A room is listed before something is said there, and who has listed it and then waited for longer than a few seconds
 * says nothing any more (`RedisChatLog`). So a room that was listed long ago and, seen after that, has nothing that waits
 * may be struck off, unless it has been listed again since.
 */
export const waitingScripts = {
  /** ARGV: the room. Answers Redis's time, ms. */
  list: `
local time = redis.call('TIME')
local now = string.format('%.0f', tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000))
redis.call('ZADD', KEYS[1], now, ARGV[1])
redis.call('EXPIRE', KEYS[1], 604800)
return {now}
`,
  /** ARGV: how many. Answers, of rooms chosen at random: the room, when it was listed, whether that is long ago. */
  look: `
local time = redis.call('TIME')
local longAgo = tonumber(time[1]) * 1000 - 10000
local found = redis.call('ZRANDMEMBER', KEYS[1], ARGV[1], 'WITHSCORES')
local answer = {}
for at = 1, #found, 2 do
  answer[#answer + 1] = found[at]
  answer[#answer + 1] = found[at + 1]
  answer[#answer + 1] = tonumber(found[at + 1]) < longAgo and '1' or '0'
end
return answer
`,
  /** ARGV: rooms, each with when it was listed. */
  strike: `
for at = 1, #ARGV, 2 do
  if redis.call('ZSCORE', KEYS[1], ARGV[at]) == ARGV[at + 1] then redis.call('ZREM', KEYS[1], ARGV[at]) end
end
return {}
`,
} as const;
