import type { Proof } from '../protocol/records.js';

/** Turns a token into a user, or rejects. Never logs or quotes the token. */
export interface TokenVerifier {
  /**
   * Rejects with `SignalingError` `INVALID_TOKEN` (message: why, in the words of the Python server's library where
   * it has some) or `IDENTITY_UNAVAILABLE` when the signing keys cannot be had just now. Settles within seconds.
   */
  verify(token: string): Promise<Proof>;
}

/** Makes and removes throw-away users. */
export interface IdentityProvider {
  /**
   * Signs a new anonymous user up and in.
   * Rejects with `SignalingError` `IDENTITY_UNAVAILABLE`; the message is safe to show (D13).
   */
  signIn(): Promise<{ readonly idToken: string; readonly username: string }>;
  /** Removes a user; `absent` when there is none. Rejects with `IDENTITY_UNAVAILABLE` when it cannot be known. */
  deleteUser(username: string): Promise<'deleted' | 'absent'>;
}
