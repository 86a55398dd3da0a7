import { withinDeadline } from '../deadline.js';
import { createListener, type RedisTarget } from './redis-client.js';
import type { RedisConnection } from './redis-connection.js';
import { RedisListener } from './redis-listener.js';
import { asServer, slotOf } from './redis-shards.js';

/** [R3] With ioredis's bound of a second for an answer, a silent Redis is left within two. */
const PING_MS = 500;
const SUBSCRIBE_TIMEOUT_MS = 3000;

interface Subscription {
  readonly slot: number;
  readonly listen: (payload: Buffer) => void;
  /** The key of the listener that it is at. */
  home: string | undefined;
}

/**
 * What a node listens to. One connection, apart from the one for commands; in a Redis Cluster one to each master that
 * has a channel of ours, with sharded channels: only their publishers are told how many have heard it.
 */
export class RedisSubscriber {
  private readonly subscriptions = new Map<string, Subscription>();
  private readonly listeners = new Map<string, RedisListener>();
  private readonly restoredListeners: (() => void)[] = [];
  private readonly timer: NodeJS.Timeout;
  /** Something may have been missed since the listeners were last told. */
  private isDirty = false;
  /** A channel has changed nodes. */
  private hasMoved = false;
  private readonly homeless = new Set<() => void>();
  private isClosed = false;

  constructor(
    private readonly target: RedisTarget,
    private readonly redis: RedisConnection,
  ) {
    redis.onReconnect(() => {
      this.isDirty = true;
      this.look();
    });
    this.timer = setInterval(() => {
      this.tick();
    }, PING_MS);
    this.timer.unref();
  }

  /**
   * Resolves when nothing published on the channel from now on is missed; a channel has one listener. Rejects within
   * three seconds, and the channel is then not listened to.
   */
  async subscribe(channel: string, listen: (payload: Buffer) => void): Promise<void> {
    if (this.isClosed) throw new Error(`the connection to ${this.redis.name} is closed`);
    const known = this.subscriptions.get(channel);
    const subscription = known ?? { slot: slotOf(channel), listen, home: undefined };
    this.subscriptions.set(channel, subscription);
    this.settle(channel, subscription);
    try {
      await withinDeadline(SUBSCRIBE_TIMEOUT_MS, () => this.heard(channel, subscription));
    } catch (error) {
      // Who asked before us has a claim of its own to it.
      if (known === undefined && this.subscriptions.get(channel) === subscription) this.unsubscribe(channel);
      throw error;
    }
  }

  unsubscribe(channel: string): void {
    const home = this.subscriptions.get(channel)?.home;
    this.subscriptions.delete(channel);
    if (home !== undefined) this.listeners.get(home)?.remove(channel);
  }

  /** Something may have been missed, and the listeners of `onRestored` have not been told yet. */
  get isInterrupted(): boolean {
    return this.isDirty;
  }

  /** Calls `listener` when Redis can be heard and spoken to again, after a time in which it could not. */
  onRestored(listener: () => void): void {
    this.restoredListeners.push(listener);
  }

  /** Idempotent. */
  close(): void {
    this.isClosed = true;
    clearInterval(this.timer);
    for (const listener of this.listeners.values()) listener.close();
    this.listeners.clear();
    this.subscriptions.clear();
  }

  private async heard(channel: string, subscription: Subscription): Promise<void> {
    while (this.subscriptions.get(channel) === subscription) {
      const { home } = subscription;
      const listener = home === undefined ? undefined : this.listeners.get(home);
      if (listener?.isHeard(channel) === true) return;
      if (listener !== undefined) await listener.heard(channel);
      else await new Promise<void>((resolve) => this.homeless.add(resolve));
    }
    throw new Error('the channel was given up meanwhile');
  }

  /** Sees to it that the channel is listened to where it is published. */
  private settle(channel: string, subscription: Subscription): void {
    const { shards } = this.redis;
    const home = shards === undefined ? '' : shards.ownerOf(subscription.slot);
    if (home === subscription.home || home === undefined) return;
    const former = subscription.home;
    subscription.home = home;
    this.listener(home).add(channel);
    if (former === undefined) return;
    this.hasMoved = true;
    this.listeners.get(former)?.remove(channel);
  }

  private listener(home: string): RedisListener {
    const known = this.listeners.get(home);
    if (known !== undefined) return known;
    const isSharded = this.redis.shards !== undefined;
    const listener = new RedisListener(createListener(this.target, asServer(home)), isSharded, {
      onMessage: (channel, payload) => {
        const subscription = this.subscriptions.get(channel);
        if (subscription?.home === home) subscription.listen(payload);
      },
      onWhole: () => {
        this.isDirty = true;
        this.look();
      },
      onMoved: () => {
        this.redis.shards?.refresh();
      },
    });
    this.listeners.set(home, listener);
    return listener;
  }

  private tick(): void {
    for (const listener of this.listeners.values()) listener.ping();
    const { shards } = this.redis;
    if (shards === undefined) return;
    void shards.warm();
    for (const [channel, subscription] of this.subscriptions) this.settle(channel, subscription);
    for (const wake of this.homeless) wake();
    this.homeless.clear();
    for (const [home, listener] of this.listeners) {
      if (listener.size > 0) continue;
      listener.close();
      this.listeners.delete(home);
    }
    if (![...this.listeners.values()].every(({ isWhole }) => isWhole)) {
      shards.refresh();
    } else if (this.hasMoved) {
      this.hasMoved = false;
      this.isDirty = true;
      this.look();
    }
  }

  private look(): void {
    const canHear = [...this.listeners.values()].some(({ isWhole }) => isWhole);
    if (!this.isDirty || !canHear || !this.redis.isReady) return;
    this.isDirty = false;
    for (const listener of this.restoredListeners) listener();
  }
}
