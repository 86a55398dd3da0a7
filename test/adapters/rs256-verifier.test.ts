import { afterEach, describe, expect, test } from '@jest/globals';
import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { cognitoIssuer } from '../../src/adapters/jwt/cognito-issuer.js';
import { Rs256Verifier } from '../../src/adapters/jwt/rs256-verifier.js';
import { tokenVerifierContract } from '../contracts/token-verifier-contract.js';
import { TokenForge } from '../support/tokens.js';
import { KeySetServer } from '../support/key-set-server.js';

const ISSUER = 'https://login.example.org/';
const AUDIENCE = 'signaling-example';

const newKey = (): KeyObject => generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
const forgeOf = (privateKey: KeyObject, kid = 'key-1'): TokenForge =>
  new TokenForge({ issuer: ISSUER, audience: AUDIENCE, privateKey, kid });
const pemOf = (privateKey: KeyObject): string =>
  createPublicKey(privateKey).export({ type: 'spki', format: 'pem' }).toString();

const servers: KeySetServer[] = [];

async function startKeys(keys: Record<string, KeyObject>): Promise<KeySetServer> {
  const server = await KeySetServer.start(keys);
  servers.push(server);
  return server;
}

function openVerifier(jwksUri: string, settings: { fetchTimeoutMs?: number; refetchGapMs?: number } = {}) {
  return new Rs256Verifier({
    issuer: ISSUER,
    audience: AUDIENCE,
    keys: { jwksUri, refetchGapMs: 20, ...settings },
  });
}

tokenVerifierContract('Rs256Verifier with a PEM', { needsKid: false, needsTokenUse: false }, () => {
  const key = newKey();
  const verifier = new Rs256Verifier({ issuer: ISSUER, audience: AUDIENCE, keys: { pem: pemOf(key) } });
  return Promise.resolve({ verifier, forge: forgeOf(key) });
});

tokenVerifierContract('Rs256Verifier with a key set', { needsKid: true, needsTokenUse: false }, async () => {
  const key = newKey();
  const server = await KeySetServer.start({ 'key-0': newKey(), 'key-1': key });
  return { verifier: openVerifier(server.uri), forge: forgeOf(key), stop: () => server.stop() };
});

