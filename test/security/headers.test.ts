import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import express from 'express';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createEmbeddedSignaling } from '../../src/embed.js';
import { pageHeaders } from '../../src/transport/http/security-headers.js';
import { TestServer } from '../support/server.js';
import { exchange } from '../transport/http/raw-request.js';
import { askFor, type Asked } from './request.js';

/** What an answer that is no page says. */
const strict = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none';frame-ancestors 'none'",
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': expect.stringContaining('camera=()'),
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
};
const https = { 'x-forwarded-proto': 'https' };

let direct: TestServer;
let proxied: TestServer;
beforeAll(async () => {
  const internal = {
    INTERNAL_SERVICE_KEY: 'an internal key of tests',
    ALLOWED_ORIGINS: 'https://app.example',
  };
  [direct, proxied] = await Promise.all([
    TestServer.start(internal),
    TestServer.start({ TRUSTED_PROXIES: 'loopback' }),
  ]);
});
afterAll(async () => {
  await Promise.all([direct.stop(), proxied.stop()]);
});

describe('every answer says what a browser must not do with it', () => {
  const preflight = { origin: 'https://app.example', 'access-control-request-method': 'POST' };
  test.each<readonly [status: number, path: string, asked: Asked]>([
    [200, '/anonymous-signin', { method: 'POST' }],
    [422, '/create-room', { method: 'POST' }],
    [401, '/create-room', { method: 'POST', headers: { authorization: 'Bearer x' } }],
    [204, '/create-room', { method: 'OPTIONS', headers: preflight }],
    [405, '/create-room', {}],
    [307, '/health/', {}],
    [404, '/nope', {}],
    [404, '/%ff', {}],
    [200, '/health', {}],
    [200, '/healthz', {}],
    [200, '/readyz', {}],
    [200, '/metrics', {}],
    [200, '/rooms', {}],
    [401, '/webrtc/config', {}],
    [200, '/ice-servers', {}],
    [403, '/internal/rooms/x', {}],
  ])('[V1] %i %s', async (status, path, asked) => {
    expect(await askFor(direct.http + path, asked)).toMatchObject({ status, headers: strict });
  });

  test('[V1] what is said to upgrades and on the WebSocket port is not sniffed and not kept', async () => {
    const kept = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' };
    const wsPort = direct.ws.replace('ws:', 'http:');
    expect(await askFor(wsPort)).toMatchObject({ status: 426, headers: kept });
    const headers = { connection: 'upgrade', upgrade: 'websocket', origin: 'https://evil.example' };
    expect(await askFor(wsPort, { headers })).toMatchObject({ status: 403, headers: kept });
  });

  test('[V1] a page of ours may load scripts and styles from here, and connect to here', () => {
    const policy = pageHeaders['content-security-policy'] ?? '';
    expect(policy.split('; ')).toEqual(
      expect.arrayContaining([
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "connect-src 'self' ws: wss:",
        "frame-ancestors 'none'",
        "base-uri 'none'",
        "form-action 'none'",
      ]),
    );
    expect(policy).not.toMatch(/unsafe|\*|https?:/);
    expect(pageHeaders['permissions-policy']).toMatch(/camera=\(self\)/);
  });

  test('[V1] [E1] in an application only our own answers say so', async () => {
    const signaling = await createEmbeddedSignaling({ settings: { LOG_LEVEL: 'silent', AUDIT_LOG: 'none' } });
    const app = express();
    app.use(signaling.routes);
    app.get('/theirs', (_, response) => {
      response.send('theirs');
    });
    const server = createServer(app).listen(0, '127.0.0.1');
    await once(server, 'listening');
    try {
      const base = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
      expect((await askFor(`${base}/health`, { headers: https })).headers).toMatchObject(strict);
      const theirs = await askFor(`${base}/theirs`);
      for (const name of Object.keys(strict)) expect(theirs.headers).not.toHaveProperty(name);
    } finally {
      server.close();
      server.closeAllConnections();
      await signaling.close();
    }
  });
});

