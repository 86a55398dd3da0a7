import { asRoomId, type RoomId } from '../../protocol/ids.js';
import { roomStatuses, type RoomListing, type RoomRecord, type RoomStatus } from '../../protocol/records.js';
import type { RoomEntry, Shelves } from '../room-pages.js';
import { keys } from './keys.js';
import type { RedisConnection } from './redis-connection.js';
import { RedisScript } from './redis-script.js';

/** So long after its expiry a room is kept, and its entry. */
export const KEEP_EXPIRED_S = 3600;
/** A creation that is under way writes the room behind its entry, and not later than this. */
const CREATION_MS = 60_000;
/** More looked at than added: what is past keeping cannot pile up. */
const LOOKS = 4;
/** How often a part that had what is past keeping is read again, and so much more of it. */
const MAX_READS = 4;
const MORE_PER_READ = 1000;

/**
 * Puts an entry into one set and takes it out of the others. Of each set some entries, at random, are looked at.
 * KEYS: the sets; ARGV: which of them, score, entry, when Redis forgets it, what expired before is past keeping (unix s).
 */
const PLACE = new RedisScript(`
local right = KEYS[tonumber(ARGV[1])]
redis.call('ZADD', right, ARGV[2], ARGV[3])
redis.call('EXPIREAT', right, ARGV[4], 'NX')
redis.call('EXPIREAT', right, ARGV[4], 'GT')
for _, key in ipairs(KEYS) do
  if key ~= right then redis.call('ZREM', key, ARGV[3]) end
  for _, entry in ipairs(redis.call('ZRANDMEMBER', key, ${LOOKS})) do
    local expires = tonumber(string.match(entry, '^%d+:(%d+):') or '')
    if not expires or expires < tonumber(ARGV[5]) then redis.call('ZREM', key, entry) end
  end
end
return {}
`);

/** The entry of a room, as it was found under a status. */
export interface IndexEntry extends RoomEntry {
  readonly status: RoomStatus;
}
type Times = Pick<RoomEntry, 'createdAtMs' | 'expiresAtS'>;

/**
 * Which rooms are listed: open ones. In a Redis Cluster it lies in another slot than the rooms, so an entry is only a hint: the
 * room is read before it is shown.
 */
export class RedisRoomIndex {
  private readonly sets = roomStatuses.map((status) => keys.roomIndex(status));

  constructor(private readonly redis: RedisConnection) {}

  async place(roomId: RoomId, status: RoomStatus, times: Times): Promise<void> {
    const { createdAtMs, expiresAtS } = times;
    const removeAtS = expiresAtS + KEEP_EXPIRED_S;
    const pastS = Math.floor(Date.now() / 1000) - KEEP_EXPIRED_S;
    const which = roomStatuses.indexOf(status) + 1;
    const args = [which, createdAtMs, memberOf(roomId, times), removeAtS, pastS];
    await this.redis.run((client) => PLACE.run(client, this.sets, args), 'room_index_place');
  }

  async remove(roomId: RoomId, times: Times): Promise<void> {
    await this.strike([memberOf(roomId, times)]);
  }

  /** What is past keeping by `nowS` is not there, and struck off. */
  shelves(nowS: number): Shelves<IndexEntry> {
    const read = async (
      status: RoomStatus,
      from: string,
      to: string,
      count?: number,
    ): Promise<readonly IndexEntry[]> => {
      const key = keys.roomIndex(status);
      let entries: readonly IndexEntry[] = [];
      for (let reads = 0; reads < MAX_READS; reads += 1) {
        const size = count === undefined ? -1 : count + (reads === 0 ? 0 : MORE_PER_READ);
        const members = await this.redis.run(
          (client) => client.zrevrangebyscore(key, from, to, 'LIMIT', 0, size),
          'room_index_read',
        );
        entries = members.flatMap((member) => entryOf(member, status));
        const past = entries.filter(({ expiresAtS }) => expiresAtS + KEEP_EXPIRED_S < nowS);
        if (past.length === 0) break;
        await this.strike(past.map((entry) => memberOf(entry.roomId, entry)));
      }
      return entries.slice(0, count);
    };
    return {
      at: (status, ms) => read(status, String(ms), String(ms)),
      before: (status, ms, count) => read(status, ms === undefined ? '+inf' : `(${ms}`, '-inf', count),
    };
  }

  /**
   * Makes the index say what the room does, or forget it when there is none. `false`: it is not the room of that entry,
   * or none to be listed.
   * What is younger than any creation that may be under way is left alone.
   */
  async correct(entry: IndexEntry, record: RoomRecord | undefined, nowS: number): Promise<boolean> {
    const { listing, expiresAtS, isOpen } = record ?? {};
    if (listing?.createdAtMs !== entry.createdAtMs || expiresAtS !== entry.expiresAtS) {
      const isSettled = entry.createdAtMs + CREATION_MS < nowS * 1000;
      if (isSettled && !this.redis.isJustBack) await this.remove(entry.roomId, entry);
      return false;
    }
    if (isOpen !== true) {
      await this.remove(entry.roomId, entry);
      return false;
    }
    if (isMisplaced(entry, listing)) await this.place(entry.roomId, listing.status, entry);
    return true;
  }

  private async strike(members: readonly string[]): Promise<void> {
    await this.redis.run(
      (client) => Promise.all(this.sets.map((key) => client.zrem(key, ...members))),
      'room_index_strike',
    );
  }
}

function isMisplaced(entry: IndexEntry, listing: RoomListing): boolean {
  return entry.status !== listing.status;
}

function memberOf(roomId: RoomId, { createdAtMs, expiresAtS }: Times): string {
  return `${createdAtMs}:${expiresAtS}:${roomId}`;
}

function entryOf(member: string, status: RoomStatus): IndexEntry[] {
  const [, createdAtMs, expiresAtS, roomId] = /^(\d{1,15}):(\d{1,15}):(.*)$/s.exec(member) ?? [];
  if (roomId === undefined) return [];
  const times = { createdAtMs: Number(createdAtMs), expiresAtS: Number(expiresAtS) };
  return [{ roomId: asRoomId(roomId), ...times, status }];
}
