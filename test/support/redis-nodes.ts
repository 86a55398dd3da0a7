/** Nodes of one deployment, each with its own connections to one Redis, as the server opens them. */
import { RedisBus } from '../../src/adapters/redis/redis-bus.js';
import { RedisConnection } from '../../src/adapters/redis/redis-connection.js';
import { RedisPresence } from '../../src/adapters/redis/redis-presence.js';
import { RedisSubscriber } from '../../src/adapters/redis/redis-subscriber.js';
import { loadConfig } from '../../src/config.js';
import type { NodeId } from '../../src/protocol/ids.js';
import { RedisLog } from './redis.js';

export interface RedisNode {
  readonly redis: RedisConnection;
  readonly subscriber: RedisSubscriber;
  readonly presence: RedisPresence;
  readonly bus: RedisBus;
  readonly log: RedisLog;
  readonly close: () => void;
}

export class RedisNodes {
  readonly #env: Readonly<Record<string, string>>;
  readonly #opened: RedisNode[] = [];

  constructor(env: Readonly<Record<string, string>>) {
    this.#env = env;
  }

  async open(nodeId: NodeId, graceMs = 5000): Promise<RedisNode> {
    const { redis: target } = loadConfig(this.#env);
    if (target === undefined) throw new Error('no Redis is configured');
    const log = new RedisLog();
    const { logger } = log;
    const redis = new RedisConnection(target, logger);
    const subscriber = new RedisSubscriber(target, redis);
    const close = (): void => {
      subscriber.close();
      redis.close();
    };
    const presence = new RedisPresence({ redis, subscriber, nodeId, logger, graceMs });
    const node = {
      redis,
      subscriber,
      presence,
      bus: new RedisBus({ redis, subscriber, nodeId }),
      log,
      close,
    };
    this.#opened.push(node);
    await redis.start();
    return node;
  }

  close(): void {
    for (const { close } of this.#opened.splice(0)) close();
  }
}
