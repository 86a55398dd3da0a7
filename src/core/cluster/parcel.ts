import type { Clock } from '../../ports/runtime.js';
import { letterBytes, type Letter } from '../../protocol/envelope.js';
import type { NodeId } from '../../protocol/ids.js';

/** A letter on its way, until the other node has it. */
export interface Parcel extends Letter {
  readonly seq: number;
  /** What the relay wants to know again when the letter was had, or must go elsewhere. */
  readonly cargo: Cargo | undefined;
  sentAtMs: number;
  /** It goes elsewhere, or nowhere: its number remains, its content does not. */
  isVoid: boolean;
}

/** What the sender of a letter keeps of it. */
export interface Cargo {
  /** The other node has it. */
  onHad(): void;
}

/** What a link needs of its surroundings. */
export interface LinkIo {
  readonly self: NodeId;
  readonly clock: Clock;
  readonly post: (letter: Buffer) => Promise<boolean>;
  readonly deliver: (letter: Letter, seq: number) => void;
  /** Nobody listens at the other end. */
  readonly onAbsent: () => void;
}

/** In the place of one that goes elsewhere. */
export const voidLetter: Letter = { kind: 'void', head: '', body: Buffer.alloc(0) };

/** Letters of one turn beyond this leave in more than one batch. */
const maxBatchBytes = 1_048_576;

/** Where the batch ends that begins at `at`: one parcel at least. */
export function endOfBatch(parcels: readonly Parcel[], at: number): number {
  let bytes = 0;
  let end = at;
  for (; end < parcels.length; end += 1) {
    const parcel = parcels[end];
    bytes += parcel === undefined ? 0 : letterBytes(parcel);
    if (bytes > maxBatchBytes && end > at) break;
  }
  return end;
}
