/** Golden frames of the webrtc dialect (S4), in both spellings: text in, vocabulary out, and back. No server. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { contentOf } from '../../src/dialects/content-of.js';
import type { Dialect, Scope } from '../../src/dialects/dialect.js';
import { flat } from '../../src/dialects/flat/flat.js';
import { noticeNames } from '../../src/dialects/notice-names.js';
import { webrtcIceConfig } from '../../src/dialects/webrtc/ice-config.js';
import { readWebrtcContent } from '../../src/dialects/webrtc/webrtc-content.js';
import { webrtcEntrance } from '../../src/dialects/webrtc/webrtc-entrance.js';
import { webrtc, webrtcExtended, webrtcSnake } from '../../src/dialects/webrtc/webrtc.js';
import { closeTable, type CloseReason } from '../../src/protocol/close.js';
import { errorTable, SignalingError, type ErrorCode } from '../../src/protocol/errors.js';
import { mediaNews, mediaReplies, modeByHost, modeBySize } from '../support/dialect-events.js';
import { limits } from '../support/limits-fixture.js';
import { asPeerId, asRoomId, asSessionId } from '../../src/protocol/ids.js';
import { RemoteSignal } from '../../src/protocol/letters.js';
import type { Ask, Event, SignalEvent } from '../../src/protocol/messages.js';
import type { Json, JsonObject } from '../../src/protocol/records.js';
import { WireFrame } from '../../src/protocol/wire-frame.js';

const scope: Scope = { roomId: asRoomId('room123'), now: () => 1_766_000_000_123 };
const now = '2025-12-17T19:33:20.123Z';
const anna = asPeerId('anna');
const stamp = { sender_id: 'anna', room_id: 'room123', timestamp: now };
const serverStamp = { sender_id: null, room_id: 'room123', timestamp: null };

const bytesOf = (frame: unknown): Buffer =>
  Buffer.from(typeof frame === 'string' ? frame : JSON.stringify(frame));
const read = (frame: unknown, dialect: Dialect = webrtc): ReturnType<Dialect['decode']> =>
  dialect.decode(bytesOf(frame), false, scope);

/** What a frame of anna's is to the core. */
function signalOf(frame: unknown, from: Dialect = webrtc): SignalEvent {
  const decoded = read(frame, from);
  if (!('command' in decoded) || decoded.command.type !== 'signal') {
    throw new Error(`no signal: ${JSON.stringify(decoded)}`);
  }
  return { ...decoded.command, from: anna };
}

function textOf(written: Buffer | string | undefined): string {
  if (written === undefined) throw new Error('nothing was written');
  return written.toString();
}

/** What somebody gets of a frame of anna's. */
const relayed = (frame: unknown, from: Dialect = webrtc, to: Dialect = from): string =>
  textOf(to.encode(signalOf(frame, from), undefined, scope));

const told = (event: Event, dialect: Dialect = webrtc, ask?: Ask): unknown => {
  const written = dialect.encode(event, ask, scope);
  return written === undefined ? undefined : JSON.parse(written.toString());
};

describe('the entrance', () => {
  const enter = (roomId: string, query = ''): ReturnType<typeof webrtcEntrance> =>
    webrtcEntrance(roomId, new URLSearchParams(query));
  const join = {
    type: 'join',
    roomId: 'room123',
    naming: 'user',
    role: 'peer',
    metadata: {},
    quiet: false,
    isCounted: false,
    isDoor: true,
  };
  const ask = { verb: 'connect', answered: true };

  test('connecting joins the room of the address', () => {
    expect(enter('room123')).toEqual({
      dialect: webrtc,
      roomId: 'room123',
      hello: { command: join, ask },
    });
    expect(enter('room123', 'room_token=t&peer_id=me&resume=0&session_id=s&resume_token=x&count=3')).toEqual({
      dialect: webrtc,
      roomId: 'room123',
      hello: { command: { ...join, roomToken: 't', peerId: 'me' }, ask },
    });
  });

  test('resume=1 asks for what S4 does not have, and goes on with a session', () => {
    expect(enter('room123', 'resume=1')).toEqual({
      dialect: webrtcExtended,
      roomId: 'room123',
      hello: { command: { ...join, isCounted: true }, ask },
    });
    const claim = 'resume=1&session_id=s&resume_token=x&count=3';
    expect(enter('room123', claim)).toHaveProperty('hello.command.resume', {
      sessionId: 's',
      token: 'x',
      count: 3,
    });
    expect(enter('room123', 'resume=1&session_id=s&count=3')).not.toHaveProperty('hello.command.resume');
  });

  test.each(['', 'a b', 'ä', 'a/b', 'a.b', 'r'.repeat(101), 'room\n'])('room id %j is refused', (roomId) => {
    const text = 'Room ID must be alphanumeric, with - and _, 1 to 100 characters';
    expect(enter(roomId)).toMatchObject({
      roomId: undefined,
      hello: { error: { code: 'INVALID_MESSAGE', message: text, fields: { room_id: [text] } }, ask },
    });
  });

  test.each(['a', '-_-', 'r'.repeat(100)])('room id %j is fine', (roomId) => {
    expect(enter(roomId)).toHaveProperty('hello.command.roomId', roomId);
  });

  test.each([
    ['peer_id', `peer_id=${'p'.repeat(129)}`],
    ['peer_id', 'peer_id='],
    ['count', 'resume=1&session_id=s&resume_token=x&count=-1'],
    ['count', 'resume=1&session_id=s&resume_token=x&count=1e3'],
  ])('a bad %s in the query is refused by name', (field, query) => {
    expect(enter('room123', query)).toHaveProperty('hello.error.code', 'INVALID_MESSAGE');
    expect(
      Object.keys((enter('room123', query).hello as { error: SignalingError }).error.fields ?? {}),
    ).toEqual([field]);
  });
});

