/** What the payloads of offers, answers and candidates must look like. What is wrong is thrown as `SignalingError`. */
import type { JsonObject } from '../../protocol/records.js';
import { malformed } from './envelope.js';

export function checkDescription(kind: 'offer' | 'answer', { sdp, type }: JsonObject): void {
  if (typeof sdp !== 'string') throw malformed('sdp', 'must be a string.');
  if (type !== undefined && type !== null && type !== kind) {
    throw malformed('type', `in the payload must be "${kind}", or left out.`);
  }
}

const textFields: readonly string[] = ['sdpMid', 'sdp_mid', 'usernameFragment', 'username_fragment'];
const indexFields: readonly string[] = ['sdpMLineIndex', 'sdp_m_line_index'];
/** An `unsigned short` (W3C WebRTC section 4.8.1.2). */
const maxIndex = 65_535;

export function checkCandidate(payload: JsonObject): void {
  const { candidate } = payload;
  if (candidate !== null && typeof candidate !== 'string') {
    throw malformed('candidate', 'must be a string, or null when there are no more.');
  }
  for (const field of textFields) {
    if (typeof (payload[field] ?? '') !== 'string') throw malformed(field, 'must be a string.');
  }
  for (const field of indexFields) {
    const index = payload[field] ?? 0;
    if (typeof index !== 'number' || !Number.isInteger(index) || index < 0 || index > maxIndex) {
      throw malformed(field, `must be a whole number, at most ${maxIndex}.`);
    }
  }
}
