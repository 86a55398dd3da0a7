import { letterBytes, writeBatch, type Batch, type Letter } from '../../protocol/envelope.js';
import type { NodeId } from '../../protocol/ids.js';
import { owned } from '../owned.js';
import { afterTurns } from './turns.js';
import { endOfBatch, voidLetter, type Cargo, type LinkIo, type Parcel } from './parcel.js';

/** More than this does not wait for a node that does not answer. */
const maxRetainedBytes = 16_777_216;
const manyRetained = 512;
/** A node says that it has what was sent within this time, unless it has something else to say before. */
const ackDelayMs = 50;
/** More than any node says. */
const numbersPerMs = 64;
/** Writes are what a relay costs: letters of this many turns of the event loop leave in one (`npm run bench:cluster`). */
const gatherTurns = 5;
/** Without a word for so long after a letter the other node is asked; doubled each time. */
const repeatAfterMs = 250;
const maxRepeatMs = 1_000;
/** Where nobody listened, a node may subscribe anew in a moment. */
const knockAfterMs = 25;

/**
 * Letters to a node and from it: numbered, kept until had, said again after an interruption. The bus may lose, repeat and
 * reject; above the link each letter arrives once and in order while both nodes live.
 */
export class Link {
  readonly nodeId: NodeId;
  readonly #io: LinkIo;
  readonly #retained: Parcel[] = [];
  #retainedBytes = 0;
  #gathered: Parcel[] = [];
  #nextSeq: number;
  #heard = 0;
  #isFlushDue = false;
  #isAckDue = false;
  #isComplaintDue = false;
  #isAckOwed = false;
  #cancelAck: (() => void) | undefined;
  #cancelRepeat: (() => void) | undefined;
  #repeatMs = repeatAfterMs;
  #saidAtMs = 0;
  #knocks = 0;
  #isAbsent = false;
  #isClosed = false;

  constructor(nodeId: NodeId, io: LinkIo) {
    this.nodeId = nodeId;
    this.#io = io;
    // The other end may remember a link that was forgotten here: no number may come twice.
    this.#nextSeq = Math.max(1, io.clock.now() * numbersPerMs);
  }

  get heard(): number {
    return this.#heard;
  }

  get isAbsent(): boolean {
    return this.#isAbsent;
  }

  get isIdle(): boolean {
    return this.#retained.length === 0;
  }

  get retained(): readonly Parcel[] {
    return this.#retained;
  }

  parcel(seq: number): Parcel | undefined {
    const oldest = this.#retained[0];
    return oldest === undefined ? undefined : this.#retained[seq - oldest.seq];
  }

