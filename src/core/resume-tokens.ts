/** The tokens by which a session goes on over another socket. */
import { createHash } from 'node:crypto';
import { sameSecret } from './secret.js';
import type { Seat } from './session.js';

type Tokens = Pick<Seat, 'resumeToken' | 'previousToken' | 'spentTokens'>;

/** So many that no longer hold are known again. */
const maxSpent = 8;

/** SHA-256: what lies in the presence must not let its reader resume. */
export function hashToken(token: string): string {
  return createHash('sha256').update(token).digest('base64url');
}

/** Those that hold. */
export function tokenHashes({ resumeToken, previousToken }: Tokens): string[] {
  return [resumeToken, ...(previousToken === undefined ? [] : [previousToken])].map(hashToken);
}

export function judgeToken(tokens: Tokens, hash: string): 'good' | 'spent' | 'unknown' {
  if (tokenHashes(tokens).some((known) => sameSecret(known, hash))) return 'good';
  return tokens.spentTokens.some((spent) => sameSecret(spent, hash)) ? 'spent' : 'unknown';
}

/** The peer has shown that it has the new token: the one before it is no longer good. */
export function spendPrevious(seat: Tokens): void {
  if (seat.previousToken === undefined) return;
  seat.spentTokens = [...seat.spentTokens, hashToken(seat.previousToken)].slice(-maxSpent);
  seat.previousToken = undefined;
}

/** A new token; the one that was shown stays good until `spendPrevious`, because the reply with the new one may be lost. */
export function rotateToken(seat: Tokens, shown: string, next: string): void {
  const held = [seat.resumeToken, ...(seat.previousToken === undefined ? [] : [seat.previousToken])];
  const spent = held.filter((token) => token !== shown).map(hashToken);
  seat.spentTokens = [...seat.spentTokens, ...spent].slice(-maxSpent);
  seat.previousToken = shown;
  seat.resumeToken = next;
}
