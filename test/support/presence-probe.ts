/** What the contract tests of `Presence` do again and again, with nodes that share one memory. */
import { randomBytes, randomUUID } from 'node:crypto';
import { setImmediate as turn } from 'node:timers/promises';
import type {
  EnterOutcome,
  EnterTerms,
  Presence,
  ReconcileTerms,
  RoomChange,
  RoomView,
  SeatClaim,
} from '../../src/ports/presence.js';
import {
  asNodeId,
  asPeerId,
  asRoomId,
  asSessionId,
  type NodeId,
  type RoomId,
} from '../../src/protocol/ids.js';
import type { SeatRecord } from '../../src/protocol/records.js';

export interface PresenceSetup {
  /** The presence of another node of the same cluster. */
  readonly node: (nodeId: NodeId) => Promise<Presence>;
  /** Everything that was remembered is lost; nobody is told. */
  readonly lose: () => Promise<void>;
  readonly stop: () => Promise<void>;
}

/** The user who has made the room; nobody of that `sub` comes unless a test says so. */
export const CREATOR = 'the creator';
export const terms: EnterTerms = {
  maxPeers: 10,
  expiresAtS: Math.floor(Date.now() / 1000) + 7200,
  createdBy: CREATOR,
};
export const known: ReconcileTerms = {
  expiresAtS: terms.expiresAtS,
  createdBy: CREATOR,
  host: undefined,
};

/** What a node hears of the rooms that it watches. */
export class PresenceEar {
  readonly changes: RoomChange[] = [];
  private wake: () => void = () => undefined;

  constructor(readonly presence: Presence) {
    presence.onChange((change) => {
      this.changes.push(change);
      this.wake();
    });
  }

  /** So many changes, in the order in which they were heard. */
  async heard(count: number): Promise<readonly RoomChange[]> {
    while (this.changes.length < count) {
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
    return this.changes;
  }

  /** All changes up to that version. */
  async upTo({ epoch, version }: RoomView): Promise<readonly RoomChange[]> {
    let count = this.changes.length;
    while (!this.changes.some((change) => change.epoch === epoch && change.version === version)) {
      await this.heard(count + 1);
      count = this.changes.length;
    }
    return this.changes;
  }
}

export const freshRoom = (): RoomId => asRoomId(randomBytes(4).toString('hex'));

/** A full session of a user of its own. */
export const claim = (roomId: RoomId, peer: string, fields: Partial<SeatClaim> = {}): SeatClaim => ({
  roomId,
  peerId: asPeerId(peer),
  sessionId: asSessionId(randomUUID()),
  identity: { sub: `sub of ${peer}`, username: 'somebody' },
  card: {
    peerId: asPeerId(peer),
    role: 'peer',
    metadata: { tags: ['a', 'ü👋\n"'], n: [] },
    connectedAtMs: 17,
  },
  isQuiet: false,
  standing: 'here',
  tokenHashes: ['abc', 'def'],
  ...fields,
});

export const seatOf = (outcome: EnterOutcome): SeatRecord => {
  if (outcome.outcome !== 'seated') throw new Error(`not seated but ${outcome.outcome}`);
  return outcome.seat;
};

export const enter = async (
  presence: Presence,
  seat: SeatClaim,
  more: Partial<EnterTerms> = {},
): Promise<SeatRecord> => seatOf(await presence.enter(seat, { ...terms, ...more }));

/** Seats in the order of their names. */
export const seatsOf = ({ seats }: RoomView): readonly SeatRecord[] =>
  [...seats].sort((a, b) => (a.peerId < b.peerId ? -1 : 1));

/** The two ways to open a node of a cluster. */
export class PresenceProbe {
  constructor(private readonly cluster: () => PresenceSetup) {}

  readonly open = (): Promise<Presence> => this.cluster().node(asNodeId(randomUUID()));

  readonly openEar = async (): Promise<PresenceEar> => new PresenceEar(await this.open());

  readonly lose = (): Promise<void> => this.cluster().lose();
}

export const lapsed = async (survivor: Presence, node: NodeId): Promise<void> => {
  while (!(await survivor.lapsedNodes()).includes(node)) await turn();
};

/** A node that has had a lease, and has none. */
export const dead = async (survivor: Presence, presence: Presence): Promise<NodeId> => {
  await presence.renewLease(1);
  await lapsed(survivor, presence.nodeId);
  return presence.nodeId;
};
