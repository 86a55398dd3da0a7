/** Golden frames of the flat dialect: text in, vocabulary out, and back. No server. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Scope } from '../../src/dialects/dialect.js';
import { flat } from '../../src/dialects/flat/flat.js';
import { pythonJson } from '../../src/dialects/flat/python-json.js';
import { noticeNames } from '../../src/dialects/notice-names.js';
import { fromPeerId, toPeerId } from '../../src/dialects/peer-key.js';
import { errorTable, SignalingError, type ErrorCode } from '../../src/protocol/errors.js';
import { limits } from '../support/limits-fixture.js';
import { asPeerId, asRoomId, asSessionId } from '../../src/protocol/ids.js';
import type { IceConfig } from '../../src/protocol/ice.js';
import type { Ask, Event } from '../../src/protocol/messages.js';
import type { Json } from '../../src/protocol/records.js';

const scope: Scope = { roomId: undefined, now: () => 1_000 };

const read = (frame: unknown): ReturnType<typeof flat.decode> =>
  flat.decode(Buffer.from(typeof frame === 'string' ? frame : JSON.stringify(frame)), false, scope);

const write = (event: Event, ask?: Ask): string | undefined => flat.encode(event, ask, scope)?.toString();

const card = { peerId: asPeerId('p'), role: 'peer', metadata: {}, connectedAtMs: 1_500, isPolite: false };

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
    expect(write({ ...decoded.command, from: asPeerId('a"b') })).toBe(
      '{"sender":"a\\"b","zeta":1.0,"type":"offer","target":"b"}',
    );
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

describe('reading what full sessions ask', () => {
  const command = (frame: unknown): unknown => {
    const decoded = read(frame);
    return 'command' in decoded ? decoded.command : decoded.error.code;
  };

  test('join_room needs a room; a token and an identity only where they are not known otherwise', () => {
    const bare = { type: 'join', quiet: false, isCounted: true, roomId: 'r', role: 'peer', metadata: {} };
    expect(command({ type: 'join_room', roomId: 'r' })).toEqual(bare);
    expect(command({ type: 'join_room', room_id: 'r', token: 't', id_token: 'i' })).toEqual({
      ...bare,
      roomToken: 't',
      idToken: 'i',
    });
    expect(command({ type: 'join_room', token: 't', id_token: 'i' })).toBe('MISSING_FIELDS');
    expect(command({ type: 'join_room', room_id: 'r', token: 5 })).toBe('INVALID_MESSAGE');
    expect(
      command({ type: 'register', peer_id: 'p', room_id: 'r', token: 't', id_token: 'i' }),
    ).toHaveProperty('isCounted', false);
  });

  test.each([
    [
      { type: 'kick', target: 'b' },
      { type: 'kick', target: 'b' },
    ],
    [
      { type: 'kick', sender: 'a', target: 'b', reason: 'noise' },
      { type: 'kick', by: 'a', target: 'b', reason: 'noise' },
    ],
    [
      { type: 'kick', senderId: 'a', to: 'b' },
      { type: 'kick', by: 'a', target: 'b' },
    ],
    [{ type: 'kick' }, 'INVALID_MESSAGE'],
    [{ type: 'kick', target: ['b'] }, 'INVALID_MESSAGE'],
    [{ type: 'kick', target: 'b', sender: '' }, 'INVALID_MESSAGE'],
    [{ type: 'kick', target: 'b', reason: 'x'.repeat(121) }, 'INVALID_MESSAGE'],
    [{ type: 'kick', target: 'b', reason: 7 }, 'INVALID_MESSAGE'],
    [
      { type: 'transfer_host', target: 'b' },
      { type: 'transfer_host', to: 'b' },
    ],
    [
      { type: 'transfer_host', target: 'b', sender: 'a' },
      { type: 'transfer_host', by: 'a', to: 'b' },
    ],
    [{ type: 'transfer_host' }, 'INVALID_MESSAGE'],
    [
      { type: 'refresh_token', token: 't' },
      { type: 'refresh_token', token: 't' },
    ],
    [
      { type: 'refresh_token', id_token: 't' },
      { type: 'refresh_token', token: 't' },
    ],
    [{ type: 'refresh_token' }, 'MISSING_FIELDS'],
    [{ type: 'refresh_token', token: {} }, 'INVALID_MESSAGE'],
  ])('%j', (frame, expected) => {
    expect(command(frame)).toEqual(expected);
  });

  test('every notice is a signal that keeps its bytes, and the host’s are marked', () => {
    for (const [name, { host }] of noticeNames) {
      const text = `{"type":"${name}","sender":"a","payload":{"n":1.0}}`;
      expect(read(text)).toEqual({
        command: {
          type: 'signal',
          kind: 'notice',
          from: 'a',
          to: undefined,
          body: JSON.parse(text) as Json,
          frame: { dialect: 'flat', bytes: Buffer.from(text), isSigned: true },
          ...(host === true ? { isHostOnly: true } : {}),
        },
        ask: { verb: name, answered: false },
      });
    }
    expect(read({ type: 'reaction', target: 'b', id: '7' })).toMatchObject({
      command: { to: 'b', frame: { isSigned: false } },
      ask: { verb: 'reaction', id: '7' },
    });
  });

  test('a notice in S1’s field names leaves in this dialect’s own', () => {
    const decoded = read({ type: 'reaction', senderId: 'a', to: 'b', emoji: 'x' });
    if (!('command' in decoded) || decoded.command.type !== 'signal') throw new Error('it was a signal');
    expect(decoded.command.frame).toBeUndefined();
    expect(JSON.parse(write({ ...decoded.command, from: asPeerId('a') }) ?? '')).toEqual({
      type: 'reaction',
      emoji: 'x',
      sender: 'a',
      target: 'b',
    });
  });

  test('[D1] a notice that says whose it is speaks for its sender, or is refused', () => {
    expect(command({ type: 'hand_raise', sender: 'a', user_id: 'b' })).toBe('INVALID_MESSAGE');
    expect(command({ type: 'hand_raise', sender: 'a', payload: { user_id: 'b' } })).toBe('INVALID_MESSAGE');
    expect(command({ type: 'hand_raise', payload: { user_id: ['b'] } })).toBe('INVALID_MESSAGE');
    expect(command({ type: 'hand_raise', payload: { user_id: 'b' } })).toMatchObject({
      from: 'b',
      frame: { isSigned: false },
    });
    // Here `user_id` is somebody else's by its nature.
    expect(command({ type: 'role_updated', sender: 'a', user_id: 'b' })).toMatchObject({ from: 'a' });
  });

  test('nothing makes it throw', () => {
    const types = fc.constantFrom(
      ...[
        'offer',
        'candidate',
        'webrtc_offer',
        'chat_message',
        'hand_raise',
        'kick',
        'join_room',
        'register',
      ],
      ...[
        'transfer_host',
        'refresh_token',
        'peer_message',
        'discover_peers',
        'update_metadata',
        'ack',
        'chat_history',
        'set_room_mode',
        '__proto__',
      ],
    );
    const fields = fc.dictionary(
      fc.constantFrom(
        ...['sender', 'senderId', 'target', 'to', 'id', 'payload', 'user_id', 'token', 'room_id', 'resume'],
        ...['sdp', 'candidate', 'reason', 'metadata', 'filters', 'count', '__proto__', 'peer_id', 'content'],
        ...['before', 'limit', 'mode'],
      ),
      fc.jsonValue(),
    );
    fc.assert(
      fc.property(types, fields, (type, body) => {
        const decoded = read({ type, ...body });
        if (!('command' in decoded) || decoded.command.type !== 'signal') return;
        write({ ...decoded.command, from: asPeerId('a') });
      }),
    );
    fc.assert(fc.property(fc.json(), (text) => void read(text)));
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 64 }),
        fc.boolean(),
        (bytes, isBinary) => void flat.decode(Buffer.from(bytes), isBinary, scope),
      ),
    );
  });
});

describe('writing', () => {
  const ice: IceConfig = {
    servers: [{ urls: ['stun:s'] }, { urls: ['turn:t'], username: 'u', credential: 'c' }],
    transportPolicy: 'relay',
    expiresAtMs: 9_000,
    ttlS: 8,
  };
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
    { type: 'host_changed', host: asPeerId('q'), from: card.peerId },
    { type: 'host_changed', host: asPeerId('q'), from: undefined },
    { type: 'kicked', by: asPeerId('h'), reason: 'noise' },
    { type: 'kicked', by: asPeerId('h'), reason: undefined },
    { type: 'peer_kicked', peerId: card.peerId, by: asPeerId('h'), reason: undefined },
    { type: 'room_state', peers: [card] },
    { type: 'ice_servers', ice },
    { type: 'ice_servers', ice: { servers: [], transportPolicy: 'all' } },
    { type: 'session_expiring', atMs: 61_000 },
    { type: 'session_expiring', atMs: 999 },
    { type: 'token_refreshed', untilMs: 3_600_500 },
  ];

  test('[F2] events in this dialect’s own spelling', () => {
    expect(events.map((event) => write(event))).toEqual([
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
      '{"type":"host_changed","host":"q","previous":"p"}',
      '{"type":"host_changed","host":"q","previous":null}',
      '{"type":"kicked","by":"h","reason":"noise"}',
      '{"type":"kicked","by":"h","reason":null}',
      undefined,
      undefined,
      '{"type":"ice_servers","ice_servers":[{"urls":["stun:s"]},{"urls":["turn:t"],"username":"u","credential":"c"}],"ice_transport_policy":"relay","expires_at":9,"ttl_s":8,"restart_ice":true}',
      '{"type":"ice_servers","ice_servers":[],"ice_transport_policy":"all","restart_ice":true}',
      '{"type":"session_expiring","expires_at":61,"in_ms":60000}',
      '{"type":"session_expiring","expires_at":0.999,"in_ms":0}',
      '{"type":"token_refreshed","expires_at":3600.5}',
    ]);
    expect(write({ type: 'accepted' }, { verb: 'offer', id: 'x', answered: false })).toBe(
      '{"type":"accepted","reply_to":"x"}',
    );
  });

  test('a refusal that will end says when to try again', () => {
    const error = new SignalingError('RATE_LIMITED', 'Slow down.', { retryAfterMs: 250 });
    expect(JSON.parse(write({ type: 'refused', error }) ?? '')).toEqual({
      type: 'error',
      code: 'RATE_LIMITED',
      message: 'Slow down.',
      reason: 'Slow down.',
      retryable: true,
      retry_after_ms: 250,
    });
  });

  test('[P1] every refusal of register, in the Python server’s bytes where it has some', () => {
    const written = Object.fromEntries(
      (Object.keys(errorTable) as ErrorCode[]).map((code) => [
        code,
        write(refused(code), { verb: 'register', answered: true }),
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
      missed: 0,
      peers: [
        { ...card, peerId: asPeerId('q'), isPolite: true },
        { ...card, peerId: asPeerId('z') },
      ],
      host: asPeerId('q'),
      limits,
      ice,
      mode: 'SFU',
      mediaEpoch: 'e1',
    };
    const written = write(joined, { verb: 'join_room', id: '1', answered: true });
    expect(JSON.parse(written ?? '')).toEqual({
      type: 'room_joined',
      room_id: 'r',
      peer_id: 'p',
      session_id: 's',
      resume_token: 'private',
      resumed: false,
      grace_ms: 5_000,
      heartbeat_ms: 10_000,
      host: 'q',
      mode: 'SFU',
      sfu_epoch: 'e1',
      peers: [
        { peer_id: 'q', role: 'peer', metadata: {}, connected_at: 1.5, polite: true },
        { peer_id: 'z', role: 'peer', metadata: {}, connected_at: 1.5, polite: false },
      ],
      ice_servers: [{ urls: ['stun:s'] }, { urls: ['turn:t'], username: 'u', credential: 'c' }],
      ice_transport_policy: 'relay',
      limits: {
        max_message_bytes: 1,
        max_outbox_bytes: 2,
        max_peers_per_room: 3,
        messages_per_second: 4,
        message_burst: 5,
        user_messages_per_second: 6,
        max_connections_per_ip: 7,
        sign_ins_per_minute: 8,
        rooms_per_minute: 9,
        ice_requests_per_minute: 10,
        bad_tokens_per_minute: 11,
        chats_per_second: 12,
        max_chat_chars: 13,
      },
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
