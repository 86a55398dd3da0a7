import type { PeerId } from '../../protocol/ids.js';
import { isAnonymous, type Identity, type SeatRecord } from '../../protocol/records.js';
import type { Kick, SeatKey } from '../../ports/presence.js';

/** Of more, those that end first are forgotten. */
const MOST_KICKS = 256;
/** Nodes that missed the news learn of it from the view: for so long at least. */
const SHORTEST_MS = 10_000;

interface Noted {
  readonly kick: Kick;
  readonly sub: string;
  readonly untilMs: number;
  /** 0: it may come back at once. */
  readonly banUntilMs: number;
}

/** Who was removed from a room by its host, for as long as that is to be known. */
export class MemoryClusterKicks {
  private noted: readonly Noted[] = [];

  constructor(private readonly nowMs: () => number) {}

  note(kick: Kick, { identity }: SeatRecord, banMs: number): void {
    const nowMs = this.nowMs();
    const all = [...this.current()];
    while (all.length >= MOST_KICKS) all.splice(indexOfFirstToEnd(all), 1);
    const banUntilMs = banMs > 0 ? nowMs + banMs : 0;
    const untilMs = nowMs + Math.max(banMs, SHORTEST_MS);
    this.noted = [...all, { kick, sub: identity.sub, untilMs, banUntilMs }];
  }

  get kicked(): readonly Kick[] {
    return this.current().map(({ kick }) => kick);
  }

  /** Milliseconds for which such a peer is kept out; 0 or less: it is not. */
  banMs(peerId: PeerId, identity: Identity): number {
    const its = this.current().filter(
      ({ kick, sub }) => sub === identity.sub || (isAnonymous(identity) && kick.peerId === peerId),
    );
    return Math.max(0, ...its.map(({ banUntilMs }) => banUntilMs)) - this.nowMs();
  }

  has({ peerId, generation }: Omit<SeatKey, 'roomId'>): boolean {
    return this.current().some(({ kick }) => kick.peerId === peerId && generation <= kick.generation);
  }

  private current(): readonly Noted[] {
    if (this.noted.length > 0) {
      const nowMs = this.nowMs();
      this.noted = this.noted.filter(({ untilMs }) => untilMs > nowMs);
    }
    return this.noted;
  }
}

function indexOfFirstToEnd(all: readonly Noted[]): number {
  const ends = all.map(({ untilMs }) => untilMs);
  return ends.indexOf(Math.min(...ends));
}