describe('TLS in front', () => {
  test('[V2] HSTS is said to who came by TLS to a trusted proxy, and to nobody else', async () => {
    const said = async (server: TestServer, proto?: string): Promise<unknown> =>
      (
        await askFor(`${server.http}/health`, {
          headers: proto === undefined ? {} : { 'x-forwarded-proto': proto },
        })
      ).headers['strict-transport-security'];
    expect(await said(proxied, 'https')).toBe('max-age=31536000');
    expect(await said(proxied, 'https, HTTPS')).toBe('max-age=31536000');
    for (const proto of [undefined, 'http', 'https, http', 'http, https', '', 'wss'])
      expect(await said(proxied, proto)).toBeUndefined();
    expect(await said(direct, 'https')).toBeUndefined();
  });

  test('[V2] [H7] a redirect stays with TLS, and a stranger’s word does not make it so', async () => {
    const location = async (server: TestServer, headers = {}): Promise<unknown> =>
      (await askFor(`${server.http}/health/?a=1`, { headers: { host: 'signal.example', ...headers } }))
        .headers.location;
    expect(await location(proxied, https)).toBe('https://signal.example/health?a=1');
    expect(await location(proxied)).toBe('http://signal.example/health?a=1');
    expect(await location(direct, https)).toBe('http://signal.example/health?a=1');
  });
});

describe('what an answer gives away', () => {
  test('[V8] no program, no version', async () => {
    for (const url of [
      direct.http,
      `${direct.http}/health`,
      `${direct.http}/nope`,
      direct.ws.replace('ws:', 'http:'),
    ]) {
      const { headers, text } = await askFor(url);
      for (const name of ['server', 'x-powered-by', 'via', 'etag']) expect(headers).not.toHaveProperty(name);
      expect(text).not.toMatch(/node|express|\bws\b/i);
    }
    // Of the protocol, which clients read (H8).
    expect(JSON.parse((await askFor(`${direct.http}/health`)).text)).toMatchObject({ version: '2.0.0' });
  });

  test.each(['TRACE', 'PUT', 'PROPFIND', 'DELETE'])('[V8] %s is refused', async (method) => {
    const asked = { method, headers: { authorization: 'Bearer secret' } };
    const { status, text } = await askFor(`${direct.http}/health`, asked);
    expect({ status, text }).toEqual({ status: 405, text: '{"detail":"Method Not Allowed"}' });
  });

  test.each([
    '/.git/HEAD',
    '/.env',
    '/package.json',
    '/src/',
    '/debug/pprof',
    '/../etc/passwd',
    '/%2e%2e/package.json',
    '/metrics/..%2f..%2fpackage.json',
    '/server-status',
    '/json/version',
    '/internal/',
  ])('[V8] there is no %s', async (path) => {
    const { status, text } = await askFor(direct.http + path);
    expect({ status, text }).toEqual({ status: 404, text: '{"detail":"Not Found"}' });
  });
});

describe('where a request ends', () => {
  const hidden = 'GET /health HTTP/1.1\r\nhost: x\r\n\r\n';
  const post = 'POST /create-room HTTP/1.1\r\nhost: x\r\n';
  test.each([
    ['by both lengths', `${post}content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`],
    ['by two lengths', `${post}content-length: 0\r\ncontent-length: 40\r\n\r\n`],
    ['by a list of lengths', `${post}content-length: 0, 40\r\n\r\n`],
    ['by a length with a sign', `${post}content-length: +0\r\n\r\n`],
    ['by an encoding that is not the last', `${post}transfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n`],
    ['by an encoding with a space before its colon', `${post}transfer-encoding : chunked\r\n\r\n0\r\n\r\n`],
    [
      'by a header that goes on in the next line',
      `${post}transfer-encoding:\r\n chunked\r\ncontent-length: 3\r\n\r\n0\r\n\r\n`,
    ],
    ['by line feeds alone', 'POST /create-room HTTP/1.1\nhost: x\ncontent-length: 0\n\n'],
    ['by a chunk of a size that is none', `${post}transfer-encoding: chunked\r\n\r\n0x0\r\n\r\n`],
  ])('[V15] said %s: 400, and the next one is not read', async (_name, bytes) => {
    const { port } = new URL(direct.http);
    const answers = (await exchange(Number(port), Buffer.from(bytes + hidden))).toString('latin1');
    expect(answers).not.toContain('healthy');
    expect(answers.match(/^HTTP\/1\.1 \d+/gm)?.at(-1)).toBe('HTTP/1.1 400');
  });
});
