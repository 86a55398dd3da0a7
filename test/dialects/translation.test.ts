/** One room, any dialect: what one peer says is what another hears, whatever each of them speaks. No server. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { contentOf } from '../../src/dialects/content-of.js';
import type { Content } from '../../src/dialects/content.js';
import type { Dialect, Scope } from '../../src/dialects/dialect.js';
import { flat } from '../../src/dialects/flat/flat.js';
import { gateway } from '../../src/dialects/gateway/gateway.js';
import { noticeNames } from '../../src/dialects/notice-names.js';
import { webrtc, webrtcSnake } from '../../src/dialects/webrtc/webrtc.js';
import { asPeerId, asRoomId } from '../../src/protocol/ids.js';
import type { SignalEvent } from '../../src/protocol/messages.js';
import type { Json, JsonObject } from '../../src/protocol/records.js';
import { WireFrame } from '../../src/protocol/wire-frame.js';

const scope: Scope = { roomId: asRoomId('r'), now: () => 1_700_000_000_000 };
const [anna, bob] = [asPeerId('anna'), asPeerId('bob')];

type Signal = Exclude<Content, { kind: 'notice' }>;

interface Speaker {
  readonly dialect: Dialect;
  /** As a client of it would say that to bob. */
  readonly say: (content: Signal) => JsonObject;
}

function webrtcSpeaker(dialect: Dialect, trickle: string): Speaker {
  return {
    dialect,
    say: (content) =>
      content.kind === 'candidate'
        ? { type: trickle, payload: { ...content.rest, ...content.candidate, target_user_id: 'bob' } }
        : {
            type: content.kind,
            payload: { ...content.rest, sdp: content.sdp, type: content.kind, target_user_id: 'bob' },
          },
  };
}

const speakers: readonly Speaker[] = [
  {
    dialect: flat,
    say: (content) => ({
      ...content.rest,
      type: content.kind,
      sender: 'anna',
      target: 'bob',
      ...(content.kind === 'candidate' ? { candidate: { ...content.candidate } } : { sdp: content.sdp }),
    }),
  },
  {
    dialect: gateway,
    say: (content) => ({
      ...content.rest,
      senderId: 'anna',
      targetId: 'bob',
      ...(content.kind === 'candidate'
        ? { type: 'ice', ice: { ...content.candidate } }
        : { type: 'sdp', sdp: { type: content.kind, sdp: content.sdp } }),
    }),
  },
  webrtcSpeaker(webrtc, 'ice-candidate'),
  webrtcSpeaker(webrtcSnake, 'ice_candidate'),
];

const pairs = speakers.flatMap((one) => speakers.map((other) => [one, other] as const));

/** A frame of that dialect, as what it means when anna sent it. */
function hear(dialect: Dialect, text: string): SignalEvent {
  const decoded = dialect.decode(Buffer.from(text), false, scope);
  if (!('command' in decoded) || decoded.command.type !== 'signal') {
    throw new Error(`${dialect.name} does not take this for a signal: ${text}`);
  }
  return { ...decoded.command, from: anna };
}

/** What a peer of the other dialect gets of it. */
function tell(dialect: Dialect, event: SignalEvent): string {
  const text = dialect.encode(event, undefined, scope)?.toString();
  if (text === undefined) throw new Error(`${dialect.name} has no word for it`);
  return text;
}

/** There and back again: what is left of it. */
function thereAndBack({ dialect: one, say }: Speaker, { dialect: other }: Speaker, said: Signal): Content {
  const event = hear(one, JSON.stringify(say(said)));
  const there = hear(other, tell(other, event));
  expect(there).toMatchObject({ kind: said.kind, to: 'bob' });
  expect(contentOf(there)).toMatchObject({ ...said });
  const back = hear(one, tell(one, there));
  expect(back).toMatchObject({ kind: said.kind, to: 'bob' });
  return contentOf(back);
}

