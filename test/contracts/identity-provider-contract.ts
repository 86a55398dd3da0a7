import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import type { IdentityProvider, TokenVerifier } from '../../src/ports/auth.js';

export interface IdentityProviderSetup {
  readonly provider: IdentityProvider;
  /** One that trusts this provider. */
  readonly verifier: TokenVerifier;
  readonly stop?: () => Promise<void>;
}

/** What every `IdentityProvider` that makes users must do. */
export function identityProviderContract(name: string, setup: () => Promise<IdentityProviderSetup>): void {
  describe(`${name} as an IdentityProvider`, () => {
    let provider: IdentityProvider;
    let verifier: TokenVerifier;
    let stop: IdentityProviderSetup['stop'];

    beforeAll(async () => {
      ({ provider, verifier, stop } = await setup());
    });
    afterAll(async () => {
      await stop?.();
    });

    test('names a new user with a lower-case UUID, version 4', async () => {
      const { username } = await provider.signIn();
      expect(username).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    });

    test('gives the user a token that its verifier accepts as that user', async () => {
      const { idToken, username } = await provider.signIn();
      const identity = await verifier.verify(idToken);
      expect(identity.username).toBe(username);
      expect(identity.sub).not.toBe('');
    });

    test('makes another user each time, also at the same time', async () => {
      const users = await Promise.all([provider.signIn(), provider.signIn(), provider.signIn()]);
      expect(new Set(users.map(({ username }) => username)).size).toBe(3);
      const subjects = await Promise.all(users.map(({ idToken }) => verifier.verify(idToken)));
      expect(new Set(subjects.map(({ sub }) => sub)).size).toBe(3);
    });

    test('deletes a user once', async () => {
      const { username } = await provider.signIn();
      await expect(provider.deleteUser(username)).resolves.toBe('deleted');
      await expect(provider.deleteUser(username)).resolves.toBe('absent');
    });

    test('leaves the other users be when it deletes one', async () => {
      const [first, second] = await Promise.all([provider.signIn(), provider.signIn()]);
      await provider.deleteUser(first.username);
      await expect(provider.deleteUser(second.username)).resolves.toBe('deleted');
    });

    test.each([randomUUID(), 'worker 1', '', 'NoSuchUser', 'x'.repeat(5000), 'emoji 👋\n'])(
      'says that there is no user named %j',
      async (username) => {
        await expect(provider.deleteUser(username)).resolves.toBe('absent');
      },
    );

    test('leaves the token of a deleted user valid to its end, as Cognito does', async () => {
      const { idToken, username } = await provider.signIn();
      await provider.deleteUser(username);
      await expect(verifier.verify(idToken)).resolves.toHaveProperty('username', username);
    });
  });
}
