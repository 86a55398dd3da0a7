/** How the clients of each dialect spell the same things; and what they are told, read back into one form. */
import type { Frame } from './test-peer.js';

/** RTCIceCandidateInit; an empty `candidate` says that there are no more. */
export interface Candidate {
  readonly candidate: string;
  readonly sdpMid: string | null;
  readonly sdpMLineIndex: number | null;
  readonly usernameFragment?: string | null;
}

export type Said =
  | { readonly kind: 'offer' | 'answer'; readonly sdp: string }
  | { readonly kind: 'candidate'; readonly candidate: Candidate };

/** A signal as it was told. `extra`: a field of that name that no dialect knows. */
export type Told = Said & { readonly from: unknown; readonly extra?: unknown };

export const endOfCandidates: Candidate = { candidate: '', sdpMid: null, sdpMLineIndex: null };

export interface Words {
  /** The frame of a signal; without `to`, for everybody else. */
  say(own: string, said: Said, to: string | undefined, extra?: unknown): Frame;
  /** `undefined`: it is no signal. */
  read(frame: Frame): Told | undefined;
  kick(own: string, target: string, reason?: string): Frame;
  transfer(own: string, to: string): Frame;
  /** What is always answered at once, and how: frames of one socket are handled and answered in order. */
  readonly barrier: Frame | string;
  isBarrierAnswer(frame: Frame): boolean;
  /** Frames that tell who is in the room. */
  readonly presence: ReadonlySet<unknown>;
}

function part(frame: Frame, field: string): Frame {
  const value = frame[field];
  return typeof value === 'object' && value !== null ? (value as Frame) : {};
}

function candidateOf(fields: Frame): Candidate {
  const { candidate, sdpMid, sdpMLineIndex, usernameFragment } = fields as Partial<Candidate>;
  return {
    candidate: candidate ?? '',
    sdpMid: sdpMid ?? null,
    sdpMLineIndex: sdpMLineIndex ?? null,
    ...(usernameFragment === undefined ? {} : { usernameFragment }),
  };
}

function told(from: unknown, said: Said, extra: unknown): Told {
  return { from, ...said, ...(extra === undefined ? {} : { extra }) };
}

function isEnd({ candidate }: Candidate): boolean {
  return candidate === '';
}

/** `namesItself`: the Python server's peers say who they are in each frame. */
function flat(namesItself: boolean, presence: readonly string[]): Words {
  return {
    say: (own, said, to, extra) => ({
      type: said.kind,
      ...(namesItself ? { sender: own } : {}),
      ...(to === undefined ? {} : { target: to }),
      ...(said.kind === 'candidate'
        ? { candidate: isEnd(said.candidate) ? null : said.candidate }
        : { sdp: said.sdp }),
      ...(extra === undefined ? {} : { extra }),
    }),
    read: (frame) => {
      const { type, sender, sdp, extra } = frame;
      if (type === 'offer' || type === 'answer') return told(sender, { kind: type, sdp: String(sdp) }, extra);
      if (type !== 'candidate') return undefined;
      return told(sender, { kind: type, candidate: candidateOf(part(frame, 'candidate')) }, extra);
    },
    kick: (_own, target, reason) => ({ type: 'kick', target, ...(reason === undefined ? {} : { reason }) }),
    transfer: (_own, to) => ({ type: 'transfer_host', target: to }),
    barrier: { type: 'discover_peers', from_peer_id: '\u0002barrier' },
    isBarrierAnswer: ({ type, code }) =>
      type === 'error' && (code === 'SENDER_MISMATCH' || code === 'NOT_IN_ROOM'),
    presence: new Set(presence),
  };
}

function gateway(presence: readonly string[]): Words {
  return {
    say: (own, said, to, extra) => ({
      senderId: own,
      ...(to === undefined ? {} : { targetId: to }),
      ...(said.kind === 'candidate'
        ? { type: 'ice', ice: said.candidate }
        : { type: 'sdp', sdp: { type: said.kind, sdp: said.sdp } }),
      ...(extra === undefined ? {} : { extra }),
    }),
    read: (frame) => {
      const { type, senderId, extra } = frame;
      if (type === 'ice')
        return told(senderId, { kind: 'candidate', candidate: candidateOf(part(frame, 'ice')) }, extra);
      if (type !== 'sdp') return undefined;
      const { type: kind, sdp } = part(frame, 'sdp');
      return told(senderId, { kind: kind as 'offer', sdp: String(sdp) }, extra);
    },
    kick: (own, target, reason) => ({
      type: 'kick',
      senderId: own,
      targetId: target,
      ...(reason === undefined ? {} : { reason }),
    }),
    transfer: (own, to) => ({ type: 'host-change', senderId: own, newHostId: to }),
    barrier: '{',
    isBarrierAnswer: ({ error }) => error === 'Failed to process message',
    presence: new Set(presence),
  };
}

/** `spell`: how a kind is spelled, given with hyphens. */
function webrtc(spell: (kind: string) => string, presence: readonly string[]): Words {
  return {
    say: (_own, said, to, extra) => {
      const more = {
        ...(to === undefined ? {} : { target_user_id: to }),
        ...(extra === undefined ? {} : { extra }),
      };
      if (said.kind !== 'candidate')
        return { type: said.kind, payload: { sdp: said.sdp, type: said.kind, ...more } };
      const { candidate } = said;
      return {
        type: spell('ice-candidate'),
        payload: { ...(isEnd(candidate) ? { candidate: null } : candidate), ...more },
      };
    },
    read: (frame) => {
      const { type, sender_id: from } = frame;
      const payload = part(frame, 'payload');
      const { sdp, extra } = payload;
      if (type === 'offer' || type === 'answer') return told(from, { kind: type, sdp: String(sdp) }, extra);
      if (type !== spell('ice-candidate')) return undefined;
      return told(from, { kind: 'candidate', candidate: candidateOf(payload) }, extra);
    },
    kick: (_own, target, reason) => ({
      type: 'kick',
      payload: { target_user_id: target, ...(reason === undefined ? {} : { reason }) },
    }),
    // S4's own way; `transfer-host` means the same.
    transfer: (_own, to) => ({ type: spell('role-updated'), payload: { user_id: to, role: 'host' } }),
    barrier: { type: 'ping', payload: {} },
    isBarrierAnswer: ({ type }) => type === spell('heartbeat-ack'),
    presence: new Set(presence.map(spell)),
  };
}

const s4 = ['room-state', 'user-joined', 'user-left'];
const hyphens = (kind: string): string => kind;
const underscores = (kind: string): string => kind.replaceAll('-', '_');

/** Two of each seed's clients, and a third of S4's: as they are, and with what they may ask for. */
const table = {
  parity: flat(true, []),
  full: flat(false, ['user_joined', 'user_disconnecting', 'user_resumed', 'user_left']),
  gateway: gateway([]),
  'gateway with presence': gateway(['peer-joined', 'peer-disconnecting', 'peer-resumed', 'peer-left']),
  webrtc: webrtc(hyphens, s4),
  'webrtc extended': webrtc(hyphens, [...s4, 'user-disconnecting', 'user-resumed']),
  'webrtc with underscores': webrtc(underscores, s4),
} satisfies Record<string, Words>;

export type PeerKind = keyof typeof table;
export const wordsOf: Readonly<Record<PeerKind, Words>> = table;
export const peerKinds = Object.keys(table) as readonly PeerKind[];
