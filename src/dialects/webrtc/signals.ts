/** What goes from peer to peer, as the webrtc dialect reads it. Readers throw `SignalingError` to refuse. */
import { SignalingError } from '../../protocol/errors.js';
import type { CommandOf, SignalKind } from '../../protocol/messages.js';
import { noticeNames } from '../notice-names.js';
import { isStamped, peerIn, withoutStamp, type Envelope } from './envelope.js';
import type { Spelling } from './name.js';
import { checkCandidate, checkDescription } from './signal-shape.js';
import { WireFrame } from '../../protocol/wire-frame.js';

/** What is written anew may grow (`1e20`, fivefold), and must not fill its receivers' outboxes. */
const maxGrowth = 6;
const maxGrownBytes = 262_144;

export function isSignal(kind: string): boolean {
  return kind === 'offer' || kind === 'answer' || kind === 'ice_candidate' || noticeNames.has(kind);
}

/** For kinds that `isSignal`. `spelling`: which one the bytes are in. */
export function readSignal(envelope: Envelope, bytes: Buffer, spelling: Spelling): CommandOf<'signal'> {
  const { kind, payload } = envelope;
  if (kind === 'offer' || kind === 'answer') {
    checkDescription(kind, payload);
    return signal(kind, envelope, bytes, spelling);
  }
  if (kind === 'ice_candidate') {
    checkCandidate(payload);
    return signal('candidate', envelope, bytes, spelling);
  }
  const notice = signal('notice', envelope, bytes, spelling);
  return noticeNames.get(kind)?.host === true ? { ...notice, isHostOnly: true } : notice;
}

/** The bytes go out as they came, if a stamp can be put behind them. `from`: what a frame says of that is not believed. */
function signal(
  signalKind: SignalKind,
  envelope: Envelope,
  bytes: Buffer,
  spelling: Spelling,
): CommandOf<'signal'> {
  const isRebuilt = isStamped(envelope.body);
  const body = isRebuilt ? withoutStamp(envelope.body) : envelope.body;
  // A description is readable in either spelling; anything else some receivers need written anew.
  const mayGrow =
    signalKind !== 'offer' && signalKind !== 'answer' && bytes.length * maxGrowth > maxGrownBytes;
  const rebuilt = isRebuilt || mayGrow ? Buffer.from(JSON.stringify(body)) : bytes;
  if (rebuilt.length > Math.max(bytes.length, maxGrownBytes)) {
    const text = `Its numbers, written out, make it bigger than ${maxGrownBytes} bytes.`;
    throw new SignalingError('MESSAGE_TOO_BIG', text);
  }
  return {
    type: 'signal',
    kind: signalKind,
    from: undefined,
    to: peerIn(envelope, 'target_user_id'),
    body,
    frame: new WireFrame(spelling, isRebuilt ? rebuilt : bytes, false),
  };
}
