import type { PeerId, RoomId } from '../protocol/ids.js';
import type { RoomRecord } from '../protocol/records.js';
import { Room } from './room.js';
import type { Seat, Session } from './session.js';

/** The index of this node: its sessions, the rooms they sit in, and which room a peer name was last seen in. */
export class Hub {
  /** Sessions with a socket. */
  readonly sessions = new Set<Session>();
  readonly #rooms = new Map<RoomId, Room<Session>>();
  /** The seats of each name in all rooms, oldest first: `/delete-peers-and-room` knows only a name. */
  readonly #byPeer = new Map<PeerId, Set<Seat>>();
  /** Rooms that were or are being deleted: a join that read the record before must not revive them. */
  readonly #buried = new Map<RoomId, number>();

  /** Called with each room that this node has no more to do with. */
  onDrop: (roomId: RoomId) => void = () => undefined;

  get roomCount(): number {
    return this.#rooms.size;
  }

  rooms(): IterableIterator<Room<Session>> {
    return this.#rooms.values();
  }

  room(roomId: RoomId): Room<Session> | undefined {
    return this.#rooms.get(roomId);
  }

  /** The room as this node knows it, made from the record when it is the first to sit in it. */
  ensureRoom(record: RoomRecord): Room<Session> {
    const known = this.#rooms.get(record.roomId);
    if (known !== undefined) {
      known.renew(record);
      return known;
    }
    const room = new Room<Session>(record);
    this.#rooms.set(room.id, room);
    return room;
  }

  /** Where peers of that name sit, or last sat: the newest first. */
  seatsOf(peerId: PeerId): Seat[] {
    return [...(this.#byPeer.get(peerId) ?? [])].reverse();
  }

  /** As often as it is dug out again. */
  bury(roomId: RoomId): void {
    this.#buried.set(roomId, (this.#buried.get(roomId) ?? 0) + 1);
  }

  unbury(roomId: RoomId): void {
    const left = (this.#buried.get(roomId) ?? 1) - 1;
    if (left > 0) this.#buried.set(roomId, left);
    else this.#buried.delete(roomId);
  }

  isBuried(roomId: RoomId): boolean {
    return this.#buried.has(roomId);
  }

  /** Enters a session under its name, over whoever holds it. The room must be one of this hub's. */
  enter(session: Session, seat: Seat): void {
    seat.room.members.set(seat.peerId, session);
    const seats = this.#byPeer.get(seat.peerId);
    if (seats === undefined) this.#byPeer.set(seat.peerId, new Set([seat]));
    else seats.add(seat);
  }

  /** Takes a seat out of the index if it is still the one in it; an empty room goes too. */
  remove(session: Session, seat: Seat): void {
    const { room, peerId } = seat;
    if (room.members.get(peerId) === session) room.members.delete(peerId);
    const seats = this.#byPeer.get(peerId);
    if (seats?.delete(seat) === true && seats.size === 0) this.#byPeer.delete(peerId);
    this.dropIfEmpty(room);
  }

  dropIfEmpty(room: Room<Session>): void {
    if (room.members.size > 0 || room.pins > 0 || this.#rooms.get(room.id) !== room) return;
    this.#rooms.delete(room.id);
    room.parked.clear();
    room.held.clear();
    this.onDrop(room.id);
  }
}
