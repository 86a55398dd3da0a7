import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import express from 'express';
import { describe, expect, test } from '@jest/globals';
import { MemoryRateLimiter } from '../../../src/adapters/memory/memory-rate-limiter.js';
import { PinoLogger } from '../../../src/adapters/system/pino-logger.js';
import { TurnIceServers, type TurnSettings } from '../../../src/adapters/turn/turn-ice-servers.js';
import { createTally, type Tally } from '../../../src/ports/runtime.js';
import { SignalingError } from '../../../src/protocol/errors.js';
import { credentialOf } from '../../../src/transport/credential.js';
import { iceRoutes, type IceDesk, type IceParts } from '../../../src/transport/http/ice-routes.js';
import { ManagedServer } from '../../../src/transport/http/managed-server.js';
import { send } from '../../../src/transport/http/reply.js';
import { FakeClock } from '../../support/fake-clock.js';
import { ask, type RawAnswer } from './raw-request.js';

const secret = 'between-relay-and-server';
const nowMs = 1_700_000_000_000;
const turnUrls = ['turn:relay.test?transport=udp', 'turn:relay.test?transport=tcp'];
const paths = [
  '/api/v1/webrtc/config',
  '/webrtc/config',
  '/api/turn-credentials',
  '/ice-servers',
  '/api/turn/ice-servers',
] as const;
const ofS4 = paths.slice(0, 2);
const ofS1AndS2 = paths.slice(2);

interface Running {
  readonly clock: FakeClock;
  readonly tally: Tally;
  /** All that was logged, as text. */
  readonly log: string[];
  /** All that was answered, as text. */
  readonly answers: string[];
  readonly get: (path: string, headers?: Readonly<Record<string, string>>) => Promise<RawAnswer>;
}

interface Options {
  readonly turn?: Partial<TurnSettings>;
  readonly desk?: Partial<IceDesk>;
  readonly settings?: Partial<IceParts['settings']>;
}

const bearer = (token: string): Record<string, string> => ({ authorization: `Bearer ${token}` });

/** Runs the routes alone. `token-of-<user>` is a good token; the test says by `x-address` where it calls from. */
async function withRoutes(options: Options, use: (running: Running) => Promise<void>): Promise<void> {
  const clock = new FakeClock(nowMs);
  const tally = createTally();
  const log: string[] = [];
  const answers: string[] = [];
  const logger = new PinoLogger({ level: 'debug', stream: { write: (line: string) => log.push(line) } });
  const usual = { stunUrls: ['stun:stun.test'], turnUrls, sharedSecret: secret, ttlS: 3600 };
  const source = new TurnIceServers({ ...usual, transportPolicy: 'all', ...options.turn }, clock);
  const desk: IceDesk = {
    async iceConfigOf(token) {
      await Promise.resolve();
      if (token === 'outage') throw new SignalingError('IDENTITY_UNAVAILABLE');
      if (!token.startsWith('token-of-')) throw new SignalingError('INVALID_TOKEN', 'Not enough segments');
      return source.configFor(token.slice('token-of-'.length));
    },
    anonymousIceConfig: () => source.configFor('anonymous'),
    ...options.desk,
  };
  const routes = iceRoutes({
    desk,
    settings: { allowAnonymousIce: false, iceRequestsPerMinutePerIp: 10, ...options.settings },
    limiter: new MemoryRateLimiter(clock),
    tally,
    credentialOf: (request) => credentialOf(request, { allowedOrigins: [], allowQueryToken: false })?.token,
    addressOf: (request) => request.get('x-address') ?? 'here',
  });
  const app = express();
  for (const { path, answer } of routes) {
    app.get(path, async (request, response) => {
      const reply = await answer(request);
      if (reply.failure !== undefined) logger.error('http_failed', { path, error: reply.failure });
      send(response, reply);
    });
  }
  const { server } = new ManagedServer(app);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  try {
    await use({
      clock,
      tally,
      log,
      answers,
      async get(path, headers = {}) {
        const answer = await ask(port, { method: 'GET', path, headers });
        answers.push(JSON.stringify(answer));
        return answer;
      },
    });
  } finally {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  }
}

function turnLogin(user: string): { readonly username: string; readonly credential: string } {
  const username = `1700003600:${user}`;
  return { username, credential: createHmac('sha1', secret).update(username).digest('base64') };
}

