/** What the settings refuse, secrets in files, and the Media Service's doors. */
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { z } from 'zod';
import { ConfigError, loadConfig } from '../../src/config.js';
import { loadMediaConfig, MediaConfigError } from '../../src/media/config.js';
import { parseNetworks } from '../../src/media/metrics-gate.js';
import { readSecretFiles } from '../../src/secret-files.js';
import { MediaCaller } from '../media/media-caller.js';
import { MediaProcess, mediaKey } from '../support/media-service.js';
import { ProcessBuild } from '../support/process-build.js';
import { askFor } from './request.js';

const folder = mkdtempSync(path.join(os.tmpdir(), 'secrets-'));
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

function file(name: string, text: string | Buffer): string {
  const where = path.join(folder, name);
  writeFileSync(where, text);
  return where;
}

function problems(settings: Readonly<Record<string, string>>): string {
  try {
    loadConfig(settings);
    return '';
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
}

const key = 'a key of sixteen or more';
/** What a transport says of its certificate. */
const announced = z.object({ fingerprints: z.array(z.object({ algorithm: z.string(), value: z.string() })) });

describe('secrets in files', () => {
  test('[V6] each of them may come so, without the line end that editors add', () => {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    const config = loadConfig({
      TURN_URLS: 'turn:relay.example.org',
      TURN_SHARED_SECRET_FILE: file('turn', `${key} 1\n`),
      INTERNAL_SERVICE_KEY_FILE: file('internal', `${key} 2`),
      ADMIN_TOKEN_FILE: file('admin', `${key} 3\r\n`),
      LOCAL_SIGNING_KEY_FILE: file('signing', pem),
    });
    expect(config.turnSharedSecret?.reveal()).toBe(`${key} 1`);
    expect(config.internalServiceKey?.reveal()).toBe(`${key} 2`);
    expect(config.adminToken?.reveal()).toBe(`${key} 3`);
    const { identities } = config;
    expect('signingKeyPem' in identities && identities.signingKeyPem?.reveal()).toBe(pem.replace(/\n$/, ''));
    const shared = loadConfig({ REDIS_URL_FILE: file('redis', 'redis://:hush@redis.example:6380/1\n') });
    expect(JSON.stringify(shared.redis)).toContain('redis.example');
    expect(loadMediaConfig({ INTERNAL_SERVICE_KEY_FILE: file('media', `${key} 4\n`) })).toMatchObject({
      internalServiceKey: `${key} 4`,
    });
  });

  test('[V6] a file of no use ends the start with its reason, beside all else that is wrong', () => {
    const text = problems({
      ADMIN_TOKEN: key,
      ADMIN_TOKEN_FILE: file('twice', key),
      INTERNAL_SERVICE_KEY_FILE: path.join(folder, 'missing'),
      TURN_SHARED_SECRET_FILE: file('empty', '\n'),
      REDIS_URL_FILE: folder,
      LOCAL_SIGNING_KEY_FILE: '/dev/zero',
      HTTP_PORT: 'x',
    });
    expect(text.split('\n').slice(1)).toEqual([
      '  TURN_SHARED_SECRET_FILE names an empty file',
      '  INTERNAL_SERVICE_KEY_FILE names a file that cannot be read (ENOENT)',
      '  ADMIN_TOKEN_FILE is set beside ADMIN_TOKEN: set one of them',
      '  LOCAL_SIGNING_KEY_FILE names a file of more than 65536 bytes',
      '  REDIS_URL_FILE names a file that cannot be read (EISDIR)',
      expect.stringContaining('  HTTP_PORT must be'),
    ]);
    expect(() => loadMediaConfig({ INTERNAL_SERVICE_KEY_FILE: folder })).toThrow(MediaConfigError);
  });

  test('[V6] [R5] what is in a file is not said, whatever is wrong with it', () => {
    const hush = 'hush-hush';
    const files = {
      ADMIN_TOKEN: hush,
      LOCAL_SIGNING_KEY: `-----BEGIN ${hush}`,
      REDIS_URL: `http://:${hush}@x`,
    };
    for (const [name, text] of Object.entries(files)) {
      const said = problems({ [`${name}_FILE`]: file(name, text) });
      expect(said).toContain(name);
      expect(said).not.toContain(hush);
    }
  });

  test('[V6] only of secrets: no other variable opens a file', () => {
    const { variables } = readSecretFiles({ HOST_FILE: file('host', '1.2.3.4') }, ['ADMIN_TOKEN']);
    expect(variables).not.toHaveProperty('HOST');
    expect(loadConfig({ HOST_FILE: file('host', '1.2.3.4') }).host).toBe('0.0.0.0');
  });
});

describe('what is refused', () => {
  const production = { NODE_ENV: 'production', REDIS_URL: 'redis://localhost' };
  const issuer = { JWT_ISSUER: 'https://login.example', JWT_AUDIENCE: 'us' };

  test('[V7] in production: identities for anybody, rooms that one process loses, keys that others can change', () => {
    expect(problems({ NODE_ENV: 'production' })).toMatch(/COGNITO_USER_POOL_ID[^]*JWT_ISSUER/);
    const from = (uri: string): string => problems({ ...production, ...issuer, JWT_JWKS_URI: uri });
    for (const uri of [
      'http://login.example/keys',
      'http://127.evil.example/keys',
      'http://localhost.evil.example/',
    ])
      expect(from(uri)).toMatch(/JWT_JWKS_URI is not https/);
    for (const uri of [
      'https://login.example/keys',
      'http://127.0.0.1:8080/keys',
      'http://localhost/',
      'http://[::1]/',
    ])
      expect(from(uri)).toBe('');
    const pool = { COGNITO_REGION: 'r', COGNITO_USER_POOL_ID: 'r_p', COGNITO_APP_CLIENT_ID: 'c' };
    const cognito = { NODE_ENV: 'production', ...pool };
    expect(problems({ ...cognito, COGNITO_JWKS_URI: 'http://keys.example/' })).toMatch(
      /COGNITO_JWKS_URI is not https/,
    );
    expect(problems({ ...cognito, ALLOW_EMBEDDED: '1', COGNITO_JWKS_URI: 'http://keys.example/' })).toMatch(
      /https/,
    );
    expect(problems(cognito)).toBe('');
    // Emulators in development.
    expect(problems({ ...pool, COGNITO_JWKS_URI: 'http://keys.example/' })).toBe('');
  });

  test('[V7] short secrets, everywhere; and none has a default', () => {
    const short = { ADMIN_TOKEN: 'admin', INTERNAL_SERVICE_KEY: 'secret', TURN_SHARED_SECRET: 'coturn' };
    for (const [name, value] of Object.entries(short))
      expect(problems({ [name]: value, TURN_URLS: 'turn:x' })).toMatch(
        new RegExp(`${name} must have at least 16 characters`),
      );
    expect(() => loadMediaConfig({})).toThrow(/INTERNAL_SERVICE_KEY/);
    const { adminToken, internalServiceKey, turnSharedSecret, allowedOrigins, trustedProxies } = loadConfig(
      {},
    );
    expect([adminToken, internalServiceKey, turnSharedSecret]).toEqual([undefined, undefined, undefined]);
    expect([allowedOrigins, trustedProxies]).toEqual([[], []]);
  });

  test.each([
    ['two line ends', `${key}\n\n`],
    ['two lines', `${key}\n${key}`],
    ['a byte order mark', `\uFEFF${key}`],
    ['a space behind it', `${key} `],
    ['a tab before it', `\t${key}`],
    ['letters that programs send in different bytes', `${key} für Prüfungen`],
    ['what no header can have', `${key} €`],
  ])('[V7] a key with %s, which nobody could show, and what it is is not said', (_what, value) => {
    const where = file('unshowable', value);
    for (const name of ['ADMIN_TOKEN', 'INTERNAL_SERVICE_KEY']) {
      const said = problems({ [`${name}_FILE`]: where });
      expect(said).toContain(`${name} must be ASCII in one line`);
      expect(said).not.toContain(key);
    }
    expect(() => loadMediaConfig({ INTERNAL_SERVICE_KEY_FILE: where })).toThrow(/must be ASCII in one line/);
  });

  test('[V7] with identities of the operator’s, nobody comes in unproven, and there is no demo, unless it is said', () => {
    const config = loadConfig({ ...production, ...issuer, JWT_JWKS_URI: 'https://login.example/keys' });
    expect(config).toMatchObject({ allowAnonymous: false, serveDemo: false, operatorNetworks: ['loopback'] });
    expect(loadConfig({ ADMIN_TOKEN: key }).operatorNetworks).toEqual([]);
  });
});

describe('the Media Service', () => {
  let built: ProcessBuild;
  let service: MediaProcess;
  let closed: MediaProcess;
  beforeAll(async () => {
    built = await ProcessBuild.make('src/media/main.ts');
    service = await MediaProcess.start(built.entry);
    closed = await MediaProcess.start(built.entry, { MEDIA_METRICS_NETWORKS: 'none' });
  });
  afterAll(async () => {
    await service.stop();
    await closed.stop();
    built.remove();
  });

  const keyHeader = (shown: string) => ({ 'x-internal-service-key': shown });
  const statusOf = async (from: MediaProcess, where: string, headers = {}): Promise<number> =>
    (await askFor(`${from.url}${where}`, { headers })).status;

  test('[V10] [M1] this machine sees the metrics, unless it was forwarded, a page, or shows a wrong key', async () => {
    expect(await statusOf(service, '/metrics')).toBe(200);
    for (const headers of [
      { 'x-forwarded-for': '127.0.0.1' },
      { forwarded: 'for=127.0.0.1' },
      { via: '1.1 x' },
      { origin: 'http://evil.example' },
      { 'sec-fetch-site': 'same-origin' },
      { host: 'rebound.evil.example' },
      keyHeader('wrong'),
      { authorization: 'Bearer wrong' },
    ])
      expect([headers, await statusOf(service, '/metrics', headers)]).toEqual([headers, 401]);
  });

  test('[V10] others see them with the key, in either header', async () => {
    expect(await statusOf(closed, '/metrics')).toBe(401);
    expect(await statusOf(closed, '/metrics', keyHeader(mediaKey))).toBe(200);
    expect(await statusOf(closed, '/metrics', { authorization: `Bearer ${mediaKey}` })).toBe(200);
    expect(await statusOf(closed, '/health')).toBe(200);
  });

  test('[V10] [V8] the key opens all else by its own header only, and answers give nothing away', async () => {
    expect(await statusOf(service, '/stats')).toBe(401);
    expect(await statusOf(service, '/stats', { authorization: `Bearer ${mediaKey}` })).toBe(401);
    expect(await statusOf(service, '/stats', keyHeader(mediaKey))).toBe(200);
    const { headers } = await askFor(`${service.url}/health`);
    expect(headers).toMatchObject({ 'x-content-type-options': 'nosniff', 'cache-control': 'no-store' });
    expect(headers).not.toHaveProperty('x-powered-by');
    expect(headers).not.toHaveProperty('server');
  });

  test('[V13] each worker has a DTLS key of its own', async () => {
    const fingerprintOf = async (from: MediaProcess): Promise<unknown> => {
      const caller = new MediaCaller(from.url);
      await caller.openRouter('room');
      const { dtlsParameters } = await caller.member('room', 'owner').transport('send');
      const { fingerprints } = announced.parse(dtlsParameters);
      return fingerprints.find(({ algorithm }) => algorithm === 'sha-256')?.value;
    };
    const [one, other] = [await fingerprintOf(service), await fingerprintOf(closed)];
    expect(one).toMatch(/^[\dA-F:]{95}$/);
    expect(one).not.toBe(other);
  });

  test('[V10] networks are addresses, ranges or loopback', () => {
    const isOurs = parseNetworks(['10.1.0.0/16', '192.0.2.7', 'fd00::/8', 'loopback']);
    for (const address of ['10.1.2.3', '192.0.2.7', 'fd12::1', '127.9.9.9', '::1'])
      expect([address, isOurs(address)]).toEqual([address, true]);
    for (const address of ['10.2.0.1', '192.0.2.8', 'fe80::1', '::2', '', 'x'])
      expect([address, isOurs(address)]).toEqual([address, false]);
    for (const bad of ['*', '10.0.0.0/0', '10.0.0.0/33', '10.0.0.0/8/8', '10.0.0/8', 'example.org', '::/129'])
      expect(() => loadMediaConfig({ INTERNAL_SERVICE_KEY: key, MEDIA_METRICS_NETWORKS: bad })).toThrow(bad);
  });
});