describe('reading', () => {
  test('an offer keeps its bytes', () => {
    const text = '{"type":"offer","payload":{"sdp":"v=0","type":"offer","target_user_id":"bob"},"id":"1"}';
    expect(read(text)).toEqual({
      command: {
        type: 'signal',
        kind: 'offer',
        from: undefined,
        to: 'bob',
        body: JSON.parse(text) as Json,
        frame: { dialect: 'webrtc', bytes: Buffer.from(text), isSigned: false },
      },
      ask: { verb: 'offer', id: '1', answered: false },
    });
  });

  test('the target may stand around the payload, and null is nobody in particular', () => {
    expect(read({ type: 'answer', payload: { sdp: '' }, target_user_id: 'bob' })).toHaveProperty(
      'command.to',
      'bob',
    );
    expect(read({ type: 'answer', payload: { sdp: '', target_user_id: null } })).toHaveProperty(
      'command.to',
      undefined,
    );
  });

  test.each([
    ['ice-candidate', 'ice_candidate'],
    ...[...noticeNames.keys()]
      .filter((name) => name.includes('_'))
      .map((name) => [name.replaceAll('_', '-'), name]),
  ])('%s may be spelt %s', (hyphens, underscores) => {
    const payload = { candidate: null };
    const one = read({ type: hyphens, payload });
    const other = read({ type: underscores, payload });
    expect(one).toMatchObject({ command: { type: 'signal', frame: { dialect: 'webrtc' } } });
    expect(one).not.toHaveProperty('speaks');
    expect(other).toMatchObject({ command: { type: 'signal', frame: { dialect: 'webrtc_snake' } } });
    expect(other).toHaveProperty('speaks', webrtcSnake);
    expect(read({ type: underscores, payload }, webrtcSnake)).not.toHaveProperty('speaks');
  });

  test.each([...noticeNames])('%s is a notice', (name, { host }) => {
    const { kind, isHostOnly } = signalOf({ type: name, payload: {} });
    expect({ kind, isHostOnly }).toEqual({ kind: 'notice', isHostOnly: host });
  });

  test.each([
    ['kick', { target_user_id: 'bob', reason: 'spam' }, { type: 'kick', target: 'bob', reason: 'spam' }],
    ['kick', { user_id: 'bob' }, { type: 'kick', target: 'bob' }],
    ['role-updated', { user_id: 'bob', role: 'host' }, { type: 'transfer_host', to: 'bob' }],
    ['transfer-host', { target_user_id: 'bob' }, { type: 'transfer_host', to: 'bob' }],
    ['ack', { count: 16 }, { type: 'ack', count: 16 }],
    ['heartbeat', {}, { type: 'heartbeat' }],
    ['ping', {}, { type: 'heartbeat' }],
    ['leave', {}, { type: 'leave' }],
    ['refresh-token', { token: 't' }, { type: 'refresh_token', token: 't' }],
    ['auth', { token: 't' }, { type: 'refresh_token', token: 't' }],
  ])('%s %j', (type, payload, command) => {
    const answered = ['kick', 'transfer_host', 'refresh_token'].includes(command.type);
    const decoded = read({ type, payload });
    expect(decoded).toEqual({ command, ask: { verb: type, answered } });
    const snake = type.replaceAll('-', '_');
    expect(read({ type: snake, payload }, webrtcSnake)).toEqual({ command, ask: { verb: snake, answered } });
  });

  test('the extended variant goes over to its own underscores', () => {
    const decoded = read({ type: 'hand_raise', payload: {} }, webrtcExtended);
    expect(decoded).toMatchObject({ speaks: { name: 'webrtc_snake' } });
    if (!('speaks' in decoded)) throw new Error('it was to speak otherwise');
    expect(told({ type: 'accepted' }, decoded.speaks)).toMatchObject({ type: 'accepted' });
    expect(told({ type: 'accepted' }, webrtcSnake)).toBeUndefined();
  });

  test.each([5, null, { a: 1 }, 'x'.repeat(65)])('an id that cannot be quoted is marked: %j', (id) => {
    expect(read({ type: 'offer', payload: { sdp: '' }, id })).toHaveProperty('ask', {
      verb: 'offer',
      answered: false,
      unquotable: true,
    });
  });
});