const rest: JsonObject = { iceRestart: true, streams: { camera: ['a', 1.5, null] }, id: 'm1' };
const line = 'candidate:1 1 udp 2122260223 192.0.2.1 56143 typ host generation 0 ufrag EsAw';

const samples: readonly (readonly [string, Signal])[] = [
  ['an offer', { kind: 'offer', sdp: 'v=0\r\ns=- é 😀\r\n', rest }],
  ['an answer', { kind: 'answer', sdp: 'v=0\r\n', rest }],
  [
    'a candidate with all four fields',
    {
      kind: 'candidate',
      candidate: { candidate: line, sdpMid: 'audio', sdpMLineIndex: 1, usernameFragment: 'EsAw' },
      rest,
    },
  ],
  [
    'a candidate with nulls',
    {
      kind: 'candidate',
      candidate: { candidate: line, sdpMid: null, sdpMLineIndex: null, usernameFragment: null },
      rest: {},
    },
  ],
  [
    'a candidate without usernameFragment',
    { kind: 'candidate', candidate: { candidate: line, sdpMid: '0', sdpMLineIndex: 0 }, rest: {} },
  ],
  [
    'the end of candidates',
    {
      kind: 'candidate',
      candidate: { candidate: '', sdpMid: '0', sdpMLineIndex: 0, usernameFragment: 'EsAw' },
      rest: {},
    },
  ],
  [
    'the end of all candidates',
    { kind: 'candidate', candidate: { candidate: '', sdpMid: null, sdpMLineIndex: null }, rest: {} },
  ],
];

describe.each(
  pairs.map(([one, other]) => ({ one, other, from: one.dialect.name, over: other.dialect.name })),
)('from $from over $over and back', ({ one, other }) => {
  test.each(samples)('%s loses nothing', (_what, said) => {
    const left = thereAndBack(one, other, said);
    // A dialect may add what it always says, as its timestamp.
    expect(left).toMatchObject({ ...said });
    if (left.kind === 'candidate' && said.kind === 'candidate') {
      expect(left.candidate).toEqual(said.candidate);
    }
  });
});

/** Each of these means something in one of the dialects. */
const reserved = [
  ...[
    'type',
    'id',
    'sender',
    'senderId',
    'sender_id',
    'target',
    'targetId',
    'target_user_id',
    'to',
    'user_id',
  ],
  ...['room_id', 'timestamp', 'payload', 'sdp', 'ice', 'candidate', 'sdpMid', 'sdp_mid', 'sdpMLineIndex'],
  ...['sdp_m_line_index', 'usernameFragment', 'username_fragment', 'reply_to'],
];

test('whatever a signal says, and whatever else it carries, comes through every pair of dialects', () => {
  const text = fc.string({ unit: 'binary' });
  const key = fc
    .oneof(fc.string({ unit: 'grapheme' }), fc.constantFrom('__proto__', 'constructor', 'toString', 'roomId'))
    .filter((name) => !reserved.includes(name));
  const extras = fc
    .array(fc.tuple(key, fc.jsonValue({ maxDepth: 3 })), { maxLength: 4 })
    .map((entries) => JSON.parse(JSON.stringify(Object.fromEntries(entries))) as JsonObject);
  const description = fc.record({
    kind: fc.constantFrom('offer' as const, 'answer' as const),
    sdp: text,
    rest: extras,
  });
  const candidate = fc.record({
    kind: fc.constant('candidate' as const),
    candidate: fc.record(
      {
        candidate: text,
        sdpMid: fc.option(text),
        sdpMLineIndex: fc.option(fc.nat({ max: 65_535 })),
        usernameFragment: fc.option(text),
      },
      { requiredKeys: ['candidate', 'sdpMid', 'sdpMLineIndex'] },
    ),
    rest: extras,
  });
  fc.assert(
    fc.property(fc.constantFrom(...pairs), fc.oneof(description, candidate), ([one, other], said) => {
      const left = thereAndBack(one, other, said);
      if (left.kind === 'notice') throw new Error('it was none');
      const kept = Object.fromEntries(Object.entries(left.rest).filter(([name]) => name in said.rest));
      expect({ ...left, rest: kept }).toEqual(said);
    }),
    { numRuns: 500 },
  );
});

