/** The closed list of what is worth knowing afterwards, of whoever did it. */
export const auditEvents = [
  'signed_in',
  'sign_in_failed',
  'token_refused',
  'room_created',
  'room_changed',
  'room_deleted',
  'peer_deleted',
  'user_deleted',
  'joined',
  'join_refused',
  'resumed',
  'left',
  'taken_over',
  'kicked',
  'host_transferred',
  'mode_set',
  'token_refreshed',
  'turn_credentials_issued',
  'sender_forged',
  'origin_refused',
  'limit_reached',
  'internal_key_refused',
  'operator_seen',
  'operator_refused',
  'started',
  'draining',
  'stopped',
] as const;

export type AuditEvent = (typeof auditEvents)[number];

/** Who, where, from where, and why: ids and codes. Never a token, SDP, a candidate, a payload or what somebody said. */
export interface AuditFields {
  /** The user's `sub`, where it is known. */
  readonly sub?: string;
  readonly session?: string;
  readonly room?: string;
  readonly peer?: string;
  /** The peer to whom it was done, where that is another. */
  readonly target?: string;
  /** The user's name, where the `sub` is not known. */
  readonly user?: string;
  /** The client's address as limits count it. */
  readonly address?: string;
  /** An error's code, a limit's name, a reason. */
  readonly code?: string;
}

/** The trail of who did what: apart from the log, and not thinned out by its level. */
export interface Audit {
  record(event: AuditEvent, fields?: AuditFields): void;
}

/** Nobody keeps it. */
export const noAudit: Audit = { record: () => undefined };
