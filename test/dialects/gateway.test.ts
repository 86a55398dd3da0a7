/** Golden frames of the gateway dialect (S2): text in, vocabulary out, and back. No server. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { without } from '../../src/dialects/content-parts.js';
import type { Scope } from '../../src/dialects/dialect.js';
import { gatewayEntrance } from '../../src/dialects/gateway/gateway-entrance.js';
import { gatewayMessage } from '../../src/dialects/gateway/gateway-message.js';
import { gateway, gatewayWithPresence } from '../../src/dialects/gateway/gateway.js';
import { noticeNames } from '../../src/dialects/notice-names.js';
import { toPeerId } from '../../src/dialects/peer-key.js';
import { errorTable, SignalingError, type ErrorCode } from '../../src/protocol/errors.js';
import { mediaNews, mediaReplies, modeByHost, said } from '../support/dialect-events.js';
import { limits } from '../support/limits-fixture.js';
import { asPeerId, asRoomId, asSessionId, type PeerId } from '../../src/protocol/ids.js';
import type { Ask, Event } from '../../src/protocol/messages.js';

const now = 1_700_000_000_000;
const scope: Scope = { roomId: asRoomId('r'), now: () => now };

const read = (frame: unknown): ReturnType<typeof gateway.decode> =>
  gateway.decode(Buffer.from(typeof frame === 'string' ? frame : JSON.stringify(frame)), false, scope);

const write = (event: Event, ask?: Ask, dialect = gateway): string | undefined =>
  dialect.encode(event, ask, scope)?.toString();

/** What the client is told of a frame that is none. */
const told = (frame: unknown): unknown => {
  const decoded = read(frame);
  if ('command' in decoded) throw new Error('the frame was understood');
  return JSON.parse(write({ type: 'refused', error: decoded.error }, decoded.ask) ?? '');
};

const limitsWithoutChat = without({ ...limits }, ['chatsPerSecond', 'maxChatChars']);

const [anna, bob] = [asPeerId('anna'), asPeerId('bob')];

/** As S2 documents them. */
const offer =
  '{"type":"sdp","senderId":"anna","targetId":"bob","sdp":{"type":"offer","sdp":"v=0"},"timestamp":1}';
const answer = '{"type":"sdp","senderId":"bob","targetId":"anna","sdp":{"type":"answer","sdp":"v=0"}}';
const candidate =
  '{"type":"ice","senderId":"anna","targetId":"bob","ice":{"candidate":"c","sdpMid":"0","sdpMLineIndex":0}}';

describe('reading', () => {
  test.each([
    ['an offer', offer, 'offer', true],
    ['an answer', answer, 'answer', false],
    ['a candidate', candidate, 'candidate', false],
  ])('%s is a signal, ready to go on if it has its timestamp', (_what, text, kind, isSigned) => {
    const { senderId, targetId, type } = JSON.parse(text) as Record<string, string>;
    expect(read(text)).toEqual({
      command: {
        type: 'signal',
        kind,
        from: senderId,
        to: targetId,
        body: JSON.parse(text) as unknown,
        frame: { dialect: 'gateway', bytes: Buffer.from(text), isSigned },
        orUnnamed: true,
      },
      ask: { verb: type, answered: false },
    });
  });

  test('without a target it is for everybody, and unknown fields stay', () => {
    const decoded = read({
      type: 'ice',
      senderId: 'anna',
      ice: { candidate: '', sdpMid: null, sdpMLineIndex: null, usernameFragment: null, more: 1 },
      extra: { deep: true },
    });
    expect(decoded).toMatchObject({
      command: { kind: 'candidate', to: undefined, body: { ice: { more: 1 }, extra: { deep: true } } },
    });
    expect(decoded).not.toHaveProperty('command.orUnnamed');
  });

  test.each([
    [
      { type: 'host-change', senderId: 'anna', newHostId: 'bob' },
      { type: 'transfer_host', by: 'anna', to: 'bob' },
    ],
    [
      { type: 'kick', senderId: 'anna', targetId: 'bob', reason: 'noise', timestamp: 5 },
      { type: 'kick', by: 'anna', target: 'bob', reason: 'noise' },
    ],
    [
      { type: 'kick', senderId: 'anna', targetId: 'bob' },
      { type: 'kick', by: 'anna', target: 'bob' },
    ],
    [
      { type: 'auth', token: 't' },
      { type: 'refresh_token', token: 't' },
    ],
  ])('it understands %j', (frame, command) => {
    expect(read(frame)).toEqual({ command, ask: { verb: frame.type, answered: frame.type === 'auth' } });
  });

  test('a binary frame is read as text, or is none', () => {
    expect(gateway.decode(Buffer.from(offer), true, scope)).toHaveProperty('command.kind', 'offer');
    for (const bytes of [Buffer.from([0x7b, 0xff]), Buffer.from('\ufeff{}'), Buffer.alloc(0)]) {
      expect(gateway.decode(bytes, true, scope)).toHaveProperty('error.code', 'INVALID_JSON');
    }
  });
});

