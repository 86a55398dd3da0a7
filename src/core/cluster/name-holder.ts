/** Does the holder of a name answer? Another user asks for it (D8). */
import { isAnonymous, type SeatRecord } from '../../protocol/records.js';
import type { Context } from '../context.js';
import type { Session } from '../session.js';

/** How long the holder of a name has to answer when another user asks for it (D8). */
const probeMs = 2_000;
/** Its node may take the time of the probe, and that of two letters. */
const askMs = probeMs + 500;

/**
 * May the name not be had? A worker that restarts signs in anew, and its half-dead socket must not lock it out; but a
 * full session's name is its user's for the grace window, and its silence only begins that window.
 */
export async function isHeld(context: Context, asker: Session, holder: SeatRecord): Promise<boolean> {
  if (holder.standing === 'kept') return false;
  // A parity peer without a socket is no hindrance, and who proved nothing cannot come back as the same.
  if (holder.standing === 'away') return !holder.isQuiet && !isAnonymous(holder.identity);
  if (holder.nodeId === context.presence.nodeId) return isHeldHere(context, holder, asker);
  const { roomId, peerId, sessionId, nodeId } = holder;
  const answer = await context.office.ask(nodeId, { what: 'probe', roomId, peerId, sessionId }, askMs);
  // Its node is dead, or stands still: the same as a silent socket.
  if (answer === 'absent' || answer === 'late') return !holder.isQuiet;
  return (JSON.parse(answer.head) as { readonly isHeld?: unknown }).isHeld === true;
}

/** The same for a session of this node. */
export async function isHeldHere(
  context: Context,
  { roomId, peerId, sessionId }: Pick<SeatRecord, 'roomId' | 'peerId' | 'sessionId'>,
  asker?: Session,
): Promise<boolean> {
  const room = context.hub.room(roomId);
  const arrival = room?.arriving.get(peerId);
  // It may be the holder that is about to sit down.
  if (arrival !== undefined) await new Promise<void>((resolve) => arrival.letters.push(resolve));
  const session = room?.members.get(peerId);
  // Gone, or about to sit down: the presence is asked again. A socket may take another name of its own.
  if (session?.id !== sessionId || session === asker) return false;
  const { state } = session;
  if (state.at === 'detached') return !state.quiet && !isAnonymous(state.seat.identity);
  if (state.at !== 'joined') return false;
  if (await session.sink.probe(probeMs)) return true;
  if (session.state !== state || state.quiet) return session.state.at === 'detached' && !state.quiet;
  // Silent, but its user may be back within the window.
  session.sink.close('unresponsive');
  return true;
}
