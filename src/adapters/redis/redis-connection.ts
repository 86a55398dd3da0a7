import { setTimeout as pause } from 'node:timers/promises';
import { Cluster } from 'ioredis';
import type { Logger } from '../../ports/runtime.js';
import { noTelemetry, type Telemetry } from '../../ports/telemetry.js';
import { withinDeadline } from '../deadline.js';
import {
  createRedisClient,
  describeRedisTarget,
  type RedisClient,
  type RedisTarget,
} from './redis-client.js';
import { dropArguments, isFinal, isSilence, rootOf, textOf } from './redis-errors.js';
import { RedisShards } from './redis-shards.js';

export type { RedisClient } from './redis-client.js';

/** Bound of a call with all its attempts. */
const CALL_TIMEOUT_MS = 3000;
/** A call waits this long for a connection: longer than a restart or a lost packet, shorter than an outage. */
const PATIENCE_MS = 1000;
const RETRY_MS = 50;
/** Nodes that come back to a Redis that lost its memory write what they know again within this time. */
const SETTLING_MS = 2000;
const START_TIMEOUT_MS = 10_000;
const LOGIN_REFUSED = /\b(WRONGPASS|NOAUTH|NOPERM|invalid password)\b/;

/**
 * The node's connection to Redis (standalone, Cluster or Sentinel). It reconnects by itself for ever, logs one line
 * when Redis is lost and one when it is back, and bounds every call.
 */
export class RedisConnection {
  /** Kind, hosts and ports, without a login. */
  readonly name: string;
  /** Which node of a Redis Cluster has what. `undefined`: there is but one. */
  readonly shards: RedisShards | undefined;
  private readonly client: RedisClient;
  private state: 'starting' | 'up' | 'down' | 'closed' = 'starting';
  private backAtMs = 0;
  private lastError: Error | undefined;
  private isProbing = false;
  /** A connection was told to end; ioredis calls it ready until it has. */
  private isLeaving = false;
  private readonly waiting = new Set<() => void>();
  private readonly reconnectListeners: (() => void)[] = [];

  constructor(
    target: RedisTarget,
    private readonly logger: Logger,
    private readonly telemetry: Telemetry = noTelemetry,
  ) {
    this.name = describeRedisTarget(target);
    this.client = createRedisClient(target);
    this.shards = this.client instanceof Cluster ? new RedisShards(this.client) : undefined;
    this.client.on('ready', () => {
      this.up();
    });
    this.client.on('close', () => {
      this.isLeaving = false;
      this.down();
    });
    this.client.on('error', (error: Error) => {
      this.lastError = rootOf(error);
      this.down();
      // While starting, a refused login ends the wait: it will not pass by itself.
      if (this.state === 'starting' && LOGIN_REFUSED.test(this.lastError.message)) this.wake();
    });
  }

  /** Resolves when Redis answers. Else closes, and rejects with an `Error` whose text is for the operator. */
  async start(timeoutMs = START_TIMEOUT_MS): Promise<void> {
    try {
      await this.awakening(timeoutMs);
      if (this.client.status === 'ready') return;
    } catch (error) {
      this.lastError ??= error instanceof Error ? error : undefined;
    }
    this.close();
    const reason = this.lastError === undefined ? 'no answer' : textOf(this.lastError);
    const what = LOGIN_REFUSED.test(reason)
      ? 'refuses the login'
      : `was not ready within ${timeoutMs / 1000} s`;
    throw new Error(`${this.name} ${what}: ${reason}`);
  }

  /**
   * Runs commands; settles within 3 s whatever Redis does, within 1 s while there is no connection. When an answer is
   * lost with its connection, or Redis says "not now", `call` runs again: it must be repeatable. A call that was
   * given up may still have been carried out. Rejects with ioredis's own error. `operation`: one of few words, for figures.
   */
  run<Result>(call: (client: RedisClient) => Promise<Result>, operation = 'other'): Promise<Result> {
    return this.telemetry.timed('redis', operation, () => this.repeat(call));
  }

