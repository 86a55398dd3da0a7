import { createPrivateKey, generateKeyPair } from 'node:crypto';
import { promisify } from 'node:util';
import type { Logger } from '../../ports/runtime.js';
import { keys } from './keys.js';
import type { RedisConnection } from './redis-connection.js';

/**
 * The private key of the embedded identities, shared by all nodes of one Redis: the first node makes it, the others
 * read it, so a token signed by one node is good on all.
 *
 * The key lies in Redis as plain PEM. Whoever can read that Redis, its dumps or its replicas can sign in as anybody
 * here: give it a password and TLS, or set `LOCAL_SIGNING_KEY` on every node, and nothing is stored.
 *
 * Every node keeps the key in memory and puts it back when Redis lost it (restarted empty, flushed, evicted) and is
 * connected anew. Tokens outlive such a loss unless every node stops meanwhile: then the next one makes a new key, and
 * tokens signed with the old one are refused, an hour's worth at most.
 */
export class RedisSigningKey {
  private constructor(
    private readonly redis: RedisConnection,
    private readonly logger: Logger,
    /** PKCS #8. Never log it. */
    readonly pem: string,
  ) {}

  /** Reads the key, or makes it. Rejects when Redis does not answer, or with an `Error` when what it holds is no key. */
  static async open(redis: RedisConnection, logger: Logger): Promise<RedisSigningKey> {
    const there = await redis.run((client) => client.get(keys.signingKey), 'signing_key');
    const pem = there ?? (await share(redis, await makePem()));
    try {
      createPrivateKey(pem);
    } catch {
      // What the parser says may quote the key.
      throw new Error(`the key ${keys.signingKey} in Redis is not a private key as PEM`);
    }
    const key = new RedisSigningKey(redis, logger, pem);
    redis.onReconnect(() => {
      void key.putBack();
    });
    return key;
  }

  private async putBack(): Promise<void> {
    try {
      const shared = await share(this.redis, this.pem);
      if (shared !== this.pem) this.logger.error('redis_signing_key_differs', { redis: this.redis.name });
    } catch (error) {
      // Redis is gone again; its next return comes here again.
      this.logger.warn('redis_signing_key_not_checked', { redis: this.redis.name, error });
    }
  }
}

/** [R4] Of nodes that offer a key at the same instant one wins, and all get its key. Resolves to the key that holds. */
async function share(redis: RedisConnection, pem: string): Promise<string> {
  await redis.run((client) => client.set(keys.signingKey, pem, 'NX'), 'signing_key');
  const holds = await redis.run((client) => client.get(keys.signingKey), 'signing_key');
  if (holds === null) throw new Error('Redis lost the signing key while it was written');
  return holds;
}

async function makePem(): Promise<string> {
  const { privateKey } = await promisify(generateKeyPair)('rsa', { modulusLength: 2048 });
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
}
