/** So many in a time, sustained; as many at once on top. */
export interface RateRule {
  /** A short name: what is counted under it is apart from all else. */
  readonly name: string;
  /** 0: no limit. */
  readonly limit: number;
  readonly perMs: number;
}

export interface Verdict {
  readonly isAllowed: boolean;
  /** Before that the same is refused again; 0 when it was allowed. */
  readonly retryAfterMs: number;
}

/**
 * Counts over all nodes, as well as it can: when it cannot ask the others it counts for itself, and never rejects nor
 * waits longer than a moment.
 */
export interface RateLimiter {
  /** Takes `cost` from what `key` (an address, a user) has left under that rule. Nothing is taken when it is refused. */
  take(rule: RateRule, key: string, cost?: number): Promise<Verdict>;
  /**
   * One more of something that lasts (a connection), at most `limit` at a time over all nodes. Resolves to a function
   * that gives it back, or to `undefined` when there are too many.
   */
  hold(name: string, key: string, limit: number): Promise<(() => void) | undefined>;
}