describe('refusing', () => {
  test.each([
    ['not json', 'INVALID_JSON'],
    ['[1]', 'INVALID_MESSAGE'],
    ['null', 'INVALID_MESSAGE'],
    ['\ufeff{"type":"leave","payload":{}}', 'INVALID_JSON'],
    ['{"type":"offer","payload":{"sdp":NaN}}', 'INVALID_JSON'],
    ['{"type":"dance","payload":{}}', 'UNKNOWN_MESSAGE_TYPE'],
    ['{"type":"dance"}', 'UNKNOWN_MESSAGE_TYPE'],
    ['{"type":"file-share_offer","payload":{}}', 'UNKNOWN_MESSAGE_TYPE'],
    ['{"type":"__proto__","payload":{}}', 'UNKNOWN_MESSAGE_TYPE'],
    ['{"type":"constructor","payload":{}}', 'UNKNOWN_MESSAGE_TYPE'],
  ])('%s: %s', (text, code) => {
    expect(read(text)).toMatchObject({ error: { code }, endsQuiet: false });
  });

  test('the unknown type is named, and not echoed at length', () => {
    expect(read({ type: 'dance', payload: {} })).toHaveProperty('error.message', 'Unknown type "dance".');
    const decoded = read({ type: 'd'.repeat(2_000_000), payload: {}, id: 'q' });
    expect(decoded).toHaveProperty('error.message', `Unknown type "${'d'.repeat(64)}".`);
    expect(decoded).toHaveProperty('ask.id', 'q');
  });

  test.each(['user-joined', 'user-left', 'room-state', 'error', 'host-changed'])(
    '%s is for the server to say',
    (type) => {
      for (const spelt of [type, type.replaceAll('-', '_')]) {
        const decoded = read({ type: spelt, payload: {} });
        expect(decoded).toHaveProperty('error.code', 'FORBIDDEN');
        expect(decoded).toHaveProperty('error.message', `${spelt} is refused: only the server says that.`);
      }
    },
  );

  test.each([
    ['type', { payload: {} }],
    ['type', { type: 5, payload: {} }],
    ['payload', { type: 'offer' }],
    ['payload', { type: 'leave', payload: null }],
    ['payload', { type: 'hand-raise', payload: [] }],
    ['sdp', { type: 'offer', payload: {} }],
    ['sdp', { type: 'answer', payload: { sdp: 5 } }],
    ['type', { type: 'answer', payload: { sdp: '', type: 'offer' } }],
    ['candidate', { type: 'ice-candidate', payload: {} }],
    ['candidate', { type: 'ice-candidate', payload: { candidate: 5 } }],
    ['sdpMid', { type: 'ice-candidate', payload: { candidate: '', sdpMid: 5 } }],
    ['sdp_mid', { type: 'ice-candidate', payload: { candidate: '', sdp_mid: [] } }],
    ['sdpMLineIndex', { type: 'ice-candidate', payload: { candidate: '', sdpMLineIndex: '0' } }],
    ['sdp_m_line_index', { type: 'ice-candidate', payload: { candidate: '', sdp_m_line_index: -1 } }],
    ['usernameFragment', { type: 'ice-candidate', payload: { candidate: '', usernameFragment: 1 } }],
    ['target_user_id', { type: 'offer', payload: { sdp: '', target_user_id: ['bob'] } }],
    ['target_user_id', { type: 'offer', payload: { sdp: '', target_user_id: '' } }],
    ['target_user_id', { type: 'kick', payload: {} }],
    ['reason', { type: 'kick', payload: { user_id: 'bob', reason: 5 } }],
    ['user_id', { type: 'role-updated', payload: { role: 'host' } }],
    ['target_user_id', { type: 'transfer-host', payload: {} }],
    ['count', { type: 'ack', payload: { count: -1 } }],
    ['count', { type: 'ack', payload: {} }],
    ['token', { type: 'refresh-token', payload: {} }],
    ['token', { type: 'auth', payload: { token: '' } }],
  ])('what is wrong with %s is said by name: %j', (field, frame) => {
    const decoded = read(frame);
    if (!('error' in decoded)) throw new Error('it was to be refused');
    expect(decoded.error.code).toBe('INVALID_MESSAGE');
    expect(decoded.error.fields).toEqual({ [field]: [decoded.error.message] });
    expect(decoded.error.message.startsWith(field)).toBe(true);
  });

  test('64 levels go through, 65 and half a million are refused', () => {
    const nested = (levels: number): string =>
      `{"type":"reaction","payload":{"a":${'['.repeat(levels - 2)}${']'.repeat(levels - 2)}}}`;
    expect(read(nested(64))).toHaveProperty('command');
    for (const levels of [65, 500, 500_000]) {
      expect(read(nested(levels))).toMatchObject({
        error: { code: 'INVALID_MESSAGE', message: 'Nested deeper than 64 levels: send less.' },
        ask: { verb: 'reaction' },
      });
    }
  });

  test('what would grow when it is written anew is refused; what only is big is not', () => {
    const numbers = `[${'1e20,'.repeat(100_000)}0]`;
    expect(read(`{"type":"reaction","payload":{"a":${numbers}}}`)).toHaveProperty(
      'error.code',
      'MESSAGE_TOO_BIG',
    );
    expect(read(`{"type":"offer","payload":{"sdp":"","a":${numbers}},"timestamp":null}`)).toHaveProperty(
      'error.code',
      'MESSAGE_TOO_BIG',
    );
    expect(read(`{"type":"offer","payload":{"sdp":"","a":${numbers}}}`)).toHaveProperty('command');
    expect(read({ type: 'offer', payload: { sdp: 's'.repeat(1_000_000) }, sender_id: null })).toHaveProperty(
      'command',
    );
  });

  test('a binary frame is read as UTF-8, or refused', () => {
    const frame = bytesOf({ type: 'leave', payload: {} });
    expect(webrtc.decode(frame, true, scope)).toHaveProperty('command.type', 'leave');
    expect(webrtc.decode(Buffer.from([0xff, 0xfe]), true, scope)).toHaveProperty(
      'error.code',
      'INVALID_JSON',
    );
    const marked = Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), frame]);
    expect(webrtc.decode(marked, true, scope)).toHaveProperty('error.code', 'INVALID_JSON');
  });
});

