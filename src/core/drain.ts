import type { Clock } from '../ports/runtime.js';
import type { Context } from './context.js';
import type { Session } from './session.js';

const slices = 10;
/** The slices take this part of the time that there is; in the rest the last ones find their way. */
const slicesPart = 0.25;
/** Where there is somewhere to go the session goes on at once; the node that takes it wants to do one at a time. */
const elsewhereInMs = 200;
/** Who has nowhere to go comes back when this server may be up again. */
const comeBackInMs = 1_000;
const lookEveryMs = 25;

/**
 * Sends every session away, each at a time of its own. Resolves when all full sessions sit elsewhere or have given
 * up, `isIdle` says that nothing is under way, or `withinMs` have passed.
 */
export async function drain(context: Context, withinMs: number, isIdle: () => boolean): Promise<void> {
  const { hub, clock, presence } = context;
  const sessions = [...hub.sessions];
  if (presence.isAlone) {
    for (const session of sessions) sendAway(session, comeBackInMs * (1 + Math.random()));
    return;
  }
  const endsAtMs = clock.now() + withinMs;
  const perSlice = Math.ceil(sessions.length / slices);
  for (let at = 0; at < sessions.length; at += perSlice) {
    for (const session of sessions.slice(at, at + perSlice)) sendAway(session, elsewhereInMs * Math.random());
    await pause(clock, (withinMs * slicesPart) / slices);
  }
  while (clock.now() < endsAtMs && !(isIdle() && isEmptied(context))) await pause(clock, lookEveryMs);
}

function sendAway(session: Session, retryInMs: number): void {
  const { at, quiet } = session.state;
  const isFull = at === 'joined' && !quiet;
  if (isFull) session.tell({ type: 'go_away', retryInMs: Math.round(retryInMs) });
  session.sink.close(isFull ? 'going_away' : 'going_away_quietly');
}

/** No session waits to be taken by another node. */
function isEmptied({ hub }: Context): boolean {
  for (const room of hub.rooms()) {
    for (const { state } of room.members.values())
      if ('seat' in state && state.seat.mail.isCounted) return false;
  }
  return true;
}

function pause(clock: Clock, ms: number): Promise<void> {
  return new Promise((resolve) => {
    clock.after(ms, resolve);
  });
}
