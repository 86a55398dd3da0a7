/** Who gets to see what is the operator's, over the real server: every way to ask. */
import { afterAll, describe, expect, test } from '@jest/globals';
import type { Audit } from '../../src/ports/audit.js';
import { TestServer } from '../support/server.js';
import { askFor } from './request.js';

const admin = 'the long token of an operator';
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

type Ask = (headers?: Readonly<Record<string, string>>) => Promise<number>;

const servers = new Map<string, Promise<TestServer>>();

afterAll(async () => {
  for (const server of servers.values()) await (await server).stop();
});

/** Asks for the metrics of a server with these settings, which it shares with others that want the same. */
async function withServer(
  settings: Readonly<Record<string, string>>,
  use: (ask: Ask) => Promise<void>,
): Promise<void> {
  const name = JSON.stringify(settings);
  const started = servers.get(name) ?? TestServer.start({ AUDIT_LOG: 'none', ...settings });
  servers.set(name, started);
  const { http } = await started;
  await use(async (headers = {}) => (await askFor(`${http}/metrics`, { headers })).status);
}

describe('with nothing set', () => {
  test('[V4] this machine may, by an address or its own name', async () => {
    await withServer({}, async (ask) => {
      expect(await ask()).toBe(200);
      for (const host of [
        '127.0.0.1',
        '127.0.0.1:8001',
        'localhost:8001',
        '[::1]:8001',
        'a.localhost',
        'LOCALHOST',
      ])
        expect([host, await ask({ host })]).toEqual([host, 200]);
    });
  });

  test('[V4] over IPv6 too', async () => {
    const server = await TestServer.start({ AUDIT_LOG: 'none', HOST: '::1' });
    const elsewhere = await TestServer.start({
      AUDIT_LOG: 'none',
      HOST: '::1',
      OPERATOR_NETWORKS: 'fd00::/8',
    });
    try {
      expect(server.http).toContain('[::1]');
      expect((await askFor(`${server.http}/metrics`)).status).toBe(200);
      expect((await askFor(`${elsewhere.http}/metrics`)).status).toBe(403);
    } finally {
      await server.stop();
      await elsewhere.stop();
    }
  });

  test('[V4] over a socket for both kinds of addresses, where IPv4 is spelled as IPv6', async () => {
    const server = await TestServer.start({ AUDIT_LOG: 'none', HOST: '::' });
    try {
      const { port } = new URL(server.http);
      expect((await askFor(`http://127.0.0.1:${port}/metrics`)).status).toBe(200);
    } finally {
      await server.stop();
    }
  });

  test.each<readonly [string, Readonly<Record<string, string>>]>([
    ['X-Forwarded-For', { 'x-forwarded-for': '127.0.0.1' }],
    ['an empty X-Forwarded-For', { 'x-forwarded-for': '' }],
    ['Forwarded', { forwarded: 'for=127.0.0.1' }],
    ['X-Real-IP', { 'x-real-ip': '127.0.0.1' }],
    ['Via', { via: '1.1 proxy' }],
  ])('[V4] who was forwarded by nobody we trust may not: %s', async (_name, headers) => {
    await withServer({}, async (ask) => {
      expect(await ask(headers)).toBe(403);
    });
  });

  test.each<readonly [string, Readonly<Record<string, string>>]>([
    ['whose name was pointed to this machine', { host: 'rebound.evil.example:8001' }],
    ['whose name ends like this machine’s', { host: 'localhost.evil.example' }],
    ['of another site', { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'cors' }],
    ['of a neighbour site', { 'sec-fetch-site': 'same-site', 'sec-fetch-mode': 'no-cors' }],
    ['of another origin', { origin: 'https://evil.example' }],
    ['in a sandbox', { origin: 'null' }],
  ])('[V4] a page in the operator’s browser may not: one %s', async (_name, headers) => {
    await withServer({ ALLOWED_ORIGINS: '*' }, async (ask) => {
      expect(await ask(headers)).toBe(403);
    });
  });

  test('[V4] our own page may, and so may a link to it', async () => {
    await withServer({}, async (ask) => {
      expect(await ask({ 'sec-fetch-site': 'same-origin', 'sec-fetch-mode': 'cors' })).toBe(200);
      expect(await ask({ 'sec-fetch-site': 'none', 'sec-fetch-mode': 'navigate' })).toBe(200);
      expect(await ask({ 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' })).toBe(200);
    });
  });

  test('[V4] a token that nobody has set opens nothing, and closes nothing', async () => {
    await withServer({}, async (ask) => {
      expect(await ask(bearer('whatever'))).toBe(200);
      expect(await ask({ ...bearer('whatever'), 'x-forwarded-for': '127.0.0.1' })).toBe(403);
    });
  });
});

describe('with a token', () => {
  test('[V4] it alone decides, also for this machine and for a page', async () => {
    await withServer({ ADMIN_TOKEN: admin }, async (ask) => {
      expect(await ask(bearer(admin))).toBe(200);
      expect(await ask({ authorization: `bearer ${admin}` })).toBe(200);
      expect(
        await ask({ ...bearer(admin), 'x-forwarded-for': '203.0.113.9', origin: 'https://evil.example' }),
      ).toBe(200);
      expect(await ask()).toBe(401);
      for (const token of [admin.slice(1), admin.slice(0, -1), `${admin}x`, admin.toUpperCase(), 'x', ' '])
        expect([token, await ask(bearer(token))]).toEqual([token, 401]);
      expect(await ask({ authorization: admin })).toBe(401);
      expect(await ask({ authorization: `Basic ${Buffer.from(`:${admin}`).toString('base64')}` })).toBe(401);
      expect(await ask({ cookie: `access_token=${admin}`, 'x-internal-service-key': admin })).toBe(401);
    });
  });

  test('[V4] who comes from a network that needs none, and shows a wrong one, is refused', async () => {
    await withServer({ ADMIN_TOKEN: admin, OPERATOR_NETWORKS: 'loopback' }, async (ask) => {
      expect(await ask()).toBe(200);
      expect(await ask(bearer('wrong'))).toBe(401);
      expect(await ask({ 'x-forwarded-for': '127.0.0.1' })).toBe(401);
    });
  });
});

describe('behind a trusted proxy', () => {
  const settings = { TRUSTED_PROXIES: 'loopback', OPERATOR_NETWORKS: '10.20.0.0/16,2001:db8::/32' };
  test.each([
    ['10.20.3.4', 200],
    ['10.20.3.4:50000', 200],
    ['::ffff:10.20.3.4', 200],
    ['2001:db8::7', 200],
    ['[2001:db8::7]:50000', 200],
    ['203.0.113.9', 403],
    ['2001:db9::7', 403],
    // The last that a trusted proxy wrote counts; what is left of it the client may have written itself.
    ['10.20.3.4, 203.0.113.9', 403],
    ['203.0.113.9, 10.20.3.4', 200],
    ['10.20.3.4, 203.0.113.9, 127.0.0.1', 403],
    ['unknown', 403],
    ['', 403],
    ['127.0.0.1', 403],
  ])('[V4] [L5] the client is who the proxy says: %s', async (forwardedFor, status) => {
    await withServer(settings, async (ask) => {
      expect(await ask({ 'x-forwarded-for': forwardedFor, host: 'signal.example' })).toBe(status);
    });
  });

  test('[V4] one that names its client in another header names nobody', async () => {
    await withServer({ ...settings, OPERATOR_NETWORKS: 'loopback,10.20.0.0/16' }, async (ask) => {
      expect(await ask({ forwarded: 'for=10.20.3.4' })).toBe(403);
      expect(await ask({ 'x-real-ip': '10.20.3.4' })).toBe(403);
      expect(await ask({ via: '1.1 front' })).toBe(403);
      expect(await ask({ 'x-forwarded-for': '10.20.3.4', via: '1.1 front' })).toBe(200);
    });
  });
});

test('[V4] [K6] each refusal is in the trail, of the dashboard to a page elsewhere too', async () => {
  const trail: string[] = [];
  const audit: Audit = {
    record: (event, { code = '', address = '' } = {}) => trail.push(`${event} ${code} ${address}`),
  };
  const server = await TestServer.start({}, { audit });
  const locked = await TestServer.start({ ADMIN_TOKEN: admin }, { audit });
  trail.length = 0;
  try {
    for (const [http, headers, status] of [
      [server.http, { 'sec-fetch-site': 'cross-site' }, 403],
      [server.http, { host: 'rebound.evil.example' }, 403],
      [server.http, { 'x-forwarded-for': '127.0.0.1' }, 403],
      [locked.http, { host: 'rebound.evil.example' }, 401],
      [locked.http, bearer('wrong'), 401],
      [locked.http, { ...bearer(admin), 'sec-fetch-site': 'cross-site' }, 403],
    ] as const) {
      expect((await askFor(`${http}/dashboard/data`, { headers })).status).toBe(status);
      expect(trail.splice(0)).toEqual([`operator_refused ${String(status)} 127.0.0.1`]);
    }
  } finally {
    await server.stop();
    await locked.stop();
  }
});
