import type { RateLimiter } from '../ports/rate-limiter.js';
import type { Clock } from '../ports/runtime.js';
import { MessageBudget } from './message-budget.js';

/** So often the other nodes are told what was used. */
const shareEveryMs = 250;

/** What all sessions of one user on this node may send together. Of `UserBudgets`. */
export class UserBudget {
  sessions = 0;
  /** Messages that the other nodes have not been told of. */
  unshared = 0;
  readonly #budget: MessageBudget;

  constructor(
    readonly sub: string,
    { perSecond, burst }: { readonly perSecond: number; readonly burst: number },
    private readonly used: (budget: UserBudget) => void,
  ) {
    this.#budget = new MessageBudget(perSecond, burst);
  }

  /** As `MessageBudget.take`. */
  take(nowMs: number, cost = 1): number {
    const waitMs = this.#budget.take(nowMs, cost);
    if (waitMs === 0) {
      this.unshared += cost;
      this.used(this);
    }
    return waitMs;
  }

  /** As `MessageBudget.isWhole`. */
  isWhole(nowMs: number): boolean {
    return this.#budget.isWhole(nowMs);
  }

  /** As `MessageBudget.shut`. */
  shut(nowMs: number, forMs: number): void {
    this.#budget.shut(nowMs, forMs);
  }
}

/** Looked at for each session that ends: what has leaked cannot pile up. */
const looksPerGiveBack = 4;

/**
 * One budget a user. It is there while the user has sessions here, and as long as it takes to be whole: hanging up
 * gives nothing back. With `share`, users who send much are counted over
 * all nodes too: a quarter of a second late, and never on the path of a message.
 */
export class UserBudgets {
  readonly #budgets = new Map<string, UserBudget>();
  readonly #rates: { readonly perSecond: number; readonly burst: number };
  readonly #shareFrom: number;
  /** Without sessions, or so it was. */
  readonly #left = new Set<UserBudget>();
  #due = new Set<UserBudget>();
  #sharing: { readonly limiter: RateLimiter; readonly clock: Clock } | undefined;
  #cancel: (() => void) | undefined;

  /** As those of `MessageBudget`. */
  constructor(perSecond: number, burst: number) {
    this.#rates = { perSecond, burst };
    this.#shareFrom = perSecond > 0 ? Math.ceil(perSecond / 4) : Number.POSITIVE_INFINITY;
  }

  /** For one more session of that user; `giveBack` it once, when the session ends. */
  budgetOf(sub: string): UserBudget {
    let budget = this.#budgets.get(sub);
    if (budget === undefined) {
      budget = new UserBudget(sub, this.#rates, this.#used);
      this.#budgets.set(sub, budget);
    }
    budget.sessions += 1;
    return budget;
  }

  giveBack(budget: UserBudget, nowMs: number): void {
    budget.sessions -= 1;
    if (budget.sessions === 0) this.#left.add(budget);
    let looks = 0;
    for (const left of this.#left) {
      if (looks === looksPerGiveBack) return;
      looks += 1;
      this.#left.delete(left);
      if (left.sessions > 0) continue;
      if (left.isWhole(nowMs)) this.#budgets.delete(left.sub);
      // Looked at again, behind the others.
      else this.#left.add(left);
    }
  }

  get size(): number {
    return this.#budgets.size;
  }

  /** From now on what users send here counts on the other nodes too. The returned function ends that. */
  share(limiter: RateLimiter, clock: Clock): () => void {
    this.#sharing = { limiter, clock };
    return () => {
      this.#sharing = undefined;
      this.#cancel?.();
      this.#cancel = undefined;
      this.#due.clear();
    };
  }

  readonly #used = (budget: UserBudget): void => {
    if (this.#sharing === undefined || budget.unshared < this.#shareFrom) return;
    this.#due.add(budget);
    this.#cancel ??= this.#sharing.clock.after(shareEveryMs, () => {
      this.#cancel = undefined;
      const due = this.#due;
      this.#due = new Set();
      for (const each of due) void this.#settle(each);
    });
  };

  /** What is refused stays a debt: it is asked for again with what the user sends next. */
  async #settle(budget: UserBudget): Promise<void> {
    const sharing = this.#sharing;
    if (sharing === undefined) return;
    const cost = budget.unshared;
    budget.unshared = 0;
    const { perSecond, burst } = this.#rates;
    const rule = { name: 'user_messages', limit: burst, perMs: (burst / perSecond) * 1000 };
    const { isAllowed, retryAfterMs } = await sharing.limiter.take(rule, budget.sub, cost);
    if (isAllowed) return;
    budget.unshared += cost;
    budget.shut(sharing.clock.now(), retryAfterMs);
  }
}