describe('refusing', () => {
  test('what is not JSON is told so in S2’s words', () => {
    for (const text of ['', '{', 'NaN', '{"type":"sdp",}', '\ufeff{}']) {
      expect(told(text)).toEqual({ error: 'Failed to process message' });
    }
  });

  const expected = (what: string, got = 'undefined'): string =>
    `Invalid input: expected ${what}, received ${got}`;
  const wrongType = { type: ['Invalid input: expected one of sdp, ice, host-change, kick, auth'] };

  test.each<[unknown, { formErrors?: string[]; fieldErrors?: Record<string, string[]> }]>([
    [[], { formErrors: [expected('object', 'array')] }],
    [5, { formErrors: [expected('object', 'number')] }],
    ['null', { formErrors: [expected('object', 'null')] }],
    [{}, { fieldErrors: wrongType }],
    [{ type: 'offer', senderId: 'a' }, { fieldErrors: wrongType }],
    [{ type: ['sdp'] }, { fieldErrors: wrongType }],
    [{ type: 'sdp' }, { fieldErrors: { senderId: [expected('string')], sdp: [expected('object')] } }],
    [
      { type: 'sdp', senderId: 1, targetId: '', sdp: { type: 'pranswer', sdp: null } },
      {
        fieldErrors: {
          senderId: [expected('string', 'number')],
          targetId: ['Too small: expected string to have >=1 characters'],
          sdp: [
            'type: Invalid option: expected one of "offer"|"answer"',
            `sdp: ${expected('string', 'null')}`,
          ],
        },
      },
    ],
    [
      { type: 'ice', senderId: 'a', ice: { candidate: 'c' } },
      { fieldErrors: { ice: [`sdpMid: ${expected('string')}`, `sdpMLineIndex: ${expected('number')}`] } },
    ],
    [
      { type: 'host-change', senderId: 'a', timestamp: 'now' },
      { fieldErrors: { timestamp: [expected('number', 'string')], newHostId: [expected('string')] } },
    ],
    [
      { type: 'kick', senderId: 'x'.repeat(129), targetId: 'b', reason: 'x'.repeat(121) },
      {
        fieldErrors: {
          senderId: ['Too big: expected string to have <=128 characters'],
          reason: ['Too big: expected string to have <=120 characters'],
        },
      },
    ],
    [{ type: 'auth' }, { fieldErrors: { token: [expected('string')] } }],
  ])('the wrong shape is told field by field: %j', (frame, { formErrors = [], fieldErrors = {} }) => {
    expect(told(frame)).toEqual({ error: 'Invalid message format', details: { formErrors, fieldErrors } });
  });

  test('every other refusal has a code, in the same shape', () => {
    const codes = (Object.keys(errorTable) as ErrorCode[]).filter(
      (code) => !['INVALID_JSON', 'INVALID_MESSAGE', 'SENDER_MISMATCH'].includes(code),
    );
    for (const code of codes) {
      expect(JSON.parse(write({ type: 'refused', error: new SignalingError(code) }) ?? '')).toEqual({
        error: errorTable[code].text,
        code,
        details: { formErrors: [errorTable[code].text], fieldErrors: {} },
      });
    }
    const limited = new SignalingError('RATE_LIMITED', 'Slow down.', { retryAfterMs: 40 });
    expect(write({ type: 'refused', error: limited })).toBe(
      '{"error":"Slow down.","code":"RATE_LIMITED","details":{"formErrors":["Slow down."],"fieldErrors":{}},"retry_after_ms":40}',
    );
  });

  test('[D1] a forged sender is told as a fault of its field', () => {
    const error = new SignalingError('SENDER_MISMATCH', 'It must be anna.');
    expect(write({ type: 'refused', error })).toBe(
      '{"error":"Invalid message format","code":"SENDER_MISMATCH","details":{"formErrors":[],"fieldErrors":{"senderId":["It must be anna."]}}}',
    );
  });
});

