import type { NodeId, RoomId } from '../../protocol/ids.js';
import type { RoomChange } from '../../ports/presence.js';

/** One node as the others of its cluster see it: what it listens to, and whether it can be reached. */
export class MemoryClusterNode {
  readonly watched = new Set<RoomId>();
  readonly restoredListeners: (() => void)[] = [];
  onChange: ((change: RoomChange) => void) | undefined;
  onLetter: ((letter: Buffer) => void) | undefined;
  lease: { readonly untilMs: number; readonly renewedAtMs: number } | undefined;
  private state: 'up' | 'cut' | 'dead' = 'up';
  private deliveries: (() => void)[] = [];

  constructor(readonly nodeId: NodeId) {}

  get isUp(): boolean {
    return this.state === 'up';
  }

  hasLease(nowMs: number): boolean {
    return this.lease !== undefined && this.lease.untilMs > nowMs;
  }

  tell(change: RoomChange): void {
    if (!this.isUp || !this.watched.has(change.roomId)) return;
    this.deliver(() => this.onChange?.(change));
  }

  /** False: nobody listens here. */
  hand(letter: Buffer): boolean {
    const { onLetter } = this;
    if (!this.isUp || onLetter === undefined) return false;
    this.deliver(() => {
      onLetter(letter);
    });
    return true;
  }

  cut(): void {
    if (this.state === 'up') this.state = 'cut';
    this.deliveries = [];
  }

  mend(): void {
    if (this.state !== 'cut') return;
    this.state = 'up';
    for (const listener of this.restoredListeners) this.deliver(listener);
  }

  kill(): void {
    this.state = 'dead';
    this.deliveries = [];
  }

  /** In order, after what runs now. */
  private deliver(run: () => void): void {
    this.deliveries.push(run);
    if (this.deliveries.length > 1) return;
    const { deliveries } = this;
    queueMicrotask(() => {
      // What was on its way when the node was cut off is lost: its queue is another one by then.
      for (
        let next = deliveries[0];
        next !== undefined && deliveries === this.deliveries;
        next = deliveries[0]
      ) {
        deliveries.shift();
        next();
      }
    });
  }
}
