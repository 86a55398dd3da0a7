import type { RoomChange } from '../ports/presence.js';
import type { PeerId, RoomId } from '../protocol/ids.js';
import type { RoomMode, RoomRecord, SeatRecord } from '../protocol/records.js';
import type { LeaveReason, Relayed } from '../protocol/messages.js';
import { Endings } from './cluster/endings.js';

/** A member on another node. */
export interface RemotePeer {
  readonly seat: SeatRecord;
  /** The memory of the room in which it was last seen. */
  readonly epoch: string;
}

/** A peer is about to sit down here, as the others may know already. */
export interface Arrival {
  /** How many want the name. */
  expected: number;
  /** What came for it: to be delivered when it sits. */
  readonly letters: (() => void)[];
  /** Seats of that name that have ended meanwhile, by generation. */
  readonly ended: Map<number, LeaveReason>;
}

/** A signal without an id that waits to know where its receiver sits now. */
export interface ParkedSignal {
  /** Grows with each signal and message that leaves here: what waits is sent in this order. */
  readonly order: number;
  readonly event: Relayed;
}

/**
 * A room as this node knows it: its record, who sits in it here, and who on other nodes. Generic over the local member,
 * so that a session can point at its room without the two files importing each other.
 */
export class Room<Member> {
  #record: RoomRecord;
  /** Local members by peer id, in the order in which the names were first taken. */
  readonly members = new Map<PeerId, Member>();
  /** Members on other nodes. A name is in one of the two. */
  readonly remotes = new Map<PeerId, RemotePeer>();
  readonly parked = new Map<PeerId, ParkedSignal[]>();
  /** Peers for whom something came back: until it is sent again nothing newer may go to them. */
  readonly held = new Set<PeerId>();
  readonly arriving = new Map<PeerId, Arrival>();
  /** By sender's session and receiver: the first message that was turned away. None behind it may pass before it. */
  readonly turnedAway = new Map<string, { readonly id: string; readonly untilMs: number }>();
  /** Local members that take a seat; the rest are names kept for `/delete-peers-and-room` (SPEC P6). */
  liveCount = 0;
  /** Where this copy stands in the changes of the room; before the first view the epoch is empty. */
  epoch = '';
  version = 0;
  /** Changes that came before the first view. */
  early: RoomChange[] = [];
  /** What this copy still waits to be confirmed of seats that have ended. */
  readonly endings = new Endings();
  /** The memory of the room was lost and is being put together again: until then absence proves nothing. */
  settlesAtMs = 0;
  /** Who is about to sit down: the room must not be dropped meanwhile. */
  pins = 0;

  /** How its media goes, as the presence says; before the first view nobody knows. */
  mode: RoomMode | undefined;
  /** Who may kick and hand over; decided by the presence. */
  host: PeerId | undefined;
  /** To whom members here are handing that over. */
  readonly handovers = new Map<PeerId, Member>();

  constructor(record: RoomRecord) {
    this.#record = record;
  }

  get record(): RoomRecord {
    return this.#record;
  }

  /** A room that was made anew when its time was over lives longer than who sits in it knows; its mode may be another. */
  renew(record: RoomRecord): void {
    const { createdBy, isOpen, expiresAtS } = this.#record;
    const isSame = record.createdBy === createdBy && record.isOpen === isOpen;
    if (isSame && record.expiresAtS >= expiresAtS) this.#record = record;
  }

  get id(): RoomId {
    return this.record.roomId;
  }

  get createdBy(): string {
    return this.record.createdBy;
  }

  get expiresAtMs(): number {
    return this.record.expiresAtS * 1000;
  }
}