describe('ICE servers over HTTP', () => {
  test.each(ofS4)('[I3] GET %s answers as S4 documents', async (path) => {
    await withRoutes({}, async ({ get }) => {
      const answer = await get(path, bearer('token-of-alice'));
      expect(answer).toMatchObject({ status: 200, headers: { 'cache-control': 'no-store' } });
      expect(JSON.parse(answer.body)).toEqual({
        ice_servers: [
          { urls: ['stun:stun.test'], username: null, credential: null },
          { urls: turnUrls, ...turnLogin('alice') },
        ],
        ice_transport_policy: 'all',
        bundle_policy: 'balanced',
        rtcp_mux_policy: 'require',
      });
    });
  });

  test('[I4] GET /api/turn-credentials answers in S2’s names, whoever the query says', async () => {
    await withRoutes({}, async ({ get }) => {
      const answer = await get('/api/turn-credentials?username=mallory', bearer('token-of-alice'));
      const { username, credential } = turnLogin('alice');
      expect(answer).toMatchObject({ status: 200, headers: { 'cache-control': 'no-store' } });
      expect(JSON.parse(answer.body)).toEqual({
        urls: turnUrls,
        username,
        password: credential,
        credential,
        credentialType: 'password',
        ttl: 3600,
        expiresAt: nowMs + 3_600_000,
      });
    });
  });

  test.each(paths)('[I3] [I4] [I5] GET %s takes the token from the cookie too', async (path) => {
    await withRoutes({}, async ({ get }) => {
      const { status, body } = await get(path, { cookie: 'theme=dark; access_token=token-of-alice' });
      expect(status).toBe(200);
      expect(body).toContain(turnLogin('alice').credential);
    });
  });

  test.each([[{ sharedSecret: undefined }], [{ turnUrls: [] }]])(
    '[I4] GET /api/turn-credentials says 503 and what to set when there is no TURN (%o)',
    async (turn) => {
      await withRoutes({ turn }, async ({ get }) => {
        expect(await get('/api/turn-credentials', bearer('token-of-alice'))).toMatchObject({
          status: 503,
          headers: { 'cache-control': 'no-store' },
          body: '{"error":"TURN is not configured on this server: set TURN_URLS and TURN_SHARED_SECRET"}',
        });
      });
    },
  );

  test.each(paths.slice(3))('[I5] GET %s answers as S1’s server', async (path) => {
    await withRoutes({}, async ({ get }) => {
      const answer = await get(`${path}?roomId=r`, bearer('token-of-alice'));
      expect(answer).toMatchObject({ status: 200, headers: { 'cache-control': 'no-store' } });
      expect(JSON.parse(answer.body)).toEqual({
        iceServers: [{ urls: ['stun:stun.test'] }, { urls: turnUrls, ...turnLogin('alice') }],
        ttl: 3600,
      });
    });
  });

  test('[I5] without TURN the list has what there is, and a ttl that lets S1’s clients rest', async () => {
    await withRoutes({ turn: { sharedSecret: undefined, ttlS: 60 } }, async ({ get }) => {
      const { body } = await get('/ice-servers', bearer('token-of-alice'));
      expect(JSON.parse(body)).toEqual({ iceServers: [{ urls: ['stun:stun.test'] }], ttl: 3600 });
    });
  });
});

describe('Who asks for ICE servers without a token', () => {
  test.each(ofS4)('[I3] gets 401 from %s, even where anonymous callers are let in', async (path) => {
    await withRoutes({ settings: { allowAnonymousIce: true } }, async ({ get }) => {
      expect(await get(path)).toMatchObject({
        status: 401,
        headers: { 'cache-control': 'no-store', 'www-authenticate': 'Bearer' },
        body: '{"detail":"Not authenticated"}',
      });
    });
  });

  test.each(ofS1AndS2)('[I4] [I5] gets 401 from %s in the shape of its clients', async (path) => {
    await withRoutes({}, async ({ get }) => {
      expect(await get(`${path}?username=alice`)).toMatchObject({
        status: 401,
        headers: { 'cache-control': 'no-store', 'www-authenticate': 'Bearer' },
        body: '{"error":"A token is needed: Authorization: Bearer, or the cookie access_token"}',
      });
    });
  });

  test.each(ofS1AndS2)('[I4] [I5] is anonymous to %s where that is allowed', async (path) => {
    await withRoutes({ settings: { allowAnonymousIce: true } }, async ({ get }) => {
      const { status, body } = await get(`${path}?username=alice`);
      expect(status).toBe(200);
      expect(body).toContain(JSON.stringify(turnLogin('anonymous').username));
      expect(body).not.toContain('alice');
    });
  });
});

describe('Who asks for ICE servers with a token that does not do', () => {
  const told = 'Token verification failed: Not enough segments';

  test.each(ofS4)('[I3] is told why by %s', async (path) => {
    await withRoutes({}, async ({ get }) => {
      const answer = await get(path, bearer('nonsense'));
      expect(answer).toMatchObject({ status: 401, headers: { 'cache-control': 'no-store' } });
      expect(JSON.parse(answer.body)).toEqual({ detail: told });
    });
  });

  test.each(ofS1AndS2)('[I4] [I5] is told why by %s, and is not taken for anonymous', async (path) => {
    await withRoutes({ settings: { allowAnonymousIce: true } }, async ({ get }) => {
      const answer = await get(path, bearer('nonsense'));
      expect(answer).toMatchObject({ status: 401, headers: { 'cache-control': 'no-store' } });
      expect(JSON.parse(answer.body)).toEqual({ error: told });
    });
  });

  test.each(paths)(
    '[I3] [I4] [I5] may try again at %s when tokens cannot be checked just now',
    async (path) => {
      await withRoutes({}, async ({ get }) => {
        const answer = await get(path, bearer('outage'));
        expect(answer).toMatchObject({ status: 503, headers: { 'retry-after': '5' } });
      });
    },
  );
});

