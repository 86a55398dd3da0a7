/** The composition root: every part is made here, and what lies behind the ports in backends.ts. */
import type { Server } from 'node:http';
import { fileURLToPath } from 'node:url';
import type { Express } from 'express';
import { MeteredLimiter } from './adapters/system/metered-limiter.js';
import { MeteredTelemetry } from './adapters/system/metered-telemetry.js';
import { PrometheusMetrics } from './adapters/system/prometheus-metrics.js';
import { SystemClock } from './adapters/system/system-clock.js';
import { SystemIds } from './adapters/system/system-ids.js';
import { chooseBackends } from './backends.js';
import type { Config } from './config.js';
import type { CoreSettings, Ports } from './core/context.js';
import { SignalingNode } from './core/signaling-node.js';
import { dialectNames, Doors, type DialectName } from './dialects/doors.js';
import { toPeerId } from './dialects/peer-key.js';
import { createFigures } from './figures.js';
import { openObservers, type Observers } from './observers.js';
import { createTally, type Clock, type IdSource, type Logger } from './ports/runtime.js';
import { asNodeId, type NodeId } from './protocol/ids.js';
import type { Limits } from './protocol/limits.js';
import { version } from './version.js';
import { parseTrustedProxies } from './transport/client-address.js';
import { createHttpApp } from './transport/http/server.js';
import type { ServerBounds } from './transport/http/server-bounds.js';
import { createEncoder } from './transport/ws/encoder.js';
import { Gateway } from './transport/ws/gateway.js';
import { Liveness } from './transport/ws/liveness.js';
import { Flusher } from './transport/ws/outbox.js';
import { WaitingBytes } from './transport/ws/waiting-bytes.js';

/** A peer that joins a full mesh says a lot at once: so many seconds of what it may send sustained. */
const burstSeconds = 10;

/** The server without ports of its own. */
export interface Signaling {
  readonly clock: Clock;
  readonly logger: Logger;
  /** What was decided from the settings, a line each, for the operator. */
  readonly decisions: readonly string[];
  /**
   * The HTTP face. `isGuest`: on the Express app of somebody else, who answers what is not ours. `hasPages`: demo,
   * dashboard and documents are there too.
   */
  httpApp(isGuest: boolean, hasPages: boolean): Express;
  /** What the servers that are ours allow the far ends of their connections. */
  readonly bounds: ServerBounds;
  /** Takes WebSocket upgrades from that server. `isGuest`: other paths are somebody else's to answer. */
  attach(server: Server, isGuest?: boolean): void;
  /** Joins the other nodes. Rejects when they cannot be reached. */
  start(): Promise<void>;
  /** Takes nobody new and tells every peer to go elsewhere; resolves when they have gone, or `withinMs` are over. */
  drain(withinMs: number): Promise<void>;
  /** Goes on with the audit trail in a new file: the old one was moved away. */
  reopenLogs(): void;
  /** Frees everything; after `drain`. Never rejects. */
  free(): Promise<void>;
}

/** Builds it from its settings. `overrides` puts other parts behind the ports. */
export async function createSignaling(
  config: Config,
  overrides: Partial<Ports> = {},
  dialects: readonly DialectName[] = dialectNames,
): Promise<Signaling> {
  const clock = overrides.clock ?? new SystemClock();
  const ids = overrides.ids ?? new SystemIds();
  // New with each start: what a node has left behind must not be taken for its successor's.
  const nodeId = overrides.presence?.nodeId ?? asNodeId(`${config.nodeId}-${ids.hex(8)}`);
  const observers = await openObservers(config, nodeId, clock, overrides);
  try {
    return await assemble(config, overrides, dialects, { clock, ids, nodeId, observers });
  } catch (error) {
    await observers.close();
    throw error;
  }
}

interface Base {
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly nodeId: NodeId;
  readonly observers: Observers;
}

async function assemble(
  config: Config,
  overrides: Partial<Ports>,
  dialects: readonly DialectName[],
  { clock, ids, nodeId, observers }: Base,
): Promise<Signaling> {
  const { logger, audit } = observers;
  const tally = overrides.tally ?? createTally();
  const telemetry = observers.traced(overrides.telemetry ?? new MeteredTelemetry(tally, clock));
  const backends = await chooseBackends(config, { clock, ids, nodeId, logger, tally, telemetry });
  const limiter = new MeteredLimiter(overrides.limiter ?? backends.limiter, tally);
  const ports: Ports = { clock, logger, tally, ids, audit, ...backends, ...overrides, telemetry, limiter };
  const node = new SignalingNode(ports, coreSettings(config));
  const liveness = new Liveness(clock, config.pingMs);
  const settings = {
    ...config,
    trustedProxies: parseTrustedProxies(config.trustedProxies),
    operatorNetworks: parseTrustedProxies(config.operatorNetworks),
  };
  const { relay } = tally.metrics;
  const flusher = new Flusher(() => {
    relay.flushed(clock);
  });
  const waiting = new WaitingBytes(config.maxWaitingBytes, () => {
    tally.connections_shed += 1;
    logger.warn('connection_shed');
  });
  const shared = {
    node,
    clock,
    logger,
    audit,
    tally,
    relay,
    flusher,
    liveness,
    settings,
  };
  const gateway = new Gateway(
    { ...shared, encoder: createEncoder(), waiting },
    settings,
    new Doors(dialects),
    ports.limiter,
  );
  const readFigures = createFigures({
    node,
    nodeName: config.nodeId,
    maxConnections: config.maxConnections,
    maxWaitingBytes: config.maxWaitingBytes,
    outboxBytes: () => gateway.waitingBytes,
    isRedisReady: backends.isRedisReady,
  });
  const metrics = new PrometheusMetrics(tally, readFigures);
  const httpParts = {
    desk: node,
    settings: {
      ...settings,
      peerKey: (value: Parameters<typeof toPeerId>[0]) => toPeerId(value) ?? undefined,
    },
    logger,
    audit,
    tally,
    traces: telemetry.traces,
    limiter: ports.limiter,
    renderMetrics: () => metrics.render(),
  };
  const pages = {
    // Beside the running program: `npm run build` puts them into `dist/web/`.
    folder: fileURLToPath(new URL('web/', import.meta.url)),
    serveDemo: config.serveDemo,
    dialects,
    version,
    decisions: backends.decisions,
    roomsHere: (most: number) => node.roomsHere(most),
  };
  const detach: (() => void)[] = [];
  return {
    clock,
    logger,
    decisions: backends.decisions,
    bounds: {
      ...settings,
      onCut: () => {
        tally.connections_cut += 1;
      },
    },
    httpApp: (isGuest, hasPages) => createHttpApp(hasPages ? { ...httpParts, pages } : httpParts, isGuest),
    attach(server, isGuest) {
      detach.push(gateway.attach(server, isGuest));
    },
    async start() {
      await node.start();
      observers.started(backends.decisions);
    },
    drain(withinMs) {
      observers.draining();
      gateway.drain();
      return node.drain(withinMs);
    },
    reopenLogs: () => {
      observers.reopen();
    },
    async free() {
      for (const undo of detach) undo();
      liveness.stop();
      backends.close();
      await observers.close();
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
