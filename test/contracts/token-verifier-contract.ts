import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { inspect } from 'node:util';
import type { TokenVerifier } from '../../src/ports/auth.js';
import type { TokenFlaw, TokenForge } from '../support/tokens.js';

export interface TokenVerifierSetup {
  readonly verifier: TokenVerifier;
  readonly forge: TokenForge;
  readonly stop?: () => Promise<void>;
}

export interface TokenVerifierTraits {
  /** The keys come from a set, so that a token must say which one it was signed with. */
  readonly needsKid: boolean;
  /** Only ID tokens will do. */
  readonly needsTokenUse: boolean;
}

/** What every `TokenVerifier` must do. Texts are python-jose's where it has one for the cause. */
export function tokenVerifierContract(
  name: string,
  traits: TokenVerifierTraits,
  setup: () => Promise<TokenVerifierSetup>,
): void {
  describe(`${name} as a TokenVerifier`, () => {
    let verifier: TokenVerifier;
    let forge: TokenForge;
    let stop: TokenVerifierSetup['stop'];

    beforeAll(async () => {
      ({ verifier, forge, stop } = await setup());
    });
    afterAll(async () => {
      await stop?.();
    });

    const expectRefusal = async (token: string, message: string): Promise<void> => {
      await expect(verifier.verify(token)).rejects.toMatchObject({
        name: 'SignalingError',
        code: 'INVALID_TOKEN',
        message,
      });
    };

    test('makes an identity of a good token, and says until when it is proved', async () => {
      const exp = Math.floor(Date.now() / 1000) + 90;
      const token = forge.valid({ sub: 'subject-1', 'cognito:username': 'name-1', exp });
      await expect(verifier.verify(token)).resolves.toEqual({
        sub: 'subject-1',
        username: 'name-1',
        provenUntilMs: exp * 1000,
      });
    });

    test('names a user without a Cognito name by `username`, and without that by `sub`', async () => {
      const plain = { sub: 'subject-1', 'cognito:username': undefined };
      await expect(verifier.verify(forge.valid({ ...plain, username: 'name-2' }))).resolves.toMatchObject({
        sub: 'subject-1',
        username: 'name-2',
      });
      await expect(verifier.verify(forge.valid(plain))).resolves.toMatchObject({
        sub: 'subject-1',
        username: 'subject-1',
      });
    });

    test('[D2] accepts a token with `at_hash`', async () => {
      await expect(verifier.verify(forge.withAtHash())).resolves.toHaveProperty('sub');
    });

    test('accepts a token for several audiences if ours is one of them', async () => {
      const { aud } = JSON.parse(Buffer.from(forge.valid().split('.')[1] ?? '', 'base64url').toString()) as {
        aud: string;
      };
      await expect(verifier.verify(forge.valid({ aud: ['another', aud] }))).resolves.toHaveProperty('sub');
      await expectRefusal(forge.valid({ aud: ['another'] }), 'Invalid audience');
    });

    test.each(['', 'garbage', 'a.b', ' '])('refuses %j: not enough segments', async (text) => {
      await expectRefusal(text, 'Not enough segments');
    });

    test.each(['a.b.c', '..', 'bnVsbA.e30.x', 'W10.e30.x'])('refuses %j: no header', async (text) => {
      await expectRefusal(text, 'Invalid header string: must be a json object');
    });

    test('[B3] refuses every algorithm but RS256, whatever the signature', async () => {
      const text = 'The specified alg value is not allowed';
      await expectRefusal(forge.algNone(), text);
      await expectRefusal(forge.hs256(), text);
      await expectRefusal(forge.flawed('rs512'), text);
      await expectRefusal(forge.valid({}, { alg: undefined }), text);
    });

    test('refuses what the trusted key did not sign, before it looks at the claims', async () => {
      const text = 'Signature verification failed.';
      await expectRefusal(forge.tampered(), text);
      await expectRefusal(forge.foreignKey(), text);
      await expectRefusal(forge.foreignKey({ exp: 1, aud: 'another', sub: 42 }), text);
      await expectRefusal(forge.stripped(), text);
      await expectRefusal(`${forge.valid()}.x`, text);
      await expectRefusal(`${forge.valid().slice(0, -8)}AAAAAAAA`, text);
    });

    const refusals: readonly (readonly [TokenFlaw, string])[] = [
      ['expired', 'Signature has expired.'],
      ['wrongAud', 'Invalid audience'],
      ['noAud', 'Invalid audience'],
      ['wrongIss', 'Invalid issuer'],
      ['futureNbf', 'The token is not yet valid (nbf)'],
      ['textExp', 'Expiration Time claim (exp) must be an integer.'],
      ['numericSub', 'Subject must be a string.'],
      ['noExp', 'Expiration Time claim (exp) is missing.'],
      ['noSub', 'Subject claim (sub) is missing.'],
      ['emptySub', 'Subject claim (sub) is missing.'],
      ['access', traits.needsTokenUse ? 'The token is not an ID token.' : 'Invalid audience'],
    ];

    test.each(refusals)('[B3] [D2] refuses a token that is good but for: %s', async (flaw, text) => {
      await expectRefusal(forge.flawed(flaw), text);
    });

    test('names the first fault in the order nbf, exp, aud, iss, sub', async () => {
      const faults = { nbf: 9_999_999_999, exp: 1, aud: 'x', iss: 'x', sub: 42 };
      await expectRefusal(forge.valid(faults), 'The token is not yet valid (nbf)');
      await expectRefusal(forge.valid({ ...faults, nbf: 1 }), 'Signature has expired.');
      await expectRefusal(forge.valid({ aud: 'x', iss: 'x', sub: 42 }), 'Invalid audience');
      await expectRefusal(forge.valid({ iss: 'x', sub: 42 }), 'Invalid issuer');
    });

    test(
      traits.needsTokenUse ? 'refuses a token without `token_use`' : 'does not ask for `token_use`',
      async () => {
        const token = forge.flawed('noTokenUse');
        if (traits.needsTokenUse) await expectRefusal(token, 'The token is not an ID token.');
        else await expect(verifier.verify(token)).resolves.toHaveProperty('sub');
      },
    );

    test(
      traits.needsKid ? '[D2] refuses a token whose key it does not know' : 'does not ask for `kid`',
      async () => {
        if (traits.needsKid) {
          await expectRefusal(forge.flawed('noKid'), 'The token names no signing key (kid).');
          await expectRefusal(forge.flawed('unknownKid'), 'The signing key of the token (kid) is not known.');
        } else {
          await expect(verifier.verify(forge.flawed('noKid'))).resolves.toHaveProperty('sub');
          await expect(verifier.verify(forge.flawed('unknownKid'))).resolves.toHaveProperty('sub');
        }
      },
    );

    test('never quotes the token', async () => {
      const token = forge.tampered();
      const error = await verifier.verify(token).catch((reason: unknown) => reason);
      const told = inspect(error, { depth: 10, maxStringLength: null });
      expect(told).toContain('INVALID_TOKEN');
      for (const part of token.split('.')) expect(told).not.toContain(part);
    });
  });
}
