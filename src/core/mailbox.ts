import type { EventSink } from '../ports/event-sink.js';
import { isRelayed, type Ask, type Event, type Receipt } from '../protocol/messages.js';
import { owned } from './owned.js';
import { SentMessages } from './sent-messages.js';

/** A frame that the peer has not said to have. */
export interface KeptFrame {
  readonly payload: Buffer;
  readonly receipt: Receipt | undefined;
}

/** What became of a message: the peer is told; it was told before; it has it; it will not get there. */
export type Hearing = 'told' | 'known' | 'delivered' | 'lost';

/** All that another node needs to go on with a mailbox. */
export interface MailboxState {
  readonly told: number;
  readonly acknowledged: number;
  readonly hasAcknowledged: boolean;
  readonly kept: readonly KeptFrame[];
  /** Keys of the messages heard, oldest first, and whether the peer has said to have them. */
  readonly heard: readonly (readonly [string, boolean])[];
}

/** What a kept frame costs beside its bytes. */
const keptFrameBytes = 256;
/** A client that has never acknowledged anything probably never will: so much is kept for it. */
const unprovenBytes = 262_144;
/** So many of the latest messages with an id are known again when they come again. */
const rememberedMessages = 1_024;
/** So many of the oldest are looked at for each that comes. */
const forgetLooks = 16;
/** So many when the peer has not said to have them. */
const mostMessages = 8_192;

/**
 * What one peer is told, and what it has sent with an id. For a full session every frame is counted and kept until
 * the peer says that it has it (XEP-0198 counts so), which is what lets another socket go on where the last one
 * broke. For a parity session nothing is: what the Python server's peers missed while they were gone, they missed
 * (w19).
 */
export class Mailbox {
  /** Another node is taking over with what was told so far: until that is settled, messages must wait elsewhere. */
  isFrozen = false;
  readonly #isCounted: boolean;
  readonly #maxBytes: number;
  /** How a frame is written does not depend on whether the socket lives. */
  #writer: EventSink;
  #sink: EventSink | undefined;
  #kept: KeptFrame[] = [];
  #keptBytes = 0;
  /** Frames told since the join, and how many of them the peer has said to have. */
  #told = 0;
  #acknowledged = 0;
  #hasAcknowledged = false;
  /** Something had to be let go: until the peer has everything, nobody can go on from here without a gap. */
  #isTorn = false;
  #isClosed = false;
  #heard: Map<string, boolean> | undefined;
  #sent: SentMessages | undefined;

  constructor(isCounted: boolean, sink: EventSink, maxBytes: number) {
    this.#isCounted = isCounted;
    this.#sink = sink;
    this.#maxBytes = maxBytes;
    this.#writer = sink;
  }

