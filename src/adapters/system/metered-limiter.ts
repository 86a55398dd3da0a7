import { limitRules } from '../../ports/metrics.js';
import type { RateLimiter, RateRule, Verdict } from '../../ports/rate-limiter.js';
import type { Tally } from '../../ports/runtime.js';

/** Counts what a limiter decides. What has no limit is not decided. */
export class MeteredLimiter implements RateLimiter {
  constructor(
    private readonly limiter: RateLimiter,
    private readonly tally: Tally,
  ) {}

  async take(rule: RateRule, key: string, cost?: number): Promise<Verdict> {
    const verdict = await this.limiter.take(rule, key, cost);
    if (rule.limit > 0) this.count(rule.name, verdict.isAllowed);
    return verdict;
  }

  async hold(name: string, key: string, limit: number): Promise<(() => void) | undefined> {
    const release = await this.limiter.hold(name, key, limit);
    if (limit > 0) this.count(name, release !== undefined);
    return release;
  }

  private count(name: string, isAllowed: boolean): void {
    const rule = limitRules.find((known) => known === name) ?? 'other';
    const decision = isAllowed ? 'allowed' : 'refused';
    this.tally.metrics.families.limit_decisions.add({ rule, decision });
  }
}
