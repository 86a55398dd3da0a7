import type { IdentityProvider } from '../../ports/auth.js';
import { SignalingError } from '../../protocol/errors.js';

/** The users of another issuer: they are made there, and it is not ours to delete them. */
export class ExternalUsers implements IdentityProvider {
  constructor(private readonly issuer: string) {}

  signIn(): Promise<never> {
    const text = `this server takes the tokens of ${this.issuer}: sign in there`;
    return Promise.reject(new SignalingError('IDENTITY_UNAVAILABLE', text));
  }

  deleteUser(): Promise<'absent'> {
    return Promise.resolve('absent');
  }
}
