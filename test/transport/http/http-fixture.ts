import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createCluster } from '../../../src/core/cluster/cluster.js';
import { createRoomsApi, type RoomsApi } from '../../../src/core/rooms-api.js';
import { noAudit } from '../../../src/ports/audit.js';
import { createTally, type LogFields, type Logger, type Tally } from '../../../src/ports/runtime.js';
import { SignalingError } from '../../../src/protocol/errors.js';
import { asPeerId, asRoomId } from '../../../src/protocol/ids.js';
import type { Desk, HttpSettings } from '../../../src/transport/http/desk.js';
import { ManagedServer } from '../../../src/transport/http/managed-server.js';
import { createHttpApp } from '../../../src/transport/http/server.js';
import { FakeClock } from '../../support/fake-clock.js';
import { memoryPorts, unlimitedCore } from '../../support/memory-core.js';

interface LogLine {
  readonly level: string;
  readonly event: string;
  readonly fields: LogFields;
}

export interface Running {
  readonly port: number;
  readonly log: LogLine[];
  /** What the desk was asked, in order. */
  readonly asked: unknown[][];
  readonly tally: Tally;
}

/** A desk that knows the token `good`, the peer `known` and the room `0badcafe`. */
function createDesk(asked: unknown[][], rooms: RoomsApi): Desk {
  const verify = (token: string | undefined): void => {
    if (token === undefined || token === 'good') return;
    if (token === 'stranger') throw new SignalingError('FORBIDDEN', 'Not yours.');
    if (token === 'outage') throw new SignalingError('IDENTITY_UNAVAILABLE');
    throw new SignalingError('INVALID_TOKEN', 'Not enough segments');
  };
  return {
    signIn: () => Promise.resolve({ idToken: 'header.claims.signature', username: 'some-user' }),
    async createRoom(idToken, { mode } = {}) {
      asked.push(['createRoom', idToken, ...(mode === undefined ? [] : [{ mode }])]);
      await Promise.resolve();
      verify(idToken);
      return { roomId: asRoomId('0badcafe'), token: 'abc123', createdBy: 'sub', expiresAtS: 1 };
    },
    async deletePeersAndRoom(by, bearer) {
      asked.push(['deletePeersAndRoom', by, bearer]);
      await Promise.resolve();
      verify(bearer);
      if ('roomId' in by) return by.roomId === '0badcafe' ? 'deleted' : 'room not found';
      if (by.peerId === 'lost') return 'room not found';
      return by.peerId === 'known' ? 'deleted' : 'peer not found';
    },
    async deletePeer(peerId, bearer) {
      asked.push(['deletePeer', peerId, bearer]);
      await Promise.resolve();
      verify(bearer);
      return { found: peerId === 'known' || peerId === 'last', roomDeleted: peerId === 'last' };
    },
    rooms,
    async iceConfigOf(credential) {
      await Promise.resolve();
      verify(credential);
      return { servers: [], transportPolicy: 'all' };
    },
    anonymousIceConfig: () => ({ servers: [], transportPolicy: 'all' }),
    wrongKey: () => Promise.resolve(0),
    stats: () => ({ rooms: 2, connections: 7, sessions: 5, peersByRole: { worker: 3, peer: 2 } }),
    notReady: () => Promise.resolve([]),
  };
}

interface Options {
  readonly desk?: Partial<Desk>;
  readonly settings?: Partial<HttpSettings>;
}

/** Runs the app on a free port while `use` does, on a desk of this file with the given parts replaced. */
export async function withServer(
  { desk = {}, settings = {} }: Options,
  use: (running: Running) => Promise<void>,
): Promise<void> {
  const log: LogLine[] = [];
  const asked: unknown[][] = [];
  const tally = createTally();
  const keep =
    (level: string) =>
    (event: string, fields: LogFields = {}): void => {
      log.push({ level, event, fields });
    };
  const logger: Logger = {
    debug: keep('debug'),
    info: keep('info'),
    warn: keep('warn'),
    error: keep('error'),
  };
  const ports = await memoryPorts(new FakeClock());
  const rooms = createRoomsApi(createCluster(ports, unlimitedCore).context);
  const app = createHttpApp({
    desk: { ...createDesk(asked, rooms), ...desk },
    settings: {
      requireDeleteAuth: false,
      allowedOrigins: [],
      peerKey: (value) => (typeof value === 'string' && value !== '' ? asPeerId(value) : undefined),
      trustedProxies: () => false,
      allowAnonymous: false,
      signInsPerMinute: 0,
      roomsPerMinute: 0,
      iceRequestsPerMinute: 0,
      maxPeersPerRoom: 8,
      internalServiceKey: undefined,
      adminToken: undefined,
      operatorNetworks: (address) => address === '127.0.0.1',
      ...settings,
    },
    logger,
    audit: noAudit,
    tally,
    limiter: ports.limiter,
    renderMetrics: () =>
      Promise.resolve({ contentType: 'text/plain; version=0.0.4', text: 'some_metric 1\n' }),
  });
  const server = new ManagedServer(app).server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    await use({ port: (server.address() as AddressInfo).port, log, asked, tally });
  } finally {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  }
}
