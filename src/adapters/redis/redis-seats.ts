import { randomBytes } from 'node:crypto';
import { asPeerId, type NodeId, type RoomId } from '../../protocol/ids.js';
import type { LeaveReason } from '../../protocol/messages.js';
import { isAnonymous, type SeatRecord } from '../../protocol/records.js';
import type {
  EnterOutcome,
  EnterTerms,
  ReconcileTerms,
  RoomView,
  SeatClaim,
  SeatKey,
} from '../../ports/presence.js';
import type { RedisLeases } from './redis-leases.js';
import type { RedisRoomSteps } from './redis-room-steps.js';
import { keepUntil, type RedisWhereabouts } from './redis-whereabouts.js';
import { parseSeat, seatLines } from './room-seat.js';
import { fromLine, toLine, toOptionalLine } from './room-text.js';
import { parseRoom, seatOf } from './room-view.js';
import { Unanswered } from './unanswered.js';

/** What is noted of a room may end so much earlier than the room: touching lengthens it. */
const NOTE_SLACK_S = 1800;

export interface RedisSeatsParts {
  readonly steps: RedisRoomSteps;
  readonly leases: RedisLeases;
  readonly whereabouts: RedisWhereabouts;
  readonly nodeId: NodeId;
  readonly graceMs: number;
}

/** The steps of `Presence` on the seats of a room, by scripts, and what is written beside them. */
export class RedisSeats {
  private readonly unanswered = new Unanswered();
  private lastEdit = 0;

  constructor(private readonly parts: RedisSeatsParts) {}

  async enter(claim: SeatClaim, terms: EnterTerms): Promise<EnterOutcome> {
    const { roomId, peerId } = claim;
    const keepUntilS = keepUntil(terms.expiresAtS);
    await this.note(roomId, keepUntilS);
    const [word, ...rest] = await this.ticketed(roomId, (ticket) => {
      const { maxPeers, replaces = '', createdBy, isExclusive, renames, mode = 'P2P' } = terms;
      const asked = [maxPeers, replaces, toLine(peerId), ticket, this.edit(), ...seatLines(claim)];
      const flags = [isExclusive === true, isAnonymous(claim.identity)].map(Number);
      const before = renames === undefined ? ['', 0] : [toLine(renames.peerId), renames.generation];
      const args = [...asked, toLine(createdBy), ...flags, ...before, mode];
      return this.parts.steps.run(
        { step: 'enter', roomId, peerId, keepUntilS, args: () => args },
        this.parts.leases.life,
      );
    });
    if (word === 'full') return { outcome: 'full' };
    if (word === 'banned') return { outcome: 'banned', retryAfterMs: Number(rest[0]) };
    if (word === 'held') return { outcome: 'held', holder: parseSeat(roomId, peerId, rest[0] ?? '') };
    const { view } = parseRoom(roomId, rest);
    const seat = seatOf(view, peerId);
    // Not waited for: until the caller sits down, a reconciliation would take the seat for a stray.
    void this.parts.whereabouts.seated(roomId, peerId, keepUntilS);
    return { outcome: 'seated', seat, view };
  }

  async move(
    key: SeatKey,
    to: { readonly tokenHashes: readonly string[]; readonly note?: string },
  ): Promise<{ readonly seat: SeatRecord; readonly view: RoomView } | undefined> {
    const { roomId, peerId, generation } = key;
    await this.note(roomId, keepUntil());
    const [word, ...rest] = await this.ticketed(roomId, (ticket) => {
      const note = toOptionalLine(to.note);
      const hashes = JSON.stringify(to.tokenHashes);
      const args = [toLine(peerId), generation, ticket, this.edit(), hashes, note];
      return this.parts.steps.run({ step: 'move', roomId, peerId, args: () => args }, this.parts.leases.life);
    });
    if (word !== 'seated') return undefined;
    const { view, keepUntilS } = parseRoom(roomId, rest);
    // Not waited for: until the caller sits down, a reconciliation would take the seat for a stray.
    void this.parts.whereabouts.seated(roomId, peerId, keepUntilS);
    return { seat: seatOf(view, peerId), view };
  }

