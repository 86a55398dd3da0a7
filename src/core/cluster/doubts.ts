import type { RoomId, SessionId } from '../../protocol/ids.js';
import type { Context } from '../context.js';

/**
 * Seats of which this node does not know whether it has taken them: the presence did not answer, and may have done it
 * later. The peer was told to try again, and may have done so elsewhere; where it has not, nobody serves the seat.
 */
export class Doubts {
  readonly #context: Context;

  constructor(context: Context) {
    this.#context = context;
  }

  /** Looks when the peer has had its time to come back, and again until the presence answers. */
  follow(roomId: RoomId, sessionId: SessionId): void {
    const { clock, graceMs } = this.#context;
    clock.after(graceMs + lateExecutionMs, () => {
      this.#settle(roomId, sessionId).catch(() => {
        this.follow(roomId, sessionId);
      });
    });
  }

  async #settle(roomId: RoomId, sessionId: SessionId): Promise<void> {
    const { presence, hub } = this.#context;
    const { seats } = await presence.view(roomId);
    const seat = seats.find((each) => each.sessionId === sessionId && each.nodeId === presence.nodeId);
    if (seat === undefined || hub.room(roomId)?.members.get(seat.peerId)?.id === sessionId) return;
    await presence.leave(seat, 'disconnected');
  }
}

/** A stopped Redis carries out what it was sent when it goes on. */
const lateExecutionMs = 10_000;
