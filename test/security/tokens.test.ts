/** Tokens that try to choose how they are judged, and comparisons that would tell something by their time. */
import { createHmac, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Rs256Verifier } from '../../src/adapters/jwt/rs256-verifier.js';
import { sameSecret } from '../../src/core/secret.js';
import { KeySetServer } from '../support/key-set-server.js';
import { TestServer } from '../support/server.js';
import { TokenForge } from '../support/tokens.js';
import { askFor } from './request.js';

const newKey = (): KeyObject => generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
const issuer = 'https://login.example.org/';
const audience = 'signaling-example';
const trusted = newKey();
const attacker = newKey();
const forge = new TokenForge({ issuer, audience, privateKey: trusted, kid: 'key-1' });
const foreign = new TokenForge({ issuer, audience, privateKey: attacker, kid: 'key-1' });

let keys: KeySetServer;
let attackersKeys: KeySetServer;
let verifier: Rs256Verifier;

beforeAll(async () => {
  keys = await KeySetServer.start({ 'key-1': trusted });
  attackersKeys = await KeySetServer.start({ 'key-1': attacker });
  verifier = new Rs256Verifier({ issuer, audience, keys: { jwksUri: keys.uri, refetchGapMs: 20 } });
});
afterAll(async () => {
  await keys.stop();
  await attackersKeys.stop();
});

const verdict = (token: string): Promise<string> =>
  verifier.verify(token).then(
    () => 'taken',
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  );

const wrongSignature = 'Signature verification failed.';
const unknownKey = 'The signing key of the token (kid) is not known.';
const noKey = 'The token names no signing key (kid).';
const otherAlg = 'The specified alg value is not allowed';

describe('a token does not choose its key', () => {
  const publicJwk = createPublicKey(attacker).export({ format: 'jwk' });
  test.each<readonly [string, (uri: string) => Readonly<Record<string, unknown>>]>([
    ['jwk', () => ({ jwk: { ...publicJwk, kid: 'key-1' } })],
    ['jku', (uri) => ({ jku: uri })],
    ['x5u', (uri) => ({ x5u: uri })],
    [
      'x5c',
      () => ({ x5c: [createPublicKey(attacker).export({ type: 'spki', format: 'der' }).toString('base64')] }),
    ],
  ])('[V5] by %s: refused, and nothing is fetched from there', async (_name, header) => {
    expect(await verdict(foreign.valid({}, header(attackersKeys.uri)))).toBe(wrongSignature);
    expect(attackersKeys.requests).toBe(0);
    // It is not what the token is refused for: an honest one may carry it.
    expect(await verdict(forge.valid({}, header(attackersKeys.uri)))).toBe('taken');
  });

  test.each<readonly [unknown, string]>([
    ['../../../../dev/null', unknownKey],
    ['file:///etc/passwd', unknownKey],
    ['http://evil.example/key', unknownKey],
    ["key-1' OR '1'='1", unknownKey],
    ['key-1\u0000', unknownKey],
    ['__proto__', unknownKey],
    ['constructor', unknownKey],
    ['KEY-1', unknownKey],
    ['x'.repeat(8_000), unknownKey],
    ['', noKey],
    [null, noKey],
    [1, noKey],
    [['key-1'], noKey],
    [{ toString: 'key-1' }, noKey],
  ])('[V5] [B3] by kid, trick %#', async (kid, fault) => {
    expect(await verdict(forge.valid({}, { kid }))).toBe(fault);
  });

  test('[V5] nor its algorithm: none, the public key as a secret, others of RSA, other spellings', async () => {
    const spki = createPublicKey(trusted).export({ type: 'spki', format: 'pem' });
    const [, claims = ''] = forge.valid().split('.');
    const hmac = (alg: string): string => {
      const text = `${Buffer.from(JSON.stringify({ alg, kid: 'key-1' })).toString('base64url')}.${claims}`;
      return `${text}.${createHmac('sha256', spki).update(text).digest('base64url')}`;
    };
    for (const alg of [
      'none',
      'None',
      'NONE',
      'nOnE',
      'HS256',
      'hs256',
      'rs256',
      'RS256 ',
      'RS512',
      'PS256',
      'ES256',
      '',
    ])
      expect([alg, await verdict(hmac(alg))]).toEqual([alg, otherAlg]);
    for (const alg of [null, 0, ['RS256'], { alg: 'RS256' }])
      expect(await verdict(forge.valid({}, { alg }))).toBe(otherAlg);
    // The right name over the wrong kind of signature.
    expect(await verdict(hmac('RS256'))).toBe(wrongSignature);
  });
});

