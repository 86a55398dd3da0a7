/** What lies behind the ports: chosen from the settings, here and in backends/, and nowhere else. */
import { MemoryChatLog, MemoryChatMemory } from './adapters/memory/memory-chat-log.js';
import { MemoryCluster } from './adapters/memory/memory-cluster.js';
import { MemoryRateLimiter } from './adapters/memory/memory-rate-limiter.js';
import { RedisBus } from './adapters/redis/redis-bus.js';
import { RedisChatLog } from './adapters/redis/redis-chat-log.js';
import { RedisConnection } from './adapters/redis/redis-connection.js';
import { RedisPresence } from './adapters/redis/redis-presence.js';
import { RedisRateLimiter } from './adapters/redis/redis-rate-limiter.js';
import { RedisSubscriber } from './adapters/redis/redis-subscriber.js';
import { TurnIceServers } from './adapters/turn/turn-ice-servers.js';
import { chooseChatArchive } from './backends/chat.js';
import { chooseIdentities } from './backends/identities.js';
import { chooseMedia } from './backends/media.js';
import { chooseRooms } from './backends/rooms.js';
import { nothingToClose, type Surroundings } from './backends/surroundings.js';
import { ConfigError, type Config } from './config.js';
import type { IdentityProvider, TokenVerifier } from './ports/auth.js';
import type { Bus } from './ports/bus.js';
import type { ChatArchive } from './ports/chat-archive.js';
import type { ChatLog } from './ports/chat-log.js';
import type { IceServerSource } from './ports/ice-servers.js';
import type { MediaPlacement } from './ports/media-placement.js';
import type { MediaService } from './ports/media-service.js';
import type { Presence } from './ports/presence.js';
import type { RateLimiter } from './ports/rate-limiter.js';
import type { RoomStore } from './ports/room-store.js';
import type { Clock, Logger } from './ports/runtime.js';
import type { Telemetry } from './ports/telemetry.js';
import type { UserStore } from './ports/user-store.js';

/** What was chosen for the ports that lead out of this process. */
export interface Backends {
  readonly verifier: TokenVerifier;
  readonly identities: IdentityProvider;
  readonly store: RoomStore;
  readonly presence: Presence;
  readonly bus: Bus;
  readonly users: UserStore;
  readonly ice: IceServerSource;
  readonly limiter: RateLimiter;
  readonly chatLog: ChatLog;
  readonly chatArchive: ChatArchive;
  readonly mediaServices: readonly MediaService[];
  readonly placement: MediaPlacement;
  /** `undefined`: there is none. */
  readonly isRedisReady: (() => boolean) | undefined;
  readonly decisions: readonly string[];
  readonly close: () => void;
}

/** What is configured decides what is used; `decisions` says what was decided, a line each. */
export async function chooseBackends(config: Config, surroundings: Surroundings): Promise<Backends> {
  const { clock, logger, telemetry } = surroundings;
  const redis = await connectRedis(config, logger, telemetry);
  try {
    const users = await chooseIdentities(config.identities, surroundings, redis && { redis, logger });
    const rooms = chooseRooms(config, surroundings, redis);
    const nodes = chooseNodes(config, surroundings, redis);
    const chat = chooseChatArchive(config, surroundings, redis);
    const media = chooseMedia(config, surroundings, redis);
    return {
      ...users,
      store: rooms.store,
      users: rooms.users,
      presence: nodes.presence,
      bus: nodes.bus,
      limiter: nodes.limiter,
      chatLog: nodes.chatLog,
      chatArchive: chat.archive,
      mediaServices: media.services,
      placement: media.placement,
      ice: chooseIce(config, clock),
      isRedisReady: redis && (() => redis.isReady),
      decisions: [
        users.decision,
        rooms.decision,
        nodes.decision,
        chat.decision,
        iceDecision(config),
        media.decision,
      ],
      close: () => {
        users.close();
        rooms.close();
        chat.close();
        nodes.close();
        redis?.close();
      },
    };
  } catch (error) {
    // An open connection would keep the process alive.
    redis?.close();
    throw error;
  }
}

async function connectRedis(
  { redis }: Config,
  logger: Logger,
  telemetry: Telemetry,
): Promise<RedisConnection | undefined> {
  if (redis === undefined) return undefined;
  const connection = new RedisConnection(redis, logger, telemetry);
  try {
    await connection.start();
  } catch (error) {
    throw new ConfigError([error instanceof Error ? error.message : String(error)]);
  }
  return connection;
}

type Nodes = Pick<Backends, 'presence' | 'bus' | 'limiter' | 'chatLog' | 'close'> & {
  readonly decision: string;
};

function chooseNodes(
  { redis: target, graceMs }: Config,
  { clock, nodeId, logger, tally }: Surroundings,
  redis: RedisConnection | undefined,
): Nodes {
  if (target === undefined || redis === undefined) {
    const cluster = new MemoryCluster(clock);
    const decision = 'Nodes: this one alone.';
    return {
      presence: cluster.presence(nodeId),
      bus: cluster.bus(nodeId),
      limiter: new MemoryRateLimiter(clock),
      chatLog: new MemoryChatLog(new MemoryChatMemory(clock)),
      decision,
      close: nothingToClose,
    };
  }
  const subscriber = new RedisSubscriber(target, redis);
  const { calls } = tally.metrics;
  const times = {
    ok: calls.histogram('redis', 'publish', 'ok'),
    failed: calls.histogram('redis', 'publish', 'failed'),
  };
  const limiter = new RedisRateLimiter({
    redis,
    nodeId,
    clock,
    logger,
    local: new MemoryRateLimiter(clock),
  });
  return {
    presence: new RedisPresence({ redis, subscriber, nodeId, logger, graceMs }),
    bus: new RedisBus({ redis, subscriber, nodeId, times }),
    limiter,
    chatLog: new RedisChatLog({ redis, subscriber, logger }),
    decision: `Nodes: this one is ${nodeId}, among all that share ${redis.name}.`,
    close: () => {
      limiter.close();
      subscriber.close();
    },
  };
}

function chooseIce(config: Config, clock: Clock): IceServerSource {
  const { stunUrls, turnUrls, turnSharedSecret, turnTtlS: ttlS, iceTransportPolicy } = config;
  const settings = {
    stunUrls,
    turnUrls,
    sharedSecret: turnSharedSecret?.reveal(),
    ttlS,
    transportPolicy: iceTransportPolicy,
  };
  return new TurnIceServers(settings, clock);
}

function iceDecision({ stunUrls, turnUrls }: Config): string {
  if (stunUrls.length + turnUrls.length === 0)
    return 'ICE: no servers; peers find each other on one network only.';
  return `ICE: ${stunUrls.length} STUN, ${turnUrls.length} TURN.`;
}
