/** The composition root: every part is made here, and what lies behind the ports in backends.ts. */
import { PinoLogger } from './adapters/system/pino-logger.js';
import { PrometheusMetrics } from './adapters/system/prometheus-metrics.js';
import { SystemClock } from './adapters/system/system-clock.js';
import { SystemIds } from './adapters/system/system-ids.js';
import { chooseBackends } from './backends.js';
import type { Config } from './config.js';
import type { Ports } from './core/context.js';
import { SignalingNode } from './core/signaling-node.js';
import { flat } from './dialects/flat/flat.js';
import { toPeerId } from './dialects/peer-key.js';
import { createTally } from './ports/runtime.js';
import { ManagedServer } from './transport/http/managed-server.js';
import { createHttpApp } from './transport/http/server.js';
import { askForUpgrade } from './transport/ws/ask-for-upgrade.js';
import { createEncoder } from './transport/ws/encoder.js';
import { Gateway } from './transport/ws/gateway.js';
import { Liveness } from './transport/ws/liveness.js';
import { Flusher } from './transport/ws/outbox.js';

export interface App {
  /** Resolves when both ports answer. Rejects with what the operating system says, for instance EADDRINUSE. */
  listen(): Promise<void>;
  /** Tells every peer to go elsewhere, lets them, and frees everything. Idempotent. */
  close(): Promise<void>;
  /** Base URLs, once listening: `http://host:port` and `ws://host:port`. */
  readonly addresses: { readonly http: string; readonly ws: string };
  /** What was decided from the settings, a line each, for the operator. */
  readonly decisions: readonly string[];
}

/** Requests that run when everybody has been sent away have this long at least. */
const lastRequestsMs = 500;

/** Builds the server from its settings. `overrides` puts other parts behind the ports, for tests and embedding. */
export async function createApp(config: Config, overrides: Partial<Ports> = {}): Promise<App> {
  const clock = overrides.clock ?? new SystemClock();
  const logger = overrides.logger ?? new PinoLogger({ level: config.logLevel });
  const tally = overrides.tally ?? createTally();
  const ids = overrides.ids ?? new SystemIds();
  const backends = await chooseBackends(config, { clock, ids, logger });
  const ports: Ports = { clock, logger, tally, ids, ...backends, ...overrides };
  const node = new SignalingNode(ports, {
    limits: {
      maxMessageBytes: config.maxMessageBytes,
      maxOutboxBytes: config.maxOutboxBytes,
      maxPeersPerRoom: config.maxPeersPerRoom,
    },
    roomTtlMs: config.roomTtlMs,
    graceMs: config.graceMs,
  });
  const metrics = new PrometheusMetrics(tally, () => node.stats());
  const liveness = new Liveness(clock, config.pingMs);
  const gateway = new Gateway(
    {
      node,
      clock,
      logger,
      tally,
      liveness,
      flusher: new Flusher(),
      encoder: createEncoder(),
      settings: config,
    },
    { maxMessageBytes: config.maxMessageBytes, allowedOrigins: config.allowedOrigins },
    new Map([['/', flat]]),
  );
  const api = createHttpApp({
    desk: node,
    settings: {
      requireDeleteAuth: config.requireDeleteAuth,
      allowedOrigins: config.allowedOrigins,
      peerKey: (value) => toPeerId(value) ?? undefined,
    },
    logger,
    tally,
    renderMetrics: () => metrics.render(),
  });
  const httpServer = new ManagedServer(api);
  const wsServer = new ManagedServer(askForUpgrade);
  gateway.attach(httpServer.server);
  gateway.attach(wsServer.server);

  async function closeAll(): Promise<void> {
    gateway.drain();
    const endsAtMs = clock.now() + config.drainMs;
    await node.drain(config.drainMs);
    const leftMs = Math.max(lastRequestsMs, endsAtMs - clock.now());
    await Promise.all([httpServer, wsServer].map((server) => server.close(clock, leftMs)));
    liveness.stop();
    backends.close();
  }
  let closing: Promise<void> | undefined;
  const close = (): Promise<void> => (closing ??= closeAll());
  return {
    async listen() {
      try {
        await node.start();
        await httpServer.listen(config.httpPort, config.host);
        await wsServer.listen(config.wsPort, config.host);
      } catch (error) {
        // One port alone would look alive to whoever watches it.
        await close();
        throw error;
      }
    },
    close,
    get addresses() {
      return { http: `http://${httpServer.address}`, ws: `ws://${wsServer.address}` };
    },
    decisions: backends.decisions,
  };
}
