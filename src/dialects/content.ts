/** What a signal says, whatever dialect it came in: what is translated from one to another. */
import type { JsonObject } from '../protocol/records.js';

/** RTCIceCandidateInit (W3C WebRTC section 4.8.1.2). An empty `candidate` says that there are no more (RFC 8838). */
export interface IceCandidate {
  readonly candidate: string;
  readonly sdpMid: string | null;
  readonly sdpMLineIndex: number | null;
  /** Absent when the sender did not say. */
  readonly usernameFragment?: string | null;
}

export type Content =
  | {
      readonly kind: 'offer' | 'answer';
      readonly sdp: string;
      /** Whatever else the frame carried. */
      readonly rest: JsonObject;
    }
  | { readonly kind: 'candidate'; readonly candidate: IceCandidate; readonly rest: JsonObject }
  | {
      readonly kind: 'notice';
      /** One of `notice-names.ts`, in the spelling with underscores. */
      readonly name: string;
      readonly payload: JsonObject;
    };
