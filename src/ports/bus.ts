import type { NodeId } from '../protocol/ids.js';

/**
 * Carries letters from node to node. It may lose what is under way when it breaks, and it may deliver what its sender
 * was told had failed; it never reorders the letters of one sender, nor changes one. What must not be lost is numbered
 * and sent again by the core.
 */
export interface Bus {
  /** Begins to receive what is posted to this node. Resolves when nothing posted from now on is missed. */
  open(onLetter: (letter: Buffer) => void): Promise<void>;
  /**
   * Posts a letter, at once and in order; its bytes are the caller's again when this returns. Resolves to whether anybody listens at the other end: `false` means that the
   * node is dead, or cut off. Rejects within about a second when that cannot be known.
   */
  post(to: NodeId, letter: Buffer): Promise<boolean>;
  /** Calls `listener` when the bus works again after a time in which letters, in or out, may have been lost. */
  onRestored(listener: () => void): void;
}
