/** What goes with a session while it sits: the end of its token, of its TURN credentials, and what its user may send. */
import type { Context } from './context.js';
import { note } from './note.js';
import type { Session } from './session.js';

/** A client has so long to bring another token. */
const warnBeforeMs = 60_000;
/** New TURN credentials come when the old ones have lived for this part of their life. */
const iceLifePart = 0.75;

/** The session sits: it was given ICE servers a moment ago. */
export function beginStay(context: Context, session: Session, provenUntilMs: number): void {
  session.provenUntilMs = provenUntilMs;
  const { state } = session;
  if (state.at !== 'joined') return;
  session.callOff();
  const { userBudgets } = context;
  const budget = userBudgets.budgetOf(state.seat.identity.sub);
  session.userBudget = budget;
  session.hasJoined = true;
  session.plan('budget', () => {
    session.userBudget = undefined;
    userBudgets.giveBack(budget, context.clock.now());
  });
  if (state.quiet) return;
  planExpiry(context, session);
  planIce(context, session);
}

/** The session has shown a newer token. Its ICE servers live no longer for that. */
export function prolongStay(context: Context, session: Session, provenUntilMs: number): void {
  session.provenUntilMs = provenUntilMs;
  if (session.state.at === 'joined' && !session.state.quiet) planExpiry(context, session);
}

function planExpiry(context: Context, session: Session): void {
  const { provenUntilMs } = session;
  const { appointments, tally } = context;
  // A token that lives no longer than that is warned of at once.
  session.plan(
    'expiry',
    appointments.at(provenUntilMs - warnBeforeMs, () => {
      if (session.state.at !== 'joined') return;
      session.tell({ type: 'session_expiring', atMs: provenUntilMs });
      if (!context.closeAtExpiry) return;
      session.plan(
        'expiry',
        appointments.at(provenUntilMs, () => {
          if (session.state.at !== 'joined') return;
          tally.sessions_expired += 1;
          session.sink.close('expired');
        }),
      );
    }),
  );
}

function planIce(context: Context, session: Session): void {
  const { state } = session;
  if (state.at !== 'joined') return;
  const { ttlS } = context.ice.configFor(state.seat.identity.sub);
  if (ttlS === undefined) return;
  note(context, 'turn_credentials_issued', session);
  const atMs = context.clock.now() + ttlS * 1000 * iceLifePart;
  session.plan(
    'ice',
    context.appointments.at(atMs, () => {
      if (session.state.at !== 'joined') return;
      const ice = context.ice.configFor(session.state.seat.identity.sub);
      context.tally.ice_servers_pushed += 1;
      session.tell({ type: 'ice_servers', ice });
      planIce(context, session);
    }),
  );
}
