/** A peer that had said nothing says who it is: it takes its name with its first frame (S2). */
import { SignalingError } from '../../protocol/errors.js';
import type { PeerId } from '../../protocol/ids.js';
import type { Ask, Command } from '../../protocol/messages.js';
import type { Context } from '../context.js';
import { unseat } from '../membership.js';
import { isUnnamed } from '../names.js';
import { note } from '../note.js';
import { refuse } from '../refusal.js';
import { sit } from '../seating.js';
import type { Seat, Session } from '../session.js';
import { beginStay } from '../stay.js';

/** The name that this command is said under, if its peer has none yet. */
export function wantsName({ isNameless }: Seat, command: Command): PeerId | undefined {
  // Nearly everybody has one: nothing else is looked at on the relay path.
  if (!isNameless) return undefined;
  const said = command.type === 'signal' ? command.from : 'by' in command ? command.by : undefined;
  // One of those that the server makes up is nobody's to take: it is refused as another's.
  return said === undefined || isUnnamed(said) ? undefined : said;
}

/** True when the peer has the name. Otherwise it was told why not, and is still there without one. */
export async function takeName(
  context: Context,
  session: Session,
  { identity, room, card }: Seat,
  name: PeerId,
  ask: Ask,
): Promise<boolean> {
  try {
    const { role, metadata } = card;
    const entrant = { identity, record: room.record, names: [name], role, metadata, shownToken: undefined };
    await sit(
      context,
      session,
      { ...entrant, isChosen: true, isQuiet: false, isCounted: false, isNameless: false },
      ask,
    );
    if (session.state.at === 'joined') note(context, 'joined', session);
    beginStay(context, session, session.provenUntilMs);
    return session.state.at === 'joined' && session.state.seat.peerId === name;
  } catch (error) {
    if (!(error instanceof SignalingError)) throw error;
    if (error.code === 'KICKED') leaveKicked(context, session, error);
    else refuse(context, session, error, ask);
    return false;
  }
}

/** Removed under the name that it was about to take: it has no place without one either. */
function leaveKicked(context: Context, session: Session, error: SignalingError): void {
  session.tell({ type: 'refused', error });
  unseat(context, session, 'left');
  session.sink.close('kicked');
}
