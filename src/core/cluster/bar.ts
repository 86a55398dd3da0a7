/** Nothing passes a message that was refused because the receiver's node did not answer. */
import type { Clock } from '../../ports/runtime.js';
import type { PeerId } from '../../protocol/ids.js';
import type { Seat } from '../session.js';

/** For so long only the refused message itself may go on to that peer. */
const barMs = 1_000;

export function bar(clock: Clock, seat: Seat, to: PeerId, id: string): void {
  seat.barred ??= new Map();
  seat.barred.set(to, { id, untilMs: clock.now() + barMs });
}

/** Must it be refused, because an earlier one to that peer was and has not come again? */
export function isBarred(clock: Clock, { barred }: Seat, to: PeerId, id: string): boolean {
  const first = barred?.get(to);
  if (first === undefined) return false;
  if (first.id !== id && clock.now() < first.untilMs) return true;
  barred?.delete(to);
  return false;
}
