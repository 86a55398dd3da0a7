import type { HandedMail } from '../../protocol/handover.js';
import { asPeerId } from '../../protocol/ids.js';
import type { ProducerInfo, ProducerList } from '../../protocol/media-api.js';
import type { ProducerCard } from '../../protocol/media-messages.js';
import type { Event } from '../../protocol/messages.js';
import type { RoomMode } from '../../protocol/records.js';
import { isPresent } from '../membership.js';
import type { Room } from '../room.js';
import type { Seat, Session } from '../session.js';

/** What a session was told of the media of its room, when it goes to another node. */
type ToldMedia = NonNullable<HandedMail['media']>;
interface MediaRoomParts {
  readonly room: Room<Session>;
  readonly mode: RoomMode;
  /** Since when it is in that mode, as far as this node knows. */
  readonly sinceMs: number;
  /** It has just become SFU, and there is nothing yet that the members could have missed. */
  readonly isNew: boolean;
  /** It has another router than before. */
  readonly onRestart: (epoch: string) => void;
}

type Producers = ReadonlyMap<string, ProducerInfo>;

/**
 * What this node knows of the media of one of its rooms: at which service, which router, and a copy of the list of its
 * producers. The copy is state, not a log: what the members are told is the difference between two lists.
 */
export class MediaRoom {
  readonly room: Room<Session>;
  readonly mode: RoomMode;
  readonly sinceMs: number;
  /** When that was last made sure of. */
  confirmedAtMs = Number.NEGATIVE_INFINITY;
  /** Something about its mode or its place is being changed. */
  isBusy = false;
  /** Its service is unavailable, and the members here know. */
  isAway = false;
  /** Where something of it may be left from when its media went through there. */
  leftBehind: string | undefined;
  /** Of the router that the members have, or could have, something on. */
  #epoch: string | undefined;
  #version = 0;
  #producers: Producers = new Map();
  /** What has changed since the members here came is known: from now on they are told each change. */
  #isKnown: boolean;
  /** Who came from other nodes before that, and what it had been told there. */
  readonly #comers = new Map<Seat, ToldMedia | undefined>();
  #service: string | undefined;
  readonly #onRestart: (epoch: string) => void;

  constructor({ room, mode, sinceMs, isNew, onRestart }: MediaRoomParts) {
    this.room = room;
    this.mode = mode;
    this.sinceMs = sinceMs;
    this.#isKnown = isNew;
    this.#onRestart = onRestart;
  }

  /** Where it is, as far as is known. */
  get service(): string | undefined {
    return this.#service;
  }