  private repeat<Result>(call: (client: RedisClient) => Promise<Result>): Promise<Result> {
    return withinDeadline(CALL_TIMEOUT_MS, async (signal) => {
      for (;;) {
        await this.untilReady();
        signal.throwIfAborted();
        try {
          return await call(this.client);
        } catch (error) {
          dropArguments(error);
          if (isSilence(error)) void this.leaveTheSilent(error);
          if (isFinal(error)) throw error;
        }
        await pause(RETRY_MS);
      }
    });
  }

  /**
   * Runs one command, now or not at all: rejects at once without a connection, within 1 s when Redis is silent, and
   * never tries again. What is called in order is carried out in order, while the connection is the same. Without an
   * `operation` it is in no figure.
   */
  attempt<Result>(call: (client: RedisClient) => Promise<Result>, operation?: string): Promise<Result> {
    if (operation === undefined) return this.once(call);
    return this.telemetry.timed('redis', operation, () => this.once(call));
  }

  private async once<Result>(call: (client: RedisClient) => Promise<Result>): Promise<Result> {
    if (!this.isReady) throw new Error(`no connection to ${this.name}`, { cause: this.lastError });
    try {
      return await call(this.client);
    } catch (error) {
      dropArguments(error);
      if (isSilence(error)) void this.leaveTheSilent(error);
      throw error;
    }
  }

  get isReady(): boolean {
    return this.client.status === 'ready' && this.state !== 'closed' && !this.isLeaving;
  }

  /** It was lost, and came back a moment ago: what its nodes know they may not have written again. */
  get isJustBack(): boolean {
    return Date.now() - this.backAtMs < SETTLING_MS;
  }

  /** Calls `listener` each time that Redis is back after it was lost. It may have lost data meanwhile. */
  onReconnect(listener: () => void): void {
    this.reconnectListeners.push(listener);
  }

  /** Ends every connection and attempt to connect, whatever state Redis is in. Calls under way reject. Idempotent. */
  close(): void {
    if (this.state === 'closed') return;
    this.state = 'closed';
    this.client.disconnect();
    this.wake();
  }

  private async untilReady(): Promise<void> {
    if (this.client.status !== 'ready' && this.state !== 'closed') {
      try {
        await this.awakening(PATIENCE_MS);
      } catch {
        throw new Error(`no connection to ${this.name}`, { cause: this.lastError });
      }
    }
    if (this.state === 'closed') throw new Error(`the connection to ${this.name} is closed`);
  }

  /** Resolves when there is something to look at: a connection, a close, a login refused at start. */
  private async awakening(timeoutMs: number): Promise<void> {
    if (this.client.status === 'ready') return;
    let wake: (() => void) | undefined;
    try {
      await withinDeadline(
        timeoutMs,
        () =>
          new Promise<void>((resolve) => {
            wake = resolve;
            this.waiting.add(resolve);
          }),
      );
    } finally {
      if (wake !== undefined) this.waiting.delete(wake);
    }
  }

  private wake(): void {
    for (const resolve of this.waiting) resolve();
    this.waiting.clear();
  }

  private up(): void {
    const isBack = this.state === 'down';
    if (this.state !== 'closed') this.state = 'up';
    this.lastError = undefined;
    this.wake();
    if (!isBack) return;
    this.backAtMs = Date.now();
    this.logger.info('redis_back', { redis: this.name });
    for (const listener of this.reconnectListeners) listener();
  }

  private down(): void {
    if (this.state !== 'up') return;
    this.state = 'down';
    const reason = this.lastError === undefined ? {} : { error: this.lastError };
    this.logger.warn('redis_lost', { redis: this.name, ...reason });
  }

  /**
   * A connection whose other end vanished without a word would otherwise be kept until the kernel gives up on it, a
   * quarter of an hour. A stopped Redis costs an attempt to reconnect, no more.
   */
  private async leaveTheSilent(error: Error): Promise<void> {
    this.lastError = error;
    if (!(this.client instanceof Cluster)) {
      if (this.client.status !== 'ready' || this.isLeaving) return;
      this.isLeaving = true;
      this.client.disconnect(true);
      return;
    }
    if (this.isProbing) return;
    this.isProbing = true;
    const nodes = this.client.nodes().filter(({ status }) => status === 'ready');
    await Promise.allSettled(
      nodes.map((node) =>
        node.ping().catch(() => {
          node.disconnect();
        }),
      ),
    );
    this.isProbing = false;
  }
}
