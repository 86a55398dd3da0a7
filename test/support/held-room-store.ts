import type { RoomPage, RoomQuery, RoomStore } from '../../src/ports/room-store.js';
import type { RoomId } from '../../src/protocol/ids.js';
import type { RoomMode, RoomRecord, RoomStatus } from '../../src/protocol/records.js';

/** A store whose answers can be kept back: what was read or written is so, and nobody has heard of it yet. */
export class HeldRoomStore implements RoomStore {
  /** What it was asked to find, in order. */
  readonly found: RoomId[] = [];
  /** The next call has done its work and fails. */
  failure: Error | undefined;
  private held: { readonly reached: () => void; readonly released: Promise<void> } | undefined;

  constructor(private readonly store: RoomStore) {}

  /** Of the next call alone. `reached` resolves when it has done its work and waits. */
  hold(): { readonly reached: Promise<void>; readonly release: () => void } {
    let reach = (): void => undefined;
    let release = (): void => undefined;
    const reached = new Promise<void>((resolve) => (reach = resolve));
    const released = new Promise<void>((resolve) => (release = resolve));
    this.held = { reached: reach, released };
    return { reached, release };
  }

  create(record: RoomRecord, nowS: number): Promise<'created' | 'taken'> {
    return this.answer(this.store.create(record, nowS));
  }

  find(roomId: RoomId): Promise<RoomRecord | undefined> {
    this.found.push(roomId);
    return this.answer(this.store.find(roomId));
  }

  list(query: RoomQuery): Promise<RoomPage> {
    return this.store.list(query);
  }

  setStatus(roomId: RoomId, status: RoomStatus): Promise<boolean> {
    return this.answer(this.store.setStatus(roomId, status));
  }

  setMode(roomId: RoomId, mode: RoomMode): Promise<boolean> {
    return this.answer(this.store.setMode(roomId, mode));
  }

  remove(roomId: RoomId): Promise<void> {
    return this.answer(this.store.remove(roomId));
  }

  check(): Promise<void> {
    return this.store.check();
  }

  private async answer<Result>(call: Promise<Result>): Promise<Result> {
    const { held, failure } = this;
    [this.held, this.failure] = [undefined, undefined];
    const result = await call;
    if (held !== undefined) {
      held.reached();
      await held.released;
    }
    if (failure !== undefined) throw failure;
    return result;
  }
}
