import type { RateLimiter, RateRule, Verdict } from '../../ports/rate-limiter.js';
import type { Clock } from '../../ports/runtime.js';

const DEFAULT_MAX_KEYS = 100_000;
/** More than the one key added: what is past cannot pile up. */
const LOOKS_PER_TAKE = 4;
const ALLOWED: Verdict = { isAllowed: true, retryAfterMs: 0 };

/**
 * Counts for this process by the generic cell rate algorithm (ITU-T I.371): one number a key, no bursts at the edges of
 * windows. Needs no timer: each `take` looks at the next few keys and drops those that have all of their limit again.
 * At `maxKeys` the key that was used least recently is forgotten.
 */
export class MemoryRateLimiter implements RateLimiter {
  /** When all of a key's limit is there again; in the order of use. */
  private readonly fullAtMs = new Map<string, number>();
  private broom = this.fullAtMs.entries();
  private readonly held = new Map<string, number>();

  constructor(
    private readonly clock: Clock,
    private readonly maxKeys: number = DEFAULT_MAX_KEYS,
  ) {}

  /** A cost above the limit counts as the limit: it is allowed when nothing was taken for a while. */
  take({ name, limit, perMs }: RateRule, key: string, cost = 1): Promise<Verdict> {
    if (limit <= 0) return Promise.resolve(ALLOWED);
    const nowMs = this.clock.now();
    this.dropSome(nowMs);
    const id = idOf(name, key);
    const eachMs = perMs / limit;
    // Never further ahead than the whole limit, unless the clock was set back: that must not shut anybody out.
    const fromMs = Math.min(Math.max(this.fullAtMs.get(id) ?? 0, nowMs), nowMs + perMs);
    const toMs = fromMs + Math.min(cost, limit) * eachMs;
    // The clock counts whole milliseconds, and sums of fractions are not exact.
    const waitMs = toMs - nowMs - perMs - Math.min(0.5, eachMs / 2);
    if (waitMs > 0) return Promise.resolve({ isAllowed: false, retryAfterMs: Math.ceil(waitMs) });
    this.fullAtMs.delete(id);
    this.makeWay();
    this.fullAtMs.set(id, toMs);
    return Promise.resolve(ALLOWED);
  }

  hold(name: string, key: string, limit: number): Promise<(() => void) | undefined> {
    if (limit <= 0) return Promise.resolve(() => undefined);
    const id = idOf(name, key);
    const count = this.held.get(id) ?? 0;
    if (count >= limit) return Promise.resolve(undefined);
    this.held.set(id, count + 1);
    let isHeld = true;
    return Promise.resolve(() => {
      if (isHeld) this.giveBack(id);
      isHeld = false;
    });
  }

  /** Keys with a count, those included that the broom has not come to. */
  get size(): number {
    return this.fullAtMs.size + this.held.size;
  }

  private giveBack(id: string): void {
    const count = this.held.get(id) ?? 0;
    if (count > 1) this.held.set(id, count - 1);
    else this.held.delete(id);
  }

  private dropSome(nowMs: number): void {
    for (let looks = 0; looks < LOOKS_PER_TAKE; looks += 1) {
      const next = this.broom.next();
      if (next.done === true) {
        this.broom = this.fullAtMs.entries();
        return;
      }
      const [id, fullAtMs] = next.value;
      if (fullAtMs <= nowMs) this.fullAtMs.delete(id);
    }
  }

  private makeWay(): void {
    if (this.fullAtMs.size < this.maxKeys) return;
    const oldest = this.fullAtMs.keys().next();
    if (oldest.done !== true) this.fullAtMs.delete(oldest.value);
  }
}

/** Rules have names of one word. */
function idOf(name: string, key: string): string {
  return `${name} ${key}`;
}
