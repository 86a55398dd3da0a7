import type { PeerId, RoomId } from '../protocol/ids.js';
import type { RoomRecord } from '../protocol/records.js';

/**
 * A room as this node knows it: its record and who sits in it. Generic over the member, so that a session can point
 * at its room without the two files importing each other.
 */
export class Room<Member> {
  readonly id: RoomId;
  readonly createdBy: string;
  readonly expiresAtMs: number;
  /** By peer id, in the order in which the names were first taken. */
  readonly members = new Map<PeerId, Member>();
  /** Members that take a seat; the rest are names kept for `/delete-peers-and-room` (SPEC P6). */
  liveCount = 0;

  constructor(record: RoomRecord) {
    this.id = record.roomId;
    this.createdBy = record.createdBy;
    this.expiresAtMs = record.expiresAtS * 1000;
  }
}