describe('notices', () => {
  test('what flat peers tell each other reaches the peers of S4, and the other way round', () => {
    for (const name of noticeNames.keys()) {
      const payload = { content: 'é', message_id: '1', nested: { a: [1] } };
      for (const dialect of [webrtc, webrtcSnake]) {
        const said = hear(
          flat,
          JSON.stringify({ type: name, sender: 'anna', target: 'bob', id: '7', payload }),
        );
        const there = hear(dialect, tell(dialect, said));
        expect(there).toMatchObject({ kind: 'notice', to: 'bob' });
        const back = JSON.parse(tell(flat, there)) as JsonObject;
        expect(back).toMatchObject({ type: name, sender: 'anna', target: 'bob', payload });
        expect(contentOf(hear(flat, JSON.stringify(back)))).toMatchObject({ kind: 'notice', name, payload });
      }
    }
  });

  test('a flat notice says it in payload, or beside its names', () => {
    const payloadOf = (body: JsonObject): unknown =>
      contentOf(hear(flat, JSON.stringify({ type: 'reaction', sender: 'anna', ...body })));
    const content = { kind: 'notice', name: 'reaction' };
    expect(payloadOf({ payload: { emoji: 'x' }, id: '1', target: 'bob' })).toEqual({
      ...content,
      payload: { emoji: 'x' },
    });
    expect(payloadOf({ emoji: 'x', id: '1' })).toEqual({ ...content, payload: { emoji: 'x' } });
    expect(payloadOf({ payload: { a: 1 }, emoji: 'x' })).toEqual({
      ...content,
      payload: { payload: { a: 1 }, emoji: 'x' },
    });
    expect(payloadOf({ payload: 'x' })).toEqual({ ...content, payload: { payload: 'x' } });
    expect(payloadOf({})).toEqual({ ...content, payload: {} });
  });
});

