/** The webrtc dialect's verbs that are not signals: how each is read. A reader throws `SignalingError` to refuse. */
import type { PeerId } from '../../protocol/ids.js';
import type { Command } from '../../protocol/messages.js';
import { readChat, readHistory } from './chat-verbs.js';
import { malformed, peerIn, type Envelope } from './envelope.js';
import { Secret } from '../../protocol/secret.js';

interface Verb {
  readonly answered: boolean;
  readonly read: (envelope: Envelope) => Command;
}

/** It is told to whom it concerns, whole. */
const maxReasonChars = 1_000;

const transfer: Verb = {
  answered: true,
  read: (envelope) => ({ type: 'transfer_host', to: named(envelope, 'target_user_id') }),
};
const heartbeat: Verb = { answered: false, read: () => ({ type: 'heartbeat' }) };
const refresh: Verb = { answered: true, read: readToken };

export const verbs: ReadonlyMap<string, Verb> = new Map<string, Verb>([
  ['kick', { answered: true, read: readKick }],
  ['transfer_host', transfer],
  ['refresh_token', refresh],
  ['auth', refresh],
  ['heartbeat', heartbeat],
  ['ping', heartbeat],
  ['leave', { answered: false, read: () => ({ type: 'leave' }) }],
  ['ack', { answered: false, read: readAck }],
  ['chat_message', { answered: true, read: readChat }],
  ['chat_history', { answered: true, read: readHistory }],
]);

/** S4's way to name another host; its other roles are notices. */
const hostNaming: Verb = {
  answered: true,
  read: (envelope) => ({ type: 'transfer_host', to: named(envelope, 'user_id') }),
};

export function isVerb(kind: string): boolean {
  return verbs.has(kind);
}

/** `undefined` for signals. */
export function verbOf({ kind, payload }: Envelope): Verb | undefined {
  if (kind === 'role_updated' && payload['role'] === 'host') return hostNaming;
  return verbs.get(kind);
}

function readKick(envelope: Envelope): Command {
  const target = named(envelope, 'target_user_id', 'user_id');
  const { reason } = envelope.payload;
  if (reason === undefined || reason === null) return { type: 'kick', target };
  if (typeof reason !== 'string' || reason.length > maxReasonChars) {
    throw malformed('reason', `must be a string of at most ${maxReasonChars} characters.`);
  }
  return { type: 'kick', target, reason };
}

function readAck({ payload: { count } }: Envelope): Command {
  if (typeof count === 'number' && Number.isSafeInteger(count) && count >= 0) return { type: 'ack', count };
  throw malformed('count', 'must be a whole number of frames.');
}

function readToken({ payload: { token } }: Envelope): Command {
  if (typeof token === 'string' && token !== '') return { type: 'refresh_token', token: new Secret(token) };
  throw malformed('token', 'must be a string.');
}

function named(envelope: Envelope, ...fields: readonly [string, ...string[]]): PeerId {
  const peer = peerIn(envelope, ...fields);
  if (peer === undefined) throw malformed(fields[0], 'is missing: name a peer.');
  return peer;
}
