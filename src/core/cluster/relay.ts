import type { Clock, Tally } from '../../ports/runtime.js';
import type { NodeId, PeerId } from '../../protocol/ids.js';
import { writeRelay } from '../../protocol/letters.js';
import type { Relayed } from '../../protocol/messages.js';
import type { SeatRecord } from '../../protocol/records.js';
import { lateMs, Outgoing, type Custody, type Move } from './custody.js';
import { canHear, framed, frameOf, keepForMove, signed } from './frames.js';
import type { ParkedSignal, Room } from '../room.js';
import type { Seat, Session } from '../session.js';
import type { Hub } from '../hub.js';
import type { Cargo } from './parcel.js';
import type { PostOffice } from './post-office.js';

/** So many signals wait for one peer that is between two nodes. */
const maxParked = 256;
const maxParkedBytes = 4_194_304;
const tryAgainMs = 25;

export interface RelayParts {
  readonly hub: Hub;
  readonly office: PostOffice;
  readonly custody: Custody;
  readonly clock: Clock;
  readonly tally: Tally;
}

/** A signal without an id, in a letter. */
class Passing implements Cargo {
  constructor(
    readonly room: Room<Session>,
    readonly to: PeerId,
    readonly signal: ParkedSignal,
    readonly tally: Tally,
  ) {}

  onHad(): void {
    if (this.signal.event.type === 'message') this.tally.messages_relayed += 1;
    else this.tally.signals_relayed += 1;
  }
}

/** From peer to peer, wherever they sit: local first, else a letter to the other one's node. */
export class Relay {
  readonly #parts: RelayParts;
  #lastOrder = 0;

  constructor(parts: RelayParts) {
    this.#parts = parts;
  }

  nextOrder(): number {
    this.#lastOrder += 1;
    return this.#lastOrder;
  }

