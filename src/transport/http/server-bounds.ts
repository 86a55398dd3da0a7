import type { TrustedProxies } from '../client-address.js';

/** How much of this process the far ends of its TCP connections may have, whatever they say on them. */
export interface ServerBounds {
  /** At a time, on one port; 0: no limit. */
  readonly maxConnections: number;
  /** WebSockets of one address; of TCP connections it may have twice as many. 0: no limit. */
  readonly maxConnectionsPerIp: number;
  /** How long an idle HTTP connection is kept. */
  readonly keepAliveMs: number;
  /** They carry the connections of many, and are not counted by address. */
  readonly trustedProxies: TrustedProxies;
  /** A connection was cut because there were too many, or too much was asked on it at once. */
  readonly onCut: () => void;
}

/** For servers of which nobody asks anything in particular. */
export const defaultBounds: ServerBounds = {
  maxConnections: 0,
  maxConnectionsPerIp: 0,
  keepAliveMs: 75_000,
  trustedProxies: () => false,
  onCut: () => undefined,
};
