/** The end of a room: whoever sits in it is told and loses the seat, and the room goes. */
import type { RoomId } from '../protocol/ids.js';
import type { SeatRecord } from '../protocol/records.js';
import type { Context } from './context.js';
import { unseat } from './membership.js';
import { seatsIn } from './seat-search.js';

/** A record is read before its reader sits down: for so long after a deletion nobody may sit down in its room. */
const buriedMs = 30_000;
/** A seat may move to another node while it is ended: it is looked for again, this often. */
const maxRounds = 3;

/**
 * `end` ends a seat; `false`: it must stay, and the room with it. `remove` takes the room from the store. Resolves to
 * whether it is gone; rejects with what the two reject with, and can be called again.
 */
export async function closeRoom(
  context: Context,
  roomId: RoomId,
  found: readonly SeatRecord[],
  { end, remove }: { end: (seat: SeatRecord) => Promise<boolean>; remove: () => Promise<void> },
): Promise<boolean> {
  const { hub, clock } = context;
  const unbury = (): void => {
    hub.unbury(roomId);
  };
  hub.bury(roomId);
  let isGone = false;
  try {
    let seats = found;
    for (let round = 0; round < maxRounds && seats.length > 0; round += 1) {
      if ((await Promise.all(seats.map(end))).includes(false)) return false;
      seats = await seatsIn(context, roomId);
    }
    if (seats.length > 0) return false;
    await remove();
    isGone = true;
    void context.chats.forget(roomId);
    // Who had read the record before, on another node, may have sat down since.
    await Promise.all((await seatsIn(context, roomId)).map(end));
    return true;
  } finally {
    if (isGone) clock.after(buriedMs, unbury);
    else unbury();
  }
}

/** Ends a seat on whichever node; a peer that may be told hears that the room is closed. */
export async function endSeat(context: Context, seat: SeatRecord): Promise<void> {
  const { roomId, peerId, generation } = seat;
  const session = context.hub.room(roomId)?.members.get(peerId);
  if (session === undefined || !('seat' in session.state)) {
    // Its own node hears of it, and tells it.
    await context.presence.leave({ roomId, peerId, generation }, 'deleted');
    return;
  }
  const { state } = session;
  if (state.seat.generation !== generation) return;
  if (!state.quiet) session.tell({ type: 'room_closed', roomId, reason: 'deleted' });
  unseat(context, session, 'deleted');
  context.chats.silence(state.seat);
  if (session.isDoor) session.sink.close('no_such_room');
}
