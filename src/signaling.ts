/** The composition root: every part is made here, and what lies behind the ports in backends.ts. */
import type { Server } from 'node:http';
import type { Express } from 'express';
import { PinoLogger } from './adapters/system/pino-logger.js';
import { PrometheusMetrics } from './adapters/system/prometheus-metrics.js';
import { SystemClock } from './adapters/system/system-clock.js';
import { SystemIds } from './adapters/system/system-ids.js';
import { chooseBackends } from './backends.js';
import type { Config } from './config.js';
import type { CoreSettings, Ports } from './core/context.js';
import { SignalingNode } from './core/signaling-node.js';
import { dialectNames, Doors, type DialectName } from './dialects/doors.js';
import { toPeerId } from './dialects/peer-key.js';
import { createTally, type Clock } from './ports/runtime.js';
import type { Limits } from './protocol/limits.js';
import { parseTrustedProxies } from './transport/client-address.js';
import { createHttpApp } from './transport/http/server.js';
import { createEncoder } from './transport/ws/encoder.js';
import { Gateway } from './transport/ws/gateway.js';
import { Liveness } from './transport/ws/liveness.js';
import { Flusher } from './transport/ws/outbox.js';

/** A peer that joins a full mesh says a lot at once: so many seconds of what it may send sustained. */
const burstSeconds = 10;

/** The server without ports of its own. */
export interface Signaling {
  readonly clock: Clock;
  /** What was decided from the settings, a line each, for the operator. */
  readonly decisions: readonly string[];
  /** The HTTP face. `isGuest`: on the Express app of somebody else, who answers what is not ours. */
  httpApp(isGuest?: boolean): Express;
  /** Takes WebSocket upgrades from that server. `isGuest`: other paths are somebody else's to answer. */
  attach(server: Server, isGuest?: boolean): void;
  /** Joins the other nodes. Rejects when they cannot be reached. */
  start(): Promise<void>;
  /** Takes nobody new and tells every peer to go elsewhere; resolves when they have gone, or `withinMs` are over. */
  drain(withinMs: number): Promise<void>;
  /** Frees everything; after `drain`. */
  free(): void;
}

/** Builds it from its settings. `overrides` puts other parts behind the ports. */
export async function createSignaling(
  config: Config,
  overrides: Partial<Ports> = {},
  dialects: readonly DialectName[] = dialectNames,
): Promise<Signaling> {
  const clock = overrides.clock ?? new SystemClock();
  const logger = overrides.logger ?? new PinoLogger({ level: config.logLevel });
  const tally = overrides.tally ?? createTally();
  const ids = overrides.ids ?? new SystemIds();
  const backends = await chooseBackends(config, { clock, ids, logger });
  const ports: Ports = { clock, logger, tally, ids, ...backends, ...overrides };
  const node = new SignalingNode(ports, coreSettings(config));
  const metrics = new PrometheusMetrics(tally, () => node.stats());
  const liveness = new Liveness(clock, config.pingMs);
  const settings = { ...config, trustedProxies: parseTrustedProxies(config.trustedProxies) };
  const shared = { node, clock, logger, tally, liveness, settings };
  const gateway = new Gateway(
    { ...shared, flusher: new Flusher(), encoder: createEncoder() },
    settings,
    new Doors(dialects),
    ports.limiter,
  );
  const httpParts = {
    desk: node,
    settings: {
      ...settings,
      peerKey: (value: Parameters<typeof toPeerId>[0]) => toPeerId(value) ?? undefined,
    },
    logger,
    tally,
    limiter: ports.limiter,
    renderMetrics: () => metrics.render(),
  };
  const detach: (() => void)[] = [];
  return {
    clock,
    decisions: backends.decisions,
    httpApp: (isGuest) => createHttpApp(httpParts, isGuest),
    attach(server, isGuest) {
      detach.push(gateway.attach(server, isGuest));
    },
    start: () => node.start(),
    drain(withinMs) {
      gateway.drain();
      return node.drain(withinMs);
    },
    free() {
      for (const undo of detach) undo();
      liveness.stop();
      backends.close();
    },
  };
}

function coreSettings(config: Config): CoreSettings {
  const { roomTtlMs, graceMs, allowAnonymous, kickBanMs, closeAtExpiry } = config;
  const { chatFlushMs, chatMaxWaiting, sfuAbovePeers } = config;
  const people = { roomTtlMs, graceMs, allowAnonymous, kickBanMs, closeAtExpiry };
  return { ...people, chatFlushMs, chatMaxWaiting, sfuAbovePeers, limits: limitsOf(config) };
}

function limitsOf(config: Config): Limits {
  const { maxMessageBytes, maxOutboxBytes, maxPeersPerRoom, maxConnectionsPerIp } = config;
  const { messagesPerSecond, userMessagesPerSecond, chatsPerSecond, maxChatChars } = config;
  const { signInsPerMinute, roomsPerMinute, iceRequestsPerMinute, badTokensPerMinute } = config;
  return {
    maxMessageBytes,
    maxOutboxBytes,
    maxPeersPerRoom,
    maxConnectionsPerIp,
    messagesPerSecond,
    messageBurst: messagesPerSecond * burstSeconds,
    userMessagesPerSecond,
    signInsPerMinute,
    roomsPerMinute,
    iceRequestsPerMinute,
    badTokensPerMinute,
    chatsPerSecond,
    maxChatChars,
  };
}
