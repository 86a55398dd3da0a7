/** The rooms API on a real core in memory, behind a small Express app; peers sit down through the presence. */
import express from 'express';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { MemoryCluster } from '../../../src/adapters/memory/memory-cluster.js';
import { PinoLogger } from '../../../src/adapters/system/pino-logger.js';
import { createCluster } from '../../../src/core/cluster/cluster.js';
import type { Context, Ports } from '../../../src/core/context.js';
import { createRoomsApi } from '../../../src/core/rooms-api.js';
import { asNodeId, asPeerId, asRoomId, asSessionId } from '../../../src/protocol/ids.js';
import type { Identity, JsonObject, RoomRecord, SeatRecord } from '../../../src/protocol/records.js';
import { bearerOf } from '../../../src/transport/http/bearer.js';
import { internalRoutes } from '../../../src/transport/http/internal-routes.js';
import { byPath } from '../../../src/transport/http/method-routes.js';
import { detailReply, send } from '../../../src/transport/http/reply.js';
import { discardBody } from '../../../src/transport/http/request-body.js';
import { roomsApiRoutes, type RoomsApiParts } from '../../../src/transport/http/rooms-api-routes.js';
import { FakeClock } from '../../support/fake-clock.js';
import { memoryPorts, unlimitedCore } from '../../support/memory-core.js';
import { ask, type RawAnswer, type RawRequest } from './raw-request.js';
import { Secret } from '../../../src/protocol/secret.js';

export interface User extends Identity {
  readonly token: string;
}

export interface RoomsServer {
  readonly port: number;
  readonly clock: FakeClock;
  readonly context: Context;
  readonly log: string[];
  signIn(): Promise<User>;
  /** As a user, or as nobody. The body is JSON unless it is text. */
  call(user: User | undefined, request: RawRequest & { readonly json?: unknown }): Promise<RawAnswer>;
  /** Sits down on another node. */
  sit(roomId: string, identity: Identity, fields?: Partial<SeatRecord>): Promise<SeatRecord>;
  record(fields?: Partial<RoomRecord>): Promise<RoomRecord>;
}

interface Options {
  readonly ports?: Partial<Ports>;
  readonly settings?: Partial<RoomsApiParts['settings']> & { readonly internalServiceKey?: string };
}

export async function withRooms(
  { ports: given = {}, settings = {} }: Options,
  use: (server: RoomsServer) => Promise<void>,
): Promise<void> {
  const clock = new FakeClock();
  const log: string[] = [];
  const stream = { write: (line: string) => void log.push(line) };
  const cluster = new MemoryCluster(clock);
  const elsewhere = cluster.presence(asNodeId('elsewhere'));
  const logger = new PinoLogger({ level: 'debug', stream });
  const ports: Ports = { ...(await memoryPorts(clock, cluster)), logger, ...given };
  const { identities, verifier } = ports;
  const { context } = createCluster(ports, unlimitedCore);
  const rooms = createRoomsApi(context);
  const { internalServiceKey, ...roomSettings } = settings;
  const internalKey = internalServiceKey === undefined ? undefined : new Secret(internalServiceKey);
  const routes = byPath([
    ...roomsApiRoutes({
      rooms,
      settings: { allowAnonymousRooms: false, roomsPerMinutePerIp: 0, ...roomSettings },
      limiter: ports.limiter,
      tally: ports.tally,
      credentialOf: bearerOf,
      addressOf: (request) => request.socket.remoteAddress ?? '',
    }),
    ...internalRoutes({ rooms, settings: { internalServiceKey: internalKey, maxPeersPerRoom: 8 } }),
  ]);
  const server = createServer(appOf(routes)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  try {
    await use({
      port,
      clock,
      context,
      log,
      async signIn() {
        const { idToken: token } = await identities.signIn();
        const { sub, username } = await verifier.verify(token);
        return { sub, username, token };
      },
      call: (user, { json, headers = {}, ...request }) =>
        ask(port, {
          method: 'GET',
          headers: { ...(user && { authorization: `Bearer ${user.token}` }), ...headers },
          ...(json !== undefined && { body: JSON.stringify(json) }),
          ...request,
        }),
      async sit(roomId, { sub, username }, fields = {}) {
        const identity: Identity = { sub, username };
        const { createdBy = '', mode = 'P2P' } = (await ports.store.find(asRoomId(roomId))) ?? {};
        const claim = {
          roomId: asRoomId(roomId),
          peerId: asPeerId(username),
          sessionId: asSessionId(ports.ids.name()),
          identity,
          card: { peerId: asPeerId(username), role: 'peer', metadata: {}, connectedAtMs: clock.now() },
          isQuiet: false,
          standing: 'here' as const,
          tokenHashes: [],
          ...fields,
        };
        const expiresAtS = Math.floor(clock.now() / 1000) + 7200;
        const entered = await elsewhere.enter(claim, { maxPeers: 8, expiresAtS, createdBy, mode });
        if (entered.outcome !== 'seated') throw new Error(`not seated: ${entered.outcome}`);
        return entered.seat;
      },
      async record(fields = {}) {
        const nowS = Math.floor(clock.now() / 1000);
        const roomId = asRoomId(ports.ids.hex(8));
        const room = { roomId, createdBy: 'somebody', token: 'a1b2c3', expiresAtS: nowS + 7200, ...fields };
        await ports.store.create(room, nowS);
        return room;
      },
    });
  } finally {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  }
}

/** As the server's own, without what is held elsewhere: origins, slashes, logs. */
function appOf(paths: ReturnType<typeof byPath>): express.Express {
  const app = express();
  app.disable('x-powered-by').disable('etag');
  app.use((request, _response, next) => {
    discardBody(request);
    next();
  });
  for (const { path, methods, routeFor } of paths) {
    app.all(path, async (request, response) => {
      const route = routeFor(request.method);
      const refused = detailReply(405, 'Method Not Allowed', { allow: methods });
      send(response, route === undefined ? refused : await route.answer(request));
    });
  }
  app.use((_request, response) => {
    send(response, detailReply(404, 'Not Found'));
  });
  return app;
}

export function bodyOf({ body }: RawAnswer): JsonObject {
  return JSON.parse(body) as JsonObject;
}
