import { randomBytes } from 'node:crypto';
import { Cluster } from 'ioredis';
import type { NodeId } from '../../protocol/ids.js';
import type { Histogram } from '../../ports/histogram.js';
import type { Bus } from '../../ports/bus.js';
import { keys } from './keys.js';
import type { RedisConnection } from './redis-connection.js';
import { slotOf } from './redis-shards.js';
import type { RedisSubscriber } from './redis-subscriber.js';

/** 8 random bytes that name the sender's bus, then the letter's number, u48. */
const HEADER_BYTES = 14;
/** Senders remembered; a process that ended needs no memory, and nobody says which did. */
const MAX_SENDERS = 1000;

const scratch = Buffer.allocUnsafeSlow(262_144);

export interface RedisBusParts {
  readonly redis: RedisConnection;
  readonly subscriber: RedisSubscriber;
  readonly nodeId: NodeId;
  /** Where it is noted how long Redis took: plain numbers, because all that goes between nodes passes here. */
  readonly times?: { readonly ok: Histogram; readonly failed: Histogram };
}

/**
 * Letters over a channel for each node. What a stopped Redis was sent on a connection that was given up since may be
 * carried out after what was sent on the next one: letters are numbered, and a late one is dropped.
 */
export class RedisBus implements Bus {
  private readonly name = randomBytes(8);
  private readonly channels = new Map<NodeId, { readonly name: string; readonly slot: number }>();
  /** The last number of each sender. */
  private readonly heard = new Map<string, number>();
  private lastNumber = 0;

  constructor(private readonly parts: RedisBusParts) {}

  async open(onLetter: (letter: Buffer) => void): Promise<void> {
    const { redis, subscriber, nodeId } = this.parts;
    await redis.shards?.warm();
    await subscriber.subscribe(keys.nodeChannel(nodeId), (payload) => {
      if (this.isInOrder(payload)) onLetter(payload.subarray(HEADER_BYTES));
    });
  }

  async post(to: NodeId, letter: Buffer): Promise<boolean> {
    const { times } = this.parts;
    const sinceMs = performance.now();
    try {
      const isHeard = await this.publish(to, letter);
      times?.ok.observe(performance.now() - sinceMs);
      return isHeard;
    } catch (error) {
      times?.failed.observe(performance.now() - sinceMs);
      throw error;
    }
  }

  private publish(to: NodeId, letter: Buffer): Promise<boolean> {
    const { name, slot } = this.channel(to);
    const payload = this.number(letter);
    return this.parts.redis.attempt(async (client) => {
      if (!(client instanceof Cluster)) return (await client.publish(name, payload)) > 0;
      // Not by the cluster's client: where it is sent elsewhere, it tries again, and out of order.
      const { shards } = this.parts.redis;
      const master = shards?.masterOf(slot);
      if (master === undefined) {
        shards?.refresh();
        throw new Error('no connection to the node of the Redis Cluster that has the channel');
      }
      return Number(await master.spublish(name, payload)) > 0;
    });
  }

  onRestored(listener: () => void): void {
    this.parts.subscriber.onRestored(listener);
  }

  private channel(to: NodeId): { readonly name: string; readonly slot: number } {
    const known = this.channels.get(to);
    if (known !== undefined) return known;
    if (this.channels.size >= MAX_SENDERS) this.channels.clear();
    const name = keys.nodeChannel(to);
    const channel = { name, slot: slotOf(name) };
    this.channels.set(to, channel);
    return channel;
  }

  private number(letter: Buffer): Buffer {
    this.lastNumber += 1;
    const length = HEADER_BYTES + letter.length;
    // ioredis has copied it when `publish` returns.
    const payload = length <= scratch.length ? scratch.subarray(0, length) : Buffer.allocUnsafe(length);
    this.name.copy(payload);
    payload.writeUIntBE(this.lastNumber, 8, 6);
    letter.copy(payload, HEADER_BYTES);
    return payload;
  }

  private isInOrder(payload: Buffer): boolean {
    if (payload.length < HEADER_BYTES) return false;
    const sender = payload.toString('latin1', 0, 8);
    const number = payload.readUIntBE(8, 6);
    const last = this.heard.get(sender);
    if (last !== undefined && number <= last) return false;
    if (last === undefined && this.heard.size >= MAX_SENDERS) this.heard.clear();
    this.heard.set(sender, number);
    return true;
  }
}