  /**
   * A signal without an id to one peer. `sent`: it is on its way to another node; `missing`: there is no such peer;
   * `stalled`: its node does not answer.
   */
  pass({ room, session }: Seat, to: PeerId, event: Relayed): 'told' | 'sent' | 'missing' | 'stalled' {
    const local = room.members.get(to);
    const { quiet } = session.state;
    if (local?.isFrozen !== true) {
      if (local !== undefined) return local.tell(event) ? 'told' : 'missing';
      const remote = room.remotes.get(to);
      if (remote === undefined || !canHear(remote.seat)) return 'missing';
      // Who cannot be told waits for it, in order.
      if (!quiet && this.#isStalled(remote.seat.nodeId)) return 'stalled';
    }
    const signal = { order: this.nextOrder(), event: signed(event, session) };
    // Behind what waits for the same peer already.
    if (room.parked.has(to) || room.held.has(to)) this.#park(room, to, signal);
    else this.#forward(room, to, signal);
    return 'sent';
  }

  /** To everybody else in the room. Returns how many here were told. */
  broadcast({ room, session, peerId }: Seat, said: Relayed, id: string | undefined): number {
    const event = framed(said, session);
    const receipt =
      id === undefined
        ? undefined
        : { roomId: room.id, from: peerId, session: session.id, id, isAwaited: false };
    let told = 0;
    for (const member of room.members.values()) {
      if (member === session) continue;
      if (receipt !== undefined) keepForMove(member, event, receipt);
      const isTold = receipt === undefined ? member.tell(event) : member.hear(event, receipt) !== 'lost';
      if (isTold) told += 1;
    }
    if (room.remotes.size === 0) return told;
    const known = id === undefined ? undefined : { session: session.id, id };
    const letter = writeRelay(room.id, event, frameOf(event, session), known);
    const nodes = new Set([...room.remotes.values()].map(({ seat }) => seat.nodeId));
    for (const nodeId of nodes) {
      if (this.#parts.office.link(nodeId).send(letter) === undefined) this.#parts.tally.signals_dropped += 1;
    }
    return told;
  }

  /** A session has moved; what everybody was told while it did is sent after it. */
  follow(room: Room<Session>, { peerId, nodeId }: SeatRecord, missed: Seat['missed']): void {
    for (const { event, receipt } of missed) {
      if (event.frame === undefined) continue;
      this.#parts.office.link(nodeId).send(writeRelay(room.id, event, event.frame, receipt, peerId));
    }
  }

  /** The receiver is not where the letter went: it waits until that is known. */
  returned(cargo: Cargo | undefined): void {
    if (cargo instanceof Passing) {
      this.#park(cargo.room, cargo.to, cargo.signal);
      this.#tryAgain(cargo.room, cargo.to);
    } else if (cargo instanceof Outgoing && cargo.sent.to !== undefined) {
      cargo.sent.parcel = undefined;
      this.#tryAgain(cargo.seat.room, cargo.sent.to);
    }
  }

  /**
   * A peer has turned up, here or on another node: what is not known to have reached it is sent there, in order and
   * before anything newer.
   */
  reroute(room: Room<Session>, to: PeerId, move?: Move): void {
    const { office, custody } = this.#parts;
    const left = move?.from === undefined ? undefined : office.peek(move.from);
    // Another session is told nothing that the one before it may have been told.
    const takesBack = left !== undefined && (move?.isSameSession === true || left.isAbsent);
    const signals = room.parked.get(to) ?? [];
    room.parked.delete(to);
    room.held.delete(to);
    for (const parcel of takesBack ? left.retained : []) {
      const { cargo, seq } = parcel;
      if (!(cargo instanceof Passing) || cargo.room !== room || cargo.to !== to || parcel.isVoid) continue;
      if (move?.heard !== undefined && seq <= move.heard) continue;
      parcel.isVoid = true;
      signals.push(cargo.signal);
    }
    const waiting = [
      ...signals.map((signal) => ({
        order: signal.order,
        go: () => {
          this.#forward(room, to, signal);
        },
      })),
      ...custody.takeUndelivered(room, to, move, takesBack).map(({ seat, sent }) => ({
        order: sent.order,
        go: () => {
          custody.send(seat, sent);
        },
      })),
    ];
    for (const { go } of waiting.sort((a, b) => a.order - b.order)) go();
  }

  /** A peer has left for good: nothing will reach it. */
  gone(room: Room<Session>, to: PeerId): void {
    room.parked.delete(to);
    room.held.delete(to);
    this.#parts.custody.gone(room, to);
  }

  /**
   * It may be that the receiver's node knows the receiver a moment later than we do. While more is under way there, which
   * will come back too, or is there already, nothing may pass it.
   */
  #tryAgain(room: Room<Session>, to: PeerId): void {
    // No news of a room reaches us when its last peer here has left: it would come back for ever.
    if (this.#parts.hub.room(room.id) !== room) {
      room.parked.clear();
      return;
    }
    if (room.held.has(to)) return;
    room.held.add(to);
    this.#parts.clock.after(tryAgainMs, () => {
      this.#lookAgain(room, to);
    });
  }

  #lookAgain(room: Room<Session>, to: PeerId): void {
    // It has turned up meanwhile, and all was sent.
    if (!room.held.has(to)) return;
    if (this.#isUnderWay(room, to) && this.#parts.hub.room(room.id) === room) {
      this.#parts.clock.after(tryAgainMs, () => {
        this.#lookAgain(room, to);
      });
      return;
    }
    room.held.delete(to);
    if (this.#parts.hub.room(room.id) === room) this.reroute(room, to);
    else room.parked.clear();
  }

  #isUnderWay(room: Room<Session>, to: PeerId): boolean {
    const remote = room.remotes.get(to)?.seat;
    if (remote === undefined) return false;
    return (this.#parts.office.peek(remote.nodeId)?.retained ?? []).some(({ cargo, isVoid }) => {
      if (isVoid) return false;
      if (cargo instanceof Passing) return cargo.room === room && cargo.to === to;
      return cargo instanceof Outgoing && cargo.seat.room === room && cargo.sent.to === to;
    });
  }

  #forward(room: Room<Session>, to: PeerId, signal: ParkedSignal): void {
    const local = room.members.get(to);
    if (local?.isFrozen === true) {
      this.#park(room, to, signal);
      return;
    }
    if (local !== undefined) {
      local.tell(signal.event);
      return;
    }
    const remote = room.remotes.get(to);
    if (remote === undefined || signal.event.frame === undefined) return;
    // One who has not said its name gets what is for a name that nobody has.
    const only = signal.event.to === to ? undefined : to;
    const letter = writeRelay(room.id, signal.event, signal.event.frame, undefined, only);
    const parcel = this.#parts.office
      .link(remote.seat.nodeId)
      .send(letter, new Passing(room, to, signal, this.#parts.tally));
    if (parcel === undefined) this.#parts.tally.signals_dropped += 1;
  }

  #park(room: Room<Session>, to: PeerId, signal: ParkedSignal): void {
    const parked = room.parked.get(to);
    this.#parts.tally.signals_parked += 1;
    if (parked === undefined) room.parked.set(to, [signal]);
    else if (parked.length >= maxParked || bytesOf(parked) > maxParkedBytes)
      this.#parts.tally.signals_dropped += 1;
    else insert(parked, signal);
  }

  #isStalled(nodeId: NodeId): boolean {
    const oldest = this.#parts.office.peek(nodeId)?.retained[0];
    return oldest !== undefined && this.#parts.clock.now() - oldest.sentAtMs > lateMs;
  }
}

/** In order: it may have left before what waits already. */
function insert(parked: ParkedSignal[], signal: ParkedSignal): void {
  let at = parked.length;
  while (at > 0 && (parked[at - 1]?.order ?? 0) > signal.order) at -= 1;
  parked.splice(at, 0, signal);
}

function bytesOf(parked: readonly ParkedSignal[]): number {
  return parked.reduce((sum, { event }) => sum + (event.frame?.bytes.length ?? 0), 0);
}
