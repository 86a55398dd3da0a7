import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { SignalingError } from '../../protocol/errors.js';
import type { RoomId } from '../../protocol/ids.js';
import { roomModes, type RoomMode, type RoomRecord, type RoomStatus } from '../../protocol/records.js';
import type { RoomPage, RoomQuery, RoomStore } from '../../ports/room-store.js';
import type { Clock } from '../../ports/runtime.js';
import { noTelemetry, type Telemetry } from '../../ports/telemetry.js';
import type { InternalHttp } from './internal-http.js';

const DEADLINE_MS = 2_000;
/** A room is made here all the same when the service does not answer: nobody should wait for that for long. */
const CREATE_DEADLINE_MS = 500;
/** No room has a longer id. */
const MAX_ID_LENGTH = 256;
/** S1: what more than four are in goes through the Media Service. */
const MOST_IN_P2P = 4;
/** Unix seconds end here, and milliseconds begin: in the years 5138 and 1973. */
const MOST_SECONDS = 1e11;

const text = z.string().min(1).nullish();

/** S1's room, as far as it is known; the same from another server of this kind. */
const room = z.object({
  id: z.string(),
  mode: z.enum(roomModes).nullish(),
  maxParticipants: z.number().nullish(),
  createdBy: text,
  ownerId: text,
  hostId: text,
  token: text,
  isOpen: z.boolean().nullish(),
  expiresAt: z.union([z.iso.datetime({ offset: true }), z.number().positive()]).nullish(),
});
type ServiceRoom = z.output<typeof room>;

export interface RoomServiceStoreParts {
  /** Rooms that are made here. */
  readonly ours: RoomStore;
  readonly service: Pick<InternalHttp, 'request'>;
  readonly clock: Clock;
  /** How long a room lasts of which the service does not say it: from each time it is asked. */
  readonly roomTtlMs: number;
  readonly telemetry?: Telemetry;
}

/**
 * [O6] Our rooms, and those of a Room Service: `GET {ROOM_SERVICE_URL}/internal/rooms/:id` (S1). The service's rooms are
 * read and not written: to change or to remove one here does nothing, as if there were none.
 * A service that does not answer, or not as it should, is a store that is unavailable: no proof that there is no room.
 */
export class RoomServiceStore implements RoomStore {
  constructor(private readonly parts: RoomServiceStoreParts) {}

  /** `taken` too if the service has the room and answers at once: it is not made here a second time. */
  async create(record: RoomRecord, nowS: number): Promise<'created' | 'taken'> {
    const theirs = await this.theirsSoon(record.roomId);
    if (theirs !== undefined && theirs.expiresAtS >= nowS) return 'taken';
    return this.parts.ours.create(record, nowS);
  }

  async find(roomId: RoomId): Promise<RoomRecord | undefined> {
    return (await this.parts.ours.find(roomId)) ?? this.theirs(roomId, DEADLINE_MS);
  }

  list(query: RoomQuery): Promise<RoomPage> {
    return this.parts.ours.list(query);
  }

  setStatus(roomId: RoomId, status: RoomStatus): Promise<boolean> {
    return this.parts.ours.setStatus(roomId, status);
  }

  setMode(roomId: RoomId, mode: RoomMode): Promise<boolean> {
    return this.parts.ours.setMode(roomId, mode);
  }

  remove(roomId: RoomId): Promise<void> {
    return this.parts.ours.remove(roomId);
  }

  /** The service is not asked: without it our own rooms can be served. */
  check(): Promise<void> {
    return this.parts.ours.check();
  }

  private async theirsSoon(roomId: RoomId): Promise<RoomRecord | undefined> {
    try {
      return await this.theirs(roomId, CREATE_DEADLINE_MS);
    } catch {
      // Whoever must know whether it is there has asked `find` before.
      return undefined;
    }
  }

  private theirs(roomId: RoomId, timeoutMs: number): Promise<RoomRecord | undefined> {
    const { telemetry = noTelemetry } = this.parts;
    return telemetry.timed('room_service', 'find', () => this.ask(roomId, timeoutMs));
  }

  private async ask(roomId: RoomId, timeoutMs: number): Promise<RoomRecord | undefined> {
    const path = pathOf(roomId);
    if (path === undefined) return undefined;
    try {
      const { status, body } = await this.parts.service.request('GET', path, { timeoutMs });
      if (status === 404) return undefined;
      if (status !== 200) throw new Error(`the Room Service answered ${String(status)}`);
      return this.recordOf(roomId, room.parse(body));
    } catch (cause) {
      throw new SignalingError('STORE_UNAVAILABLE', undefined, { cause });
    }
  }

  private recordOf(roomId: RoomId, asked: ServiceRoom): RoomRecord {
    if (asked.id !== roomId) throw new Error('the Room Service answered with another room');
    const { token, isOpen, expiresAt } = asked;
    const lastS = Math.floor((this.parts.clock.now() + this.parts.roomTtlMs) / 1000);
    return {
      roomId,
      createdBy: asked.createdBy ?? asked.ownerId ?? asked.hostId ?? '',
      // Who may come in with which token it has not said: nobody knows this one.
      token: token ?? randomBytes(32).toString('hex'),
      expiresAtS: expiresAt == null ? lastS : secondsOf(expiresAt),
      isOpen: isOpen ?? token == null,
      mode: asked.mode ?? ((asked.maxParticipants ?? 0) > MOST_IN_P2P ? 'SFU' : 'P2P'),
    };
  }
}

/** `undefined`: no room is called that, or its path would lead elsewhere. */
function pathOf(roomId: RoomId): string | undefined {
  if (/^\.{0,2}$/.test(roomId) || roomId.length > MAX_ID_LENGTH) return undefined;
  try {
    return `/internal/rooms/${encodeURIComponent(roomId)}`;
  } catch {
    // Half a character.
    return undefined;
  }
}

function secondsOf(expiresAt: string | number): number {
  if (typeof expiresAt === 'string') return Math.floor(Date.parse(expiresAt) / 1000);
  return Math.floor(expiresAt < MOST_SECONDS ? expiresAt : expiresAt / 1000);
}
