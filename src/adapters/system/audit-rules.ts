import type { AuditEvent } from '../../ports/audit.js';

/** How much of an event is written before the rest is only counted. */
export interface AuditRule {
  readonly perMs: number;
  /** Of one address. */
  readonly perAddress: number;
  /** Of all addresses together. */
  readonly inAll: number;
}

/** What was done. Much of it can come from one address: a school, a carrier. */
const act: AuditRule = { perMs: 60_000, perAddress: 1_000, inAll: 30_000 };
/** What was refused: whoever tries on is counted. */
const refusal: AuditRule = { perMs: 60_000, perAddress: 20, inAll: 2_000 };
/** Who looks every few seconds, as Prometheus does, is noted once an hour. */
const look: AuditRule = { perMs: 3_600_000, perAddress: 1, inAll: 1_000 };

const special: Readonly<Partial<Record<AuditEvent, AuditRule>>> = {
  sign_in_failed: refusal,
  token_refused: refusal,
  join_refused: refusal,
  sender_forged: refusal,
  origin_refused: refusal,
  limit_reached: refusal,
  internal_key_refused: refusal,
  operator_refused: refusal,
  operator_seen: look,
};

export function auditRule(event: AuditEvent): AuditRule {
  return special[event] ?? act;
}