describe('relaying', () => {
  test('the stamp is put behind the bytes, which stay as they were', () => {
    const text =
      ' { "payload":{"sdp":"v=0","n":12345678901234567890,"x":1.0}, "type":"offer","zeta":1e400 } \n';
    const written = relayed(text);
    expect(written).toBe(
      ' { "payload":{"sdp":"v=0","n":12345678901234567890,"x":1.0}, "type":"offer","zeta":1e400 ' +
        `,"sender_id":"anna","room_id":"room123","timestamp":"${now}"}`,
    );
    expect(JSON.parse(written)).toMatchObject({ type: 'offer', ...stamp });
  });

  test('who it is from, where and when is never believed', () => {
    const frame = {
      type: 'offer',
      payload: { sdp: 'v=0' },
      sender_id: 'eve',
      room_id: 'elsewhere',
      timestamp: null,
      id: '1',
    };
    const written = relayed(frame);
    expect(written).toBe(
      '{"type":"offer","payload":{"sdp":"v=0"},"id":"1",' +
        `"sender_id":"anna","room_id":"room123","timestamp":"${now}"}`,
    );
    const escaped = relayed('{"type":"offer","payload":{"sdp":""},"sender\\u005fid":"eve"}');
    expect(escaped).not.toContain('eve');
    expect(escaped.match(/sender/g)).toHaveLength(1);
  });

  test('user_id is the sender’s own where it is the sender’s to say', () => {
    const raised = (user: string): string => `{"type":"hand-raise","payload":{"user_id":"${user}","n":1.0}}`;
    expect(JSON.parse(relayed(raised('eve')))).toEqual({
      type: 'hand-raise',
      payload: { user_id: 'anna', n: 1 },
      ...stamp,
    });
    // What is honest stays as it came.
    expect(relayed(raised('anna'))).toContain('{"user_id":"anna","n":1.0}');
    expect(JSON.parse(relayed({ type: 'permission-updated', payload: { user_id: 'bob' } }))).toHaveProperty(
      'payload.user_id',
      'bob',
    );
  });

  test('the other spelling gets its own, and nothing else changes', () => {
    const frame = { type: 'ice_candidate', payload: { candidate: '', sdp_mid: '0' }, id: '7', zeta: [1] };
    expect(JSON.parse(relayed(frame, webrtcSnake, webrtc))).toEqual({
      ...frame,
      type: 'ice-candidate',
      ...stamp,
    });
    const back = { type: 'media-control', payload: { action: 'mute', user_id: 'eve' } };
    expect(JSON.parse(relayed(back, webrtc, webrtcSnake))).toEqual({
      type: 'media_control',
      payload: { action: 'mute', user_id: 'anna' },
      ...stamp,
    });
    // A description is spelt alike in both.
    expect(relayed('{"type":"answer","payload":{"sdp":"","n":1.0}}', webrtc, webrtcSnake)).toContain(
      '"n":1.0',
    );
  });

  test('what another node has signed goes out as it is, or in the other spelling', () => {
    const text = relayed({ type: 'reaction', payload: { user_id: 'anna', emoji: '👍' } });
    const bytes = Buffer.from(text);
    const event = new RemoteSignal('notice', anna, undefined, new WireFrame('webrtc', bytes, true));
    expect(webrtc.encode(event, undefined, scope)).toBe(bytes);
    expect(told(event, webrtcSnake)).toEqual(JSON.parse(text));
    const trickle = Buffer.from(relayed({ type: 'ice-candidate', payload: { candidate: null } }));
    const remote = new RemoteSignal('candidate', anna, undefined, new WireFrame('webrtc', trickle, true));
    expect(told(remote, webrtcSnake)).toEqual({
      type: 'ice_candidate',
      payload: { candidate: null },
      ...stamp,
    });
  });
});

