/** Who decides in a room, and who was removed: how each kind of client is told, in one form to compare. */
import type { PeerKind } from './dialect-words.js';
import type { Frame } from './test-peer.js';

/** What has happened in a room. */
export type Happening =
  | { readonly host: string; readonly before: string }
  | { readonly kicked: string; readonly by: string; readonly reason: string | undefined }
  | { readonly left: string; readonly reason: 'left' | 'disconnected' };

/** What a frame tells of that, in a line; `undefined`: nothing. */
export function newsIn(frame: Frame): string | undefined {
  const { type, payload } = frame;
  const said = { ...frame, ...(payload as Frame | undefined) };
  const field = (name: string): string => String(said[name]);
  switch (type) {
    case 'host_changed':
      return host(field('host'), field('previous'));
    case 'host-change':
      return host(field('newHostId'), field('senderId'));
    case 'role-updated':
    case 'role_updated':
      return host(field('user_id'), field('updated_by'));
    case 'kick':
      return kick(field('targetId'), field('senderId'), said['reason']);
    case 'user_left':
      return left(said['peer_id'] ?? said['user_id'], said['reason']);
    case 'user-left':
      return left(said['user_id'], said['reason']);
    case 'peer-left':
      return left(said['senderId'], said['reason']);
    default:
      return undefined;
  }
}

/** What a peer of that kind and name is told of it. */
export function newsFor(kind: PeerKind, name: string, happening: Happening): readonly string[] {
  if (kind === 'parity') return [];
  const isGateway = kind.startsWith('gateway');
  if ('host' in happening) {
    const { host: now, before } = happening;
    // S2's clients are not told of what they did themselves.
    return isGateway && before === name ? [] : [host(now, before)];
  }
  const who = 'kicked' in happening ? happening.kicked : happening.left;
  const reason = 'kicked' in happening ? 'kicked' : happening.reason;
  const isSaid = kind === 'full' || kind === 'gateway with presence' || kind === 'webrtc extended';
  const gone = kind === 'gateway' ? [] : [left(who, isSaid ? reason : undefined)];
  if (!isGateway || !('kicked' in happening) || happening.by === name) return gone;
  return [...gone, kick(who, happening.by, happening.reason)];
}

function host(now: string, before: string): string {
  return `${before} is followed by ${now}`;
}

function kick(who: string, by: string, reason: unknown): string {
  return `${who} is removed by ${by}: ${String(reason)}`;
}

function left(who: unknown, reason: unknown): string {
  return `${String(who)} has left: ${String(reason)}`;
}

/** The last word to one who is removed; `undefined`: there is none in that dialect. */
export function farewell(
  kind: PeerKind,
  name: string,
  by: string,
  reason: string | undefined,
): Frame | undefined {
  if (kind === 'parity') return undefined;
  if (kind === 'full') return { type: 'kicked', by, reason: reason ?? null };
  if (kind.startsWith('gateway'))
    return { type: 'kick', senderId: by, targetId: name, ...(reason === undefined ? {} : { reason }) };
  return { type: 'error', payload: { code: 'KICKED', details: { by, reason: reason ?? null } } };
}

/** How a refusal with that code looks. */
export function refusalOf(kind: PeerKind, code: string): Frame {
  if (kind.startsWith('gateway')) return { code };
  return kind.startsWith('webrtc') ? { type: 'error', payload: { code } } : { type: 'error', code };
}
