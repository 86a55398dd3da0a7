/**
 * Why the server ends a socket. 4000-4399 invite the client to come back, 4400-4499 do not until something
 * changes on its side; 1000, 1001 and 1009 keep their meaning of RFC 6455 section 7.4.1.
 */
interface CloseEntry {
  readonly code: number;
  readonly text: string;
}

const table = {
  /** The peer said goodbye, or did what makes the Python server end the socket without a word. */
  normal: { code: 1000, text: '' },
  /** This server is stopping. */
  going_away: { code: 4000, text: 'going away' },
  /** The same to all others: the one code of these that a Python peer's library takes for a clean end. */
  going_away_quietly: { code: 1001, text: '' },
  unresponsive: { code: 4000, text: 'no answer to a ping' },
  slow_consumer: { code: 4008, text: 'slow consumer' },
  too_big: { code: 1009, text: 'message too big' },
  malformed: { code: 4400, text: 'too many malformed messages' },
  join_timeout: { code: 4408, text: 'did not join in time' },
  too_fast: { code: 4429, text: 'too many messages at once' },
  unauthenticated: { code: 4401, text: 'not authenticated' },
  expired: { code: 4401, text: 'the identity token has expired' },
  forbidden: { code: 4403, text: 'forbidden' },
  kicked: { code: 4403, text: 'removed by the host' },
  no_such_room: { code: 4404, text: 'no such room' },
  unusable_room_id: { code: 4400, text: 'unusable room id' },
  /** What it says beside the room. */
  malformed_address: { code: 4400, text: 'malformed address' },
  /** Somebody may leave. */
  room_full: { code: 4010, text: 'the room is full' },
  /** What is needed to join does not answer just now. */
  unavailable: { code: 4013, text: 'try again later' },
  replaced: { code: 4409, text: 'replaced by a newer connection' },
} as const satisfies Record<string, CloseEntry>;

export type CloseReason = keyof typeof table;

export const closeTable: Readonly<Record<CloseReason, CloseEntry>> = table;
