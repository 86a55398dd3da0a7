/** Who sends too much is told so, or, where it cannot be told, is not read for a while. */
import { SignalingError } from '../protocol/errors.js';
import type { Ask, Command } from '../protocol/messages.js';
import type { Context } from './context.js';
import { note } from './note.js';
import { refuse } from './refusal.js';
import type { Session } from './session.js';

/** What costs next to nothing, or ends something. */
const free: ReadonlySet<Command['type']> = new Set(['ack', 'leave']);

/** Nobody is closed for less. */
const leastExcess = 1_000;

/** What everybody in the room is told of, or costs more than a relay. */
const costs: Readonly<Partial<Record<Command['type'], number>>> = {
  join: 10,
  refresh_token: 10,
  update_metadata: 4,
  chat_history: 10,
  set_mode: 10,
  media: 4,
};
const rosterPerMessage = 4;
/** These cost more where there are many. */
const byRoom: ReadonlySet<Command['type']> = new Set(['discover', 'update_metadata']);

/** 0 when it may be done now, else after how many milliseconds; then nothing was taken. No command: a frame that means none. */
export function overdraft(context: Context, session: Session, command?: Command): number {
  if (command === undefined) return take(context, session, 1);
  return free.has(command.type) ? 0 : take(context, session, costOf(session, command.type));
}

function take({ clock }: Context, session: Session, cost: number): number {
  const nowMs = clock.now();
  const waitMs = session.budget.take(nowMs, cost);
  if (waitMs > 0) return waitMs;
  const userWaitMs = session.userBudget?.take(nowMs, cost) ?? 0;
  if (userWaitMs > 0) session.budget.giveBack(cost);
  else if (session.excess > 0) session.excess -= 1;
  return userWaitMs;
}

function costOf({ state, hasJoined }: Session, type: Command['type']): number {
  // By far the most, and asked for each of them.
  if (type === 'signal' || type === 'message') return 1;
  if (type === 'join' && !hasJoined) return 1;
  const cost = costs[type] ?? 1;
  if (!byRoom.has(type) || state.at !== 'joined') return cost;
  const { members, remotes } = state.seat.room;
  return Math.max(cost, 1 + (members.size + remotes.size) / rosterPerMessage);
}

/** The refusal of a message that is one too many. So many more refused than let through end the socket. */
export function refuseExcess(
  context: Context,
  session: Session,
  ask: Ask | undefined,
  retryAfterMs: number,
): void {
  const { limits, tally } = context;
  tally.messages_limited += 1;
  session.excess += 1;
  // One line for each time that it begins.
  if (session.excess === 1) note(context, 'limit_reached', session, { code: 'messages' });
  const { messagesPerSecond, userMessagesPerSecond } = limits;
  const rates = `${messagesPerSecond} messages a second over this socket, ${userMessagesPerSecond} over all of a user's`;
  const text = `At most ${rates} (0: no limit): this one was dropped, send it again later.`;
  refuse(context, session, new SignalingError('RATE_LIMITED', text, { retryAfterMs }), ask);
  if (session.excess >= Math.max(limits.messageBurst, leastExcess)) session.sink.close('too_fast');
}
