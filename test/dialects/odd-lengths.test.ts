/** Values that have a `length` which is no number, where text is wanted. */
import { describe, expect, test } from '@jest/globals';
import { decodeFlat } from '../../src/dialects/flat/decode.js';
import { decodeGateway } from '../../src/dialects/gateway/decode.js';
import { checked, newRoomSchema } from '../../src/transport/http/room-input.js';
import { SignalingError } from '../../src/protocol/errors.js';

const odd = [{ length: { toString: 1 } }, { length: [[{ toString: null, valueOf: 1 }]] }] as const;
const written = (frame: object): Buffer => Buffer.from(JSON.stringify(frame));

describe.each(odd)('%j', (value) => {
  test.each([
    { type: 'sfu_consume', producer_id: value, rtp_capabilities: {} },
    { type: 'sfu_consume', producer_id: 'p', rtp_capabilities: { codecs: value } },
    { type: 'sfu_connect_transport', transport_id: 't', dtls_parameters: { fingerprints: value } },
    { type: 'sfu_produce', transport_id: 't', kind: value, rtp_parameters: { codecs: [value], mid: value } },
  ])('[T7] [M13] is refused in $type', (frame) => {
    expect(decodeFlat(written(frame), false)).toMatchObject({ error: { code: 'INVALID_MESSAGE' } });
  });

  test.each([
    { type: 'auth', token: value },
    { type: 'sdp', senderId: value, sdp: { type: 'offer', sdp: 'v=0' } },
    { type: 'kick', senderId: 'anna', targetId: 'bert', reason: value },
  ])('[T7] [G3] is refused in the gateway dialect, in $type', (frame) => {
    expect(decodeGateway(written(frame), false)).toMatchObject({ error: { code: 'INVALID_MESSAGE' } });
  });

  test('[Y1] is refused over HTTP', () => {
    expect(() => checked(newRoomSchema, { hostName: value, hostUid: value })).toThrow(SignalingError);
  });
});
