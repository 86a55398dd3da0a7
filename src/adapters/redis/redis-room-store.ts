import type { RoomId } from '../../protocol/ids.js';
import { asRoomId } from '../../protocol/ids.js';
import {
  roomModes,
  roomStatuses,
  type RoomListing,
  type RoomMode,
  type RoomRecord,
  type RoomStatus,
} from '../../protocol/records.js';
import type { RoomPage, RoomQuery, RoomStore } from '../../ports/room-store.js';
import { asListed, readPage } from '../room-pages.js';
import { keys } from './keys.js';
import type { RedisConnection } from './redis-connection.js';
import { KEEP_EXPIRED_S, RedisRoomIndex, type IndexEntry } from './redis-room-index.js';
import { RedisScript } from './redis-script.js';
import { storeCall } from './store-call.js';

/**
 * [R2] Takes the id unless a room holds it that has not expired by ARGV[1]. A record without a readable expiry holds
 * its id: what cannot be judged is not overwritten.
 * KEYS[1] record; ARGV: now, when Redis removes it (unix seconds), fields and values.
 */
const CREATE = new RedisScript(`
if redis.call('EXISTS', KEYS[1]) == 1 then
  local expires = tonumber(redis.call('HGET', KEYS[1], 'expires_at') or '')
  if not expires or expires >= tonumber(ARGV[1]) then return {'taken'} end
  redis.call('DEL', KEYS[1])
end
redis.call('HSET', KEYS[1], unpack(ARGV, 3))
redis.call('EXPIREAT', KEYS[1], ARGV[2])
return {'created'}
`);

/** KEYS[1] record; ARGV: status. Answers the times of a room that has a listing, and whether it is open. */
const SET_STATUS = new RedisScript(`
local room = redis.call('HMGET', KEYS[1], 'created_at', 'expires_at', 'is_open')
if not room[1] or not room[2] then return {} end
redis.call('HSET', KEYS[1], 'status', ARGV[1])
return {room[1], room[2], room[3] or '0'}
`);

/** KEYS[1] record; ARGV: mode. What is not there is not made. */
const SET_MODE = new RedisScript(`
if redis.call('EXISTS', KEYS[1]) == 0 then return {'no'} end
redis.call('HSET', KEYS[1], 'mode', ARGV[1])
return {'yes'}
`);

/** KEYS[1] record. Answers the times of the room that it was, if it had a listing. */
const REMOVE = new RedisScript(`
local times = redis.call('HMGET', KEYS[1], 'created_at', 'expires_at')
redis.call('DEL', KEYS[1])
if not times[1] or not times[2] then return {} end
return times
`);

type Fields = Readonly<Record<string, string>>;

/** Rooms in Redis, shared by all nodes. The attributes have the names of the Python server's table (S3). */
export class RedisRoomStore implements RoomStore {
  private readonly index: RedisRoomIndex;

  constructor(private readonly redis: RedisConnection) {
    this.index = new RedisRoomIndex(redis);
  }

  /**
   * An attempt whose answer was lost is made again, finds its own room and says `taken`; the caller then takes
   * another id and the lost room expires. The index comes first: a crash leaves an entry without a room, and no open
   * room without an entry.
   */
  create(record: RoomRecord, nowS: number): Promise<'created' | 'taken'> {
    const { roomId, expiresAtS, isOpen, listing } = record;
    const args = [nowS, expiresAtS + KEEP_EXPIRED_S, ...fieldsOf(record)];
    return storeCall(async () => {
      if (isOpen === true && listing !== undefined) {
        await this.index.place(roomId, listing.status, { createdAtMs: listing.createdAtMs, expiresAtS });
      }
      const [answer] = await this.redis.run(
        (client) => CREATE.run(client, [keys.room(roomId)], args),
        'room_create',
      );
      if (answer !== 'created' && answer !== 'taken')
        throw new Error('the creating script answered nonsense');
      return answer;
    });
  }

  /** A Redis that has just come back, and may have lost its memory, is no witness that there is no such room. */
  find(roomId: RoomId): Promise<RoomRecord | undefined> {
    return storeCall(async () => {
      const [fields] = await this.read([roomId]);
      const record = fields && asRecord(roomId, fields);
      if (record === undefined && this.redis.isJustBack)
        throw new Error('Redis has just come back without this room');
      return record;
    });
  }

  list(query: RoomQuery): Promise<RoomPage> {
    const { nowS, status: wanted } = query;
    return storeCall(async () => {
      const { entries, ...rest } = await readPage(query, this.index.shelves(nowS));
      const hashes = await this.read(entries.map(({ roomId }) => roomId));
      const rooms = await Promise.all(entries.map((entry, at) => this.shown(entry, hashes[at], nowS)));
      const isWanted = ({ listing }: RoomRecord): boolean =>
        wanted === undefined || wanted === listing?.status;
      return { rooms: rooms.filter((room) => room !== undefined).filter(isWanted), ...rest };
    });
  }