  async update(seat: SeatRecord): Promise<boolean> {
    const { roomId, peerId, generation, standing } = seat;
    if (seat.nodeId !== this.parts.nodeId) return false;
    const edit = this.edit();
    const args = (): (string | number)[] => [
      toLine(peerId),
      generation,
      edit,
      this.doubt(roomId),
      ...seatLines(seat),
      seat.since,
    ];
    const [word] = await this.parts.steps.run(
      { step: 'update', roomId, peerId, args },
      this.parts.leases.life,
    );
    if (word !== 'yes') return false;
    if (standing === 'away') void this.parts.whereabouts.away(roomId, peerId, this.parts.graceMs);
    else void this.parts.whereabouts.back(roomId, peerId);
    return true;
  }

  async leave(key: SeatKey, reason: LeaveReason): Promise<boolean> {
    const { roomId, peerId, generation } = key;
    const args = (): (string | number)[] => [toLine(peerId), generation, reason, this.doubt(roomId)];
    const [word, node = ''] = await this.parts.steps.run(
      { step: 'leave', roomId, peerId, args },
      this.parts.leases.life,
    );
    if (word !== 'yes') return false;
    void this.parts.whereabouts.ended(roomId, peerId, fromLine(node));
    return true;
  }

  async view(roomId: RoomId): Promise<RoomView> {
    const step = { step: 'view', roomId, args: () => [] } as const;
    const [, ...fields] = await this.parts.steps.run(step, this.parts.leases.life);
    return parseRoom(roomId, fields).view;
  }

  async reconcile(
    roomId: RoomId,
    own: () => readonly SeatRecord[],
    terms: ReconcileTerms,
  ): Promise<RoomView> {
    const keepUntilS = keepUntil(terms.expiresAtS);
    const known = [toLine(terms.createdBy), toOptionalLine(terms.host), toOptionalLine(terms.mode)];
    if (own().length > 0) await this.note(roomId, keepUntilS);
    let seats: readonly SeatRecord[] = [];
    const fields = await this.unanswered.during(roomId, async (tickets) => {
      const args = (): (string | number)[] => {
        seats = own();
        const lines = seats.flatMap((seat) => [
          toLine(seat.peerId),
          seat.generation,
          this.edit(),
          ...seatLines(seat),
          seat.since,
        ]);
        return [...known, tickets.size, ...tickets, ...lines];
      };
      const [, ...rest] = await this.parts.steps.run(
        { step: 'reconcile', roomId, keepUntilS, args },
        this.parts.leases.life,
      );
      return rest;
    });
    this.parts.whereabouts.trust(roomId);
    for (const { peerId } of seats) void this.parts.whereabouts.seated(roomId, peerId, keepUntilS);
    return parseRoom(roomId, fields).view;
  }

  /** Resolves to how many seats it ended. */
  async sweep(roomId: RoomId, node: NodeId, life: string): Promise<number> {
    const args = [toLine(node), life];
    const [, ...peers] = await this.parts.steps.run(
      { step: 'sweep', roomId, args: () => args },
      this.parts.leases.life,
    );
    for (const peer of peers)
      if (peer.startsWith('-'))
        void this.parts.whereabouts.ended(roomId, asPeerId(fromLine(peer.slice(1))), node);
    return peers.length;
  }

  /** A node that dies is found by what is noted here: before its first seat in the room. */
  private async note(roomId: RoomId, untilS: number): Promise<void> {
    if (this.parts.whereabouts.isNoted(roomId, untilS - NOTE_SLACK_S)) return;
    await Promise.all([this.parts.whereabouts.note([roomId], untilS), this.parts.leases.know(untilS)]);
  }

  private ticketed<Result>(roomId: RoomId, call: (ticket: string) => Promise<Result>): Promise<Result> {
    const ticket = randomBytes(9).toString('base64url');
    return this.unanswered.await(roomId, ticket, () => call(ticket));
  }

  private edit(): number {
    this.lastEdit += 1;
    return this.lastEdit;
  }

  private doubt(roomId: RoomId): 0 | 1 {
    return this.parts.whereabouts.isDoubtful(roomId) ? 1 : 0;
  }
}
