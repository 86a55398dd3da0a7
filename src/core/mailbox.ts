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
  readonly payload: Buffer;
  readonly receipt: Receipt | undefined;
}

/** What a kept frame costs beside its bytes. */
const letterBytes = 256;
/** A client that has never acknowledged anything probably never will: so much is kept for it. */
const unprovenBytes = 262_144;
/** So many of a sender's latest ids are remembered: what it sends again is not sent on again. */
const rememberedIds = 256;

/**
 * What one peer is told, and what it has sent with an id. For a full session every frame is counted and kept until
 * the peer says that it has it (XEP-0198 counts so), which is what lets another socket go on where the last one
 * broke. For a parity session nothing is: what the Python server's peers missed while they were gone, they missed
 * (w19).
 */
export class Mailbox {
  readonly #isCounted: boolean;
  readonly #maxBytes: number;
  readonly #encode: EventSink['encode'];
  #sink: EventSink | undefined;
  #kept: Letter[] = [];
  #keptBytes = 0;
  /** Frames told since the join, and how many of them the peer has said to have. */
  #told = 0;
  #acknowledged = 0;
  #hasAcknowledged = false;
  /** Something had to be let go: until the peer has everything, nobody can go on from here without a gap. */
  #isTorn = false;
  #isClosed = false;
  /** The sender's own ids, oldest first -> has its receiver acknowledged it? */
  #sent: Map<string, boolean> | undefined;

  constructor(isCounted: boolean, sink: EventSink, maxBytes: number) {
    this.#isCounted = isCounted;
    this.#sink = sink;
    this.#maxBytes = maxBytes;
    // How a frame is written does not depend on whether the socket lives.
    this.#encode = (event, ask) => sink.encode(event, ask);
  }

  /** False: it will not get there, now or later. Throws when the event cannot be written as a frame. */
  tell(event: Event, ask?: Ask, receipt?: Receipt): boolean {
    if (!this.#isCounted) return this.#sink?.send(event, ask) === true;
    if (this.#isClosed) return false;
    // Written before it is counted: what cannot be written was never told.
    const payload = this.#encode(event, ask);
    const isKept = this.#keep({ payload: own(payload), receipt });
    if (!isKept && this.#sink === undefined) return false;
    this.#told += 1;
    return this.#sink?.write(payload) === true || isKept;
  }

  /** The peer has had `count` frames. False when it cannot have: so many were not sent. */
  acknowledge(count: number): boolean {
    if (count > this.#told) return false;
    this.#hasAcknowledged = true;
    const letters = this.#kept.splice(0, Math.max(0, count - this.#acknowledged));
    this.#acknowledged = Math.max(this.#acknowledged, count);
    if (this.#acknowledged === this.#told) this.#isTorn = false;
    for (const { payload, receipt } of letters) {
      this.#keptBytes -= payload.length + letterBytes;
      if (receipt !== undefined) receipt.sender.#confirm(receipt);
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
    for (const { payload } of this.#kept) sink.write(payload);
  }

  /** The seat was given up: the socket may go on to another, and nothing of this one may reach it. */
  close(): void {
    this.#isClosed = true;
    this.#sink = undefined;
    this.#kept = [];
    this.#keptBytes = 0;
    this.#sent = undefined;
  }

  /** Has this peer sent something with that id already? Then it is told what became of it. */
  isRepeated(ask: Ask): boolean {
    const isDelivered = ask.id === undefined ? undefined : this.#sent?.get(ask.id);
    if (isDelivered === undefined) return false;
    this.tell({ type: 'accepted' }, ask);
    if (isDelivered) this.tell({ type: 'delivered' }, ask);
    return true;
  }

  /** It was sent on. */
  remember({ id }: Ask): void {
    if (id === undefined) return;
    this.#sent ??= new Map();
    this.#sent.set(id, false);
    if (this.#sent.size <= rememberedIds) return;
    for (const oldest of this.#sent.keys()) {
      this.#sent.delete(oldest);
      return;
    }
  }

  #confirm({ ask, isAwaited }: Receipt): void {
    if (this.#isClosed || !isAwaited) return;
    if (ask.id !== undefined && this.#sent?.has(ask.id) === true) this.#sent.set(ask.id, true);
    this.tell({ type: 'delivered' }, ask);
  }

  #keep(letter: Letter): boolean {
    if (this.#isTorn) return false;
    const bytes = letter.payload.length + letterBytes;
    const limit = this.#hasAcknowledged ? this.#maxBytes : Math.min(unprovenBytes, this.#maxBytes);
    if (this.#keptBytes + bytes <= limit || this.#kept.length === 0) {
      this.#kept.push(letter);
      this.#keptBytes += bytes;
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
}

/** A frame as it came is a view of what its socket read at once: kept for long, it must not hold all of that. */
function own(payload: Buffer): Buffer {
  return payload.buffer.byteLength > 2 * payload.length ? Buffer.from(payload) : payload;
}
