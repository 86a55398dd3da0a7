/** What the core stands on, all of it in memory and none of it limited. */
import { generateKeyPairSync } from 'node:crypto';
import { Rs256Verifier } from '../../src/adapters/jwt/rs256-verifier.js';
import { LocalIdentityProvider } from '../../src/adapters/local-identity/local-identity-provider.js';
import { MemoryChatArchive } from '../../src/adapters/memory/memory-chat-archive.js';
import { MemoryChatLog, MemoryChatMemory } from '../../src/adapters/memory/memory-chat-log.js';
import { MemoryMediaPlacement } from '../../src/adapters/memory/memory-media-placement.js';
import { MemoryCluster } from '../../src/adapters/memory/memory-cluster.js';
import { MemoryRateLimiter } from '../../src/adapters/memory/memory-rate-limiter.js';
import { MemoryRoomStore } from '../../src/adapters/memory/memory-room-store.js';
import { MemoryUserStore } from '../../src/adapters/memory/memory-user-store.js';
import { SystemIds } from '../../src/adapters/system/system-ids.js';
import type { CoreSettings, Ports } from '../../src/core/context.js';
import { noAudit } from '../../src/ports/audit.js';
import { createTally, type Clock } from '../../src/ports/runtime.js';
import { noTelemetry } from '../../src/ports/telemetry.js';
import { asNodeId } from '../../src/protocol/ids.js';
import { testLogger } from './test-logs.js';

/** To make one takes as long as a hundred requests: tests of one file share it. */
const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const signingKeyPem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();

/** Eight seats a room, and no limit where there can be none. */
export const unlimitedCore: CoreSettings = {
  limits: {
    maxMessageBytes: 65_536,
    maxOutboxBytes: 1_048_576,
    maxPeersPerRoom: 8,
    messagesPerSecond: 0,
    messageBurst: 0,
    userMessagesPerSecond: 0,
    maxConnectionsPerIp: 0,
    signInsPerMinute: 0,
    roomsPerMinute: 0,
    iceRequestsPerMinute: 0,
    badTokensPerMinute: 0,
    chatsPerSecond: 0,
    maxChatChars: 4_000,
  },
  roomTtlMs: 7_200_000,
  graceMs: 5_000,
  allowAnonymous: false,
  kickBanMs: 60_000,
  closeAtExpiry: false,
  chatFlushMs: 1_000,
  chatMaxWaiting: 10_000,
  sfuAbovePeers: 0,
};

/** One node's ports. Another node of the same cluster can be had from `cluster`. */
export async function memoryPorts(
  clock: Clock,
  cluster = new MemoryCluster(clock),
  name = 'here',
): Promise<Ports> {
  const identities = await LocalIdentityProvider.create({ clock, signingKeyPem });
  const { issuer, audience, publicJwk } = identities;
  const nodeId = asNodeId(name);
  return {
    clock,
    ids: new SystemIds(),
    logger: testLogger(),
    tally: createTally(),
    verifier: new Rs256Verifier({ issuer, audience, tokenUse: 'id', keys: { jwk: { ...publicJwk } } }),
    identities,
    store: new MemoryRoomStore(clock),
    users: new MemoryUserStore(),
    presence: cluster.presence(nodeId),
    bus: cluster.bus(nodeId),
    ice: { configFor: () => ({ servers: [], transportPolicy: 'all' }) },
    limiter: new MemoryRateLimiter(clock),
    chatLog: new MemoryChatLog(new MemoryChatMemory(clock)),
    chatArchive: new MemoryChatArchive(),
    mediaServices: [],
    placement: new MemoryMediaPlacement(clock),
    telemetry: noTelemetry,
    audit: noAudit,
  };
}
