import type { PeerId } from '../protocol/ids.js';
import type { Ask, Relayed } from '../protocol/messages.js';
import type { Parcel } from './cluster/parcel.js';

/** Something that a full session sent with an id, and what has become of it. */
export interface SentMessage {
  readonly id: string;
  readonly ask: Ask;
  /** `undefined`: to everybody else. */
  readonly to: PeerId | undefined;
  /** Kept until the receiver has it: when it turns up on another node, it is sent there again. */
  event: Relayed | undefined;
  /** The sender was told that the receiver's node has it. */
  isAccepted: boolean;
  /** The node where the receiver sits now has it. */
  isPlaced: boolean;
  /** The receiver has it. */
  isDelivered: boolean;
  /** Grows with each signal and message that leaves here. */
  readonly order: number;
  /** Its sender came from another node: that the receiver has it may have been told there, and got lost. */
  readonly isDoubtful: boolean;
  /** On its way to another node. */
  parcel: Parcel | undefined;
  sentAtMs: number;
}

/** So many of a sender's latest ids are remembered: what it sends again is not sent on again. */
const remembered = 1_024;
/** What is kept for receivers that have not confirmed it: no more than this a sender. */
const maxKeptBytes = 4_194_304;

/** A sender's own messages with an id, oldest first. */
export class SentMessages {
  readonly #byId = new Map<string, SentMessage>();
  #keptBytes = 0;

  get(id: string): SentMessage | undefined {
    return this.#byId.get(id);
  }

  values(): IterableIterator<SentMessage> {
    return this.#byId.values();
  }

  add(message: SentMessage): void {
    this.#byId.set(message.id, message);
    this.#keptBytes += bytesOf(message);
    if (this.#byId.size <= remembered && this.#keptBytes <= maxKeptBytes) return;
    for (const oldest of this.#byId.values()) {
      const isKept = oldest.event !== undefined;
      if (this.#byId.size > remembered) this.remove(oldest);
      else if (isKept) this.#drop(oldest);
      if (this.#byId.size <= remembered && this.#keptBytes <= maxKeptBytes) return;
    }
  }

  /** It was refused: the same id may come again. */
  remove(message: SentMessage): void {
    this.#drop(message);
    this.#byId.delete(message.id);
  }

  /** The receiver has it. */
  confirm(id: string): SentMessage | undefined {
    const message = this.#byId.get(id);
    if (message === undefined) return undefined;
    this.#drop(message);
    message.isDelivered = true;
    return message;
  }

  /** What this peer has not confirmed, oldest first. */
  undeliveredTo(peerId: PeerId): SentMessage[] {
    return [...this.#byId.values()].filter(({ to, event }) => to === peerId && event !== undefined);
  }

  #drop(message: SentMessage): void {
    this.#keptBytes -= bytesOf(message);
    message.event = undefined;
    message.parcel = undefined;
  }
}

function bytesOf({ event }: SentMessage): number {
  return event === undefined ? 0 : (event.frame?.bytes.length ?? 1_024);
}