describe('hostile frames', () => {
  test.each([
    ['500 levels', `{"type":"sdp","senderId":${'['.repeat(500)}${']'.repeat(500)}}`],
    ['500 levels of objects', `${'{"type":'.repeat(500)}1${'}'.repeat(500)}`],
    ['prototype keys', '{"type":"sdp","__proto__":{"senderId":"a"},"constructor":{"prototype":{}}}'],
    ['a type that every object has', '{"type":"constructor"}'],
    ['2 MB in a name', JSON.stringify({ type: 'kick', senderId: 'x'.repeat(2_000_000), targetId: 'b' })],
    ['2 MB in the type', JSON.stringify({ type: 'x'.repeat(2_000_000) })],
    [
      'a number beyond all',
      '{"type":"ice","senderId":"a","ice":{"candidate":"","sdpMid":null,"sdpMLineIndex":1e999}}',
    ],
  ])('%s: refused in few words', (_what, text) => {
    const answered = JSON.stringify(told(text));
    expect(answered).toContain('Invalid message format');
    expect(answered.length).toBeLessThan(500);
  });

  test('half a million levels beside a good offer go on as bytes', () => {
    const text = `${offer.slice(0, -1)},"x":${'['.repeat(500_000)}${']'.repeat(500_000)}}`;
    const decoded = read(text);
    if (!('command' in decoded) || decoded.command.type !== 'signal') throw new Error('it was a signal');
    expect(write({ ...decoded.command, from: anna })).toBe(text);
  });

  test('nothing makes it throw, and the checks by hand agree with the schema', () => {
    const name = fc.oneof(fc.constantFrom('a', '', 'x'.repeat(129)), fc.jsonValue());
    const text = fc.oneof(fc.string(), fc.jsonValue());
    const frames = fc.record(
      {
        type: fc.constantFrom('sdp', 'ice', 'kick', 'host-change', 'auth', 'other', '__proto__'),
        senderId: name,
        targetId: name,
        newHostId: name,
        sdp: fc.oneof(
          fc.record(
            { type: fc.constantFrom('offer', 'answer', 'rollback'), sdp: text },
            { requiredKeys: [] },
          ),
          fc.jsonValue(),
        ),
        ice: fc.oneof(
          fc.record(
            {
              candidate: text,
              sdpMid: text,
              sdpMLineIndex: fc.oneof(fc.integer(), fc.jsonValue()),
              usernameFragment: text,
            },
            { requiredKeys: [] },
          ),
          fc.jsonValue(),
        ),
        timestamp: fc.oneof(fc.integer(), fc.jsonValue()),
        reason: text,
        token: text,
      },
      { requiredKeys: ['type'] },
    );
    fc.assert(
      fc.property(frames, (frame) => {
        const decoded = read(frame);
        expect('command' in decoded).toBe(
          gatewayMessage.safeParse(JSON.parse(JSON.stringify(frame))).success,
        );
        if ('command' in decoded) return;
        // Every refusal of an object says which field is wrong.
        expect(Object.keys(decoded.error.fields ?? {}).length).toBeGreaterThan(0);
      }),
      { numRuns: 1_000 },
    );
    fc.assert(fc.property(fc.json(), (frame) => void read(frame)));
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 64 }),
        fc.boolean(),
        (bytes, isBinary) => void gateway.decode(Buffer.from(bytes), isBinary, scope),
      ),
    );
  });
});