describe('Rs256Verifier', () => {
  afterEach(async () => {
    for (const server of servers.splice(0)) await server.stop();
  });

  const unavailable = { code: 'IDENTITY_UNAVAILABLE', retryable: true };
  const unknownKey = { code: 'INVALID_TOKEN', message: 'The signing key of the token (kid) is not known.' };

  test('[B4] fetches the keys once for many tokens', async () => {
    const key = newKey();
    const server = await startKeys({ 'key-1': key });
    const verifier = openVerifier(server.uri);
    const forge = forgeOf(key);
    await Promise.all(Array.from({ length: 20 }, () => verifier.verify(forge.valid())));
    await verifier.verify(forge.valid());
    expect(server.requests).toBe(1);
  });

  test('does not fetch keys for what is no RS256 token or names no key', async () => {
    const key = newKey();
    const server = await startKeys({ 'key-1': key });
    const verifier = openVerifier(server.uri);
    const forge = forgeOf(key);
    for (const token of ['', 'a.b.c', forge.algNone(), forge.hs256(), forge.flawed('noKid')]) {
      await expect(verifier.verify(token)).rejects.toMatchObject({ code: 'INVALID_TOKEN' });
    }
    expect(server.requests).toBe(0);
  });

  test('[B4] is unavailable while the first fetch fails, and accepts tokens as soon as one succeeds', async () => {
    const key = newKey();
    const server = await startKeys({ 'key-1': key });
    const verifier = openVerifier(server.uri, { refetchGapMs: 3_600_000 });
    const forge = forgeOf(key);
    server.answer = { status: 503, body: 'no' };
    await expect(verifier.verify(forge.valid())).rejects.toMatchObject(unavailable);
    await expect(verifier.verify(forge.valid())).rejects.toMatchObject(unavailable);
    server.answer = undefined;
    await expect(verifier.verify(forge.valid())).resolves.toHaveProperty('sub');
  });

  test('goes on with the keys it has while their server is down', async () => {
    const key = newKey();
    const server = await startKeys({ 'key-1': key });
    const verifier = openVerifier(server.uri);
    const forge = forgeOf(key);
    await verifier.verify(forge.valid());
    await server.stop();
    await expect(verifier.verify(forge.valid())).resolves.toHaveProperty('sub');
    await expect(verifier.verify(forge.flawed('unknownKid'))).rejects.toMatchObject(unavailable);
  });

  test('accepts a key that was rotated in, also right after a stranger named a made-up key', async () => {
    const [first, second] = [newKey(), newKey()];
    const server = await startKeys({ 'key-1': first });
    const verifier = openVerifier(server.uri);
    await verifier.verify(forgeOf(first).valid());
    await expect(verifier.verify(forgeOf(first).flawed('unknownKid'))).rejects.toMatchObject(unknownKey);
    server.keys = { 'key-1': first, 'key-2': second };
    await expect(verifier.verify(forgeOf(second, 'key-2').valid())).resolves.toHaveProperty('sub');
    await expect(verifier.verify(forgeOf(first).valid())).resolves.toHaveProperty('sub');
  });

  test('refuses a key that was rotated out, once it has fetched again', async () => {
    const [first, second] = [newKey(), newKey()];
    const server = await startKeys({ 'key-1': first });
    const verifier = openVerifier(server.uri);
    await verifier.verify(forgeOf(first).valid());
    server.keys = { 'key-2': second };
    await verifier.verify(forgeOf(second, 'key-2').valid());
    await expect(verifier.verify(forgeOf(first).valid())).rejects.toMatchObject(unknownKey);
  });

  test('sees a key that was replaced under its old name', async () => {
    const [first, second, third] = [newKey(), newKey(), newKey()];
    const server = await startKeys({ 'key-1': first });
    const verifier = openVerifier(server.uri);
    await verifier.verify(forgeOf(first).valid());
    server.keys = { 'key-1': second, 'key-3': third };
    await verifier.verify(forgeOf(third, 'key-3').valid());
    await expect(verifier.verify(forgeOf(second).valid())).resolves.toHaveProperty('sub');
    await expect(verifier.verify(forgeOf(first).valid())).rejects.toMatchObject({ code: 'INVALID_TOKEN' });
  });

  test('does not fetch again at once for the next token with a made-up key', async () => {
    const key = newKey();
    const server = await startKeys({ 'key-1': key });
    const verifier = openVerifier(server.uri, { refetchGapMs: 3_600_000 });
    const forge = forgeOf(key);
    await expect(verifier.verify(forge.flawed('unknownKid'))).rejects.toMatchObject(unknownKey);
    void verifier.verify(forge.flawed('unknownKid'));
    // By the time our own request is answered, one made before it would have been counted.
    await fetch(server.uri);
    expect(server.requests).toBe(2);
  });

  test('shares one fetch among all tokens with made-up keys, and does not make known users wait', async () => {
    const key = newKey();
    const server = await startKeys({ 'key-1': key });
    const verifier = openVerifier(server.uri, { refetchGapMs: 100 });
    const forge = forgeOf(key);
    await verifier.verify(forge.valid());
    const flood = () =>
      Promise.allSettled(
        Array.from({ length: 50 }, (_, index) =>
          verifier.verify(forge.valid({}, { kid: `made-up-${String(index)}` })),
        ),
      );
    for (const { status } of [...(await flood()), ...(await flood())]) expect(status).toBe('rejected');
    expect(server.requests).toBeLessThanOrEqual(4);
    let isFloodOver = false;
    const last = flood().then(() => {
      isFloodOver = true;
    });
    await verifier.verify(forge.valid());
    expect(isFloodOver).toBe(false);
    await last;
  });

  test.each([
    ['is no JSON', { status: 200, body: '<html>' }],
    ['is no key set', { status: 200, body: '{"keys":5}' }],
    ['is not found', { status: 404, body: '{}' }],
    ['is too large', { status: 200, body: `{"keys":[],"x":"${'x'.repeat(300_000)}"}` }],
  ])('is unavailable when the key set %s', async (_name, answer) => {
    const server = await startKeys({});
    server.answer = answer;
    await expect(openVerifier(server.uri).verify(forgeOf(newKey()).valid())).rejects.toMatchObject(
      unavailable,
    );
  });

  test('gives up on a key server that does not answer', async () => {
    const server = await startKeys({});
    server.answer = 'never';
    const verifier = openVerifier(server.uri, { fetchTimeoutMs: 100 });
    await expect(verifier.verify(forgeOf(newKey()).valid())).rejects.toMatchObject(unavailable);
  });

  test('refuses a set whose key of that name is not an RSA key', async () => {
    const server = await startKeys({
      'key-1': generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey,
    });
    await expect(openVerifier(server.uri).verify(forgeOf(newKey()).valid())).rejects.toMatchObject({
      code: 'INVALID_TOKEN',
      message: 'Signature verification failed.',
    });
  });

  test.each([
    ['no PEM', 'not a key'],
    ['a key that is not RSA', pemOf(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey)],
  ])('does not start with %s', (_name, pem) => {
    expect(() => new Rs256Verifier({ issuer: ISSUER, audience: AUDIENCE, keys: { pem } })).toThrow();
  });
});