describe('a token says what it is', () => {
  test('[V5] one that needs what we do not know is refused, though it is signed', async () => {
    const fault = 'The token needs extensions that are not known (crit).';
    for (const crit of [['exp'], ['b64'], [], null])
      expect(await verdict(forge.valid({}, { crit }))).toBe(fault);
    expect(await verdict(forge.valid({}, { crit: ['b64'], b64: false }))).toBe(fault);
  });

  test('[V5] one of another kind of the same issuer is refused', async () => {
    for (const typ of ['JWT', 'jwt', 'at+jwt', 'application/at+jwt', undefined])
      expect([typ, await verdict(forge.valid({}, { typ }))]).toEqual([typ, 'taken']);
    for (const typ of ['logout+jwt', 'dpop+jwt', 'secevent+jwt', 'JOSE', '', null, 1, ['JWT']])
      expect([typ, await verdict(forge.valid({}, { typ }))]).toEqual([
        typ,
        'The token is of another type (typ).',
      ]);
  });

  test('[V5] a long one is refused before anything of it is read', async () => {
    const long = forge.valid({ more: 'x'.repeat(16_384) });
    expect(await verdict(long)).toBe('The token is too long.');
    expect(await verdict('.'.repeat(16_385))).toBe('The token is too long.');
    expect(await verdict(forge.valid({ more: 'x'.repeat(8_000) }))).toBe('taken');
  });

  test('[V5] claims that are made to trip a reader are refused or mean nothing', async () => {
    const [head = '', , signature = ''] = forge.valid().split('.');
    const nested = '['.repeat(12_000);
    for (const text of ['{"__proto__":{"sub":"a"}}', nested, '{"exp":1e999}', '"text"', 'null', '\ud800'])
      expect(await verdict(`${head}.${Buffer.from(text).toString('base64url')}.${signature}`)).toBe(
        wrongSignature,
      );
    const proto = JSON.parse('{"__proto__": {"isAdmin": true}}') as Record<string, unknown>;
    expect(await verdict(forge.valid(proto))).toBe('taken');
    expect(Object.prototype).not.toHaveProperty('isAdmin');
  });
});

test('[V5] [B4] a flood of made-up keys costs a fetch at a time, whatever doors it comes by', async () => {
  const set = await KeySetServer.start({ 'key-1': trusted });
  const server = await TestServer.start({
    AUDIT_LOG: 'none',
    JWT_ISSUER: issuer,
    JWT_AUDIENCE: audience,
    JWT_JWKS_URI: set.uri,
  });
  try {
    const tokens = Array.from({ length: 60 }, (_, n) => forge.valid({}, { kid: `made-up-${String(n)}` }));
    const answers = await Promise.all(
      tokens.map((token) =>
        askFor(`${server.http}/create-room`, {
          method: 'POST',
          headers: { authorization: `Bearer ${token}` },
        }),
      ),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([401]));
    expect(set.requests).toBeLessThanOrEqual(3);
    const headers = { authorization: `Bearer ${forge.valid()}` };
    expect((await askFor(`${server.http}/create-room`, { method: 'POST', headers })).status).toBe(200);
  } finally {
    await server.stop();
    await set.stop();
  }
});

describe('secrets are compared', () => {
  test('[V11] whole', () => {
    expect(sameSecret('a secret', 'a secret')).toBe(true);
    for (const other of ['', 'a secre', 'a secrets', 'A secret', 'a secret\0', 'ä secret'])
      expect(sameSecret(other, 'a secret')).toBe(false);
  });

  test('[V11] nowhere by an operator that stops at the first difference', () => {
    const sources = readdirSync('src', { recursive: true, withFileTypes: true })
      .filter(
        (entry) => entry.isFile() && entry.name.endsWith('.ts') && !entry.parentPath.startsWith('src/client'),
      )
      .map((entry) => path.join(entry.parentPath, entry.name));
    const secret = String.raw`[\w.#?]*(?:secret|password|serviceKey|adminToken|roomToken|resumeToken|tokenHash|record\.token|sharedKey)`;
    const compared = new RegExp(
      String.raw`(?:${secret})\s*[!=]==?(?!=|\s*(?:undefined|null|'))|[!=]==?\s*(?:${secret})\b`,
      'i',
    );
    const found = sources.flatMap((file) =>
      readFileSync(file, 'utf8')
        .split('\n')
        .filter((line) => compared.test(line) && !/^\s*(\*|\/\/)/.test(line))
        .map((line) => `${file}: ${line.trim()}`),
    );
    expect(found).toEqual([]);
  });
});
