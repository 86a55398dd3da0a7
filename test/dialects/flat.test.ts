/** Golden frames of the flat dialect: text in, vocabulary out, and back. No server. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { flat } from '../../src/dialects/flat/flat.js';
import { pythonJson } from '../../src/dialects/flat/python-json.js';
import { fromPeerId, toPeerId } from '../../src/dialects/peer-key.js';
import { errorTable, SignalingError, type ErrorCode } from '../../src/protocol/errors.js';
import { asPeerId, asRoomId, asSessionId } from '../../src/protocol/ids.js';
import type { Event } from '../../src/protocol/messages.js';
import type { Json } from '../../src/protocol/records.js';

const read = (frame: unknown): ReturnType<typeof flat.decode> =>
  flat.decode(Buffer.from(typeof frame === 'string' ? frame : JSON.stringify(frame)), false);

const card = { peerId: asPeerId('p'), role: 'peer', metadata: {}, connectedAtMs: 1_500 };

describe('reading', () => {
  test('[P3] a signal that a Python server could forward keeps its bytes', () => {
    const text = '{"type":"offer","sender":"a","target":"b","sdp":"s"}';
    expect(read(text)).toEqual({
      command: {
        type: 'signal',
        kind: 'offer',
        from: 'a',
        to: 'b',
        body: JSON.parse(text) as Json,
        frame: { dialect: 'flat', bytes: Buffer.from(text), isSigned: true },
      },
      ask: { verb: 'offer', answered: false },
    });
  });

  test('[F4] a signal without a sender keeps its bytes too, with the sender put in front', () => {
    const text = ' {"zeta":1.0,"type":"offer","target":"b"}';
    const decoded = read(text);
    expect(decoded).toMatchObject({ command: { from: undefined, frame: { isSigned: false } } });
    if (!('command' in decoded) || decoded.command.type !== 'signal') throw new Error('it was a signal');
    const written = flat.encode({ ...decoded.command, from: asPeerId('a"b') }, undefined);
    expect(written.toString()).toBe('{"sender":"a\\"b","zeta":1.0,"type":"offer","target":"b"}');
  });

  test.each([
    ['another spelling', { type: 'webrtc_offer', sender: 'a', target: 'b' }],
    ['another field name', { type: 'offer', senderId: 'a', to: 'b' }],
  ])('[F6] a signal with %s is written anew', (_what, frame) => {
    expect(read(frame)).toHaveProperty('command.frame', undefined);
  });

  test('[P2] register is lenient where the Python server is', () => {
    const fields = { peer_id: 'p', room_id: 'r', token: 't', id_token: 'i' };
    expect(read({ type: 'register', ...fields, role: 5, metadata: 'x' })).toMatchObject({
      command: {
        type: 'join',
        quiet: true,
        peerId: 'p',
        roomId: 'r',
        roomToken: 't',
        role: 'peer',
        metadata: {},
      },
      ask: { verb: 'register', answered: true },
    });
    for (const field of Object.keys(fields)) {
      for (const falsy of [undefined, null, '', 0, false, [], {}]) {
        expect(read({ type: 'register', ...fields, [field]: falsy })).toHaveProperty(
          'error.code',
          'MISSING_FIELDS',
        );
      }
    }
  });
});

describe('writing', () => {
  const refused = (code: ErrorCode): Event => ({ type: 'refused', error: new SignalingError(code) });
  const events: readonly Event[] = [
    { type: 'left' },
    { type: 'accepted' },
    { type: 'delivered' },
    { type: 'heartbeat_ack' },
    { type: 'peer_disconnecting', peerId: card.peerId },
    { type: 'peer_resumed', peerId: card.peerId },
    { type: 'peer_joined', peer: card },
    { type: 'peer_left', peerId: card.peerId, reason: 'left' },
    { type: 'room_closed', roomId: asRoomId('r'), reason: 'deleted' },
    { type: 'go_away', retryInMs: 7 },
  ];

  test('[F2] events in this dialect’s own spelling', () => {
    expect(events.map((event) => flat.encode(event, undefined))).toEqual([
      '{"type":"room_left"}',
      '{"type":"accepted"}',
      '{"type":"delivered"}',
      '{"type":"heartbeat_ack"}',
      '{"type":"user_disconnecting","peer_id":"p"}',
      '{"type":"user_resumed","peer_id":"p"}',
      '{"type":"user_joined","peer_id":"p","role":"peer","metadata":{},"connected_at":1.5,"polite":false}',
      '{"type":"user_left","peer_id":"p","reason":"left"}',
      '{"type":"room_closed","room_id":"r","reason":"deleted"}',
      '{"type":"go_away","retry_in_ms":7}',
    ]);
    expect(flat.encode({ type: 'accepted' }, { verb: 'offer', id: 'x', answered: false })).toBe(
      '{"type":"accepted","reply_to":"x"}',
    );
  });

  test('[P1] every refusal of register, in the Python server’s bytes where it has some', () => {
    const written = Object.fromEntries(
      (Object.keys(errorTable) as ErrorCode[]).map((code) => [
        code,
        flat.encode(refused(code), { verb: 'register', answered: true }).toString(),
      ]),
    );
    expect(written).toMatchObject({
      MISSING_FIELDS: '{"type": "error", "reason": "Missing required fields during registration."}',
      INVALID_TOKEN: '{"error": "Invalid token"}',
      ROOM_NOT_FOUND: '{"type": "error", "reason": "Room not found"}',
      INVALID_ROOM_TOKEN: '{"type": "error", "reason": "Invalid token"}',
      ROOM_EXPIRED: '{"type": "error", "reason": "Room expired"}',
      STORE_UNAVAILABLE: '{"type": "error", "reason": "DynamoDB error"}',
    });
    // Whatever the Python server has no word for has all of code, message and reason.
    for (const code of ['PEER_ID_TAKEN', 'ROOM_FULL', 'IDENTITY_UNAVAILABLE', 'INTERNAL'] as const) {
      const frame = JSON.parse(written[code] ?? '') as Record<string, unknown>;
      expect(frame).toEqual({
        type: 'error',
        code,
        message: errorTable[code].text,
        reason: errorTable[code].text,
        retryable: errorTable[code].retryable,
      });
    }
  });

  test('[F1] room_joined has the whole of what a full session needs', () => {
    const joined: Event = {
      type: 'joined',
      roomId: asRoomId('r'),
      roomToken: 'secret',
      self: card,
      sessionId: asSessionId('s'),
      resumeToken: 'private',
      resumed: false,
      graceMs: 5_000,
      heartbeatMs: 10_000,
      peers: [{ ...card, peerId: asPeerId('q') }],
      host: asPeerId('q'),
      limits: { maxMessageBytes: 1, maxOutboxBytes: 2, maxPeersPerRoom: 3 },
    };
    const written = flat.encode(joined, { verb: 'join_room', id: '1', answered: true }).toString();
    expect(JSON.parse(written)).toEqual({
      type: 'room_joined',
      room_id: 'r',
      peer_id: 'p',
      session_id: 's',
      resume_token: 'private',
      resumed: false,
      grace_ms: 5_000,
      heartbeat_ms: 10_000,
      host: 'q',
      peers: [{ peer_id: 'q', role: 'peer', metadata: {}, connected_at: 1.5, polite: true }],
      limits: { max_message_bytes: 1, max_outbox_bytes: 2, max_peers_per_room: 3 },
      reply_to: '1',
    });
    expect(written).not.toContain('secret');
  });
});

describe('peer names and Python’s JSON', () => {
  test('[P8] every name comes back in its own form, and no two names meet', () => {
    const scalar = fc.oneof(
      fc.string({ unit: 'binary', minLength: 1 }),
      fc.integer(),
      fc.double({ noNaN: true }),
    );
    fc.assert(
      fc.property(scalar, scalar, (one, other) => {
        const [a, b] = [toPeerId(one), toPeerId(other)];
        if (a === undefined || a === null || b === undefined || b === null) return;
        expect(JSON.stringify(fromPeerId(a))).toBe(JSON.stringify(one));
        expect(a === b).toBe(JSON.stringify(one) === JSON.stringify(other));
      }),
    );
  });

  test('[P1] json.dumps: separators, escapes, nesting', () => {
    expect(pythonJson({ a: [1, 2.5, null, true, {}], ü: 'é/\u2028😀\u007f"\\\n' })).toBe(
      '{"a": [1, 2.5, null, true, {}], "\\u00fc": "\\u00e9/\\u2028\\ud83d\\ude00\\u007f\\"\\\\\\n"}',
    );
  });
});
