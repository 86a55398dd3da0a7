import type { NodeId } from '../../protocol/ids.js';
import type { Bus } from '../../ports/bus.js';
import type { MemoryClusterState } from './memory-cluster-state.js';
import type { MemoryClusterNode } from './memory-cluster-node.js';

/** Letters between the nodes of one process. */
export class MemoryClusterBus implements Bus {
  constructor(
    private readonly state: Pick<MemoryClusterState, 'nodes'>,
    private readonly self: MemoryClusterNode,
  ) {}

  open(onLetter: (letter: Buffer) => void): Promise<void> {
    this.self.onLetter = onLetter;
    return this.self.isUp ? Promise.resolve() : Promise.reject(cutOff());
  }

  post(to: NodeId, letter: Buffer): Promise<boolean> {
    if (!this.self.isUp) return Promise.reject(cutOff());
    // A copy: its sender may use the buffer again.
    return Promise.resolve(this.state.nodes.get(to)?.hand(Buffer.from(letter)) ?? false);
  }

  onRestored(listener: () => void): void {
    this.self.restoredListeners.push(listener);
  }
}

export function cutOff(): Error {
  return new Error('this node is cut off from the others');
}
