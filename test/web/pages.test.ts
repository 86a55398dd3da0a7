/** The pages and the dashboard's data as they are served: to whom, with what headers, and from where. */
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import express from 'express';
import { createEmbeddedSignaling } from '../../src/embed.js';
import { PageFiles } from '../../src/transport/http/pages/page-files.js';
import { buildPagesFor } from '../support/pages.js';
import { TestServer } from '../support/server.js';
import { ask } from './ask.js';

const token = 'the token of an operator in tests';

let open: TestServer;
let locked: TestServer;

beforeAll(async () => {
  [open, locked] = await Promise.all([
    TestServer.start({}),
    TestServer.start({ ADMIN_TOKEN: token, NODE_ID: 'locked' }),
  ]);
});

afterAll(async () => {
  await Promise.all([open.stop(), locked.stop()]);
});

describe('GET /dashboard/data', () => {
  test('[H14] needs ADMIN_TOKEN as Bearer where there is one, whatever cookie comes along', async () => {
    const url = `${locked.http}/dashboard/data`;
    const asked: readonly (readonly [number, Record<string, string>])[] = [
      [401, {}],
      [401, { cookie: `access_token=${token}; token=${token}` }],
      [401, { authorization: 'Bearer another' }],
      [401, { authorization: `Basic ${Buffer.from(`:${token}`).toString('base64')}` }],
      [200, { authorization: `Bearer ${token}` }],
    ];
    for (const [status, headers] of asked) {
      const answer = await ask(url, headers);
      expect([headers, answer.status]).toEqual([headers, status]);
      expect(answer.headers['cache-control']).toBe('no-store');
      if (status === 401) expect(answer.headers['www-authenticate']).toMatch(/^Bearer/);
      expect(answer.headers['set-cookie']).toBeUndefined();
    }
    expect((await ask(`${url}?token=${encodeURIComponent(token)}`, {})).status).toBe(401);
  });

  test('[H14] pages of other sites may not read it, and without a token it is shown by address only', async () => {
    const url = `${open.http}/dashboard/data`;
    const { port } = new URL(open.http);
    const asked: readonly (readonly [number, Record<string, string>])[] = [
      [200, {}],
      [200, { 'sec-fetch-site': 'same-origin' }],
      [200, { 'sec-fetch-site': 'none' }],
      [403, { 'sec-fetch-site': 'cross-site' }],
      // Another port of this machine is the same site, and somebody else.
      [403, { 'sec-fetch-site': 'same-site' }],
      [200, { host: `localhost:${port}` }],
      [200, { host: `[::1]:${port}` }],
      // A name that its owner has pointed here (DNS rebinding): the browser takes it for the same origin.
      [403, { host: `rebound.example:${port}`, 'sec-fetch-site': 'same-origin' }],
      [403, { host: `rebound.example:${port}`, authorization: 'Bearer anything' }],
      [403, { host: '127.0.0.1.rebound.example' }],
    ];
    for (const [status, headers] of asked) {
      const answer = await ask(url, headers);
      expect([headers, answer.status]).toEqual([headers, status]);
    }
    const named = { host: 'signal.example.org' };
    const byName = `${locked.http}/dashboard/data`;
    expect((await ask(byName, named)).status).toBe(401);
    expect((await ask(byName, { ...named, authorization: `Basic ${token}` })).status).toBe(401);
    expect((await ask(byName, { ...named, authorization: `Bearer ${token}` })).status).toBe(200);
  });

  test('[H14] is only read: no other method, and no header lets another origin in', async () => {
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']) {
      const { status, headers } = await ask(`${open.http}/dashboard/data`, {}, method);
      expect([method, status, headers.allow]).toEqual([method, 405, 'GET']);
    }
    const { headers } = await ask(`${open.http}/dashboard/data`, { origin: 'https://other.example' });
    expect(Object.keys(headers).filter((name) => name.startsWith('access-control'))).toEqual([]);
  });

  test('[H15] tells of rooms without their tokens, and has the figures of /metrics', async () => {
    // One that nobody has asked yet: the figures are gathered about once a second.
    const fresh = await TestServer.start();
    const user = await fresh.signIn();
    const room = await fresh.createRoom(user);
    await fresh.join(room, 'ada', {}, user);
    await fresh.register(room, 'ben');
    const { text } = await ask(`${fresh.http}/dashboard/data`, {});
    await fresh.stop();
    const data = JSON.parse(text) as { readonly rooms: readonly object[]; readonly metrics: string };
    expect(data).toMatchObject({
      not_ready: [],
      decisions: expect.arrayContaining([expect.stringMatching(/^Rooms: /)]),
    });
    expect(data.rooms).toContainEqual({
      room_id: room.room_id,
      mode: 'P2P',
      peers_here: 2,
      peers_elsewhere: 0,
    });
    expect(data.metrics).toMatch(/^signaling_connections_opened_total \d+$/m);
    // Figures are numbers, and chance may put six digits of a token into one.
    const said = text.replaceAll(/ [\d.e+-]+(?=\\n)/g, '');
    for (const secret of [room.token, user.id_token]) expect(said).not.toContain(secret);
  });
});

describe('the pages', () => {
  test('[H13] are not there until they are built, which the answer says', async () => {
    // What runs from the sources has none beside it.
    for (const page of ['/demo', '/dashboard', '/reference', '/web/demo.js']) {
      const { status, text } = await ask(open.http + page, {});
      expect([page, status, text]).toEqual([page, 404, expect.stringContaining('npm run build')]);
    }
    expect((await ask(`${open.http}/`, {})).text).toBe('{"detail":"Not Found"}');
  });

  test('[H13] are for all, run nothing but their own files, and only the demo may use the camera', async () => {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'pages-'));
    const app = express();
    const signaling = await createEmbeddedSignaling({ settings: { LOG_LEVEL: 'silent', AUDIT_LOG: 'none' } });
    const withPages = await createEmbeddedSignaling({
      pages: true,
      settings: { LOG_LEVEL: 'silent', AUDIT_LOG: 'none' },
    });
    app.use('/without', signaling.routes);
    app.use('/with', withPages.routes);
    const server = createServer(app).listen(0, '127.0.0.1');
    await once(server, 'listening');
    try {
      const base = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
      expect((await ask(`${base}/without/health`, {})).status).toBe(200);
      for (const page of [
        'demo',
        'dashboard',
        'dashboard/data',
        'reference',
        'openapi.json',
        'web/demo.js',
      ]) {
        expect((await ask(`${base}/without/${page}`, {})).text).toContain('Cannot GET');
        expect((await ask(`${base}/with/${page}`, {})).text).not.toContain('Cannot GET');
      }
      await buildPagesFor(folder);
      const files = new PageFiles(path.join(folder, 'web'));
      for (const page of ['demo', 'dashboard', 'reference']) {
        const html = (await files.read(`${page}.html`)) ?? '';
        // Everything is relative, so that a prefix does no harm, and nothing is written into the page.
        expect(html).not.toMatch(/(src|href)="(\/|https?:)|style=|\son\w+=|<script>|<style/);
        expect(await files.read(`${page}.js`)).not.toMatch(
          /https?:\/\/(?!www\.w3\.org|github\.com)[\w.-]+\.\w+\/[\w./-]+\.js/,
        );
      }
      for (const name of ['../main.js', 'web/demo.js', '.html', 'demo.js.map', 'DEMO.js', '%2e%2e'])
        expect(await files.read(name)).toBeUndefined();
    } finally {
      server.closeAllConnections();
      server.close();
      await Promise.all([signaling.close(), withPages.close()]);
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
