/** How a client of each dialect says the parts of a call, and how it reads them. */
import type { SessionDescription } from '../../src/client/webrtc.js';
import type { Frame } from './test-peer.js';

/** RTCIceCandidateInit. An empty `candidate` says that there are no more. */
export interface Candidate {
  readonly candidate: string;
  readonly sdpMid: string | null;
  readonly sdpMLineIndex: number | null;
  readonly usernameFragment?: string | null;
}

export type CallPart = { readonly description: SessionDescription } | { readonly candidate: Candidate };

export interface Heard {
  readonly from: string;
  readonly part: CallPart;
}

export interface Line {
  say(self: string, target: string, part: CallPart): Frame;
  /** `undefined` for what is no part of a call. */
  hear(frame: Frame): Heard | undefined;
}

export type LineName = 'flat' | 'gateway' | 'webrtc';

export const lines: Readonly<Record<LineName, Line>> = {
  flat: {
    say: (sender, target, part) =>
      'description' in part
        ? { ...part.description, sender, target }
        : { type: 'candidate', sender, target, candidate: part.candidate },
    hear: ({ type, sender, sdp, candidate }) => {
      const from = sender as string;
      if (isDescribed(type)) return { from, part: { description: { type, sdp: sdp as string } } };
      return type === 'candidate' ? { from, part: { candidate: candidate as Candidate } } : undefined;
    },
  },
  gateway: {
    say: (senderId, targetId, part) =>
      'description' in part
        ? { type: 'sdp', senderId, targetId, sdp: part.description }
        : { type: 'ice', senderId, targetId, ice: part.candidate },
    hear: ({ type, senderId, sdp, ice }) => {
      const from = senderId as string;
      if (type === 'sdp') return { from, part: { description: sdp as SessionDescription } };
      return type === 'ice' ? { from, part: { candidate: ice as Candidate } } : undefined;
    },
  },
  webrtc: {
    say: (_, target, part) =>
      'description' in part
        ? { type: part.description.type, payload: { ...part.description, target_user_id: target } }
        : { type: 'ice-candidate', payload: { ...part.candidate, target_user_id: target } },
    hear: ({ type, sender_id: sender, payload }) => {
      const from = sender as string;
      const said = payload as Frame;
      if (isDescribed(type)) return { from, part: { description: { type, sdp: said['sdp'] as string } } };
      if (type !== 'ice-candidate') return undefined;
      const fields = Object.entries(said).filter(([field]) => field !== 'target_user_id');
      return { from, part: { candidate: Object.fromEntries(fields) as unknown as Candidate } };
    },
  },
};

function isDescribed(type: unknown): type is SessionDescription['type'] {
  return type === 'offer' || type === 'answer';
}
