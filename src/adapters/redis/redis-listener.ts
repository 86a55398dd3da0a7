import type { Redis } from 'ioredis';

export interface RedisListenerIo {
  readonly onMessage: (channel: string, payload: Buffer) => void;
  /** All channels are heard again after a time in which some were not. */
  readonly onWhole: () => void;
  /** A node of a cluster says that a channel is not its own. */
  readonly onMoved: () => void;
}

interface Channel {
  /** The subscription that is under way or done. A later one makes the answer to an earlier one void. */
  attempt: object | undefined;
  readonly waiting: (() => void)[];
}

/**
 * One connection that only listens: it subscribes to what it is told, and again to all of it after each reconnection.
 * It knows of each channel whether it is heard.
 */
export class RedisListener {
  private readonly channels = new Map<string, Channel>();
  private readonly unheard = new Set<string>();
  private isBroken = false;
  private isPinging = false;
  /** It was told to end; ioredis calls it ready until it has. */
  private isEnding = false;

  constructor(
    private readonly redis: Redis,
    private readonly isSharded: boolean,
    private readonly io: RedisListenerIo,
  ) {
    redis.on('ready', () => {
      for (const [channel, state] of this.channels) this.subscribe(channel, state);
      this.look();
    });
    redis.on('close', () => {
      this.isEnding = false;
      this.isBroken = true;
      for (const [channel, state] of this.channels) {
        state.attempt = undefined;
        this.unheard.add(channel);
      }
    });
    redis.on('error', () => {
      // Of an attempt to connect: the close that follows ends it. Of a good connection: there was a reply that nobody
      // asked for (a cluster took a channel away), and replies can no longer be paired with commands.
      this.leave();
    });
    redis.on(isSharded ? 'smessageBuffer' : 'messageBuffer', (channel: Buffer, payload: Buffer) => {
      io.onMessage(channel.toString(), payload);
    });
    // Not among ioredis's declared events: its own cluster client listens to it.
    redis.on('moved', () => {
      io.onMoved();
    });
  }

  get size(): number {
    return this.channels.size;
  }

  /** Everything that is wanted is heard. */
  get isWhole(): boolean {
    return this.isReady && this.unheard.size === 0;
  }

  isHeard(channel: string): boolean {
    return this.channels.has(channel) && !this.unheard.has(channel);
  }

  add(channel: string): void {
    if (this.channels.has(channel)) return;
    const state = { attempt: undefined, waiting: [] };
    this.channels.set(channel, state);
    this.unheard.add(channel);
    if (this.isReady) this.subscribe(channel, state);
  }

  remove(channel: string): void {
    const state = this.channels.get(channel);
    if (state === undefined) return;
    this.channels.delete(channel);
    this.unheard.delete(channel);
    for (const wake of state.waiting) wake();
    this.look();
    if (state.attempt === undefined || !this.isReady) return;
    const { redis } = this;
    (this.isSharded ? redis.sunsubscribe(channel) : redis.unsubscribe(channel)).catch(() => {
      this.leave();
    });
  }

  /** Resolves when the channel is heard, or no longer wanted here. */
  async heard(channel: string): Promise<void> {
    const state = this.channels.get(channel);
    if (state === undefined || this.isHeard(channel)) return;
    await new Promise<void>((resolve) => {
      state.waiting.push(resolve);
    });
  }

  /** A connection that only listens does not notice by itself that its other end has vanished. */
  ping(): void {
    if (this.isPinging || !this.isReady) return;
    this.isPinging = true;
    const done = (): void => {
      this.isPinging = false;
    };
    this.redis.ping().then(done, () => {
      done();
      this.leave();
    });
  }

  close(): void {
    this.isEnding = true;
    this.redis.disconnect();
    for (const { waiting } of this.channels.values()) for (const wake of waiting) wake();
    this.channels.clear();
  }

  private get isReady(): boolean {
    return this.redis.status === 'ready' && !this.isEnding;
  }

  private subscribe(channel: string, state: Channel): void {
    const attempt = {};
    state.attempt = attempt;
    const { redis } = this;
    (this.isSharded ? redis.ssubscribe(channel) : redis.subscribe(channel)).then(
      () => {
        if (state.attempt !== attempt || this.channels.get(channel) !== state) return;
        this.unheard.delete(channel);
        for (const wake of state.waiting.splice(0)) wake();
        this.look();
      },
      () => {
        if (state.attempt === attempt) this.leave();
      },
    );
  }

  /** Connects anew; while it is connecting it does so anyway. */
  private leave(): void {
    if (!this.isReady) return;
    this.isEnding = true;
    this.redis.disconnect(true);
  }

  private look(): void {
    if (!this.isBroken || !this.isWhole) return;
    this.isBroken = false;
    this.io.onWhole();
  }
}
