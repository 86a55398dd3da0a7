import type { HandedMail } from '../../protocol/handover.js';
import type { RoomId } from '../../protocol/ids.js';
import type { MediaRequest } from '../../protocol/media-messages.js';
import type { Ask } from '../../protocol/messages.js';
import type { ModeReason } from '../../protocol/records.js';
import type { Context, Media } from '../context.js';
import type { Room } from '../room.js';
import type { Seat, Session } from '../session.js';
import { MediaCopies, modeOf } from './media-copies.js';
import { MediaGuard } from './media-guard.js';
import { MediaModes } from './media-modes.js';
import { MediaRequests } from './media-requests.js';
import type { MediaRoom } from './media-room.js';
import { MediaSites } from './media-sites.js';

const tickMs = 1_000;
/** So many rooms are looked after at a time; the others a second later. */
const roomsPerTick = 100;
/** When a session's media is closed; after that the service does it by itself. */
const closeAfterMs = [0, 1_000, 2_000] as const;

/** Rooms whose media goes through a Media Service. Without one configured it does nothing at all. */
export class RoomMedia implements Media {
  readonly #context: Context;
  readonly #sites: MediaSites;
  readonly #copies: MediaCopies;
  readonly #requests: MediaRequests;
  readonly #modes: MediaModes;
  #cancelTick: (() => void) | undefined;
  #isClosed = false;

  constructor(context: Context) {
    this.#context = context;
    const { clock, logger, tally } = context;
    const guards = context.mediaServices.map((service): MediaGuard => {
      const { name } = service;
      return new MediaGuard(service, {
        clock,
        logger,
        tally,
        rooms: () => this.#copies.namedFor(name),
        onKept: (named, kept) => {
          this.#copies.kept(name, named, kept);
        },
        onLost: () => {
          this.#lost(name);
        },
        onBack: () => {
          this.#back(name);
        },
      });
    });
    this.#sites = new MediaSites(context, guards);
    this.#copies = new MediaCopies(context, this.#sites);
    this.#requests = new MediaRequests(context, this.#sites, this.#copies);
    this.#modes = new MediaModes(context, this.#sites, this.#copies);
  }

  get isAvailable(): boolean {
    return this.#sites.best !== undefined;
  }

  get services(): readonly MediaGuard[] {
    return [...this.#sites.all];
  }

  start(): void {
    if (this.#sites.isEmpty) return;
    for (const guard of this.#sites.all) guard.start();
    this.#tickLater();
  }

  close(): void {
    this.#isClosed = true;
    this.#cancelTick?.();
    for (const guard of this.#sites.all) guard.end();
  }

  request(_session: Session, seat: Seat, asked: MediaRequest, ask: Ask): void {
    this.#requests.take(seat, asked, ask);
  }

  left(seat: Seat): void {
    const { room, session } = seat;
    if (this.#sites.isEmpty || modeOf(room) !== 'SFU' || !this.#requests.hasAsked(seat)) return;
    void this.#close(this.#copies.of(room), session.id, 0);
  }

  look(roomId: RoomId): void {
    const room = this.#context.hub.room(roomId);
    if (room === undefined || this.#sites.isEmpty || modeOf(room) !== 'SFU') return;
    void this.#copies.refresh(this.#copies.of(room));
  }

  changed(room: Room<Session>, reason?: ModeReason): void {
    if (this.#sites.isEmpty) return;
    const before = this.#copies.of(room);
    const isOther = before.mode !== modeOf(room);
    const state = isOther ? this.#copies.renew(room) : before;
    if (state.mode === 'SFU') {
      if (state.service === undefined) void this.#copies.refresh(state);
      return;
    }
    if (isOther) this.#modes.end(state, before);
    // Another node has found out first.
    if (isOther && reason === 'media_unavailable') before.tellUnavailable();
    // Who comes may be one too many. Not what a host has just decided, nor a node that does not reach the service: it would
    // undo that again and again, and makes the room grow itself when the service is back for it.
    if (reason === undefined) this.#modes.grow(state);
  }

  told({ room }: Seat): HandedMail['media'] {
    return this.#sites.isEmpty || modeOf(room) !== 'SFU' ? undefined : this.#copies.of(room).told;
  }

  comes(seat: Seat, told: HandedMail['media']): void {
    const { room } = seat;
    if (this.#sites.isEmpty || modeOf(room) !== 'SFU') return;
    const state = this.#copies.of(room);
    if (!state.comes(seat, told)) void this.#copies.refresh(state);
  }

  epochOf(room: Room<Session>): string | undefined {
    return this.#sites.isEmpty || modeOf(room) !== 'SFU' ? undefined : this.#copies.of(room).epoch;
  }

  /** Nobody hears of what fails here: the service closes it when it is not named any more. */
  async #close(state: MediaRoom, owner: Session['id'], tried: number): Promise<void> {
    const guard = this.#sites.of(state);
    if (guard?.isOpen !== true || this.#isClosed) return;
    if (await this.#requests.closeOwner(guard, { roomId: state.room.id, owner })) {
      this.#copies.announce(state);
      return;
    }
    const againMs = closeAfterMs[tried + 1];
    if (againMs !== undefined)
      this.#context.clock.after(againMs, () => void this.#close(state, owner, tried + 1));
  }

  #tickLater(): void {
    this.#cancelTick = this.#context.clock.after(tickMs, () => {
      this.#tick();
      this.#tickLater();
    });
  }

  #tick(): void {
    let left = roomsPerTick;
    for (const state of this.#copies.active()) {
      if (left === 0) return;
      const isAway = this.#sites.of(state)?.isOpen === false;
      if (isAway ? !this.#modes.canMend(state) : !this.#copies.isDue(state)) continue;
      left -= 1;
      if (isAway) void this.#modes.mend(state);
      else void this.#copies.refresh(state);
    }
  }

  #lost(service: string): void {
    for (const state of this.#copies.active()) {
      if (state.service !== service) continue;
      state.tellUnavailable();
      void this.#modes.mend(state);
    }
  }

  #back(service: string): void {
    for (const room of this.#context.hub.rooms()) {
      const state = this.#copies.of(room);
      if (state.service === service) state.isAway = false;
      if (state.mode === 'P2P' && state.leftBehind === service) void this.#modes.clear(state);
      this.changed(room);
    }
  }
}
