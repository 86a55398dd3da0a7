import type { Bus } from '../../ports/bus.js';
import type { Clock, Logger, Tally } from '../../ports/runtime.js';
import { foreignVersion, letterBytes, readBatch, type Letter } from '../../protocol/envelope.js';
import type { NodeId } from '../../protocol/ids.js';
import { Link } from './link.js';

/** What a question was answered. `absent`: nobody listens there; `late`: no answer in time. */
export type Answer = { readonly head: string; readonly body: Buffer } | 'absent' | 'late';

interface Question {
  readonly to: NodeId;
  readonly settle: (answer: Answer) => void;
}

export interface PostOfficeParts {
  readonly bus: Bus;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly tally: Tally;
  readonly self: NodeId;
}

/** Letters to and from the other nodes: a link for each, opened by the first letter in either direction. */
export class PostOffice {
  readonly #parts: PostOfficeParts;
  readonly #links = new Map<NodeId, Link>();
  readonly #questions = new Map<number, Question>();
  #nextQuestion = 1;
  #onLetter: (from: Link, letter: Letter, seq: number) => void = () => undefined;

  constructor(parts: PostOfficeParts) {
    this.#parts = parts;
  }

  get self(): NodeId {
    return this.#parts.self;
  }

  /** Resolves when no letter to this node is missed any more. `onLetter` gets all but answers. */
  async open(onLetter: (from: Link, letter: Letter, seq: number) => void): Promise<void> {
    this.#onLetter = onLetter;
    this.#parts.bus.onRestored(() => {
      for (const link of this.#links.values()) link.repeat();
    });
    await this.#parts.bus.open((bytes) => {
      this.#receive(bytes);
    });
  }

  link(nodeId: NodeId): Link {
    const known = this.#links.get(nodeId);
    if (known !== undefined) return known;
    const { bus, clock, self } = this.#parts;
    const link: Link = new Link(nodeId, {
      self,
      clock,
      post: (bytes) => bus.post(nodeId, bytes),
      deliver: (letter, seq) => {
        this.#deliver(link, letter, seq);
      },
      onAbsent: () => {
        this.#absent(nodeId);
      },
    });
    this.#links.set(nodeId, link);
    return link;
  }

  /** The link to a node if there is one. */
  peek(nodeId: NodeId): Link | undefined {
    return this.#links.get(nodeId);
  }

  /** The last letter that was had from each node. */
  heard(): Record<string, number> {
    return Object.fromEntries([...this.#links].map(([nodeId, { heard }]) => [nodeId, heard]));
  }

  /** Forgets nodes that nobody here has to do with, if nothing waits for them or they do not answer. */
  prune(needed: ReadonlySet<NodeId>): void {
    for (const link of this.#links.values()) {
      if (!needed.has(link.nodeId) && (link.isAbsent || link.isIdle)) this.#forget(link);
    }
  }

  /** Asks a node; `head` is JSON of an object. Settles within `withinMs`. */
  ask(to: NodeId, head: object, withinMs: number): Promise<Answer> {
    const question = this.#nextQuestion;
    this.#nextQuestion += 1;
    return new Promise((resolve) => {
      const settle = (answer: Answer): void => {
        this.#questions.delete(question);
        cancel();
        resolve(answer);
      };
      const cancel = this.#parts.clock.after(withinMs, () => {
        settle('late');
      });
      this.#questions.set(question, { to, settle });
      const letter: Letter = { kind: 'ask', head: JSON.stringify({ ...head, question }), body: none };
      if (this.link(to).send(letter) === undefined) settle('late');
    });
  }

  answer(to: Link, question: number, head: object, body: Buffer = none): void {
    to.send({ kind: 'answer', head: JSON.stringify({ ...head, question }), body });
  }

  /** Nodes it has to do with, and the bytes that they have not said to have. */
  get burden(): { readonly links: number; readonly waitingBytes: number } {
    let waitingBytes = 0;
    for (const { retained } of this.#links.values())
      for (const parcel of retained) waitingBytes += letterBytes(parcel);
    return { links: this.#links.size, waitingBytes };
  }

  /** Nothing waits for any node. */
  get isIdle(): boolean {
    return [...this.#links.values()].every(({ isIdle }) => isIdle);
  }

  close(): void {
    for (const link of this.#links.values()) this.#forget(link);
  }

  #forget(link: Link): void {
    link.close();
    this.#links.delete(link.nodeId);
    this.#absent(link.nodeId);
  }

  #receive(bytes: Buffer): void {
    const { tally, logger, self } = this.#parts;
    const batch = readBatch(bytes);
    if (batch === undefined || batch.origin === self) {
      tally.letters_malformed += 1;
      const version = foreignVersion(bytes);
      if (version !== undefined) logger.warn('letters_of_other_version', { version: String(version) });
      return;
    }
    const link = this.link(batch.origin);
    if (batch.isComplaint) tally.link_complaints += 1;
    if (batch.base <= link.heard + 1 && batch.first > link.heard + 1) tally.link_gaps += 1;
    tally.metrics.relay.letters(batch.sentAtMs, () => {
      if (!link.receive(batch)) tally.letters_malformed += 1;
    });
  }

  #deliver(link: Link, letter: Letter, seq: number): void {
    try {
      if (letter.kind === 'answer') this.#settle(link.nodeId, letter);
      else this.#onLetter(link, letter, seq);
    } catch (error) {
      // One letter that cannot be handled must not keep the others from being had.
      this.#parts.tally.letters_malformed += 1;
      this.#parts.logger.error('letter_failed', { other: link.nodeId, kind: letter.kind, error });
    }
  }

  #settle(from: NodeId, { head, body }: Letter): void {
    const said: unknown = JSON.parse(head);
    const number =
      typeof said === 'object' && said !== null && 'question' in said ? said.question : undefined;
    const question = typeof number === 'number' ? this.#questions.get(number) : undefined;
    if (question?.to === from) question.settle({ head, body });
  }

  #absent(nodeId: NodeId): void {
    for (const { to, settle } of [...this.#questions.values()]) if (to === nodeId) settle('absent');
  }
}

const none = Buffer.alloc(0);
