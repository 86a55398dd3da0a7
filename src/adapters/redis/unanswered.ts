import type { RoomId } from '../../protocol/ids.js';

/**
 * Calls that take seats and whose answers are still on their way, by ticket. A reconciliation at that time must not take
 * their seats for strays: its caller cannot know of them yet.
 */
export class Unanswered {
  private readonly tickets = new Map<RoomId, Set<string>>();
  private readonly watchers = new Map<RoomId, Set<Set<string>>>();

  async await<Result>(roomId: RoomId, ticket: string, call: () => Promise<Result>): Promise<Result> {
    addTo(this.tickets, roomId, ticket);
    for (const watcher of this.watchers.get(roomId) ?? []) watcher.add(ticket);
    try {
      return await call();
    } finally {
      // Not before the caller has seen the answer.
      setImmediate(() => {
        removeFrom(this.tickets, roomId, ticket);
      });
    }
  }

  /** `tickets` gathers what is, and what becomes, unanswered while `call` runs. */
  async during<Result>(
    roomId: RoomId,
    call: (tickets: ReadonlySet<string>) => Promise<Result>,
  ): Promise<Result> {
    const tickets = new Set(this.tickets.get(roomId));
    addTo(this.watchers, roomId, tickets);
    try {
      return await call(tickets);
    } finally {
      removeFrom(this.watchers, roomId, tickets);
    }
  }
}

function addTo<Key, Item>(map: Map<Key, Set<Item>>, key: Key, item: Item): void {
  const items = map.get(key) ?? new Set();
  map.set(key, items.add(item));
}

function removeFrom<Key, Item>(map: Map<Key, Set<Item>>, key: Key, item: Item): void {
  const items = map.get(key);
  items?.delete(item);
  if (items?.size === 0) map.delete(key);
}
