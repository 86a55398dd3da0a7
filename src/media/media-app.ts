/** The parts of a Media Service, put together. */
import { createSocket } from 'node:dgram';
import { createServer, type Server } from 'node:http';
import net from 'node:net';
import { MediaConfigError, type MediaConfig } from './config.js';
import { mediaCalls } from './media-calls.js';
import { takeGauges, takeStats } from './media-census.js';
import { systemMediaClock, type MediaClock } from './media-clock.js';
import { createMediaHttp } from './media-http.js';
import { createMediaLog, type MediaLog } from './media-log.js';
import { MediaMetrics } from './media-metrics.js';
import { MediaRooms } from './media-rooms.js';
import { MediaService } from './media-service.js';
import type { Engine } from './mediasoup-engine.js';
import { parseNetworks } from './metrics-gate.js';
import { Workers } from './workers.js';

/** Sessions are named once a second; a signaling node that was killed comes back, or others do, within this. */
const ownerTtlMs = 15_000;
const roomTtlMs = 60_000;
/** Callers keep their connections; the caller must be the one who closes them, or a call meets a closed one. */
const keepAliveMs = 65_000;
/** A request must be here in time, headers first; Node looks for late ones every 2 s. */
const httpBounds = {
  headersTimeout: 10_000,
  requestTimeout: 20_000,
  connectionsCheckingInterval: 2_000,
  keepAliveTimeout: keepAliveMs,
};
/** While something is asked or answered, a connection may stand still for so long. */
const stallMs = 30_000;
/** Some of each signaling node. */
const maxConnections = 1_024;
/** For answers that are on their way. */
const lastWordsMs = 500;

export interface MediaApp {
  /** Starts the workers and takes calls. Resolves to the base address. Throws `MediaConfigError`, `EngineError`, or the listen error. */
  listen(): Promise<string>;
  /** Ends the workers and every connection. */
  close(): Promise<void>;
  /** Tells the log what the process is about to end of. */
  crashed(error: unknown): void;
}

export function createMediaApp(
  config: MediaConfig,
  engine: Engine,
  clock: MediaClock = systemMediaClock,
  log: MediaLog = createMediaLog(config.logLevel),
): MediaApp {
  const workers = new Workers(engine, config, clock, log);
  const limits = {
    transports: config.maxTransportsPerOwner,
    producers: config.maxProducersPerOwner,
    consumers: config.maxConsumersPerOwner,
  };
  const rooms = new MediaRooms(workers, { limits, ownerTtlMs, roomTtlMs }, clock, log);
  const service = new MediaService(workers, rooms, config);
  const server = createServer(
    { ...httpBounds },
    createMediaHttp({
      calls: mediaCalls(service),
      health: () => service.health(),
      stats: () => ({ ...service.health(), ...takeStats(workers, rooms) }),
      metrics: new MediaMetrics(() => takeGauges(workers, rooms)),
      internalServiceKey: config.internalServiceKey,
      metricsNetworks: parseNetworks(config.metricsNetworks),
      log,
    }),
  );
  server.timeout = stallMs;
  server.maxConnections = maxConnections;
  return {
    async listen() {
      await checkListenIp(config.listenIp);
      await workers.start();
      await listening(server, config);
      log.info('listening', { http: addressOf(server) });
      return addressOf(server);
    },
    async close() {
      log.info('stopping');
      const closed = new Promise<void>((resolve) => {
        server.close(() => {
          resolve();
        });
      });
      rooms.close();
      workers.close();
      server.closeIdleConnections();
      const timer = setTimeout(() => {
        server.closeAllConnections();
      }, lastWordsMs);
      await closed;
      clearTimeout(timer);
    },
    crashed(error) {
      log.error('crashed', { error });
    },
  };
}

/** Workers would find out with the first peer. */
async function checkListenIp(ip: string): Promise<void> {
  const socket = createSocket(net.isIPv6(ip) ? 'udp6' : 'udp4');
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once('error', () => {
        reject(new MediaConfigError([`MEDIA_LISTEN_IP ${ip} is no address of this machine`]));
      });
      socket.bind(0, ip, resolve);
    });
  } finally {
    socket.close();
  }
}

function listening(server: Server, { host, port }: MediaConfig): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
}

function addressOf(server: Server): string {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The server has no port.');
  const host = address.family === 'IPv6' ? `[${address.address}]` : address.address;
  return `http://${host}:${address.port}`;
}
