import { SignalingError } from '../../protocol/errors.js';
import type { SessionId } from '../../protocol/ids.js';
import { writeMediaHint } from '../../protocol/letters.js';
import type { Kept, ProducerList } from '../../protocol/media-api.js';
import type { RoomMode } from '../../protocol/records.js';
import type { Context } from '../context.js';
import { holdsSeatThere, isPresent } from '../membership.js';
import type { Room } from '../room.js';
import type { Session } from '../session.js';
import { Fresh } from './fresh.js';
import type { NamedRooms } from './media-guard.js';
import { MediaRoom } from './media-room.js';
import type { MediaSites } from './media-sites.js';

/** Where a room is, is made sure of this often: a hint may be lost, and a placement must not end while it is used. */
const confirmEveryMs = 15_000;
const confirmAgainMs = 5_000;

interface Copy {
  readonly state: MediaRoom;
  readonly list: Fresh<ProducerList>;
  readonly whole: Fresh<void>;
}

/** What this node knows of the media of its rooms, kept up to date. A room that is dropped takes its copy along. */
export class MediaCopies {
  readonly #context: Context;
  readonly #sites: MediaSites;
  readonly #copies = new WeakMap<Room<Session>, Copy>();

  constructor(context: Context, sites: MediaSites) {
    this.#context = context;
    this.#sites = sites;
  }

  of(room: Room<Session>): MediaRoom {
    return this.#copyOf(room).state;
  }

  /** What was known of the room is nothing any more: its mode has changed. */
  renew(room: Room<Session>): MediaRoom {
    return this.#make(room, true).state;
  }

  /** Rooms at that service, with the full sessions that sit in them on whichever node. */
  namedFor(service: string): NamedRooms {
    const named = new Map<Room<Session>['id'], readonly SessionId[]>();
    for (const state of this.active())
      if (state.service === service) named.set(state.room.id, sessionsIn(state.room));
    return named;
  }

  /** SFU rooms of this node. */
  *active(): Generator<MediaRoom> {
    for (const room of this.#context.hub.rooms()) if (modeOf(room) === 'SFU') yield this.of(room);
  }

  /** What a service has of the rooms that were named to it. */
  kept(service: string, named: NamedRooms, { rooms }: Kept): void {
    for (const roomId of named.keys()) {
      const room = this.#context.hub.room(roomId);
      if (room === undefined || modeOf(room) !== 'SFU') continue;
      const state = this.of(room);
      if (state.service !== service) continue;
      const at = Object.hasOwn(rooms, roomId) ? rooms[roomId] : undefined;
      if (at === undefined) {
        if (state.epoch === undefined) state.takeNothing();
        else void this.reopen(state);
      } else if (!state.isUpToDate(at)) {
        this.#readSoon(state);
      }
    }
  }

  /** The list of the room's producers, as it is after this call. The members here are told what is new to them. */
  read({ room }: MediaRoom): Promise<ProducerList> {
    return this.#copyOf(room).list.get();
  }

  /** Looks where the room is, and what is there. Never rejects. */
  refresh({ room }: MediaRoom): Promise<void> {
    return this.#copyOf(room).whole.get();
  }

  isDue({ confirmedAtMs }: MediaRoom): boolean {
    return this.#context.clock.now() - confirmedAtMs >= confirmEveryMs;
  }

  /** The producers have changed by the word of this node. */
  announce(state: MediaRoom): void {
    this.hint(state.room);
    if (this.isCurrent(state)) this.#readSoon(state);
  }

  /** Tells the other nodes of the room to look. */
  hint(room: Room<Session>): void {
    const letter = writeMediaHint(room.id);
    const nodes = new Set([...room.remotes.values()].map(({ seat }) => seat.nodeId));
    for (const nodeId of nodes) this.#context.office.link(nodeId).send(letter);
  }

  /** A router for a room that had one. All nodes may: there is one in the end. Never rejects. */
  async reopen(state: MediaRoom): Promise<void> {
    try {
      const guard = await this.#sites.settle(state, false);
      const { name } = guard;
      const router = await guard.call((service) => service.openRouter(state.room.id));
      if (!this.isCurrent(state) || state.service !== name) return;
      state.takeRouter(router.epoch);
      await this.read(state);
    } catch (error) {
      this.#context.logger.debug('media_not_reopened', { room: state.room.id, error });
    }
  }

  #readSoon(state: MediaRoom): void {
    this.read(state).catch((error: unknown) => this.#notRead(state, error));
  }

  async #notRead(state: MediaRoom, error: unknown): Promise<void> {
    const isGone = error instanceof SignalingError && error.code === 'MEDIA_RESTARTED';
    if (!isGone || !this.isCurrent(state)) {
      this.#context.logger.debug('producers_not_read', { room: state.room.id, error });
    } else if (state.epoch === undefined) {
      state.takeNothing();
    } else {
      await this.reopen(state);
    }
  }

  async #list(state: MediaRoom): Promise<ProducerList> {
    const guard = await this.#sites.settle(state, false);
    const { epoch } = state;
    const list = await guard.call((service) => service.producers(state.room.id));
    const isCurrent = this.isCurrent(state) && state.service === guard.name;
    // An answer from before a restart that was seen meanwhile is of no use.
    if (isCurrent && (state.epoch === epoch || state.epoch === list.epoch)) state.take(list);
    return list;
  }

  async #refresh(state: MediaRoom): Promise<void> {
    const nowMs = this.#context.clock.now();
    state.confirmedAtMs = nowMs;
    try {
      await this.#sites.confirm(state);
      if (state.service === undefined) state.takeNothing();
      else await this.read(state);
    } catch (error) {
      const isStore = error instanceof SignalingError && error.code === 'STORE_UNAVAILABLE';
      if (isStore) state.confirmedAtMs = nowMs - confirmEveryMs + confirmAgainMs;
      await this.#notRead(state, error);
    }
  }

  /** It is an SFU room of this node, as it was when that was looked up. */
  isCurrent(state: MediaRoom): boolean {
    const { room, mode } = state;
    const isHere = this.#context.hub.room(room.id) === room;
    return isHere && this.#copies.get(room)?.state === state && mode === 'SFU' && modeOf(room) === mode;
  }

  #copyOf(room: Room<Session>): Copy {
    return this.#copies.get(room) ?? this.#make(room, false);
  }

  #make(room: Room<Session>, isNew: boolean): Copy {
    const { logger, tally, clock } = this.#context;
    const onRestart = (epoch: string): void => {
      tally.media_restarts += 1;
      logger.info('media_restarted', { room: room.id, epoch });
    };
    const state = new MediaRoom({ room, mode: modeOf(room), sinceMs: clock.now(), isNew, onRestart });
    const copy = {
      state,
      list: new Fresh(() => this.#list(state)),
      whole: new Fresh(() => this.#refresh(state)),
    };
    this.#copies.set(room, copy);
    return copy;
  }
}

/** Before the presence has said it, it is what the record says. */
export function modeOf({ mode, record }: Room<Session>): RoomMode {
  return mode ?? record.mode ?? 'P2P';
}

/** Of parity sessions nothing is known to any Media Service. */
function sessionsIn({ members, remotes }: Room<Session>): SessionId[] {
  const sessions: SessionId[] = [];
  for (const member of members.values())
    if (isPresent(member) && !member.state.quiet) sessions.push(member.id);
  for (const { seat } of remotes.values())
    if (!seat.isQuiet && holdsSeatThere(seat)) sessions.push(seat.sessionId);
  return sessions;
}
