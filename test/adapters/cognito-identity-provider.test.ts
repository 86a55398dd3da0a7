import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { CognitoIdentityProvider } from '../../src/adapters/cognito/cognito-identity-provider.js';
import { cognitoIssuer } from '../../src/adapters/jwt/cognito-issuer.js';
import { Rs256Verifier } from '../../src/adapters/jwt/rs256-verifier.js';
import { identityProviderContract } from '../contracts/identity-provider-contract.js';
import { tokenVerifierContract } from '../contracts/token-verifier-contract.js';
import { startAwsEmulators, type AwsEmulators } from '../support/aws-emulators.js';

let aws: AwsEmulators;
const providers: CognitoIdentityProvider[] = [];

function openProvider(
  settings: { userPoolId?: string; callTimeoutMs?: number } = {},
): CognitoIdentityProvider {
  const { region, userPoolId, clientId } = aws;
  const provider = new CognitoIdentityProvider({ region, userPoolId, clientId, ...settings });
  providers.push(provider);
  return provider;
}

beforeAll(async () => {
  aws = await startAwsEmulators();
  Object.assign(process.env, aws.env);
});
afterEach(() => {
  aws.faults.cognito.set({ kind: 'pass' });
  aws.refuseOperation();
});
afterAll(async () => {
  for (const provider of providers) provider.close();
  await aws.stop();
});

identityProviderContract('CognitoIdentityProvider', () =>
  Promise.resolve({ provider: openProvider(), verifier: new Rs256Verifier(cognitoIssuer(aws)) }),
);

tokenVerifierContract('Rs256Verifier for a Cognito pool', { needsKid: true, needsTokenUse: true }, () =>
  Promise.resolve({ verifier: new Rs256Verifier(cognitoIssuer(aws)), forge: aws.forge }),
);

describe('CognitoIdentityProvider', () => {
  const refused = async (call: Promise<unknown>): Promise<Error & { cause?: unknown }> => {
    const error = await call.then(
      () => new Error('it did not reject'),
      (reason: unknown) => reason as Error,
    );
    expect(error).toMatchObject({ name: 'SignalingError', code: 'IDENTITY_UNAVAILABLE' });
    expect(error.message).not.toMatch(/127\.0\.0\.1|http|refused by the test|Exception|ECONN/);
    return error;
  };

  test('leaves a confirmed user in the pool', async () => {
    const { username } = await openProvider().signIn();
    await expect(aws.userExists(username)).resolves.toBe(true);
  });

  test('removes a deleted user from the pool', async () => {
    const provider = openProvider();
    const { username } = await provider.signIn();
    await provider.deleteUser(username);
    await expect(aws.userExists(username)).resolves.toBe(false);
  });

  test('gives an ID token, with the claims of one', async () => {
    const { idToken, username } = await openProvider().signIn();
    expect(JSON.parse(Buffer.from(idToken.split('.')[1] ?? '', 'base64url').toString())).toMatchObject({
      iss: aws.issuer,
      aud: aws.clientId,
      token_use: 'id',
      'cognito:username': username,
    });
  });

  test.each([
    ['SignUp', 'The identity service did not sign the new user up.'],
    ['AdminConfirmSignUp', 'The identity service did not confirm the new user.'],
    ['InitiateAuth', 'The identity service did not sign the new user in.'],
  ])(
    '[D13] names the step when %s fails, keeps the vendor in the cause, and leaves no user behind',
    async (operation, text) => {
      const before = await aws.countUsers();
      aws.refuseOperation(operation);
      const error = await refused(openProvider().signIn());
      expect(error.message).toBe(text);
      expect(error.cause).toMatchObject({ name: 'NotAuthorizedException', message: 'refused by the test' });
      await expect(aws.countUsers()).resolves.toBe(before);
    },
  );

  test('says in the cause when a half-made user could not be removed', async () => {
    // The client is of another pool than the one that it is to confirm and delete in.
    const error = await refused(openProvider({ userPoolId: 'us-west-1_Nowhere' }).signIn());
    expect(error.message).toBe('The identity service did not confirm the new user.');
    expect(error.cause).toBeInstanceOf(AggregateError);
    expect((error.cause as AggregateError).errors).toHaveLength(2);
  });

  test('[B2] [D13] is unavailable while Cognito refuses connections, and serves again when it is back', async () => {
    const provider = openProvider();
    const { username } = await provider.signIn();
    aws.faults.cognito.set({ kind: 'refuse' });
    await refused(provider.signIn());
    await refused(provider.deleteUser(username));
    aws.faults.cognito.set({ kind: 'pass' });
    await expect(provider.deleteUser(username)).resolves.toBe('deleted');
  });

  test('[B2] [D14] gives up on a Cognito that does not answer, and serves again when it does', async () => {
    const provider = openProvider({ callTimeoutMs: 400 });
    aws.faults.cognito.set({ kind: 'hang' });
    const error = await refused(provider.signIn());
    expect(error.message).toBe('The identity service did not sign the new user up.');
    await refused(provider.deleteUser('somebody'));
    aws.faults.cognito.set({ kind: 'pass' });
    await expect(openProvider().signIn()).resolves.toHaveProperty('idToken');
  });

  test('waits for a Cognito that is slow but within its bound', async () => {
    aws.faults.cognito.set({ kind: 'delay', ms: 100 });
    await expect(openProvider().signIn()).resolves.toHaveProperty('idToken');
  });

  test('does not take an unexpected failure to delete for an absent user', async () => {
    const provider = openProvider();
    const { username } = await provider.signIn();
    aws.refuseOperation('AdminDeleteUser');
    await refused(provider.deleteUser(username));
    await expect(aws.userExists(username)).resolves.toBe(true);
  });

  test('lets go of its connections when it is closed', async () => {
    await openProvider().signIn();
    for (const provider of providers) provider.close();
    await aws.faults.cognito.idle();
  });
});
