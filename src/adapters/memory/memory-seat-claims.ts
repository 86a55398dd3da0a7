/** What a claim to a name has to do with the seats that are there. */
import type { PeerId } from '../../protocol/ids.js';
import type { SeatRecord } from '../../protocol/records.js';
import type { EnterTerms, SeatClaim } from '../../ports/presence.js';

export function mayReplace(holder: SeatRecord, claim: SeatClaim, terms: EnterTerms): boolean {
  if (holder.standing === 'kept' || holder.generation === terms.replaces) return true;
  if (terms.isExclusive === true && holder.standing === 'here') return false;
  return holder.identity.sub === claim.identity.sub;
}

export function isSame(holder: SeatRecord, seat: SeatRecord): boolean {
  return holder.generation === seat.generation && holder.nodeId === seat.nodeId;
}

/** The seat in which the claimant sits under the name before. */
export function renamedSeat(
  seats: ReadonlyMap<PeerId, SeatRecord>,
  { renames }: EnterTerms,
): SeatRecord | undefined {
  const before = renames === undefined ? undefined : seats.get(renames.peerId);
  return before?.generation === renames?.generation ? before : undefined;
}
