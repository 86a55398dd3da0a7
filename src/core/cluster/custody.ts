import type { Clock, Tally } from '../../ports/runtime.js';
import type { NodeId, PeerId } from '../../protocol/ids.js';
import { writeDelivered, writeRelay } from '../../protocol/letters.js';
import type { Receipt } from '../../protocol/messages.js';
import type { Hub } from '../hub.js';
import type { Room } from '../room.js';
import type { SentMessage } from '../sent-messages.js';
import type { Seat, Session } from '../session.js';
import { bar } from './bar.js';
import { canHear, frameOf } from './frames.js';
import type { Cargo } from './parcel.js';
import type { PostOffice } from './post-office.js';

/** A sender hears by now that the receiver's node does not answer: within a second, with time for a round to spare. */
export const lateMs = 700;
const lookEveryMs = 100;

export interface CustodyParts {
  readonly hub: Hub;
  readonly office: PostOffice;
  readonly clock: Clock;
  readonly tally: Tally;
  /** Says no to the sender. */
  readonly refuse: (seat: Seat, sent: SentMessage, why: 'missing' | 'unreachable') => void;
}

/** How a peer came to sit where it sits now. */
export interface Move {
  /** The same session goes on: what it was sent before and has not confirmed may be missing. */
  readonly isSameSession: boolean;
  /** The node that it left. */
  readonly from?: NodeId;
  /** The last letter to that node whose content the peer took along. */
  readonly heard?: number | undefined;
}

export interface Unsent {
  readonly seat: Seat;
  readonly sent: SentMessage;
}

/** A message with an id, in a letter. */
export class Outgoing implements Cargo {
  constructor(
    readonly custody: Custody,
    readonly seat: Seat,
    readonly sent: SentMessage,
  ) {}

  onHad(): void {
    this.custody.accepted(this.seat, this.sent);
  }
}

/**
 * Messages with an id: the sender's node keeps each until the receiver has it, and tells the sender what becomes of
 * it.
 */
export class Custody {
  readonly #parts: CustodyParts;
  /** Not accepted yet, oldest first. */
  readonly #waiting = new Map<SentMessage, Seat>();
  #cancelLook: (() => void) | undefined;

  constructor(parts: CustodyParts) {
    this.#parts = parts;
  }

  /** A message with an id to one peer: its sender is told what becomes of it. */
  send(seat: Seat, sent: SentMessage): void {
    const { to, event } = sent;
    if (to === undefined || event === undefined) return;
    sent.parcel = undefined;
    sent.isPlaced = false;
    const { room } = seat;
    const local = room.members.get(to);
    // Behind what waits for the same peer already.
    if (local?.isFrozen === true || room.parked.has(to) || room.held.has(to)) {
      this.#wait(seat, sent);
      return;
    }
    const receipt = {
      roomId: room.id,
      from: seat.peerId,
      session: seat.session.id,
      id: sent.id,
      isAwaited: true,
    };
    if (local !== undefined) {
      const hearing = local.hear(event, receipt);
      if (hearing === 'lost') this.#missing(seat, sent);
      else this.accepted(seat, sent);
      if (hearing === 'delivered') this.delivered(seat, sent.id);
      return;
    }
    const remote = room.remotes.get(to);
    if (remote === undefined || !canHear(remote.seat)) {
      this.#missing(seat, sent);
      return;
    }
    const link = this.#parts.office.link(remote.seat.nodeId);
    const letter = writeRelay(room.id, event, frameOf(event, seat.session), {
      session: receipt.session,
      id: sent.id,
    });
    sent.parcel = link.send(letter, new Outgoing(this, seat, sent));
    if (sent.parcel === undefined) this.#late(seat, sent);
    else this.#wait(seat, sent);
  }

  accepted(seat: Seat, sent: SentMessage): void {
    this.#waiting.delete(sent);
    sent.parcel = undefined;
    sent.isPlaced = true;
    if (sent.isAccepted) return;
    sent.isAccepted = true;
    if (sent.event?.type === 'message') this.#parts.tally.messages_relayed += 1;
    else this.#parts.tally.signals_relayed += 1;
    seat.mail.tell({ type: 'accepted' }, sent.ask);
  }

  /** The receiver has it. */
  delivered(seat: Seat, id: string): void {
    const known = seat.mail.sent.get(id);
    if (known?.isDelivered === true) return;
    const sent = seat.mail.sent.confirm(id);
    if (sent !== undefined) this.accepted(seat, sent);
    seat.mail.tell({ type: 'delivered' }, sent?.ask ?? { verb: '', id, answered: true });
  }

