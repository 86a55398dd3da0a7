import type { UserRecord, UserStore } from '../../ports/user-store.js';

const DEFAULT_MAX_USERS = 100_000;

/** Users of one process. At `maxUsers` the one that made no room for the longest time is forgotten. */
export class MemoryUserStore implements UserStore {
  /** The latest remembered last. */
  private readonly users = new Map<string, UserRecord>();

  constructor(private readonly maxUsers: number = DEFAULT_MAX_USERS) {}

  remember(user: UserRecord): Promise<UserRecord> {
    const { uid, handle } = user;
    const createdAtMs = this.users.get(uid)?.createdAtMs ?? user.createdAtMs;
    const kept: UserRecord = { uid, handle, createdAtMs };
    this.users.delete(uid);
    for (const oldest of this.users.keys()) {
      if (this.users.size < this.maxUsers) break;
      this.users.delete(oldest);
    }
    this.users.set(uid, kept);
    return Promise.resolve(kept);
  }

  find(uid: string): Promise<UserRecord | undefined> {
    return Promise.resolve(this.users.get(uid));
  }
}
