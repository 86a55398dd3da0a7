import type { Cluster, Redis } from 'ioredis';
import type { RedisServer } from './redis-client.js';

/** Redis Cluster specification, "Key distribution model". */
const SLOTS = 16_384;

/** Which node of a Redis Cluster serves which key or channel, as far as it is known just now. */
export class RedisShards {
  constructor(private readonly cluster: Cluster) {}

  /** `host:port` of the master that serves a slot. */
  ownerOf(slot: number): string | undefined {
    return this.cluster.slots[slot]?.[0];
  }

  /** The connection to the master of a slot, when it can be used this moment. */
  masterOf(slot: number): Redis | undefined {
    const owner = this.ownerOf(slot);
    return this.cluster
      .nodes('master')
      .find(
        ({ status, options }) =>
          status === 'ready' && owner === `${String(options.host)}:${String(options.port)}`,
      );
  }

  /** Connects to masters that were not needed so far. Resolves when each has answered, or failed to. */
  async warm(): Promise<void> {
    const cold = this.cluster.nodes('master').filter(({ status }) => status === 'wait');
    await Promise.allSettled(cold.map((node) => node.connect()));
  }

  /** Asks the cluster who serves what. Errors show in the calls that need the answer. */
  refresh(): void {
    if (this.cluster.status === 'ready') this.cluster.refreshSlotsCache();
  }
}

/** An owner's address; the host may be an IPv6 address. */
export function asServer(owner: string): RedisServer {
  const colon = owner.lastIndexOf(':');
  return { host: owner.slice(0, colon), port: Number(owner.slice(colon + 1)) };
}

/** The slot of a key: CRC16 (XMODEM) of its hash tag, or of all of it. Redis Cluster specification, appendix A. */
export function slotOf(key: string): number {
  const open = key.indexOf('{');
  const close = key.indexOf('}', open + 1);
  const tag = open >= 0 && close > open + 1 ? key.slice(open + 1, close) : key;
  let crc = 0;
  for (const byte of Buffer.from(tag)) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit += 1) crc = ((crc << 1) ^ (crc & 0x8000 ? 0x1021 : 0)) & 0xffff;
  }
  return crc % SLOTS;
}
