import type { NodeId } from '../../protocol/ids.js';
import type { Bus } from '../../ports/bus.js';
import type { Presence } from '../../ports/presence.js';
import type { Clock } from '../../ports/runtime.js';
import { MemoryClusterBus } from './memory-cluster-bus.js';
import { MemoryClusterPresence } from './memory-cluster-presence.js';
import { MemoryClusterState } from './memory-cluster-state.js';

/**
 * What the nodes of one process share: seats, leases, and letters between them. One node with one of these is the
 * embedded default. Nothing in it needs a timer; changes and letters are delivered in microtasks, in order.
 *
 * `cut`, `mend`, `kill` and `forget` are the faults of a network and of a store, for tests of what is built on it.
 */
export class MemoryCluster {
  private readonly state: MemoryClusterState;

  constructor(clock: Clock) {
    this.state = new MemoryClusterState(clock);
  }

  presence(nodeId: NodeId): Presence {
    return new MemoryClusterPresence(this.state, this.state.node(nodeId));
  }

  bus(nodeId: NodeId): Bus {
    return new MemoryClusterBus(this.state, this.state.node(nodeId));
  }

  /** The node is cut off: its calls and posts reject, posts to it say that nobody listens, changes do not reach it. */
  cut(nodeId: NodeId): void {
    this.state.node(nodeId).cut();
  }

  /** It is back, and told that it was away. */
  mend(nodeId: NodeId): void {
    this.state.node(nodeId).mend();
  }

  /** It is silent for ever. What it holds stays until its lease has ended and somebody sweeps it. */
  kill(nodeId: NodeId): void {
    this.state.node(nodeId).kill();
  }

  /** Seats and leases are lost, as in a restart of a store that keeps nothing. Nobody is told. */
  forget(): void {
    this.state.forget();
  }
}
