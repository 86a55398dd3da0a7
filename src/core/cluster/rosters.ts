import type { Kick, RoomChange, RoomView } from '../../ports/presence.js';
import type { PeerId, RoomId, SessionId } from '../../protocol/ids.js';
import type { RoomRecord, SeatRecord } from '../../protocol/records.js';
import type { Context, RoomCopies } from '../context.js';
import type { Room } from '../room.js';
import type { Session } from '../session.js';
import { Doubts } from './doubts.js';
import type { Departure } from './seat-ledger.js';
import { reconcile } from './reconcile.js';
import { restoreRoom } from './restore-room.js';
import { surrender } from './surrender.js';
import { expel } from './expel.js';
import { heardOf, tellChange, tellHost, tellJoined, tellKicked, tellLeft, tellMode } from './news.js';

/** After the memory of a room was lost every living node writes its seats again within this time. */
const settleMs = 10_000;
/** Most of them do it within this time. */
const restoreMs = 1_500;
const retryMs = 1_000;

/** Keeps this node's copies of its rooms as the presence says, and tells the local members what has changed elsewhere. */
export class Rosters implements RoomCopies {
  readonly #context: Context;
  readonly #doubts: Doubts;
  #restoredAtMs = Number.NEGATIVE_INFINITY;
  /** Rooms that are being read again; true: and once more when that is done. */
  readonly #syncing = new Map<Room<Session>, boolean>();

  constructor(context: Context) {
    this.#context = context;
    this.#doubts = new Doubts(context);
    const { presence, hub } = context;
    presence.onChange((change) => {
      const room = hub.room(change.roomId);
      if (room !== undefined) this.#take(room, change);
    });
    presence.onRestored(() => {
      this.#restoredAtMs = this.#context.clock.now();
      this.#context.ledger.retry();
      this.syncAll();
    });
    hub.onDrop = (roomId) => {
      presence.unwatch(roomId);
      this.#context.chats.unwatch(roomId);
    };
  }

  get isSettling(): boolean {
    return this.#context.clock.now() - this.#restoredAtMs < restoreMs;
  }

  doubt(roomId: RoomId, sessionId: SessionId): void {
    this.#doubts.follow(roomId, sessionId);
  }