describe('[U5] the uses of Cognito’s tokens', () => {
  const key = newKey();
  const forge = forgeOf(key);
  const keys = { pem: pemOf(key) };
  const access = { token_use: 'access', aud: undefined, client_id: AUDIENCE };
  const verdicts = async (
    tokenUse: 'id' | 'access' | 'both',
    ...tokens: readonly string[]
  ): Promise<unknown[]> => {
    const verifier = new Rs256Verifier({ issuer: ISSUER, audience: AUDIENCE, tokenUse, keys });
    const judge = async (token: string): Promise<string> => {
      try {
        await verifier.verify(token);
        return 'taken';
      } catch (error) {
        return error instanceof Error ? error.message : String(error);
      }
    };
    return Promise.all(tokens.map(judge));
  };

  test.each([
    ['id', 'taken', 'The token is not an ID token.', 'The token is not an ID token.'],
    ['access', 'The token is not an access token.', 'taken', 'The token is not an access token.'],
    ['both', 'taken', 'taken', 'The token is neither an ID token nor an access token.'],
  ] as const)('%s', async (tokenUse, ofId, ofAccess, ofNeither) => {
    const tokens = [forge.valid(), forge.valid(access), forge.flawed('noTokenUse')];
    expect(await verdicts(tokenUse, ...tokens)).toEqual([ofId, ofAccess, ofNeither]);
  });

  test.each(['access', 'both'] as const)(
    '%s: an access token is of the client that it names',
    async (tokenUse) => {
      const fault = 'Invalid audience';
      const foreign = { ...access, client_id: 'another' };
      const tokens = [foreign, { ...foreign, aud: AUDIENCE }, { ...access, client_id: undefined }];
      expect(await verdicts(tokenUse, ...tokens.map((claims) => forge.valid(claims)))).toEqual([
        fault,
        fault,
        fault,
      ]);
    },
  );

  test('both: an ID token is of its audience, whatever client it names', async () => {
    const tokens = [
      { aud: 'another' },
      { aud: 'another', client_id: AUDIENCE },
      { aud: undefined, client_id: AUDIENCE },
    ];
    expect(await verdicts('both', ...tokens.map((claims) => forge.valid(claims)))).toEqual(
      tokens.map(() => 'Invalid audience'),
    );
  });

  test('access: issuer, time and subject are judged all the same', async () => {
    const tokens = [
      { ...access, iss: 'https://another.example' },
      { ...access, exp: 1 },
      { ...access, sub: undefined },
    ];
    expect(await verdicts('access', ...tokens.map((claims) => forge.valid(claims)))).toEqual([
      'Invalid issuer',
      'Signature has expired.',
      'Subject claim (sub) is missing.',
    ]);
  });
});

describe('cognitoIssuer', () => {
  const pool = { region: 'us-west-1', userPoolId: 'us-west-1_AbCdEf', clientId: 'client' };

  test("takes the keys from the pool's own address, where no credential is sent", () => {
    expect(cognitoIssuer(pool)).toEqual({
      issuer: 'https://cognito-idp.us-west-1.amazonaws.com/us-west-1_AbCdEf',
      audience: 'client',
      tokenUse: 'id',
      keys: { jwksUri: 'https://cognito-idp.us-west-1.amazonaws.com/us-west-1_AbCdEf/.well-known/jwks.json' },
    });
  });

  test('tells an emulator which of its services is meant', async () => {
    const key = newKey();
    const server = await KeySetServer.start({ 'key-1': key });
    const settings = cognitoIssuer({ ...pool, jwksUri: server.uri });
    const forge = new TokenForge({
      issuer: settings.issuer,
      audience: 'client',
      privateKey: key,
      kid: 'key-1',
    });
    await new Rs256Verifier(settings).verify(forge.valid());
    expect(server.lastAuthorization).toContain('/cognito-idp/');
    await server.stop();
  });
});
