import type { IceConfig } from '../protocol/ice.js';

/** Where peers find their way to each other: STUN, and TURN with credentials of their own. */
export interface IceServerSource {
  /** For a verified user; credentials are good for that user's name and end by themselves. Never logs them. */
  configFor(user: string): IceConfig;
}
