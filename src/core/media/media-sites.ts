import { SignalingError } from '../../protocol/errors.js';
import type { Context } from '../context.js';
import type { MediaGuard } from './media-guard.js';
import type { MediaRoom } from './media-room.js';

/** The Media Services of this server, and which of them the rooms are at. */
export class MediaSites {
  readonly #context: Context;
  readonly #guards: ReadonlyMap<string, MediaGuard>;

  constructor(context: Context, guards: readonly MediaGuard[]) {
    this.#context = context;
    this.#guards = new Map(guards.map((guard) => [guard.name, guard]));
  }

  get all(): IterableIterator<MediaGuard> {
    return this.#guards.values();
  }

  get isEmpty(): boolean {
    return this.#guards.size === 0;
  }

  /** The least loaded of those that can be asked. */
  get best(): MediaGuard | undefined {
    let best: MediaGuard | undefined;
    for (const guard of this.all) {
      if (guard.isOpen && (best === undefined || guard.load < best.load)) best = guard;
    }
    return best;
  }

  /** `undefined`: the room is nowhere, as far as is known, or at a service that this server does not have. */
  of({ service }: MediaRoom): MediaGuard | undefined {
    return service === undefined ? undefined : this.#guards.get(service);
  }

  named(service: string): MediaGuard | undefined {
    return this.#guards.get(service);
  }

  /**
   * The service that the room is at. `mayPlace`: it is placed where it is nowhere, or at one that is gone. Rejects with
   * `MEDIA_UNAVAILABLE`, with `MEDIA_RESTARTED` where the room is nowhere, or with `STORE_UNAVAILABLE`.
   */
  async settle(state: MediaRoom, mayPlace: boolean): Promise<MediaGuard> {
    const { placement } = this.#context;
    const { id } = state.room;
    state.service ??= await placement.find(id);
    const guard = this.of(state);
    if (guard?.isOpen === true) return guard;
    if (!mayPlace) throw new SignalingError(guard === undefined ? 'MEDIA_RESTARTED' : 'MEDIA_UNAVAILABLE');
    const placed = await this.move(state);
    if (placed?.isOpen !== true) throw new SignalingError('MEDIA_UNAVAILABLE');
    return placed;
  }

  /** Places the room at the best service, in the place of the one where it was. `undefined`: there is none. */
  async move(state: MediaRoom): Promise<MediaGuard | undefined> {
    const { best } = this;
    if (best === undefined) return undefined;
    // Before it is there, so that others who look meanwhile look elsewhere.
    best.burden();
    state.service = await this.#context.placement.place(state.room.id, best.name, state.service);
    return this.of(state);
  }

  /** Looks where the room is by now; what the memory of it has lost is put back. Rejects with `STORE_UNAVAILABLE`. */
  async confirm(state: MediaRoom): Promise<void> {
    const { placement } = this.#context;
    const { id } = state.room;
    const found = await placement.find(id);
    const { service } = state;
    state.service = found ?? (service === undefined ? undefined : await placement.place(id, service));
  }
}
