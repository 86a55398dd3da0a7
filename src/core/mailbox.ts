import type { EventSink } from '../ports/event-sink.js';
import type { Ask, Event } from '../protocol/messages.js';

/** Who sent an event that has an id, and what to quote when it was acknowledged. */
export interface Receipt {
  readonly sender: Mailbox;
  readonly ask: Ask;
  /** The sender is told of the acknowledgement: it was for one peer, not for everybody. */
  readonly isAwaited: boolean;
}

interface Letter {
  readonly event: Event;
  readonly ask: Ask | undefined;
  readonly receipt: Receipt | undefined;
  readonly bytes: number;
}

/** What an event is taken to weigh beside the frame that it carries. */
const baseBytes = 512;
/** A client that has never acknowledged anything probably never will: so much is kept for it. */
const unprovenBytes = 1_048_576;
/** Ids of messages that came lately, so that one that is sent again is not delivered again. */
const rememberedIds = 1_024;

/**
 * What one peer is told. For a full session every frame is counted and kept until the peer says that it has it
 * (XEP-0198 counts so), which is what lets another socket go on where the last one broke. For a parity session
 * nothing is: what the Python server's peers missed while they were gone, they missed (w19).
 */
export class Mailbox {
  readonly #isCounted: boolean;
  readonly #maxBytes: number;
  #sink: EventSink | undefined;
  #kept: Letter[] = [];
  #keptBytes = 0;
  /** Frames told since the join, and how many of them the peer has said to have. */
  #told = 0;
  #acknowledged = 0;
  #hasAcknowledged = false;
  /** Something had to be let go: nobody can go on from here without a gap. */
  #isTorn = false;
  /** `sender id` -> has the peer acknowledged it? In the order of arrival. */
  #seen: Map<string, boolean> | undefined;

  constructor(isCounted: boolean, sink: EventSink, maxBytes: number) {
    this.#isCounted = isCounted;
    this.#sink = sink;
    this.#maxBytes = maxBytes;
  }

  /** False: it will not get there, now or later. */
  tell(event: Event, ask?: Ask, receipt?: Receipt): boolean {
    if (!this.#isCounted) return this.#sink?.send(event, ask) === true;
    if (receipt !== undefined && this.#isRepeated(event, receipt)) return true;
    this.#told += 1;
    const isKept = this.#keep({ event, ask, receipt, bytes: weigh(event) });
    const isSent = this.#sink?.send(event, ask) === true;
    return isKept || isSent;
  }

  /** The peer has had `count` frames. False when it cannot have: so many were not sent. */
  acknowledge(count: number): boolean {
    if (count > this.#told) return false;
    this.#hasAcknowledged = true;
    const letters = this.#kept.splice(0, Math.max(0, count - this.#acknowledged));
    this.#acknowledged = Math.max(this.#acknowledged, count);
    for (const letter of letters) {
      this.#keptBytes -= letter.bytes;
      if (letter.receipt !== undefined) this.#confirm(letter.event, letter.receipt);
    }
    return true;
  }

  /** The socket is gone; what is told from now on waits. */
  detach(): void {
    this.#sink = undefined;
  }

  /** Can a peer that has had `count` frames go on without a gap? */
  canResume(count: number): boolean {
    return this.#isCounted && !this.#isTorn && count >= this.#acknowledged && count <= this.#told;
  }

  /** Goes on over another socket: what the peer has not had is sent again, in order. */
  resume(sink: EventSink, count: number): void {
    this.acknowledge(count);
    this.#sink = sink;
    for (const { event, ask } of this.#kept) sink.send(event, ask);
  }

  #keep(letter: Letter): boolean {
    if (this.#isTorn) return false;
    const limit = this.#hasAcknowledged ? this.#maxBytes : Math.min(unprovenBytes, this.#maxBytes);
    if (this.#keptBytes + letter.bytes <= limit || this.#kept.length === 0) {
      this.#kept.push(letter);
      this.#keptBytes += letter.bytes;
      return true;
    }
    this.#tear();
    return false;
  }

  /** Who acknowledges but lags this far behind is a slow consumer; who never does is only not resumable. */
  #tear(): void {
    this.#isTorn = true;
    this.#kept = [];
    this.#keptBytes = 0;
    if (this.#hasAcknowledged) this.#sink?.close('slow_consumer');
  }

  #isRepeated(event: Event, receipt: Receipt): boolean {
    const key = keyOf(event);
    if (key === undefined) return false;
    const isAcknowledged = this.#seen?.get(key);
    if (isAcknowledged === undefined) {
      this.#remember(key, false);
      return false;
    }
    if (isAcknowledged && receipt.isAwaited) receipt.sender.tell({ type: 'delivered' }, receipt.ask);
    return true;
  }

  #confirm(event: Event, { sender, ask, isAwaited }: Receipt): void {
    const key = keyOf(event);
    if (key !== undefined && this.#seen?.has(key) === true) this.#seen.set(key, true);
    if (isAwaited) sender.tell({ type: 'delivered' }, ask);
  }

  #remember(key: string, isAcknowledged: boolean): void {
    this.#seen ??= new Map();
    this.#seen.set(key, isAcknowledged);
    if (this.#seen.size <= rememberedIds) return;
    for (const oldest of this.#seen.keys()) {
      this.#seen.delete(oldest);
      return;
    }
  }
}

function weigh(event: Event): number {
  const frame = event.type === 'signal' || event.type === 'message' ? event.frame : undefined;
  return baseBytes + (frame?.bytes.length ?? 0);
}

/** Names a message for as long as it may be sent again: its sender and the sender's own id for it. */
function keyOf(event: Event): string | undefined {
  if (event.type !== 'signal') return undefined;
  const { id } = event.body;
  return typeof id === 'string' ? `${event.from}\u0000${id}` : undefined;
}
