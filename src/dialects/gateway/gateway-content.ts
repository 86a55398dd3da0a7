/** What a gateway signal says, and how a signal of another dialect is said in the gateway's four shapes. */
import type { SignalEvent } from '../../protocol/messages.js';
import type { JsonObject } from '../../protocol/records.js';
import { candidateIn, descriptionIn, without } from '../content-parts.js';
import type { Content } from '../content.js';
import { shownPeer } from './shown-peer.js';

const routing: readonly string[] = ['type', 'senderId', 'targetId'];
const sdpFields: readonly string[] = [...routing, 'sdp'];
const iceFields: readonly string[] = [...routing, 'ice'];

export function readGatewayContent({ kind, body }: SignalEvent): Content {
  switch (kind) {
    case 'offer':
    case 'answer': {
      const { sdp, extras } = descriptionIn(body['sdp']);
      return { kind, sdp, rest: { ...extras, ...without(body, sdpFields) } };
    }
    case 'candidate': {
      const { candidate, extras } = candidateIn(body['ice'], {});
      return { kind, candidate, rest: { ...extras, ...without(body, iceFields) } };
    }
    case 'notice':
      // Not to be had from this dialect; a node of another version may know one.
      return { kind, name: '', payload: {} };
  }
}

/** The frame's object, `undefined` for a notice: S2's clients have no word for it. `nowMs`: unix milliseconds. */
export function writeGatewayContent(
  event: SignalEvent,
  content: Content,
  nowMs: number,
): JsonObject | undefined {
  if (content.kind === 'notice') return undefined;
  const isTrickle = content.kind === 'candidate';
  const { timestamp, ...rest } = without(content.rest, isTrickle ? iceFields : sdpFields);
  return {
    type: isTrickle ? 'ice' : 'sdp',
    senderId: shownPeer(event.from),
    ...(event.to === undefined ? {} : { targetId: shownPeer(event.to) }),
    ...(isTrickle ? { ice: { ...content.candidate } } : { sdp: { type: content.kind, sdp: content.sdp } }),
    // A stamp of the sender's is the better one.
    timestamp: typeof timestamp === 'number' && Number.isFinite(timestamp) ? timestamp : nowMs,
    ...rest,
  };
}
