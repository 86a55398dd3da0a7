import { describe, expect, test } from '@jest/globals';
import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { Rs256Verifier } from '../../src/adapters/jwt/rs256-verifier.js';
import { LocalIdentityProvider } from '../../src/adapters/local-identity/local-identity-provider.js';
import { SystemClock } from '../../src/adapters/system/system-clock.js';
import type { Clock } from '../../src/ports/runtime.js';
import { identityProviderContract } from '../contracts/identity-provider-contract.js';
import { tokenVerifierContract } from '../contracts/token-verifier-contract.js';
import { TokenForge } from '../support/tokens.js';
import { FakeClock } from '../support/fake-clock.js';

const newPem = (modulusLength = 2048, type: 'pkcs1' | 'pkcs8' = 'pkcs8'): string =>
  generateKeyPairSync('rsa', { modulusLength }).privateKey.export({ type, format: 'pem' }).toString();

function verifierOf({ issuer, audience, publicJwk }: LocalIdentityProvider): Rs256Verifier {
  return new Rs256Verifier({ issuer, audience, tokenUse: 'id', keys: { jwk: publicJwk } });
}

const open = (signingKeyPem?: string, clock: Clock = new SystemClock()): Promise<LocalIdentityProvider> =>
  LocalIdentityProvider.create({ clock, ...(signingKeyPem === undefined ? {} : { signingKeyPem }) });

identityProviderContract('LocalIdentityProvider with a key made at start', async () => {
  const provider = await open();
  return { provider, verifier: verifierOf(provider) };
});

identityProviderContract('LocalIdentityProvider with a given key', async () => {
  const provider = await open(newPem(2048, 'pkcs1'));
  return { provider, verifier: verifierOf(provider) };
});

tokenVerifierContract(
  'Rs256Verifier for embedded identities',
  { needsKid: false, needsTokenUse: true },
  async () => {
    const pem = newPem();
    const { issuer, audience, publicJwk, ...rest } = await open(pem);
    const forge = new TokenForge({ issuer, audience, privateKey: createPrivateKey(pem), kid: publicJwk.kid });
    const verifier = new Rs256Verifier({
      ...rest,
      issuer,
      audience,
      tokenUse: 'id',
      keys: { jwk: publicJwk },
    });
    return { verifier, forge };
  },
);

describe('LocalIdentityProvider', () => {
  const claimsOf = (token: string): unknown =>
    JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());

  test('issues ID tokens of the shape of Cognito’s that live an hour', async () => {
    const clock = new FakeClock(1_700_000_000_000);
    const { idToken, username } = await (await open(undefined, clock)).signIn();
    expect(claimsOf(idToken)).toEqual({
      token_use: 'id',
      'cognito:username': username,
      auth_time: 1_700_000_000,
      iss: 'urn:signaling:local',
      aud: 'signaling',
      sub: expect.stringMatching(/^[0-9a-f-]{36}$/),
      iat: 1_700_000_000,
      exp: 1_700_003_600,
      jti: expect.any(String),
    });
  });

  test('two processes with one key accept each other’s users', async () => {
    const pem = newPem();
    const [one, two] = [await open(pem), await open(pem)];
    expect(one.publicJwk).toEqual(two.publicJwk);
    const { idToken, username } = await one.signIn();
    await expect(verifierOf(two).verify(idToken)).resolves.toHaveProperty('username', username);
  });

  test('two processes with keys of their own do not', async () => {
    const { idToken } = await (await open()).signIn();
    await expect(verifierOf(await open()).verify(idToken)).rejects.toMatchObject({ code: 'INVALID_TOKEN' });
  });

  test('shows the public half of its key only', async () => {
    expect(Object.keys((await open()).publicJwk).sort()).toEqual(['alg', 'e', 'kid', 'kty', 'n', 'use']);
  });

  test('forgets a user whose token has ended', async () => {
    const clock = new FakeClock(1_700_000_000_000);
    const provider = await open(undefined, clock);
    const { username } = await provider.signIn();
    clock.advance(3_600_000);
    await provider.signIn();
    await expect(provider.deleteUser(username)).resolves.toBe('absent');
  });

  test.each([
    ['what is no PEM', 'secret-words', 'the signing key is not a PEM private key'],
    ['a short key', newPem(1024), 'the signing key must be an RSA key of at least 2048 bits'],
    [
      'another kind of key',
      generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
      'the signing key must be an RSA key of at least 2048 bits',
    ],
  ])('refuses %s, without quoting it', async (_name, pem, message) => {
    await expect(open(pem)).rejects.toThrow(message);
  });
});