describe('translating', () => {
  const fromFlat = (frame: JsonObject, to: Dialect = webrtc): unknown => {
    const decoded = flat.decode(bytesOf(frame), false, scope);
    if (!('command' in decoded) || decoded.command.type !== 'signal') throw new Error('no signal');
    return told({ ...decoded.command, from: anna }, to);
  };
  const toFlat = (frame: unknown): unknown => told(signalOf(frame), flat);

  test('flat signals in S4’s envelope', () => {
    expect(fromFlat({ type: 'offer', sender: 'anna', target: 'bob', sdp: 'v=0', id: '9', extra: 1 })).toEqual(
      {
        id: '9',
        type: 'offer',
        payload: { sdp: 'v=0', type: 'offer', target_user_id: 'bob', extra: 1 },
        ...stamp,
      },
    );
    const candidate = { candidate: 'c', sdpMid: '0', sdpMLineIndex: 0, usernameFragment: 'u' };
    expect(fromFlat({ type: 'candidate', sender: 'anna', target: 'bob', candidate })).toEqual({
      type: 'ice-candidate',
      payload: { ...candidate, target_user_id: 'bob' },
      ...stamp,
    });
    expect(fromFlat({ type: 'candidate', candidate: null }, webrtcSnake)).toEqual({
      type: 'ice_candidate',
      payload: { candidate: '', sdpMid: null, sdpMLineIndex: null },
      ...stamp,
    });
  });

  test('a flat peer whose name is a number can be addressed by it', () => {
    const event = { ...signalOf({ type: 'offer', payload: { sdp: '', target_user_id: 7 } }) };
    expect(told(event, flat)).toMatchObject({ target: 7 });
    if (event.to === undefined) throw new Error('it was for somebody');
    expect(told({ ...event, from: event.to })).toMatchObject({ sender_id: 7 });
  });

  test('flat notices in S4’s envelope, told of by their sender', () => {
    expect(fromFlat({ type: 'hand_raise', payload: { raised: true } })).toEqual({
      type: 'hand-raise',
      payload: { raised: true, user_id: 'anna' },
      ...stamp,
    });
  });

  test('S4’s signals in flat', () => {
    expect(
      toFlat({ type: 'offer', payload: { sdp: 'v=0', type: 'offer', target_user_id: 'bob', x: 1 }, id: '9' }),
    ).toEqual({ type: 'offer', sender: 'anna', target: 'bob', sdp: 'v=0', x: 1, id: '9' });
    expect(
      toFlat({ type: 'ice-candidate', payload: { candidate: 'c', sdp_mid: '0', sdp_m_line_index: 1 } }),
    ).toEqual({
      type: 'candidate',
      sender: 'anna',
      candidate: { candidate: 'c', sdpMid: '0', sdpMLineIndex: 1 },
    });
    expect(toFlat({ type: 'reaction', payload: { user_id: 'eve', emoji: '👍' } })).toEqual({
      type: 'reaction',
      sender: 'anna',
      payload: { user_id: 'anna', emoji: '👍' },
    });
  });

  test('candidates come through without loss, the last of them too', () => {
    const text = fc.string();
    const candidates = fc.record(
      {
        candidate: text,
        sdpMid: fc.option(text),
        sdpMLineIndex: fc.option(fc.nat(65_535)),
        usernameFragment: fc.option(text),
      },
      { requiredKeys: ['candidate', 'sdpMid', 'sdpMLineIndex'] },
    );
    fc.assert(
      fc.property(candidates, (candidate) => {
        const content = contentOf(signalOf({ type: 'ice-candidate', payload: candidate }));
        expect(content).toEqual({ kind: 'candidate', candidate, rest: {} });
      }),
    );
    expect(readWebrtcContent(signalOf({ type: 'ice-candidate', payload: { candidate: null } }))).toEqual({
      kind: 'candidate',
      candidate: { candidate: '', sdpMid: null, sdpMLineIndex: null },
      rest: {},
    });
  });
});