describe('frames that nobody has validated', () => {
  const flatly = (kind: SignalEvent['kind'], body: Json): SignalEvent => ({
    type: 'signal',
    kind,
    from: anna,
    to: bob,
    body: body as JsonObject,
    frame: undefined,
  });

  test.each<[Json, string, JsonObject]>([
    ['v=0', 'v=0', {}],
    [{ type: 'offer', sdp: 'v=0', munged: true }, 'v=0', { munged: true }],
    [{ sdp: null }, '', {}],
    [null, '', {}],
    [5, '5', {}],
    [['v=0'], '', {}],
  ])('sdp: %j', (sdp, text, extras) => {
    expect(
      contentOf(flatly('offer', { type: 'offer', sender: 'anna', target: 'bob', sdp, id: '1' })),
    ).toEqual({
      kind: 'offer',
      sdp: text,
      rest: { ...extras, id: '1' },
    });
  });

  const none = { candidate: '', sdpMid: null, sdpMLineIndex: null };

  test.each<[JsonObject, object, JsonObject]>([
    [{ candidate: null }, none, {}],
    [{}, none, {}],
    [{ candidate: [1] }, none, {}],
    [{ candidate: 'c' }, { ...none, candidate: 'c' }, {}],
    [
      { candidate: 'c', sdpMid: '0', sdpMLineIndex: 0, usernameFragment: 'u', more: 1 },
      { candidate: 'c', sdpMid: '0', sdpMLineIndex: 0, usernameFragment: 'u' },
      { more: 1 },
    ],
    [
      { candidate: 'c', sdp_mid: '0', sdp_m_line_index: 0, username_fragment: 'u' },
      { candidate: 'c', sdpMid: '0', sdpMLineIndex: 0, usernameFragment: 'u' },
      {},
    ],
    [
      { candidate: { candidate: 'c', sdp_mid: 0, sdp_m_line_index: '2', foundation: 'f' }, sdpMid: '1' },
      { candidate: 'c', sdpMid: '0', sdpMLineIndex: 2 },
      { foundation: 'f' },
    ],
    [
      { candidate: { candidate: 'c', sdpMid: null }, sdpMid: '1', sdpMLineIndex: [], usernameFragment: null },
      { candidate: 'c', sdpMid: '1', sdpMLineIndex: null, usernameFragment: null },
      {},
    ],
  ])('candidate: %j', (body, candidate, extras) => {
    expect(contentOf(flatly('candidate', { type: 'candidate', sender: 'anna', ...body }))).toEqual({
      kind: 'candidate',
      candidate,
      rest: extras,
    });
  });

  test('an aiortc worker gets the four keys that it reads, the description as text', () => {
    const text = '{"type":"sdp","senderId":"anna","targetId":"bob","sdp":{"type":"offer","sdp":"v=0"}}';
    expect(tell(flat, hear(gateway, text))).toBe(
      '{"type":"offer","sender":"anna","target":"bob","sdp":"v=0"}',
    );
  });

  test('no field of another dialect passes for one of this', () => {
    const strange = flatly('offer', { sdp: 'v=0', targetId: 'eve', senderId: 'anna', timestamp: 'now' });
    expect(JSON.parse(tell(gateway, { ...strange, to: undefined }))).toEqual({
      type: 'sdp',
      senderId: 'anna',
      sdp: { type: 'offer', sdp: 'v=0' },
      timestamp: scope.now(),
    });
    const gatewayFrame = { type: 'sdp', senderId: 'anna', sdp: { type: 'offer', sdp: 'v=0' } };
    const odd = JSON.stringify({ ...gatewayFrame, sender: 'eve', target: 'eve', to: 'eve' });
    expect(tell(flat, hear(gateway, odd))).toBe('{"type":"offer","sender":"anna","sdp":"v=0"}');
  });

  test('what nests too deep, or would grow, stays behind; the rest of it arrives', () => {
    const head = '{"type":"offer","sender":"anna","target":"bob","sdp":"v=0"';
    const deep = `${head},"x":${'['.repeat(100_000)}${']'.repeat(100_000)},"y":1}`;
    const wide = `${head},"x":[${Array<string>(100_000).fill('1e20').join()}]}`;
    for (const { dialect } of speakers.slice(1)) {
      const [deeply, widely] = [deep, wide].map((text) => tell(dialect, hear(flat, text)));
      expect(deeply).toMatch(/"v=0".*"y":1|"y":1.*"v=0"/);
      expect(deeply?.length).toBeLessThan(500);
      expect(widely).toContain('"v=0"');
      expect(widely?.length).toBeLessThan(wide.length);
    }
    const big = { type: 'offer', sender: 'anna', target: 'bob', sdp: 'v'.repeat(1_000_000), more: 1 };
    expect(contentOf(hear(flat, JSON.stringify(big)))).toHaveProperty('rest', { more: 1 });
  });

  test('nothing makes a reader throw', () => {
    const kinds = fc.constantFrom('offer', 'answer', 'candidate', 'notice');
    const names = fc.constantFrom('flat', 'gateway', 'webrtc', 'webrtc_snake', 'of a later version');
    const fields = fc.constantFrom(
      'sdp',
      'ice',
      'candidate',
      'payload',
      'type',
      'sdpMid',
      'rest',
      '__proto__',
    );
    fc.assert(
      fc.property(kinds, names, fc.dictionary(fields, fc.jsonValue()), (kind, dialect, body) => {
        const frame = new WireFrame(dialect, Buffer.from(JSON.stringify(body)), true);
        const event = { ...flatly(kind, body as JsonObject), frame };
        expect(contentOf(event).kind).toBe(kind);
        for (const speaker of speakers) speaker.dialect.encode(event, undefined, scope);
      }),
    );
  });
});
