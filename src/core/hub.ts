import type { PeerId, RoomId } from '../protocol/ids.js';
import type { RoomRecord } from '../protocol/records.js';
import { Room } from './room.js';
import type { Seat, Session } from './session.js';

/** The index of this node: its sessions, the rooms they sit in, and which room a peer name was last seen in. */
export class Hub {
  /** Sessions with a socket. */
  readonly sessions = new Set<Session>();
  readonly #rooms = new Map<RoomId, Room<Session>>();
  /** The newest holder of each name, whatever the room: `/delete-peers-and-room` knows only a name. */
  readonly #byPeer = new Map<PeerId, Seat>();

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
    if (known !== undefined) return known;
    const room = new Room<Session>(record);
    this.#rooms.set(room.id, room);
    return room;
  }

  /** Where a peer of that name sits, or last sat. */
  seatOf(peerId: PeerId): Seat | undefined {
    return this.#byPeer.get(peerId);
  }

  /** Enters a session under its name; what sat there before must have been taken out or be replaced by this. */
  enter(session: Session, seat: Seat): void {
    seat.room.members.set(seat.peerId, session);
    this.#byPeer.set(seat.peerId, seat);
  }

  /** Takes a seat out of the index if it is still the one in it; an empty room goes too. */
  remove(session: Session, seat: Seat): void {
    const { room, peerId } = seat;
    if (room.members.get(peerId) === session) room.members.delete(peerId);
    if (this.#byPeer.get(peerId) === seat) this.#byPeer.delete(peerId);
    this.dropIfEmpty(room);
  }

  dropIfEmpty(room: Room<Session>): void {
    if (room.members.size === 0 && this.#rooms.get(room.id) === room) this.#rooms.delete(room.id);
  }
}