  async open(record: RoomRecord): Promise<Room<Session>> {
    const room = this.#context.hub.ensureRoom(record);
    room.pins += 1;
    try {
      await Promise.all([this.#context.presence.watch(room.id), this.#context.chats.watch(room.id)]);
    } catch (error) {
      this.release(room);
      throw error;
    }
    return room;
  }

  release(room: Room<Session>): void {
    room.pins -= 1;
    this.#context.hub.dropIfEmpty(room);
  }

  /** Every room anew, this node's own seats included. */
  syncAll(): void {
    for (const room of this.#context.hub.rooms()) void this.sync(room);
  }

  apply(room: Room<Session>, view: RoomView, isReconciled = false): void {
    const isSameMemory = view.epoch === room.epoch;
    if (isSameMemory && view.version < room.version) return;
    const { clock, presence } = this.#context;
    if (!isSameMemory && room.epoch !== '') {
      this.#settleLater(room);
      void restoreRoom(this.#context, room);
      if (!isReconciled) clock.after(0, () => void this.sync(room));
    }
    [room.epoch, room.version] = [view.epoch, view.version];
    const named = new Set<PeerId>();
    for (const seat of view.seats) {
      named.add(seat.peerId);
      if (seat.nodeId !== presence.nodeId) this.#sits(room, seat, view.version);
    }
    for (const { peerId, generation } of view.ended) {
      const remote = room.remotes.get(peerId)?.seat;
      if (remote !== undefined && remote.generation <= generation)
        this.#gone(room, { ...remote, reason: 'left' });
    }
    const isSettled = clock.now() >= room.settlesAtMs;
    for (const { seat, epoch } of [...room.remotes.values()]) {
      // A memory that never held it does not prove that it has left.
      if (!named.has(seat.peerId) && (isSettled || epoch === view.epoch))
        this.#gone(room, { ...seat, reason: 'disconnected' });
    }
    room.endings.reached(view);
    for (const kick of view.kicked) this.#kicked(room, kick);
    tellHost(room, view.host);
    if (isSameMemory || isReconciled || room.mode === undefined) this.#takesMode(room, view);
    const early = room.early;
    room.early = [];
    for (const change of early) this.#take(room, change);
  }

  suppose(room: Room<Session>, seats: readonly SeatRecord[]): void {
    for (const seat of seats) {
      if (room.remotes.has(seat.peerId) || room.members.has(seat.peerId)) continue;
      if (room.settlesAtMs <= this.#context.clock.now()) this.#settleLater(room);
      room.remotes.set(seat.peerId, { seat, epoch: '' });
    }
  }

  #settleLater(room: Room<Session>): void {
    const { clock } = this.#context;
    room.settlesAtMs = clock.now() + settleMs;
    clock.after(settleMs + 1, () => void this.sync(room));
  }

  /** Reads the room again and writes this node's seats where they are missing. */
  async sync(room: Room<Session>): Promise<void> {
    if (this.#syncing.has(room)) {
      this.#syncing.set(room, true);
      return;
    }
    const { hub, logger, clock, tally } = this.#context;
    try {
      do {
        tally.roster_reads += 1;
        this.#syncing.set(room, false);
        if (hub.room(room.id) !== room) return;
        this.apply(room, await reconcile(this.#context, room), true);
      } while (this.#syncing.get(room) === true);
    } catch (error) {
      logger.warn('room_not_read', { room: room.id, error });
      clock.after(retryMs, () => void this.sync(room));
    } finally {
      this.#syncing.delete(room);
    }
  }

  #take(room: Room<Session>, change: RoomChange): void {
    try {
      this.#changed(room, change);
    } catch (error) {
      // One change that cannot be handled must not end the listening.
      this.#context.tally.letters_malformed += 1;
      this.#context.logger.error('change_failed', { room: room.id, error });
      void this.sync(room);
    }
  }

  #changed(room: Room<Session>, change: RoomChange): void {
    if (room.epoch === '') {
      room.early.push(change);
      return;
    }
    const { what } = change;
    const isNext = change.epoch === room.epoch && change.previous === room.version;
    if (!isNext) {
      const isNews = change.epoch !== room.epoch || change.version > room.version;
      // Which seat has ended is beyond doubt, whatever else was missed.
      if (what.kind === 'gone') {
        if (isNews) room.endings.heard(what, change.version);
        this.#gone(room, what);
      }
      if (isNews) this.#context.tally.roster_gaps += 1;
      if (isNews) void this.sync(room);
      return;
    }
    room.version = change.version;
    if (what.kind === 'host') {
      tellHost(room, what.host);
    } else if (what.kind === 'mode') {
      this.#takesMode(room, what);
    } else if (what.kind === 'gone') {
      this.#gone(room, what);
    } else if (what.seat.nodeId !== this.#context.presence.nodeId) {
      this.#sits(room, what.seat, change.version, what.note);
    }
  }

  #takesMode(room: Room<Session>, change: Parameters<typeof tellMode>[1]): void {
    if (tellMode(room, change)) this.#context.media.changed(room, change.reason);
  }

  /** In that version of the room a seat on another node is as it says. */
  #sits(room: Room<Session>, seat: SeatRecord, version: number, note?: string): void {
    if (room.endings.isOver(seat, version)) return;
    const { peerId } = seat;
    const local = room.members.get(peerId);
    if (local !== undefined && 'seat' in local.state) {
      if (local.state.seat.generation < seat.generation) surrender(this.#context, room, local, seat);
      return;
    }
    const old = room.remotes.get(peerId)?.seat;
    if (old !== undefined && old.generation > seat.generation) return;
    room.remotes.set(peerId, { seat, epoch: room.epoch });
    const { relay, office } = this.#context;
    if (old?.sessionId !== seat.sessionId) {
      if (old !== undefined) tellLeft(room, old, 'replaced');
      tellJoined(room, seat);
      const from = old === undefined ? {} : { from: old.nodeId };
      relay.reroute(room, peerId, { isSameSession: false, ...from });
      return;
    }
    tellChange(room, old, seat);
    const move = { isSameSession: true, from: old.nodeId, heard: heardOf(note, office.self) };
    relay.reroute(room, peerId, old.generation === seat.generation ? undefined : move);
  }

  /** The news of it may not have come. */
  #kicked(room: Room<Session>, kick: Kick): void {
    const { peerId } = kick;
    const state = room.members.get(peerId)?.state;
    const here = state !== undefined && 'seat' in state ? state.seat : room.remotes.get(peerId)?.seat;
    if (here !== undefined && here.generation <= kick.generation)
      this.#gone(room, { peerId, generation: here.generation, reason: 'kicked', kick });
  }

  gone(room: Room<Session>, departure: Departure): void {
    room.endings.givenUp(departure);
    this.#gone(room, departure);
  }

  #gone(room: Room<Session>, { peerId, generation, reason, kick }: Departure): void {
    room.arriving.get(peerId)?.ended.set(generation, reason);
    const remote = room.remotes.get(peerId)?.seat;
    if (remote?.generation === generation) {
      room.remotes.delete(peerId);
      tellLeft(room, remote, reason);
      if (kick !== undefined) tellKicked(room, kick);
      this.#context.relay.gone(room, peerId);
    }
    const local = room.members.get(peerId);
    if (local === undefined || !('seat' in local.state) || local.state.seat.generation !== generation) return;
    // Otherwise taken for dead while it lives.
    if (reason === 'deleted' || reason === 'kicked') expel(this.#context, room, local, reason, kick);
    else void this.sync(room);
  }
}