  setStatus(roomId: RoomId, status: RoomStatus): Promise<boolean> {
    return storeCall(async () => {
      const answer = await this.redis.run(
        (client) => SET_STATUS.run(client, [keys.room(roomId)], [status]),
        'room_set_status',
      );
      const times = timesOf(answer);
      if (times !== undefined && answer[2] === '1') await this.index.place(roomId, status, times);
      return times !== undefined;
    });
  }

  setMode(roomId: RoomId, mode: RoomMode): Promise<boolean> {
    return storeCall(async () => {
      const [answer] = await this.redis.run(
        (client) => SET_MODE.run(client, [keys.room(roomId)], [mode]),
        'room_record_mode',
      );
      return answer === 'yes';
    });
  }

  async remove(roomId: RoomId): Promise<void> {
    await storeCall(async () => {
      const answer = await this.redis.run(
        (client) => REMOVE.run(client, [keys.room(roomId)], []),
        'room_remove',
      );
      const times = timesOf(answer);
      if (times !== undefined) await this.index.remove(roomId, times);
    });
  }

  /** Reads a key that no room has: in a cluster that is more than a PING, which any node answers. */
  async check(): Promise<void> {
    await storeCall(() => this.redis.run((client) => client.exists(keys.room(asRoomId('-'))), 'check'));
  }

  private async read(rooms: readonly RoomId[]): Promise<readonly (Fields | undefined)[]> {
    const hashes = await this.redis.run(
      (client) => Promise.all(rooms.map((roomId) => client.hgetall(keys.room(roomId)))),
      'room_read',
    );
    return hashes.map((fields) => (Object.keys(fields).length === 0 ? undefined : fields));
  }

  /** A room that cannot be read is not shown; it does not hide the others. */
  private async shown(
    entry: IndexEntry,
    fields: Fields | undefined,
    nowS: number,
  ): Promise<RoomRecord | undefined> {
    const record = fields && readRecord(entry.roomId, fields);
    const isRoom = await this.index.correct(entry, record, nowS);
    return isRoom && record !== undefined ? asListed(record, nowS) : undefined;
  }
}

function timesOf([createdAtMs, expiresAtS]: readonly string[]):
  { readonly createdAtMs: number; readonly expiresAtS: number } | undefined {
  if (createdAtMs === undefined || expiresAtS === undefined) return undefined;
  return { createdAtMs: Number(createdAtMs), expiresAtS: Number(expiresAtS) };
}

function fieldsOf(record: RoomRecord): (string | number)[] {
  const { createdBy, token, expiresAtS, isOpen, listing, mode } = record;
  const fields: (string | number)[] = ['created_by', createdBy, 'token', token, 'expires_at', expiresAtS];
  if (isOpen !== undefined) fields.push('is_open', Number(isOpen));
  if (listing !== undefined) {
    const { status, createdAtMs, hostName } = listing;
    fields.push('status', status, 'created_at', createdAtMs, 'host_name', hostName);
  }
  if (mode !== undefined) fields.push('mode', mode);
  return fields;
}

/** Throws unless the hash has the three attributes in their form; attributes that it does not know are let be. */
function asRecord(roomId: RoomId, fields: Fields): RoomRecord {
  const record = readRecord(roomId, fields);
  if (record !== undefined) return record;
  throw new Error('a room in Redis lacks an attribute or has one of another form');
}

/** As `asRecord`; `undefined` for what it throws at. */
function readRecord(roomId: RoomId, fields: Fields): RoomRecord | undefined {
  const { created_by: createdBy, token, expires_at: expires, is_open: isOpen } = fields;
  if (
    createdBy === undefined ||
    token === undefined ||
    expires === undefined ||
    !/^\d{1,15}$/.test(expires)
  ) {
    return undefined;
  }
  const listing = asListing(fields);
  const mode = roomModes.find((known) => known === fields['mode']);
  return {
    roomId,
    createdBy,
    token,
    expiresAtS: Number(expires),
    ...(isOpen !== undefined && { isOpen: isOpen === '1' }),
    ...(listing && { listing }),
    ...(mode && { mode }),
  };
}

function asListing(fields: Fields): RoomListing | undefined {
  const { created_at: created, host_name: hostName } = fields;
  const status = roomStatuses.find((known) => known === fields['status']);
  if (status === undefined || hostName === undefined) return undefined;
  if (created === undefined || !/^\d{1,15}$/.test(created)) return undefined;
  return { status, createdAtMs: Number(created), hostName };
}