  /** Sends at the end of this turn, in order. `undefined`: too much waits already. */
  send(letter: Letter, cargo?: Cargo): Parcel | undefined {
    const bytes = letterBytes(letter);
    if (this.#retainedBytes + bytes > maxRetainedBytes && this.#retained.length > 0) return undefined;
    // Kept for a moment as a rule; who piles up must not hold all that its sockets read at once.
    const body = this.#retained.length < manyRetained ? letter.body : owned(letter.body);
    const { kind, head } = letter;
    const sentAtMs = this.#io.clock.now();
    const parcel: Parcel = { kind, head, body, cargo, sentAtMs, seq: this.#nextSeq, isVoid: false };
    this.#nextSeq += 1;
    this.#retainedBytes += bytes;
    this.#retained.push(parcel);
    this.#gathered.push(parcel);
    this.#flushSoon();
    return parcel;
  }

  /** False: no node that is ours could have said this. */
  receive(batch: Batch): boolean {
    if (batch.base < 1 || batch.base > batch.first || batch.had >= this.#nextSeq) return false;
    this.#isAbsent = false;
    // What its sender cannot repeat will not come.
    if (batch.base > this.#heard + 1) this.#heard = batch.base - 1;
    if (batch.first > this.#heard + 1) {
      // What it says of letters that it had may lean on what was missed.
      this.#isComplaintDue = true;
      this.#flushSoon();
      if (batch.isComplaint) this.repeat();
      return true;
    }
    let seq = batch.first;
    for (const letter of batch.letters) {
      if (seq > this.#heard) {
        this.#heard = seq;
        if (letter.kind !== 'void') this.#io.deliver(letter, seq);
      }
      seq += 1;
    }
    this.#had(batch.had);
    if (batch.letters.length > 0) this.#ackLater();
    if (batch.isQuestion) this.ackSoon();
    if (batch.isComplaint) this.repeat();
    return true;
  }

  ackSoon(): void {
    this.#isAckDue = true;
    this.#flushSoon();
  }

  /** Says everything again that was not had. */
  repeat(): void {
    if (this.#isClosed) return;
    this.#gathered = [];
    this.#saidAtMs = this.#io.clock.now();
    for (let at = 0; at < this.#retained.length;) at = this.#post(this.#retained, at);
    this.#expectAnswer();
  }

  close(): void {
    this.#isClosed = true;
    this.#cancelAck?.();
    this.#cancelRepeat?.();
    this.#retained.length = 0;
    this.#gathered = [];
  }

  #had(had: number): void {
    let count = 0;
    for (const parcel of this.#retained) {
      if (parcel.seq > had) break;
      count += 1;
      this.#retainedBytes -= letterBytes(parcel);
    }
    if (count === 0) return;
    this.#repeatMs = repeatAfterMs;
    for (const { cargo, isVoid } of this.#retained.splice(0, count)) if (!isVoid) cargo?.onHad();
  }

  /** The timer is not called off when a batch says it before: a timer for each batch would cost more than the batch. */
  #ackLater(): void {
    this.#isAckOwed = true;
    this.#cancelAck ??= this.#io.clock.after(ackDelayMs, () => {
      this.#cancelAck = undefined;
      if (this.#isAckOwed) this.ackSoon();
    });
  }

  #flushSoon(): void {
    if (this.#isFlushDue || this.#isClosed) return;
    this.#isFlushDue = true;
    afterTurns(this.#io.clock, gatherTurns, () => {
      this.#isFlushDue = false;
      if (!this.#isClosed) this.#flush();
    });
  }

  #flush(): void {
    const parcels = this.#gathered;
    this.#gathered = [];
    if (parcels.length === 0 && !this.#isAckDue && !this.#isComplaintDue) return;
    for (let at = this.#post(parcels, 0); at < parcels.length;) at = this.#post(parcels, at);
    if (parcels.length > 0) this.#expectAnswer();
  }

  /** Posts as many of them as one batch takes, from `at` on; returns where the next one begins. */
  #post(parcels: readonly Parcel[], at: number, isQuestion = false): number {
    const end = endOfBatch(parcels, at);
    const header = {
      origin: this.#io.self,
      isComplaint: this.#isComplaintDue,
      isQuestion,
      first: parcels[at]?.seq ?? this.#nextSeq,
      base: this.#retained[0]?.seq ?? this.#nextSeq,
      had: this.#heard,
      sentAtMs: parcels[at]?.sentAtMs ?? 0,
    };
    this.#isAckDue = false;
    this.#isAckOwed = false;
    this.#isComplaintDue = false;
    const letters = parcels.slice(at, end).map((parcel): Letter => (parcel.isVoid ? voidLetter : parcel));
    this.#io.post(writeBatch(header, letters)).then(
      (isHeard) => {
        this.#posted(isHeard);
      },
      () => {
        // The bus is not there. It says when it is back, and until then the repeats try.
        if (!this.#isClosed) this.#expectAnswer();
      },
    );
    return end;
  }

  #posted(isHeard: boolean): void {
    if (this.#isClosed) return;
    const wasAbsent = this.#isAbsent;
    this.#isAbsent = !isHeard;
    if (isHeard) {
      this.#knocks = 0;
      if (wasAbsent && this.#retained.length > 0) this.repeat();
      else this.#expectAnswer();
      return;
    }
    this.#io.onAbsent();
    if (this.#retained.length > 0) this.#knockLater();
  }

  #knockLater(): void {
    this.#cancelRepeat?.();
    const delayMs = Math.min(knockAfterMs * 2 ** this.#knocks, maxRepeatMs);
    this.#knocks += 1;
    this.#cancelRepeat = this.#io.clock.after(delayMs, () => {
      this.#cancelRepeat = undefined;
      this.#post([], 0);
    });
  }

  #expectAnswer(): void {
    if (this.#retained.length === 0) return;
    this.#cancelRepeat ??= this.#io.clock.after(this.#repeatMs, () => {
      this.#cancelRepeat = undefined;
      const oldest = this.#retained[0];
      if (oldest === undefined) return;
      const silentMs = this.#io.clock.now() - Math.max(oldest.sentAtMs, this.#saidAtMs);
      if (silentMs < this.#repeatMs) {
        this.#expectAnswer();
        return;
      }
      this.#repeatMs = Math.min(2 * this.#repeatMs, maxRepeatMs);
      this.#saidAtMs = this.#io.clock.now();
      // It complains when something is missing. Everything at once would bury a node that stands still for a moment.
      this.#post([], 0, true);
      this.#expectAnswer();
    });
  }
}
