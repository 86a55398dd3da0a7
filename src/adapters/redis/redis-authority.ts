import { randomBytes } from 'node:crypto';
import type { PeerId, RoomId } from '../../protocol/ids.js';
import type { ModeReason, RoomMode } from '../../protocol/records.js';
import type { AuthorityOutcome, SeatKey } from '../../ports/presence.js';
import type { RedisLeases } from './redis-leases.js';
import type { RedisRoomSteps } from './redis-room-steps.js';
import type { RedisWhereabouts } from './redis-whereabouts.js';
import { fromLine, toLine, toOptionalLine } from './room-text.js';

export interface RedisAuthorityParts {
  readonly steps: RedisRoomSteps;
  readonly leases: RedisLeases;
  readonly whereabouts: RedisWhereabouts;
}

/** What the host of a room may do. Repeated because its answer was lost, a call is not carried out again. */
export class RedisAuthority {
  constructor(private readonly parts: RedisAuthorityParts) {}

  async kick(
    { roomId, peerId: by, generation }: SeatKey,
    target: PeerId,
    { banMs, reason }: { readonly banMs: number; readonly reason?: string },
  ): Promise<AuthorityOutcome> {
    const { steps, leases, whereabouts } = this.parts;
    const asked = [toLine(by), generation, toLine(target), Math.ceil(banMs)];
    const args = [...asked, toOptionalLine(reason), newTicket()];
    const step = { step: 'kick', roomId, peerId: target, args: () => args } as const;
    const [word, node = ''] = await steps.run(step, leases.life);
    if (word === 'done' && node !== '') void whereabouts.ended(roomId, target, fromLine(node));
    return asOutcome(word);
  }

  async transferHost({ roomId, peerId: by, generation }: SeatKey, to: PeerId): Promise<AuthorityOutcome> {
    const args = [toLine(by), generation, toLine(to), newTicket()];
    const step = { step: 'transfer', roomId, args: () => args } as const;
    const [word] = await this.parts.steps.run(step, this.parts.leases.life);
    return asOutcome(word);
  }

  async setMode(
    roomId: RoomId,
    mode: RoomMode,
    { by, reason }: { readonly by?: SeatKey; readonly reason: ModeReason },
  ): Promise<AuthorityOutcome> {
    const args = [mode, reason, toOptionalLine(by?.peerId), by?.generation ?? 0, newTicket()];
    const step = { step: 'setMode', roomId, args: () => args } as const;
    const [word] = await this.parts.steps.run(step, this.parts.leases.life);
    return asOutcome(word);
  }
}

function newTicket(): string {
  return randomBytes(9).toString('base64url');
}

function asOutcome(word: string | undefined): AuthorityOutcome {
  if (word !== 'done' && word !== 'not host' && word !== 'absent')
    throw new Error('a script answered nonsense');
  return word;
}