describe('writing', () => {
  const passedOn = (text: string): string | undefined => {
    const decoded = read(text);
    if (!('command' in decoded) || decoded.command.type !== 'signal') throw new Error('it was a signal');
    const { from } = decoded.command;
    if (from === undefined) throw new Error('it names its sender');
    return write({ ...decoded.command, from });
  };

  test('a signal of the same dialect keeps its bytes, and gets a timestamp if it had none', () => {
    expect(passedOn(offer)).toBe(offer);
    expect(passedOn(answer)).toBe(`${answer.slice(0, -1)},"timestamp":${now}}`);
    expect(passedOn(` ${candidate} \n`)).toBe(` ${candidate.slice(0, -1)},"timestamp":${now}}`);
  });

  const flatly = (kind: 'offer' | 'answer' | 'candidate' | 'notice', body: object, to?: PeerId): Event => ({
    type: 'signal',
    kind,
    from: anna,
    to,
    body: body as Record<string, never>,
    frame: undefined,
  });

  test('signals of others leave in the documented shapes', () => {
    expect(write(flatly('offer', { type: 'offer', sdp: 'v=0', id: '7' }, bob))).toBe(
      `{"type":"sdp","senderId":"anna","targetId":"bob","sdp":{"type":"offer","sdp":"v=0"},"timestamp":${now},"id":"7"}`,
    );
    expect(write(flatly('answer', { type: 'answer', sdp: 'v=0' }))).toBe(
      `{"type":"sdp","senderId":"anna","sdp":{"type":"answer","sdp":"v=0"},"timestamp":${now}}`,
    );
    expect(
      write(
        flatly('candidate', {
          candidate: { candidate: 'c', sdpMid: '0', sdpMLineIndex: 0, usernameFragment: 'u' },
        }),
      ),
    ).toBe(
      `{"type":"ice","senderId":"anna","ice":{"candidate":"c","sdpMid":"0","sdpMLineIndex":0,"usernameFragment":"u"},"timestamp":${now}}`,
    );
    expect(write(flatly('candidate', { candidate: null }))).toBe(
      `{"type":"ice","senderId":"anna","ice":{"candidate":"","sdpMid":null,"sdpMLineIndex":null},"timestamp":${now}}`,
    );
  });

  test('a name that is no string in flat is shown as one', () => {
    const one = toPeerId(1) ?? anna;
    expect(write({ type: 'host_changed', host: one, from: undefined })).toBe(
      `{"type":"host-change","senderId":"1","newHostId":"1","timestamp":${now}}`,
    );
  });

  test('the host’s acts are told in the documented shapes', () => {
    expect(write({ type: 'host_changed', host: bob, from: anna })).toBe(
      `{"type":"host-change","senderId":"anna","newHostId":"bob","timestamp":${now}}`,
    );
    expect(write({ type: 'peer_kicked', peerId: bob, by: anna, reason: 'noise' })).toBe(
      `{"type":"kick","senderId":"anna","targetId":"bob","reason":"noise","timestamp":${now}}`,
    );
    expect(write({ type: 'peer_kicked', peerId: bob, by: anna, reason: undefined })).toBe(
      `{"type":"kick","senderId":"anna","targetId":"bob","timestamp":${now}}`,
    );
    expect(write({ type: 'kicked', by: anna, reason: undefined })).toBeUndefined();
  });

  const card = {
    peerId: bob,
    role: 'player',
    metadata: { level: 3 },
    connectedAtMs: 1_500,
    isPolite: true,
  };
  const ice = { servers: [{ urls: ['stun:s'] }], transportPolicy: 'all', expiresAtMs: 9, ttlS: 8 } as const;
  const ourOwn: readonly (readonly [Event, object])[] = [
    [
      {
        type: 'joined',
        roomId: asRoomId('r'),
        roomToken: 'secret',
        self: { ...card, peerId: anna },
        sessionId: asSessionId('s'),
        resumeToken: 'private',
        resumed: false,
        graceMs: 1,
        heartbeatMs: 2,
        missed: 0,
        peers: [card],
        host: bob,
        limits,
        ice,
        mode: 'SFU',
        mediaEpoch: 'e1',
      },
      {
        type: 'welcome',
        roomId: 'r',
        senderId: 'anna',
        hostId: 'bob',
        peers: [{ id: 'bob', role: 'player', metadata: { level: 3 }, connectedAt: 1_500, polite: true }],
        limits: limitsWithoutChat,
        iceServers: [{ urls: ['stun:s'] }],
        iceTransportPolicy: 'all',
      },
    ],
    [
      { type: 'peer_joined', peer: card },
      {
        type: 'peer-joined',
        senderId: 'bob',
        role: 'player',
        metadata: { level: 3 },
        connectedAt: 1_500,
        polite: true,
        timestamp: now,
      },
    ],
    [
      { type: 'peer_left', peerId: bob, reason: 'kicked' },
      { type: 'peer-left', senderId: 'bob', reason: 'kicked', timestamp: now },
    ],
    [
      { type: 'peer_disconnecting', peerId: bob },
      { type: 'peer-disconnecting', senderId: 'bob', timestamp: now },
    ],
    [
      { type: 'peer_resumed', peerId: bob },
      { type: 'peer-resumed', senderId: 'bob', timestamp: now },
    ],
    [
      { type: 'ice_servers', ice },
      {
        type: 'ice-servers',
        iceServers: [{ urls: ['stun:s'] }],
        iceTransportPolicy: 'all',
        expiresAt: 9,
        restartIce: true,
      },
    ],
    [
      { type: 'session_expiring', atMs: now + 60_000 },
      { type: 'session-expiring', expiresAt: now + 60_000, inMs: 60_000 },
    ],
    [
      { type: 'token_refreshed', untilMs: 5 },
      { type: 'token-refreshed', expiresAt: 5 },
    ],
    [
      { type: 'room_closed', roomId: asRoomId('r'), reason: 'deleted' },
      { type: 'room-closed', roomId: 'r', reason: 'deleted' },
    ],
    [
      { type: 'go_away', retryInMs: 7 },
      { type: 'go-away', retryInMs: 7 },
    ],
  ];

  test('S2’s own clients hear nothing of what S2 does not have', () => {
    expect(ourOwn.map(([event]) => write(event))).toEqual(ourOwn.map(() => undefined));
  });

  test('who asked for presence hears who comes and goes, and no secret', () => {
    const written = ourOwn.map(([event]) => write(event, undefined, gatewayWithPresence) ?? '');
    expect(written.map((text) => JSON.parse(text) as unknown)).toEqual(ourOwn.map(([, frame]) => frame));
    expect(written.join()).not.toMatch(/secret|private/);
  });

  test('whoever sent auth is answered', () => {
    const ask = { verb: 'auth', answered: true };
    expect(write({ type: 'token_refreshed', untilMs: 5 }, ask)).toBe(
      '{"type":"token-refreshed","expiresAt":5}',
    );
  });

  test('[X3] what neither has a word for is not written', () => {
    const events: readonly Event[] = [
      { type: 'left' },
      { type: 'accepted' },
      { type: 'delivered' },
      { type: 'heartbeat_ack' },
      { type: 'peers', to: anna, peers: [] },
      { type: 'metadata_updated', peerId: anna, metadata: {} },
      { type: 'message', from: anna, to: bob, payload: 1, frame: undefined },
      { type: 'room_state', peers: [] },
      { type: 'kicked', by: anna, reason: 'noise' },
      { type: 'chat', message: said },
      { type: 'chat_page', roomId: said.roomId, messages: [said], next: undefined },
      modeByHost,
      ...mediaReplies,
      ...mediaNews,
      ...[...noticeNames.keys()].map((type) => flatly('notice', { type, sender: 'anna' })),
    ];
    for (const dialect of [gateway, gatewayWithPresence]) {
      expect(events.map((event) => write(event, undefined, dialect))).toEqual(events.map(() => undefined));
    }
  });
});

