import { SignalingError } from '../../protocol/errors.js';
import type { Ask, CommandOf } from '../../protocol/messages.js';
import { answerToBadToken } from '../bad-tokens.js';
import type { Context } from '../context.js';
import { note } from '../note.js';
import { refuse } from '../refusal.js';
import type { Seat, Session } from '../session.js';
import { prolongStay } from '../stay.js';

/** A newer token of the same user: the session goes on. */
export async function refreshToken(
  context: Context,
  session: Session,
  { identity }: Seat,
  { token }: CommandOf<'refresh_token'>,
  ask: Ask,
): Promise<void> {
  try {
    const proof = await context.verifier.verify(token.reveal());
    if (proof.sub !== identity.sub)
      throw new SignalingError('FORBIDDEN', 'The token is of another user: join anew with it.');
    context.tally.tokens_refreshed += 1;
    note(context, 'token_refreshed', session);
    prolongStay(context, session, proof.provenUntilMs);
    session.tell({ type: 'token_refreshed', untilMs: proof.provenUntilMs }, ask);
  } catch (error) {
    if (!(error instanceof SignalingError)) throw error;
    refuse(context, session, await answerToBadToken(context, session.arrived.address, error), ask);
  }
}
