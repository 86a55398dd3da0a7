import type { ModeReason, RoomMode } from '../../protocol/records.js';
import type { Context } from '../context.js';
import { holdsSeatThere } from '../membership.js';
import type { Room } from '../room.js';
import type { Session } from '../session.js';
import type { MediaCopies } from './media-copies.js';
import type { MediaRoom } from './media-room.js';
import type { MediaSites } from './media-sites.js';

/** With fewer peers, P2P carries a room whose Media Service is gone (S1). */
const fewestForSfu = 4;

/** Who made it SFU may have seen earlier than this node that the service is back. */
const newRoomMs = 2_500;

/** How a room's mode follows its size and its Media Service. Every node may say so: it is changed once. */
export class MediaModes {
  readonly #context: Context;
  readonly #sites: MediaSites;
  readonly #copies: MediaCopies;

  constructor(context: Context, sites: MediaSites, copies: MediaCopies) {
    this.#context = context;
    this.#sites = sites;
    this.#copies = copies;
  }

  /** A P2P room that is too large for that becomes SFU. */
  grow(state: MediaRoom): void {
    const { sfuAbovePeers } = this.#context;
    const { room } = state;
    if (sfuAbovePeers === 0 || seatsIn(room) <= sfuAbovePeers || this.#sites.best === undefined) return;
    void this.#alone(state, () => this.#set(room, 'SFU', 'size'));
  }

  /** There is something to be done for a room whose service is gone. */
  canMend({ room, sinceMs }: MediaRoom): boolean {
    if (this.#context.clock.now() - sinceMs < newRoomMs) return false;
    return seatsIn(room) < fewestForSfu || this.#sites.best !== undefined;
  }

  /** A room whose service is gone goes on without, or with another one. Never rejects. */
  mend(state: MediaRoom): Promise<void> {
    return this.#alone(state, async () => {
      if (seatsIn(state.room) < fewestForSfu) {
        await this.#set(state.room, 'P2P', 'media_unavailable');
        return;
      }
      if ((await this.#sites.move(state)) === undefined) return;
      this.#copies.hint(state.room);
      if (state.epoch !== undefined) await this.#copies.reopen(state);
    });
  }

  /** A room has become P2P: what it had is closed. */
  end(state: MediaRoom, before: MediaRoom): void {
    state.leftBehind = before.service;
    void this.clear(state);
  }

  /** Closes what is left of a room that is P2P now; the node of its host does. Never rejects. */
  async clear(state: MediaRoom): Promise<void> {
    const { room, leftBehind } = state;
    const isOurs = room.host !== undefined && room.members.has(room.host);
    const guard = leftBehind === undefined ? undefined : this.#sites.named(leftBehind);
    if (!isOurs || guard?.isOpen !== true) return;
    try {
      await guard.call((service) => service.closeRouter(room.id));
      state.leftBehind = undefined;
    } catch (error) {
      // Nobody names it any more: the service closes it by itself.
      this.#context.logger.debug('router_not_closed', { room: room.id, error });
    }
  }

  async #set(room: Room<Session>, mode: RoomMode, reason: ModeReason): Promise<void> {
    const { presence, tally } = this.#context;
    if ((await presence.setMode(room.id, mode, { reason })) === 'done') tally.modes_changed += 1;
  }

  async #alone(state: MediaRoom, run: () => Promise<void>): Promise<void> {
    if (state.isBusy) return;
    state.isBusy = true;
    try {
      await run();
    } catch (error) {
      this.#context.logger.debug('mode_not_changed', { room: state.room.id, error });
    } finally {
      state.isBusy = false;
    }
  }
}

/** Who holds a seat, on all nodes. */
function seatsIn({ liveCount, remotes }: Room<Session>): number {
  let count = liveCount;
  for (const { seat } of remotes.values()) if (holdsSeatThere(seat)) count += 1;
  return count;
}