describe('the address', () => {
  const enter = (roomId: string, query = ''): ReturnType<typeof gatewayEntrance> =>
    gatewayEntrance(roomId, new URLSearchParams(query));

  test('connecting is joining the room in it, without a name', () => {
    expect(enter('room_1-A')).toEqual({
      dialect: gateway,
      roomId: 'room_1-A',
      hello: {
        command: {
          type: 'join',
          roomId: 'room_1-A',
          naming: 'unnamed',
          role: 'peer',
          metadata: {},
          quiet: false,
          isCounted: false,
          isDoor: true,
          mayBeAnonymous: true,
        },
        ask: { verb: 'connect', answered: true },
      },
    });
  });

  test('the query may bring a room token and a name, and ask for presence', () => {
    const { dialect, hello } = enter('r', 'room_token=t&peer_id=anna&presence=1');
    expect(dialect).toBe(gatewayWithPresence);
    expect(hello).toMatchObject({ command: { roomToken: 't', peerId: 'anna' } });
    expect(hello).not.toHaveProperty('command.naming');
    expect(enter('r', 'senderId=anna')).toMatchObject({ hello: { command: { peerId: 'anna' } } });
    expect(enter('r', 'presence=0').dialect).toBe(gateway);
  });

  test.each(['', 'a.b', 'a b', 'ä', 'a\n', '../x', 'x'.repeat(101)])(
    'an unusable room id is refused with the rule: %j',
    (roomId) => {
      const { hello } = enter(roomId);
      if (hello === undefined || 'command' in hello) throw new Error('it was let in');
      expect(enter(roomId).roomId).toBeUndefined();
      const rule = 'The room id in the address must be 1 to 100 letters, digits, "_" and "-".';
      expect(JSON.parse(write({ type: 'refused', error: hello.error }, hello.ask) ?? '')).toEqual({
        error: 'Invalid message format',
        details: { formErrors: [], fieldErrors: { roomId: [rule] } },
      });
    },
  );

  test.each(['peer_id=', `senderId=${'x'.repeat(129)}`])('an unusable name is refused: %s', (query) => {
    expect(enter('r', query)).toHaveProperty('hello.error.code', 'INVALID_MESSAGE');
  });
});