describe('What keeps ICE servers from being misused', () => {
  test.each([
    ...ofS4.map((path) => [path, 'detail'] as const),
    ...ofS1AndS2.map((path) => [path, 'error'] as const),
  ])('[I6] an address asks %s ten times a minute, with or without a good token', async (path, reason) => {
    await withRoutes({}, async ({ get, clock, tally }) => {
      for (let asked = 0; asked < 5; asked += 1) {
        expect((await get(path, bearer('token-of-alice'))).status).toBe(200);
        expect((await get(path, bearer('nonsense'))).status).toBe(401);
      }
      clock.advance(1_500);
      const refused = await get(path, bearer('token-of-alice'));
      expect(refused).toMatchObject({
        status: 429,
        headers: { 'retry-after': '5', 'cache-control': 'no-store' },
      });
      expect(JSON.parse(refused.body)).toEqual({
        [reason]: 'Too many requests from this address: try again in 5 s',
        retry_after_ms: 4_500,
      });
      expect(tally.requests_limited).toBe(1);
      expect((await get(path, { ...bearer('token-of-alice'), 'x-address': 'elsewhere' })).status).toBe(200);
      clock.advance(4_499);
      expect(await get(path)).toMatchObject({ status: 429, headers: { 'retry-after': '1' } });
      clock.advance(1);
      expect((await get(path, bearer('token-of-alice'))).status).toBe(200);
    });
  });

  test('[I6] all paths count together, and a limit of 0 is none', async () => {
    const alice = bearer('token-of-alice');
    await withRoutes({ settings: { iceRequestsPerMinutePerIp: 5 } }, async ({ get }) => {
      for (const path of paths) expect((await get(path, alice)).status).toBe(200);
      for (const path of paths) expect((await get(path, alice)).status).toBe(429);
    });
    await withRoutes({ settings: { iceRequestsPerMinutePerIp: 0 } }, async ({ get, tally }) => {
      for (let round = 0; round < 5; round += 1) {
        for (const path of paths) expect((await get(path, alice)).status).toBe(200);
      }
      expect(tally.requests_limited).toBe(0);
    });
  });

  test('[I7] a failure inside is 500 without its reason, which only the log has', async () => {
    const fail = (): never => {
      throw new Error('the cellar is flooded');
    };
    await withRoutes({ desk: { iceConfigOf: fail } }, async ({ get, answers, log }) => {
      const bodies: string[] = [];
      for (const path of paths) {
        const answer = await get(path, bearer('token-of-alice'));
        expect(answer).toMatchObject({ status: 500, headers: { 'cache-control': 'no-store' } });
        bodies.push(answer.body);
      }
      expect(bodies).toEqual([
        '{"detail":"Failed to retrieve WebRTC configuration"}',
        '{"detail":"Failed to retrieve WebRTC configuration"}',
        '{"error":"Failed to make TURN credentials"}',
        '{"error":"Failed to retrieve the ICE servers"}',
        '{"error":"Failed to retrieve the ICE servers"}',
      ]);
      expect(log.filter((line) => line.includes('the cellar is flooded'))).toHaveLength(paths.length);
      expect(answers.join('\n')).not.toContain('cellar');
    });
  });

  test('[I7] the shared secret is in no answer, and neither it nor tokens and credentials are in the log', async () => {
    const settings = { allowAnonymousIce: true, iceRequestsPerMinutePerIp: 5 };
    await withRoutes({ settings }, async ({ get, answers, log }) => {
      for (const path of paths) {
        const from = (address: string): Record<string, string> => ({ 'x-address': `${address}${path}` });
        for (const token of ['token-of-alice', 'token-of-b:ob', 'nonsense-token', 'outage']) {
          await get(path, { ...bearer(token), ...from('with') });
        }
        for (let asked = 0; asked < 7; asked += 1) await get(path, from('without'));
      }
      const said = answers.join('\n');
      expect(new Set(answers.map((answer) => (JSON.parse(answer) as RawAnswer).status))).toEqual(
        new Set([200, 401, 429, 503]),
      );
      for (const form of ['utf8', 'base64', 'base64url', 'hex'] as const) {
        expect(said).not.toContain(Buffer.from(secret).toString(form));
        expect(log.join('\n')).not.toContain(Buffer.from(secret).toString(form));
      }
      expect(said).toContain(turnLogin('alice').credential);
      expect(log).not.toHaveLength(0);
      for (const word of [
        turnLogin('alice').credential,
        turnLogin('anonymous').credential,
        'nonsense-token',
      ]) {
        expect(log.join('\n')).not.toContain(word);
      }
    });
  });
});
