import { randomBytes, randomUUID } from 'node:crypto';
import {
  AdminConfirmSignUpCommand,
  AdminDeleteUserCommand,
  CognitoIdentityProviderClient,
  CognitoIdentityProviderServiceException,
  InitiateAuthCommand,
  SignUpCommand,
  UsernameExistsException,
  UserNotFoundException,
} from '@aws-sdk/client-cognito-identity-provider';
import { SignalingError } from '../../protocol/errors.js';
import type { IdentityProvider } from '../../ports/auth.js';
import type { Telemetry } from '../../ports/telemetry.js';
import { withinDeadline } from '../deadline.js';
import { timeCommands } from '../timed-commands.js';

export interface CognitoIdentityProviderSettings {
  readonly region: string;
  readonly userPoolId: string;
  /** An app client without a secret that allows `ALLOW_USER_PASSWORD_AUTH`. */
  readonly clientId: string;
  /** Bound of one `signIn` or `deleteUser` as a whole. */
  readonly callTimeoutMs?: number;
  readonly telemetry?: Telemetry;
}

/** What Cognito's API allows as a user name. Any other text names nobody, and needs no call to know it. */
const USERNAME = /^[\p{L}\p{M}\p{S}\p{N}\p{P}]{1,128}$/u;

/** It says no as it should. */
const ANSWERS: ReadonlySet<string> = new Set(['UserNotFoundException', 'UsernameExistsException']);

const STEPS = {
  'sign-up': 'The identity service did not sign the new user up.',
  confirm: 'The identity service did not confirm the new user.',
  'sign-in': 'The identity service did not sign the new user in.',
} as const;

/** Where a sign-in has got to; read when its time is over. */
interface Progress {
  step: keyof typeof STEPS;
}

/**
 * Throw-away users in a Cognito user pool, made as the Python server makes them: SignUp, AdminConfirmSignUp,
 * InitiateAuth. Needs `cognito-idp:AdminConfirmSignUp` and `AdminDeleteUser` on the pool; the endpoint can be set with
 * the SDK's own variable `AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER`.
 */
export class CognitoIdentityProvider implements IdentityProvider {
  private readonly client: CognitoIdentityProviderClient;
  private readonly callTimeoutMs: number;

  constructor(private readonly settings: CognitoIdentityProviderSettings) {
    this.callTimeoutMs = settings.callTimeoutMs ?? 6000;
    this.client = new CognitoIdentityProviderClient({
      region: settings.region,
      maxAttempts: 3,
      requestHandler: {
        connectionTimeout: 1000,
        requestTimeout: 3000,
        throwOnRequestTimeout: true,
        httpAgent: { keepAlive: true, maxSockets: 64 },
        httpsAgent: { keepAlive: true, maxSockets: 64 },
      },
    });
    if (settings.telemetry !== undefined)
      timeCommands(this.client.middlewareStack, settings.telemetry, 'cognito', ANSWERS);
  }

  async signIn(): Promise<{ readonly idToken: string; readonly username: string }> {
    const username = randomUUID();
    // Cognito's strictest policy wants an upper-case and a lower-case letter, a digit and a symbol.
    const password = `Aa${randomBytes(16).toString('hex')}!`;
    const progress: Progress = { step: 'sign-up' };
    try {
      // A quarter of the time is kept back for the removal of a half-made user.
      const idToken = await withinDeadline(this.callTimeoutMs * 0.75, (signal) =>
        this.takeSteps(username, password, progress, signal),
      );
      return { idToken, username };
    } catch (error) {
      const { step } = progress;
      const neverMade = step === 'sign-up' && error instanceof CognitoIdentityProviderServiceException;
      const cause = neverMade ? error : await this.undo(username, error);
      throw new SignalingError('IDENTITY_UNAVAILABLE', STEPS[step], { cause });
    }
  }

  async deleteUser(username: string): Promise<'deleted' | 'absent'> {
    if (!USERNAME.test(username)) return 'absent';
    try {
      return await this.remove(username, this.callTimeoutMs);
    } catch (cause) {
      throw new SignalingError('IDENTITY_UNAVAILABLE', undefined, { cause });
    }
  }

  /** Lets go of the connections. Not for while calls are under way. */
  close(): void {
    this.client.destroy();
  }

  private async takeSteps(
    username: string,
    password: string,
    progress: Progress,
    signal: AbortSignal,
  ): Promise<string> {
    const { userPoolId, clientId } = this.settings;
    const options = { abortSignal: signal };
    const isConfirmed = await this.signUp(username, password, signal);
    progress.step = 'confirm';
    if (!isConfirmed) {
      await this.client.send(
        new AdminConfirmSignUpCommand({ UserPoolId: userPoolId, Username: username }),
        options,
      );
    }
    progress.step = 'sign-in';
    const { AuthenticationResult: tokens } = await this.client.send(
      new InitiateAuthCommand({
        ClientId: clientId,
        AuthFlow: 'USER_PASSWORD_AUTH',
        AuthParameters: { USERNAME: username, PASSWORD: password },
      }),
      options,
    );
    if (tokens?.IdToken === undefined) throw new Error('InitiateAuth answered without an ID token');
    return tokens.IdToken;
  }

  /** Says whether the pool confirmed the user by itself (a pool with a pre-sign-up trigger may). */
  private async signUp(username: string, password: string, signal: AbortSignal): Promise<boolean> {
    const command = new SignUpCommand({
      ClientId: this.settings.clientId,
      Username: username,
      Password: password,
    });
    try {
      const { UserConfirmed: isConfirmed } = await this.client.send(command, { abortSignal: signal });
      return isConfirmed === true;
    } catch (error) {
      // The name is random, so the user is our own: the SDK repeated a call whose answer was lost.
      if (error instanceof UsernameExistsException) return false;
      throw error;
    }
  }

  /** Removes a half-made user; gives the cause to report, with the failure to remove in it if there was one. */
  private async undo(username: string, error: unknown): Promise<unknown> {
    try {
      await this.remove(username, this.callTimeoutMs * 0.25);
      return error;
    } catch (left) {
      return new AggregateError([error, left], 'sign-in failed, and the half-made user may remain');
    }
  }

  private async remove(username: string, withinMs: number): Promise<'deleted' | 'absent'> {
    const command = new AdminDeleteUserCommand({ UserPoolId: this.settings.userPoolId, Username: username });
    return withinDeadline(withinMs, async (signal) => {
      try {
        await this.client.send(command, { abortSignal: signal });
        return 'deleted';
      } catch (error) {
        if (error instanceof UserNotFoundException) return 'absent';
        throw error;
      }
    });
  }
}