  get sent(): SentMessages {
    return (this.#sent ??= new SentMessages());
  }

  get hasSent(): boolean {
    return this.#sent !== undefined;
  }

  /** False: it will not get there, now or later. Throws when the event cannot be written as a frame. */
  tell(event: Event, ask?: Ask, receipt?: Receipt): boolean {
    if (!this.#isCounted) return this.#sink?.send(event, ask) === true;
    if (this.#isClosed) return false;
    // Written before it is counted: what cannot be written was never told.
    const payload = this.#writer.encode(event, ask);
    if (payload === undefined) return !isRelayed(event);
    const isKept = this.#keep({ payload: owned(payload), receipt });
    if (!isKept && this.#sink === undefined) return false;
    this.#told += 1;
    return this.#sink?.write(payload) === true || isKept;
  }

  /** Tells a message that is known by its sender's session and id: once, however often it comes. */
  hear(event: Event, receipt: Receipt): Hearing {
    const key = `${receipt.session} ${receipt.id}`;
    const known = this.#heard?.get(key);
    if (known !== undefined) return known ? 'delivered' : 'known';
    if (!this.tell(event, undefined, receipt)) return 'lost';
    this.#heard ??= new Map();
    this.#heard.set(key, false);
    if (this.#heard.size > rememberedMessages) this.#forgetOne(this.#heard);
    return 'told';
  }

  /** The oldest that the peer has; what it may still be sent again must be known, within bounds. */
  #forgetOne(heard: Map<string, boolean>): void {
    let looks = 0;
    for (const [key, isHad] of heard) {
      // One for each that is added, and some more.
      looks += 1;
      if (looks > forgetLooks && heard.size < mostMessages) return;
      if (!isHad && this.#isCounted && heard.size < mostMessages) continue;
      heard.delete(key);
      return;
    }
  }

  /**
   * The peer has had `count` frames. Returns whose messages were among those that it had not said to have before;
   * `undefined` when it cannot have had so many: they were not sent.
   */
  acknowledge(count: number): readonly Receipt[] | undefined {
    if (count > this.#told) return undefined;
    this.#hasAcknowledged = true;
    const frames = this.#kept.splice(0, Math.max(0, count - this.#acknowledged));
    this.#acknowledged = Math.max(this.#acknowledged, count);
    if (this.#acknowledged === this.#told) this.#isTorn = false;
    const receipts: Receipt[] = [];
    for (const { payload, receipt } of frames) {
      this.#keptBytes -= payload.length + keptFrameBytes;
      if (receipt === undefined) continue;
      const key = `${receipt.session} ${receipt.id}`;
      if (this.#heard?.has(key) === true) this.#heard.set(key, true);
      if (receipt.isAwaited) receipts.push(receipt);
    }
    return receipts;
  }

  /** Can another socket go on with it at all? */
  get isCounted(): boolean {
    return this.#isCounted;
  }

  /** Frames told that the peer has not said to have had. */
  missedAfter(count: number): number {
    return Math.max(0, this.#told - count);
  }

  /** The socket is gone; what is told from now on waits. */
  detach(): void {
    this.#sink = undefined;
  }

  /** Can a peer that has had `count` frames go on without a gap? */
  canResume(count: number): boolean {
    return this.#isCounted && !this.#isTorn && count >= this.#acknowledged && count <= this.#told;
  }

  /** Goes on over another socket: what the peer has not had is sent again, in order. Returns as `acknowledge`. */
  resume(sink: EventSink, count: number): readonly Receipt[] {
    const receipts = this.acknowledge(count) ?? [];
    this.#sink = sink;
    this.#writer = sink;
    for (const { payload } of this.#kept) sink.write(payload);
    return receipts;
  }

  /** What another node goes on with; what the peer has had is left out. */
  state(): MailboxState {
    return {
      told: this.#told,
      acknowledged: this.#acknowledged,
      hasAcknowledged: this.#hasAcknowledged,
      kept: this.#kept,
      heard: [...(this.#heard ?? [])],
    };
  }

  /** Begins where another node left off. */
  restore(state: MailboxState): void {
    this.#told = state.told;
    this.#acknowledged = state.acknowledged;
    this.#hasAcknowledged = state.hasAcknowledged;
    this.#kept = [...state.kept];
    this.#keptBytes = state.kept.reduce((sum, { payload }) => sum + payload.length + keptFrameBytes, 0);
    this.#heard = new Map(state.heard);
  }

  /** The seat was given up: the socket may go on to another, and nothing of this one may reach it. */
  close(): void {
    this.#isClosed = true;
    this.#sink = undefined;
    this.#kept = [];
    this.#keptBytes = 0;
    this.#sent = undefined;
    this.#heard = undefined;
  }

  #keep(frame: KeptFrame): boolean {
    if (this.#isTorn) return false;
    const bytes = frame.payload.length + keptFrameBytes;
    const limit = this.#hasAcknowledged ? this.#maxBytes : Math.min(unprovenBytes, this.#maxBytes);
    if (this.#keptBytes + bytes <= limit || this.#kept.length === 0) {
      this.#kept.push(frame);
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