describe('telling', () => {
  const card = { peerId: asPeerId('bob'), role: 'peer', metadata: { tags: ['a'] }, connectedAtMs: 1_500 };
  const self = { ...card, peerId: anna, connectedAtMs: 2_500 };
  const ice = {
    servers: [{ urls: ['stun:s'] }, { urls: ['turn:t'], username: 'u', credential: 'c' }],
    transportPolicy: 'relay' as const,
    expiresAtMs: 3_000,
    ttlS: 3,
  };
  const joined: Event = {
    type: 'joined',
    roomId: asRoomId('room123'),
    roomToken: 'secret',
    self,
    sessionId: asSessionId('s'),
    resumeToken: 'private',
    resumed: false,
    graceMs: 5_000,
    heartbeatMs: 10_000,
    missed: 0,
    peers: [{ ...card, isPolite: true }],
    host: asPeerId('bob'),
    limits,
    ice,
    mode: 'SFU',
    mediaEpoch: 'e1',
  };
  const bob = { user_id: 'bob', username: 'bob' };
  const participants = [
    { ...bob, joined_at: '1970-01-01T00:00:01.500Z' },
    { user_id: 'anna', username: 'anna', joined_at: '1970-01-01T00:00:02.500Z' },
  ];
  const roomState = { room_id: 'room123', participants, participant_count: 2 };
  const iceServers = [
    { urls: ['stun:s'], username: null, credential: null },
    { urls: ['turn:t'], username: 'u', credential: 'c' },
  ];
  const more = {
    participants: [{ ...participants[0], polite: true }, participants[1]],
    user_id: 'anna',
    session_id: 's',
    resume_token: 'private',
    grace_ms: 5_000,
    heartbeat_ms: 10_000,
    host_id: 'bob',
    mode: 'SFU',
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
    ice_servers: iceServers,
    ice_transport_policy: 'relay',
  };

  test('room-state names everybody, the one who joins among them', () => {
    expect(told(joined)).toEqual({ type: 'room-state', payload: roomState, ...serverStamp });
    expect(told(joined, webrtcSnake)).toEqual({ type: 'room_state', payload: roomState, ...serverStamp });
    expect(told({ type: 'room_state', peers: [card, self] }, webrtcExtended)).toEqual(told(joined));
    expect(textOf(webrtcExtended.encode(joined, undefined, scope))).not.toContain('secret');
    expect(told(joined, webrtcExtended)).toEqual({
      type: 'room-state',
      payload: { ...roomState, ...more },
      ...serverStamp,
    });
  });

  test('who goes on with a session is told what was missed', () => {
    expect(told({ ...joined, resumed: true, missed: 4 }, webrtcExtended)).toEqual({
      type: 'room-state',
      payload: { ...roomState, ...more, reconnected: true, missed_message_count: 4, last_sequence: 0 },
      ...serverStamp,
    });
  });

  const refusal = (code: ErrorCode, options = {}): Event => ({
    type: 'refused',
    error: new SignalingError(code, undefined, options),
  });
  const rosterEntry = { ...card, isPolite: false };
  const plain: readonly (readonly [Event, string, JsonObject])[] = [
    [
      { type: 'peer_joined', peer: rosterEntry },
      'user-joined',
      { ...bob, timestamp: '1970-01-01T00:00:01.500Z' },
    ],
    [{ type: 'peer_left', peerId: card.peerId, reason: 'left' }, 'user-left', { ...bob, timestamp: now }],
    [
      { type: 'host_changed', host: card.peerId, from: anna },
      'role-updated',
      { user_id: 'bob', role: 'host', updated_by: 'anna', timestamp: now },
    ],
    [
      { type: 'host_changed', host: card.peerId, from: undefined },
      'role-updated',
      { user_id: 'bob', role: 'host', updated_by: null, timestamp: now },
    ],
    [
      { type: 'kicked', by: anna, reason: 'spam' },
      'error',
      {
        code: 'KICKED',
        message: 'The host has removed this peer from the room. Reason: spam',
        details: { by: 'anna', reason: 'spam' },
      },
    ],
    [
      { type: 'kicked', by: anna, reason: undefined },
      'error',
      { code: 'KICKED', message: errorTable.KICKED.text, details: { by: 'anna', reason: null } },
    ],
    [
      refusal('RATE_LIMITED', { retryAfterMs: 2_001 }),
      'error',
      {
        code: 'RATE_LIMIT_EXCEEDED',
        message: `${errorTable.RATE_LIMITED.text} Retry after 3s`,
        details: null,
        retry_after_ms: 2_001,
      },
    ],
    [
      refusal('INVALID_MESSAGE', { fields: { sdp: ['sdp must be a string.'] } }),
      'error',
      {
        code: 'INVALID_MESSAGE',
        message: errorTable.INVALID_MESSAGE.text,
        details: { sdp: ['sdp must be a string.'] },
      },
    ],
  ];

  test.each(plain)('%j', (event, type, payload) => {
    expect(told(event)).toEqual({ type, payload, ...serverStamp });
    expect(told(event, webrtcSnake)).toEqual({ type: type.replaceAll('-', '_'), payload, ...serverStamp });
    expect(told(event, webrtcExtended)).toMatchObject({ type, payload, ...serverStamp });
  });

  test.each(Object.keys(errorTable) as ErrorCode[])('error %s', (code) => {
    const names: Partial<Record<ErrorCode, string>> = {
      INTERNAL: 'INTERNAL_ERROR',
      RATE_LIMITED: 'RATE_LIMIT_EXCEEDED',
    };
    const payload = { code: names[code] ?? code, message: errorTable[code].text, details: null };
    const ask = { verb: 'kick', id: '1', answered: true };
    expect(told(refusal(code), webrtc, ask)).toEqual({ type: 'error', payload, ...serverStamp });
    expect(told(refusal(code), webrtcExtended, ask)).toEqual({
      type: 'error',
      payload: { ...payload, retryable: errorTable[code].retryable },
      ...serverStamp,
      reply_to: '1',
    });
  });

  const beyond: readonly (readonly [Event, string, JsonObject])[] = [
    [{ type: 'accepted' }, 'accepted', {}],
    [{ type: 'delivered' }, 'delivered', {}],
    [{ type: 'heartbeat_ack' }, 'heartbeat-ack', {}],
    [{ type: 'left' }, 'room-left', {}],
    [{ type: 'peer_disconnecting', peerId: card.peerId }, 'user-disconnecting', bob],
    [{ type: 'peer_resumed', peerId: card.peerId }, 'user-resumed', bob],
    [{ type: 'go_away', retryInMs: 7 }, 'go-away', { retry_in_ms: 7 }],
    [
      { type: 'room_closed', roomId: asRoomId('room123'), reason: 'deleted' },
      'room-closed',
      { room_id: 'room123', reason: 'deleted' },
    ],
    [
      { type: 'session_expiring', atMs: 5_000 },
      'session-expiring',
      { expires_at: '1970-01-01T00:00:05.000Z' },
    ],
    [
      { type: 'token_refreshed', untilMs: 5_000 },
      'token-refreshed',
      { expires_at: '1970-01-01T00:00:05.000Z' },
    ],
    [modeByHost, 'room-mode-changed', { mode: 'SFU', reason: 'host', by: 'anna' }],
    [modeBySize, 'room-mode-changed', { mode: 'SFU', reason: 'size', by: null }],
    [
      { type: 'ice_servers', ice },
      'ice-servers',
      { ...webrtcIceConfig(ice), expires_at: '1970-01-01T00:00:03.000Z', restart_ice: true },
    ],
  ];

  test.each(beyond)('only to who asked for more than S4: %j', (event, type, payload) => {
    const ask = { verb: 'offer', id: '1', answered: false };
    expect(told(event)).toBeUndefined();
    expect(told(event, webrtcExtended)).toEqual({ type, payload, ...serverStamp });
    expect(told(event, webrtcExtended, ask)).toEqual({ type, payload, ...serverStamp, reply_to: '1' });
  });

  test('who sends what S4 does not have is answered all the same', () => {
    const ask = { verb: 'ping', answered: false };
    expect(told({ type: 'heartbeat_ack' }, webrtc, ask)).toEqual({
      type: 'heartbeat-ack',
      payload: {},
      ...serverStamp,
    });
    expect(told({ type: 'left' }, webrtcSnake, ask)).toHaveProperty('type', 'room_left');
  });

  test('presence says more to who asked for more', () => {
    expect(told({ type: 'peer_joined', peer: rosterEntry }, webrtcExtended)).toHaveProperty('payload', {
      ...bob,
      timestamp: '1970-01-01T00:00:01.500Z',
      role: 'peer',
      metadata: { tags: ['a'] },
      polite: false,
    });
    const left: Event = { type: 'peer_left', peerId: card.peerId, reason: 'kicked' };
    expect(told(left, webrtcExtended)).toHaveProperty('payload.reason', 'kicked');
  });

  test('[X3] for some events there is no word', () => {
    const events: readonly Event[] = [
      { type: 'peers', to: anna, peers: [card] },
      { type: 'metadata_updated', peerId: anna, metadata: {} },
      { type: 'message', from: anna, to: anna, payload: 1, frame: undefined },
      { type: 'peer_kicked', peerId: anna, by: anna, reason: undefined },
      ...mediaReplies,
      ...mediaNews,
    ];
    for (const event of events) {
      expect(told(event)).toBeUndefined();
      expect(told(event, webrtcExtended)).toBeUndefined();
    }
  });

  test('the config reply is S4’s', () => {
    expect(webrtcIceConfig(ice)).toEqual({
      ice_servers: iceServers,
      ice_transport_policy: 'relay',
      bundle_policy: 'balanced',
      rtcp_mux_policy: 'require',
    });
  });

  test('closing: 4003 and 1008 where S4 says so, and nothing longer than a close frame holds', () => {
    const own = (Object.keys(closeTable) as CloseReason[])
      .map((reason) => [reason, webrtc.close?.(reason)] as const)
      .filter(([, close]) => close !== undefined);
    expect(Object.fromEntries(own)).toEqual({
      unauthenticated: { code: 4003, text: 'not authenticated' },
      expired: { code: 4003, text: 'the identity token has expired' },
      room_full: { code: 1008, text: 'Room full' },
      unusable_room_id: {
        code: 1008,
        text: 'Room ID must be alphanumeric, with - and _, 1 to 100 characters',
      },
    });
    for (const [, close] of own) expect(Buffer.byteLength(close?.text ?? '')).toBeLessThanOrEqual(123);
  });
});