  /** The receiver's node cannot take the letter. */
  refused(cargo: Cargo | undefined): void {
    if (cargo instanceof Outgoing) this.#missing(cargo.seat, cargo.sent);
  }

  /** The receiver of these has them: their senders are told, wherever they are. */
  confirm(receipts: readonly Receipt[]): void {
    for (const { roomId, from, session, id } of receipts) {
      const room = this.#parts.hub.room(roomId);
      const local = room?.members.get(from);
      if (local?.id === session && 'seat' in local.state) {
        this.delivered(local.state.seat, id);
        continue;
      }
      const remote = room?.remotes.get(from)?.seat;
      if (remote?.sessionId !== session) continue;
      const letter = writeDelivered({ roomId, to: from, session, ids: [id] });
      this.#parts.office.link(remote.nodeId).send(letter);
    }
  }

  /**
   * A peer has turned up: what is to be sent to it again, oldest first for each sender. `takesBack`: also what is under
   * way to where it was.
   */
  takeUndelivered(room: Room<Session>, to: PeerId, move: Move | undefined, takesBack: boolean): Unsent[] {
    const unsent: Unsent[] = [];
    for (const seat of senders(room)) {
      for (const sent of seat.mail.sent.undeliveredTo(to)) {
        if (move?.isSameSession === true) sent.isPlaced = false;
        // It was for the session before, which had it or never will.
        if (move?.isSameSession === false && sent.isPlaced) this.#withdraw(seat, sent);
        const isUnderWay = sent.parcel !== undefined && !sent.parcel.isVoid;
        if (sent.isPlaced || (isUnderWay && !takesBack)) continue;
        if (sent.parcel !== undefined) sent.parcel.isVoid = true;
        if (move !== undefined) sent.sentAtMs = this.#parts.clock.now();
        unsent.push({ seat, sent });
      }
    }
    return unsent;
  }

  /** A peer has left for good: nothing will reach it. */
  gone(room: Room<Session>, to: PeerId): void {
    for (const seat of senders(room)) {
      for (const sent of seat.mail.sent.undeliveredTo(to)) {
        if (sent.isAccepted) this.#withdraw(seat, sent);
        else this.#missing(seat, sent);
      }
    }
  }

  /** Its sender sits here no more. */
  forget(seat: Seat): void {
    for (const [sent, owner] of this.#waiting) if (owner === seat) this.#waiting.delete(sent);
  }

  close(): void {
    this.#cancelLook?.();
  }

  #wait(seat: Seat, sent: SentMessage): void {
    this.#waiting.delete(sent);
    if (sent.isAccepted) return;
    this.#waiting.set(sent, seat);
    this.#cancelLook ??= this.#parts.clock.after(lookEveryMs, () => {
      this.#look();
    });
  }

  #look(): void {
    this.#cancelLook = undefined;
    const nowMs = this.#parts.clock.now();
    for (const [sent, seat] of [...this.#waiting]) {
      if (nowMs - sent.sentAtMs >= lateMs && this.#waiting.has(sent)) this.#late(seat, sent);
    }
    if (this.#waiting.size === 0) return;
    this.#cancelLook = this.#parts.clock.after(lookEveryMs, () => {
      this.#look();
    });
  }

  /** Refuses it and all behind it to the same peer, so that none of them arrives before it is sent again. */
  #late(seat: Seat, first: SentMessage): void {
    const { to } = first;
    if (to === undefined) return;
    bar(this.#parts.clock, seat, to, first.id);
    for (const sent of seat.mail.sent.undeliveredTo(to)) {
      if (sent.isAccepted) continue;
      this.#withdraw(seat, sent);
      this.#parts.tally.sends_late += 1;
      this.#parts.refuse(seat, sent, 'unreachable');
    }
  }

  #missing(seat: Seat, sent: SentMessage): void {
    this.#withdraw(seat, sent);
    if (!sent.isAccepted) this.#parts.refuse(seat, sent, 'missing');
  }

  #withdraw(seat: Seat, sent: SentMessage): void {
    this.#waiting.delete(sent);
    if (sent.parcel !== undefined) sent.parcel.isVoid = true;
    seat.mail.sent.remove(sent);
  }
}

function* senders(room: Room<Session>): Generator<Seat> {
  for (const { state } of room.members.values()) {
    if ('seat' in state && state.seat.mail.hasSent) yield state.seat;
  }
}
