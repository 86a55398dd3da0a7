import { nameOf } from './names.js';
import type { Settings } from './settings.js';
import { CognitoUserPool, CognitoUserPoolClient, Construct } from './terraform.js';

interface IdentitiesProps {
  readonly settings: Settings;
  /** `arn:aws:cognito-idp:REGION:ACCOUNT:userpool/`, for a pool that is not made here. */
  readonly arnPrefix: string;
}

/** A user pool for throw-away users, made as the server makes them (`src/adapters/cognito`), or one that is there. */
export class Identities extends Construct {
  readonly userPoolId: string;
  readonly userPoolArn: string;
  readonly appClientId: string;

  constructor(scope: Construct, id: string, { settings, arnPrefix }: IdentitiesProps) {
    super(scope, id);
    if (settings.identities !== undefined) {
      this.userPoolId = settings.identities.userPoolId;
      this.userPoolArn = `${arnPrefix}${this.userPoolId}`;
      this.appClientId = settings.identities.appClientId;
      return;
    }
    const name = nameOf(settings);
    const pool = new CognitoUserPool(this, 'pool', {
      name,
      // Each sign-in is a new user, and users are what a pool costs.
      userPoolTier: 'LITE',
      deletionProtection: settings.protect ? 'ACTIVE' : 'INACTIVE',
      mfaConfiguration: 'OFF',
      usernameConfiguration: { caseSensitive: true },
      adminCreateUserConfig: { allowAdminCreateUserOnly: false },
      // Without e-mail and telephone nobody gets a password back.
      accountRecoverySetting: { recoveryMechanism: [{ name: 'admin_only', priority: 1 }] },
      passwordPolicy: {
        minimumLength: 32,
        requireLowercase: true,
        requireUppercase: true,
        requireNumbers: true,
        requireSymbols: true,
        temporaryPasswordValidityDays: 1,
      },
      ...(settings.protect && { lifecycle: { preventDestroy: true } }),
    });
    const client = new CognitoUserPoolClient(this, 'client', {
      name,
      userPoolId: pool.id,
      generateSecret: false,
      explicitAuthFlows: ['ALLOW_USER_PASSWORD_AUTH', 'ALLOW_REFRESH_TOKEN_AUTH'],
      preventUserExistenceErrors: 'ENABLED',
      enableTokenRevocation: true,
      idTokenValidity: settings.tokenMinutes,
      accessTokenValidity: settings.tokenMinutes,
      refreshTokenValidity: 1,
      tokenValidityUnits: [{ idToken: 'minutes', accessToken: 'minutes', refreshToken: 'days' }],
    });
    this.userPoolId = pool.id;
    this.userPoolArn = pool.arn;
    this.appClientId = client.id;
  }
}