describe('hostile frames', () => {
  const kinds = [
    'offer',
    'answer',
    'ice-candidate',
    'chat-message',
    'hand_raise',
    'kick',
    'ack',
    'role-updated',
  ];
  const json = fc.jsonValue({ maxDepth: 4 });
  const hostileKey = fc.constantFrom(
    '__proto__',
    'constructor',
    'toString',
    'sender_id',
    'id',
    'sdp',
    'user_id',
  );
  const hostileObject = fc.dictionary(fc.oneof(fc.string(), hostileKey), json);

  test('nothing makes reading throw', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.boolean(), (bytes, isBinary) => {
        webrtc.decode(Buffer.from(bytes), isBinary, scope);
      }),
    );
    fc.assert(
      fc.property(
        fc.oneof(
          json,
          fc.record({ type: fc.oneof(fc.constantFrom(...kinds), json), payload: json, id: json }),
        ),
        (frame) => {
          read(JSON.stringify(frame));
        },
      ),
    );
    read('['.repeat(1_000_000));
    read(`${'{"a":'.repeat(500)}1${'}'.repeat(500)}`);
    read(JSON.stringify({ type: 'chat-message', payload: { text: '\ud800'.repeat(2_000_000) } }));
  });

  test('whatever is read is written as one JSON object with the five keys, to each spelling and to flat', () => {
    const frames = fc.record(
      {
        type: fc.constantFrom(...kinds),
        payload: hostileObject,
        extra: json,
        sender_id: json,
        room_id: json,
        timestamp: json,
        id: json,
      },
      { requiredKeys: ['type', 'payload'] },
    );
    fc.assert(
      fc.property(frames, fc.string(), fc.boolean(), (frame, sdp, isPretty) => {
        const payload = { sdp, candidate: sdp, ...frame.payload };
        const text = JSON.stringify({ ...frame, payload }, undefined, isPretty ? 2 : 0);
        const decoded = read(text);
        if (!('command' in decoded) || decoded.command.type !== 'signal') return;
        const event: SignalEvent = { ...decoded.command, from: anna };
        for (const dialect of [webrtc, webrtcSnake]) {
          const written = textOf(dialect.encode(event, undefined, scope));
          expect(JSON.parse(written)).toMatchObject(stamp);
          expect(written.split('"room_id":"room123"')).toHaveLength(2);
          expect(JSON.parse(written)).toHaveProperty('payload');
          expect(JSON.parse(written)).toHaveProperty('type');
        }
        expect(told(event, flat)).toMatchObject({ sender: 'anna' });
      }),
      { numRuns: 300 },
    );
  });
});
