/** What is said to everybody and kept, and what was. */
import { SignalingError } from '../../protocol/errors.js';
import type { Ask, CommandOf } from '../../protocol/messages.js';
import type { Context } from '../context.js';
import { Lane } from '../lane.js';
import { refuse } from '../refusal.js';
import type { Seat, Session } from '../session.js';
import { refuseForged } from './signal.js';

export function chat(
  context: Context,
  session: Session,
  seat: Seat,
  command: CommandOf<'chat'>,
  ask: Ask,
): void {
  if (command.by !== undefined && command.by !== seat.peerId) refuseForged(context, session, seat, ask);
  else context.chats.say(session, seat, command, ask);
}

/** So many pages may a session wait for. */
const mostPages = 8;
const fullMs = 1_000;
const readers = new WeakMap<Session, Lane>();

/** Nothing else of this session waits for it, its own messages included. */
export function chatHistory(
  context: Context,
  session: Session,
  seat: Seat,
  { before, limit }: CommandOf<'chat_history'>,
  ask: Ask,
): void {
  const lane = readers.get(session) ?? new Lane(mostPages);
  readers.set(session, lane);
  const roomId = seat.room.id;
  const isTaken = lane.run(async () => {
    try {
      const { messages, next } = await context.chats.page(roomId, before, limit);
      session.tell({ type: 'chat_page', roomId, messages, next }, ask);
    } catch (error) {
      const isKnown = error instanceof SignalingError;
      context.logger.warn('chat_not_read', { room: roomId, error: isKnown ? error.cause : error });
      refuse(context, session, isKnown ? error : new SignalingError('INTERNAL'), ask);
    }
  });
  if (isTaken) return;
  const text = `At most ${mostPages} pages at a time: ask again when one has come.`;
  refuse(context, session, new SignalingError('RATE_LIMITED', text, { retryAfterMs: fullMs }), ask);
}