  set service(name: string | undefined) {
    if (name !== this.#service) this.isAway = false;
    this.#service = name;
  }

  get epoch(): string | undefined {
    return this.#epoch;
  }

  /** Is this what the list of producers said when it was read last? */
  isUpToDate(at: { readonly epoch: string; readonly version: number }): boolean {
    return this.#isKnown && this.#epoch === at.epoch && this.#version === at.version;
  }

  /** The room has this router now. Everybody here is told if it is another one than before. */
  takeRouter(epoch: string): void {
    const before = this.#epoch;
    if (before === epoch) return;
    this.#epoch = epoch;
    this.#version = 0;
    this.#producers = new Map();
    if (before === undefined) return;
    this.#onRestart(epoch);
    this.#tell({ type: 'media_restarted', epoch });
    for (const seat of this.#comers.keys()) this.#comers.set(seat, { epoch, producers: [] });
  }

  /** Everybody here but their owners is told of the producers that are new, and of those that are gone. */
  take(list: ProducerList): void {
    if (this.#epoch === list.epoch && list.version < this.#version) return;
    this.takeRouter(list.epoch);
    const before = this.#producers;
    this.#producers = new Map(list.producers.map((producer) => [producer.id, producer]));
    this.#version = list.version;
    if (this.#isKnown) this.#tellDifference(before);
    this.#isKnown = true;
    for (const [seat, told] of this.#comers) this.#brief(seat, told);
    this.#comers.clear();
  }

  /** There is no router, and the members know of none. */
  takeNothing(): void {
    this.#isKnown = true;
  }

  /** What a session here was told. */
  get told(): ToldMedia | undefined {
    if (!this.#isKnown || this.#epoch === undefined) return undefined;
    const producers = [...this.#producers.values()];
    return { epoch: this.#epoch, producers: producers.map(({ id, peerId }) => [id, asPeerId(peerId)]) };
  }

  /**
   * A session comes from another node, where it was told that; `undefined`: nobody knows what. Returns whether it can be
   * told what has changed since: otherwise it is when the list is read.
   */
  comes(seat: Seat, told: ToldMedia | undefined): boolean {
    if (this.#isKnown && this.#epoch !== undefined) {
      this.#brief(seat, told);
      return true;
    }
    this.#comers.set(seat, told);
    // If the room's router is another one by now, that is seen then.
    this.#epoch ??= told?.epoch;
    return false;
  }

  /** Nobody waits for media of this room any more just now. Told once, until it is `isAway` no more. */
  tellUnavailable(): void {
    if (this.isAway) return;
    this.isAway = true;
    this.#tell({ type: 'media_unavailable' });
  }

  /** All full sessions here. */
  #tell(event: Event): void {
    for (const member of this.room.members.values()) if (isToldOf(member)) member.tell(event);
  }

  #tellDifference(before: Producers): void {
    const gone = [...before.values()].filter(({ id }) => !this.#producers.has(id));
    const come = [...this.#producers.values()].filter(({ id }) => !before.has(id));
    for (const producer of gone) this.#tellOthers(closed(producer), producer);
    for (const producer of come) this.#tellOthers(opened(producer), producer);
  }

  #tellOthers(event: Event, { owner }: ProducerInfo): void {
    for (const member of this.room.members.values()) {
      if (member.id === owner || !isToldOf(member)) continue;
      // Who has just come is told all at once.
      const isComing = 'seat' in member.state && this.#comers.has(member.state.seat);
      if (!isComing) member.tell(event);
    }
  }

  #brief(seat: Seat, told: ToldMedia | undefined): void {
    const { session, peerId } = seat;
    const epoch = this.#epoch;
    if (!('seat' in session.state) || session.state.seat !== seat || epoch === undefined) return;
    const all = [...this.#producers.values()];
    // Who has producers here has its transports too; of all others nobody can say on which router they are.
    const isUnsure = told === undefined && !all.some(({ owner }) => owner === session.id);
    const isOther = told !== undefined && told.epoch !== epoch;
    if (isUnsure || isOther) session.tell({ type: 'media_restarted', epoch });
    const had = new Map(isOther ? [] : told?.producers);
    for (const producer of all) {
      const isNews = !had.delete(producer.id) && producer.owner !== session.id;
      if (isNews) session.tell(opened(producer));
    }
    for (const [producerId, whose] of had) {
      if (whose !== peerId) session.tell({ type: 'producer_closed', producerId, peerId: whose });
    }
  }
}

/** The producers of a list as others see them. */
export function cardsOf(list: ProducerList, viewer: string): ProducerCard[] {
  return list.producers.filter(({ owner }) => owner !== viewer).map(cardOf);
}

function cardOf({ id, peerId, kind, appData }: ProducerInfo): ProducerCard {
  return { producerId: id, peerId: asPeerId(peerId), kind, appData };
}

function opened(producer: ProducerInfo): Event {
  return { type: 'producer_opened', producer: cardOf(producer) };
}

function closed({ id, peerId }: ProducerInfo): Event {
  return { type: 'producer_closed', producerId: id, peerId: asPeerId(peerId) };
}

function isToldOf(member: Session): boolean {
  return isPresent(member) && !member.state.quiet;
}
