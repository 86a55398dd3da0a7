import type { PeerId } from '../../protocol/ids.js';
import type { LeaveReason } from '../../protocol/messages.js';
import type { Room } from '../room.js';
import type { Session } from '../session.js';

/**
 * A peer is about to sit down here, and other nodes may hear of it before this one knows: what they send it waits
 * until the returned function is called. Of several for one name the last one lets it go.
 */
export function expectArrival(room: Room<Session>, peerId: PeerId): () => void {
  const arrival = room.arriving.get(peerId) ?? {
    expected: 0,
    letters: [],
    ended: new Map<number, LeaveReason>(),
  };
  room.arriving.set(peerId, arrival);
  arrival.expected += 1;
  let isOver = false;
  return () => {
    if (isOver) return;
    isOver = true;
    arrival.expected -= 1;
    if (arrival.expected > 0) return;
    room.arriving.delete(peerId);
    for (const deliver of arrival.letters) deliver();
  };
}
