/** What each dialect says to what it cannot take, and that nobody else hears of it. */
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { WebSocket } from 'ws';
import { barrier, seated, voices, type Voice } from '../support/dialect-voices.js';
import { TestServer, type Room, type User } from '../support/server.js';
import { TestPeer, type Frame } from '../support/test-peer.js';

const maxMessageBytes = 1_048_576;
let server: TestServer;
let host: User;
let guest: User;
let room: Room;
/** A parity peer, the host, and a plain gateway peer: neither is told who comes and goes. */
let anna: TestPeer;
let bert: TestPeer;
let serial = 0;
const opened: TestPeer[] = [];

beforeAll(async () => {
  server = await TestServer.start({ GRACE_MS: '0' });
  [host, guest] = [await server.signIn(), await server.signIn()];
  room = await server.createRoom(host);
  anna = await server.register(room, 'anna', host);
  bert = await seated(server, voiceOf('gateway'), room, 'bert', host);
});
afterAll(async () => {
  bert.drop();
  await server.stop();
});
afterEach(async () => {
  for (const peer of opened.splice(0)) {
    peer.drop();
    await peer.closed;
  }
  await pairIsWell();
  expect(server.tally.handler_failures).toBe(0);
});

function voiceOf(name: Voice['name']): Voice {
  const voice = voices.find((one) => one.name === name);
  if (voice === undefined) throw new Error(`no voice ${name}`);
  return voice;
}

/** The next thing that each of them hears is the other. */
async function pairIsWell(): Promise<void> {
  serial += 1;
  anna.send({ type: 'offer', sender: 'anna', target: 'bert', sdp: `v=0 ${serial}` });
  await bert.expect({ type: 'sdp', senderId: 'anna', sdp: { type: 'offer', sdp: `v=0 ${serial}` } });
  bert.send({
    type: 'sdp',
    senderId: 'bert',
    targetId: 'anna',
    sdp: { type: 'answer', sdp: `w=0 ${serial}` },
  });
  await anna.expect({ type: 'answer', sender: 'bert', sdp: `w=0 ${serial}` });
}

async function hostile(voice: Voice): Promise<TestPeer> {
  const peer = await seated(server, voice, room, 'hostile', guest);
  opened.push(peer);
  return peer;
}

async function open(path: string): Promise<TestPeer> {
  const peer = await TestPeer.open(server.ws + path);
  opened.push(peer);
  return peer;
}

async function refusedUpgrade(path: string): Promise<{ status: number | undefined; text: string }> {
  const socket = new WebSocket(server.ws + path);
  const [, response] = (await once(socket, 'unexpected-response')) as [unknown, IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return { status: response.statusCode, text: Buffer.concat(chunks).toString() };
}

const nested = (levels: number): string => '['.repeat(levels) + ']'.repeat(levels);

describe('addresses', () => {
  test.each([
    '/nowhere',
    '/signal',
    '/signal/a/b',
    '/ws/webrtc',
    '/ws/webrtc/a/b',
    '/webrtc/ws/',
    '//',
    '/constructor',
  ])('[T6] [D15] %s is refused 404 at the upgrade, and told what is served', async (path) => {
    const { status, text } = await refusedUpgrade(path);
    expect(status).toBe(404);
    for (const served of ['/', '/signal/{roomId}', '/ws/webrtc/{room_id}', '/webrtc/ws/{room_id}']) {
      expect(text).toContain(served);
    }
  });

  const unusable = ['a.b', 'a%20b', '%', '%2F', 'x'.repeat(101), '%F0%9F%98%80', '..%2f..'];

  test.each(unusable)(
    '[G3] the room id %s is told to be unusable, field by field, and closed',
    async (id) => {
      const peer = await open(`/signal/${id}?token=${guest.id_token}`);
      const { details } = await peer.expect({ error: 'Invalid message format' });
      expect(details).toEqual({
        formErrors: [],
        fieldErrors: { roomId: [expect.stringContaining('1 to 100')] },
      });
      expect((await peer.closed).code).toBe(4400);
    },
  );

  test.each(unusable)('[W6] the room id %s is told to be unusable, and closed 1008', async (id) => {
    const peer = await open(`/ws/webrtc/${id}?token=${guest.id_token}`);
    await peer.expect({
      type: 'error',
      payload: {
        code: 'INVALID_MESSAGE',
        message: expect.stringContaining('1 to 100'),
        details: expect.anything(),
      },
    });
    expect((await peer.closed).code).toBe(1008);
  });

  test.each(['__proto__', 'constructor', 'toString'])('[G5] a room may be called %s', async (id) => {
    const peer = await open(`/signal/${id}?presence=1&peer_id=${id}&token=${guest.id_token}`);
    await peer.expect({ type: 'welcome', roomId: id, senderId: id, peers: [] });
  });

  test('[G3] [W6] an unusable name in the address is told by its field', async () => {
    const long = 'x'.repeat(129);
    const one = await open(`/signal/${room.room_id}?peer_id=${long}`);
    const { details } = await one.expect({ error: 'Invalid message format' });
    expect(details).toMatchObject({ fieldErrors: { peer_id: [expect.stringContaining('128')] } });
    const other = await open(`/ws/webrtc/${room.room_id}?peer_id=${long}`);
    await other.expect({
      type: 'error',
      payload: { details: { peer_id: [expect.stringContaining('128')] } },
    });
  });
});

describe.each(voices)('$name', (voice) => {
  let peer: TestPeer;

  beforeEach(async () => {
    peer = await hostile(voice);
    await barrier(peer, voice);
  });

  /** The next answer is this refusal. */
  async function refused(frame: Frame | string | Buffer, code: string): Promise<Frame> {
    peer.send(frame);
    const answer = await peer.next();
    expect([voice.codeIn(answer), answer]).toEqual([code, answer]);
    return answer;
  }

  /** It can still call somebody. */
  async function isUsable(): Promise<void> {
    const sdp = `v=0 usable ${(serial += 1)}`;
    peer.send(voice.offer('hostile', 'bert', sdp));
    await bert.expect({ type: 'sdp', senderId: 'hostile', sdp: { type: 'offer', sdp } });
  }

  test.each<[string, string | Buffer]>([
    ['half a frame', '{"type":"offer"'],
    ['an empty frame', ''],
    ['an empty binary frame', Buffer.alloc(0)],
    ['a byte order mark', '\ufeff{"type":"offer"}'],
    ['NaN', '{"type":"offer","n":NaN}'],
    ['Infinity', '{"type":"offer","n":-Infinity}'],
    ['two objects', '{}{}'],
    ['binary rubbish', Buffer.from([0xc3, 0x28, 0xff, 0xfe, 0x00])],
    ['an open nest of 500 levels', '['.repeat(500)],
    ['single quotes', "{'type':'offer'}"],
  ])('[T5] [D3] [D7] %s is no JSON, and the socket stays', async (_what, frame) => {
    await refused(frame, 'INVALID_JSON');
    await isUsable();
  });

  test('[T7] text that is no UTF-8 is closed 1007', async () => {
    // Half of a pair of surrogates, written as if it were a character.
    peer.socket.send(Buffer.from('22eda08022', 'hex'), { binary: false });
    expect((await peer.closed).code).toBe(1007);
  });

  test('[T7] half of a pair of surrogates, escaped, names nobody', async () => {
    peer.send(JSON.stringify(voice.offer('hostile', '\ud800', 'v=0')));
    expect(voice.codeIn(await peer.next())).toBe('PEER_NOT_FOUND');
    await isUsable();
  });

  test.each<[string, string]>([
    ['a list', '[]'],
    ['null', 'null'],
    ['a number', '1e400'],
    ['a text', '"offer"'],
    ['no type', '{}'],
    ['a number for a type', '{"type":1,"payload":{}}'],
    ['a list for a type', '{"type":["offer"],"payload":{}}'],
    ['an object for a type', '{"type":{"toString":"offer"},"payload":{}}'],
    ['500 levels', nested(500)],
    ['500 levels of type', `{"type":${nested(500)}}`],
    ['a type in the prototype', '{"__proto__":{"type":"offer","payload":{"sdp":""}}}'],
  ])('[T5] [D3] %s is no message, and the socket stays', async (_what, frame) => {
    await refused(frame, 'INVALID_MESSAGE');
    await isUsable();
  });

  test.each(['constructor', '__proto__', 'toString', 'hasOwnProperty', 'valueOf', 'nonsense', ''])(
    '[T5] a type %j is none',
    async (type) => {
      const code = voice.name === 'gateway' ? 'INVALID_MESSAGE' : 'UNKNOWN_MESSAGE_TYPE';
      await refused({ type, payload: {}, senderId: 'hostile' }, code);
      await isUsable();
    },
  );

  test.each(['__proto__', 'constructor', 'toString'])(
    '[T7] %s is nobody in the room, and prototype keys in a message are data',
    async (name) => {
      await refused(JSON.stringify(voice.offer('hostile', name, 'v=0')), 'PEER_NOT_FOUND');
      const text = JSON.stringify(voice.offer('hostile', 'bert', 'v=0 prototype'));
      peer.send(
        `${text.slice(0, -1)},"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}`,
      );
      await bert.expect({ type: 'sdp', sdp: { sdp: 'v=0 prototype' } });
      expect(({} as Frame)['polluted']).toBeUndefined();
    },
  );

  test('[A4] a kick from a guest is refused, and nobody is gone', async () => {
    await refused(voice.kick('hostile', 'bert'), 'NOT_HOST');
    await refused(voice.kick('hostile', '__proto__'), 'NOT_HOST');
    await isUsable();
  });

  test('[T5] 32 malformed frames close it 4400, an answer for each', async () => {
    // A good one first: the test's own question was none.
    await isUsable();
    for (let n = 0; n < 32; n += 1) peer.send('nonsense');
    for (let n = 0; n < 32; n += 1) expect(voice.codeIn(await peer.next())).toBe('INVALID_JSON');
    expect((await peer.closed).code).toBe(4400);
  });

  test('[T2] [X1] an SDP of 1 MiB passes', async () => {
    // The receiver of another dialect gets it written anew.
    for (const receiver of voices) {
      const other = await seated(server, receiver, room, `other-${receiver.name}`, guest);
      opened.push(other);
      await barrier(other, receiver);
      await barrier(peer, voice);
      const bare = JSON.stringify(voice.offer('hostile', `other-${receiver.name}`, '')).length;
      const sdp = 'x'.repeat(maxMessageBytes - bare);
      peer.send(voice.offer('hostile', `other-${receiver.name}`, sdp));
      for (;;) {
        const said = receiver.sdpIn(await other.next());
        if (said === undefined) continue;
        expect(said === sdp).toBe(true);
        break;
      }
      other.drop();
      await other.closed;
    }
  });

  test('[T2] one byte more than MAX_MESSAGE_BYTES is closed 1009', async () => {
    const bare = JSON.stringify(voice.offer('hostile', 'bert', '')).length;
    peer.send(voice.offer('hostile', 'bert', 'x'.repeat(maxMessageBytes - bare + 1)));
    expect((await peer.closed).code).toBe(1009);
  });
});

describe('flat, in a room', () => {
  const voice = voiceOf('flat');
  let peer: TestPeer;

  beforeEach(async () => {
    peer = await hostile(voice);
  });

  test.each<[string, Frame, string, RegExp]>([
    ['kick without a target', { type: 'kick' }, 'INVALID_MESSAGE', /^target /],
    ['transfer_host without a target', { type: 'transfer_host' }, 'INVALID_MESSAGE', /^target /],
    ['refresh_token without a token', { type: 'refresh_token' }, 'MISSING_FIELDS', /token/],
    [
      'update_metadata without metadata',
      { type: 'update_metadata', peer_id: 'hostile' },
      'INVALID_MESSAGE',
      /^metadata /,
    ],
    [
      'peer_message without a payload',
      { type: 'peer_message', from_peer_id: 'hostile', to_peer_id: 'bert' },
      'INVALID_MESSAGE',
      /^payload /,
    ],
    ['discover_peers without a name', { type: 'discover_peers' }, 'INVALID_MESSAGE', /^from_peer_id /],
    ['ack without a count', { type: 'ack' }, 'INVALID_MESSAGE', /^count /],
    ['join_room without a room', { type: 'join_room', token: 'x' }, 'MISSING_FIELDS', /room_id/],
    ['an empty target', { type: 'offer', target: '' }, 'MISSING_FIELDS', /^target /],
    ['a list for a target', { type: 'offer', target: ['bert'] }, 'INVALID_MESSAGE', /^target /],
    [
      'an object for a sender',
      { type: 'offer', sender: { a: 1 }, target: 'bert' },
      'INVALID_MESSAGE',
      /^sender /,
    ],
    [
      'two senders',
      { type: 'offer', sender: 'hostile', senderId: 'anna', target: 'bert' },
      'INVALID_MESSAGE',
      /senderId/,
    ],
    ['a number for an id', { type: 'heartbeat', id: 7 }, 'INVALID_MESSAGE', /^id /],
    ['an id of 65 characters', { type: 'heartbeat', id: 'x'.repeat(65) }, 'INVALID_MESSAGE', /^id /],
    ['a fraction for a count', { type: 'ack', count: 0.5 }, 'INVALID_MESSAGE', /^count /],
    [
      'a list for metadata',
      { type: 'update_metadata', peer_id: 'hostile', metadata: [] },
      'INVALID_MESSAGE',
      /^metadata /,
    ],
    [
      'a number for a room',
      { type: 'join_room', room_id: 1, token: 'x', id_token: 'x' },
      'INVALID_MESSAGE',
      /^room_id /,
    ],
    [
      'a list for a resume claim',
      { type: 'join_room', room_id: 'x', resume: [] },
      'INVALID_MESSAGE',
      /^resume /,
    ],
    [
      'a reason of 121 characters',
      { type: 'kick', target: 'bert', reason: 'x'.repeat(121) },
      'INVALID_MESSAGE',
      /^reason /,
    ],
    ['a forged offer', { type: 'offer', sender: 'anna', target: 'bert' }, 'SENDER_MISMATCH', /hostile/],
    [
      'a forged peer_message',
      { type: 'peer_message', from_peer_id: 'anna', to_peer_id: 'bert', payload: 1 },
      'SENDER_MISMATCH',
      /hostile/,
    ],
    [
      'forged metadata',
      { type: 'update_metadata', peer_id: 'anna', metadata: {} },
      'SENDER_MISMATCH',
      /hostile/,
    ],
    ['a forged kick', { type: 'kick', sender: 'anna', target: 'bert' }, 'SENDER_MISMATCH', /hostile/],
    ['a forged notice', { type: 'hand_raise', payload: { user_id: 'anna' } }, 'SENDER_MISMATCH', /hostile/],
    ['a notice of the host', { type: 'recording_control', payload: {} }, 'NOT_HOST', /host/],
    [
      '65 levels in S1’s spelling',
      { type: 'webrtc_offer', to: 'bert', x: JSON.parse(nested(65)) as unknown },
      'INVALID_MESSAGE',
      /levels/,
    ],
  ])('[D1] [D3] %s is refused with its reason', async (_what, frame, code, words) => {
    const id = 'id' in frame ? undefined : 'q';
    peer.send(id === undefined ? frame : { ...frame, id });
    const answer = await peer.expect({ type: 'error', code, ...(id === undefined ? {} : { reply_to: id }) });
    expect(answer['message']).toMatch(words);
    expect(answer['reason']).toBe(answer['message']);
    peer.send({ type: 'heartbeat' });
    await peer.expect({ type: 'heartbeat_ack' });
  });

  test.each([64, 500, 5_000])(
    '[T7] %i levels in its own spelling reach a flat peer as they are, others without them',
    async (levels) => {
      const parity = await server.register(room, 'deep', guest);
      opened.push(parity);
      await peer.expect({ type: 'user_joined', peer_id: 'deep' });
      const frame = `{"type":"offer","sender":"hostile","target":"deep","sdp":"v=0","x":${nested(levels)}}`;
      peer.send(frame);
      expect(await parity.nextRaw()).toBe(frame);
      peer.send(frame.replace('deep', 'bert'));
      await bert.expect({ type: 'sdp', senderId: 'hostile', sdp: { type: 'offer', sdp: 'v=0' } });
    },
  );

  test('[T7] prototype keys in metadata, payloads and ids are data', async () => {
    const metadata = '{"tags":["__proto__"],"properties":{"__proto__":{"polluted":1},"constructor":1}}';
    peer.send(`{"type":"update_metadata","peer_id":"hostile","metadata":${metadata},"id":"__proto__"}`);
    await peer.expect({ type: 'metadata_updated', reply_to: '__proto__' });
    peer.send({
      type: 'discover_peers',
      from_peer_id: 'hostile',
      filters: { properties: { toString: { $gte: 1 } } },
    });
    await peer.expect({ type: 'peer_list', count: 0 });
    peer.send({ type: 'offer', target: 'hostile', sdp: '', id: 'constructor' });
    await peer.expect({ type: 'offer', sender: 'hostile' });
    await peer.expect({ type: 'accepted', reply_to: 'constructor' });
    expect(({} as Frame)['polluted']).toBeUndefined();
  });
});

describe('flat, before joining', () => {
  let peer: TestPeer;

  beforeEach(async () => {
    peer = await open('/');
  });

  test.each<[string, Frame | string | Buffer, Frame]>([
    ['half a frame', '{', { type: 'error', code: 'INVALID_JSON' }],
    ['an empty frame', '', { type: 'error', code: 'INVALID_JSON' }],
    ['a byte order mark', '\ufeff{}', { type: 'error', code: 'INVALID_JSON' }],
    ['binary rubbish', Buffer.from([0xff, 0xff]), { type: 'error', code: 'INVALID_JSON' }],
    ['NaN', 'NaN', { type: 'error', code: 'INVALID_JSON' }],
    ['500 levels', nested(500), { type: 'error', code: 'INVALID_MESSAGE' }],
    [
      '500 levels of names',
      `{"type":"register","peer_id":${nested(500)},"room_id":"x","token":"x","id_token":"x"}`,
      { error: 'Invalid token' },
    ],
    ['a type of the prototype', { type: 'constructor' }, { type: 'error', code: 'UNKNOWN_MESSAGE_TYPE' }],
    ['an offer', { type: 'offer', sender: 'anna', target: 'bert' }, { type: 'error', code: 'NOT_IN_ROOM' }],
    ['a kick', { type: 'kick', target: 'bert' }, { type: 'error', code: 'NOT_IN_ROOM' }],
    [
      'register without fields',
      { type: 'register' },
      { type: 'error', reason: 'Missing required fields during registration.' },
    ],
    [
      'register with no token',
      { type: 'register', peer_id: 'x', room_id: 'x', token: 'x', id_token: {} },
      { type: 'error', reason: 'Missing required fields during registration.' },
    ],
    [
      'register with a bad token',
      { type: 'register', peer_id: 'x', room_id: 'x', token: 'x', id_token: 'x' },
      { error: 'Invalid token' },
    ],
    [
      'join_room without a token',
      { type: 'join_room', room_id: 'x', token: 'x' },
      { type: 'error', code: 'MISSING_FIELDS' },
    ],
    ['join_room with a list', { type: 'join_room', room_id: [] }, { type: 'error', code: 'INVALID_MESSAGE' }],
    [
      'join_room to __proto__',
      { type: 'join_room', room_id: '__proto__', token: 'x', id_token: 'x' },
      { type: 'error', code: 'INVALID_TOKEN' },
    ],
  ])('[D3] [D11] %s is answered, and the socket stays', async (_what, frame, answer) => {
    peer.send(frame);
    await peer.expect(answer);
    peer.send({ type: 'register', peer_id: 'hostile', ...room, id_token: guest.id_token });
    await peer.expect({ type: 'registered_auth' });
  });

  test('[T2] [D10] one byte above 16 KiB is too big', async () => {
    peer.send(`"${'x'.repeat(16_383)}"`);
    await peer.expect({ code: 'MESSAGE_TOO_BIG' });
    expect((await peer.closed).code).toBe(1009);
  });
});

describe('gateway', () => {
  const voice = voiceOf('gateway');
  let peer: TestPeer;

  beforeEach(async () => {
    peer = await hostile(voice);
  });

  const ice = { candidate: '', sdpMid: null, sdpMLineIndex: null };

  test.each<[string, Frame, string[]]>([
    ['sdp without its fields', { type: 'sdp' }, ['senderId', 'sdp']],
    ['ice without its fields', { type: 'ice', senderId: 'hostile', ice: { candidate: '' } }, ['ice']],
    ['kick without a target', { type: 'kick', senderId: 'hostile' }, ['targetId']],
    ['host-change without a host', { type: 'host-change', senderId: 'hostile' }, ['newHostId']],
    [
      'numbers for names',
      { ...voice.offer('hostile', 'bert', ''), senderId: 1, targetId: 2 },
      ['senderId', 'targetId'],
    ],
    ['an empty name', voice.offer('', 'bert', ''), ['senderId']],
    ['a name of 129 characters', voice.offer('hostile', 'x'.repeat(129), ''), ['targetId']],
    ['a text for a description', { type: 'sdp', senderId: 'hostile', sdp: 'v=0' }, ['sdp']],
    [
      'a description of a third kind',
      { type: 'sdp', senderId: 'hostile', sdp: { type: 'rollback', sdp: '' } },
      ['sdp'],
    ],
    ['a text for a timestamp', voice.offer('hostile', 'bert', '', { timestamp: 'now' }), ['timestamp']],
    [
      'a text for an index',
      { type: 'ice', senderId: 'hostile', ice: { ...ice, sdpMLineIndex: '0' } },
      ['ice'],
    ],
    ['a reason of 121 characters', { ...voice.kick('hostile', 'bert'), reason: 'x'.repeat(121) }, ['reason']],
    [
      '500 levels for a description',
      { type: 'sdp', senderId: 'hostile', sdp: JSON.parse(nested(500)) as unknown },
      ['sdp'],
    ],
    ['a forged sender', voice.offer('anna', 'bert', ''), ['senderId']],
    ['a forged kick', voice.kick('anna', 'bert'), ['senderId']],
  ])('[G2] [G3] %s is refused field by field', async (_what, frame, fields) => {
    peer.send(frame);
    const { details } = await peer.expect({ error: 'Invalid message format' });
    expect(details).toMatchObject({ formErrors: [] });
    expect(Object.keys((details as { fieldErrors: Frame }).fieldErrors)).toEqual(fields);
    peer.send(voice.offer('hostile', 'bert', 'v=0'));
    await bert.expect({ type: 'sdp', senderId: 'hostile' });
  });

  test.each([64, 500, 5_000])('[G1] [T7] %i levels reach a gateway peer as they are', async (levels) => {
    const text = JSON.stringify(voice.offer('hostile', 'bert', 'v=0', { timestamp: 1 }));
    const frame = `${text.slice(0, -1)},"x":${nested(levels)}}`;
    peer.send(frame);
    expect(await bert.nextRaw()).toBe(frame);
    // To another dialect it goes without them.
    peer.send(frame.replace('bert', 'anna'));
    expect((await anna.nextRaw()).replaceAll(' ', '')).toContain('"sdp":"v=0"');
  });

  test('[G2] before its token there is no room, and a message may have 16 KiB', async () => {
    const early = await open(`/signal/${room.room_id}?auth=message&room_token=${room.token}`);
    early.send(voice.offer('hostile', 'bert', ''));
    await early.expect({ code: 'NOT_IN_ROOM' });
    early.send('{');
    await early.expect({ error: 'Failed to process message' });
    early.send(voice.offer('hostile', 'bert', 'x'.repeat(16_384)));
    await early.expect({ code: 'MESSAGE_TOO_BIG' });
    expect((await early.closed).code).toBe(1009);
  });
});

describe('webrtc', () => {
  const voice = voiceOf('webrtc');
  let peer: TestPeer;

  beforeEach(async () => {
    peer = await hostile(voice);
  });

  const candidate = { candidate: '' };

  test.each<[string, Frame, string, string[] | null]>([
    ['no payload', { type: 'offer' }, 'INVALID_MESSAGE', ['payload']],
    ['a list for a payload', { type: 'chat-message', payload: [] }, 'INVALID_MESSAGE', ['payload']],
    ['an offer without an sdp', { type: 'offer', payload: {} }, 'INVALID_MESSAGE', ['sdp']],
    [
      'an offer that says it is an answer',
      { type: 'offer', payload: { sdp: '', type: 'answer' } },
      'INVALID_MESSAGE',
      ['type'],
    ],
    [
      'a number for a candidate',
      { type: 'ice-candidate', payload: { candidate: 1 } },
      'INVALID_MESSAGE',
      ['candidate'],
    ],
    [
      'a text for an index',
      { type: 'ice_candidate', payload: { ...candidate, sdpMLineIndex: '0' } },
      'INVALID_MESSAGE',
      ['sdpMLineIndex'],
    ],
    ['a kick of nobody', { type: 'kick', payload: {} }, 'INVALID_MESSAGE', ['target_user_id']],
    [
      'a list for a target',
      voice.kick('', ['bert'] as unknown as string),
      'INVALID_MESSAGE',
      ['target_user_id'],
    ],
    ['an empty target', voice.offer('', '', ''), 'INVALID_MESSAGE', ['target_user_id']],
    ['what only the server says', { type: 'user-joined', payload: {} }, 'FORBIDDEN', null],
    ['what only the host says', { type: 'recording-control', payload: {} }, 'NOT_HOST', null],
    ['both spellings in one', { type: 'ice-candidate_x', payload: {} }, 'UNKNOWN_MESSAGE_TYPE', null],
    [
      '64 levels below the envelope',
      { type: 'offer', payload: { sdp: '', x: JSON.parse(nested(63)) as unknown } },
      'INVALID_MESSAGE',
      null,
    ],
    [
      '500 levels',
      { type: 'chat-message', payload: { content: JSON.parse(nested(500)) as unknown } },
      'INVALID_MESSAGE',
      null,
    ],
  ])('[W1] [W5] %s is refused with its reason', async (_what, frame, code, fields) => {
    peer.send(frame);
    const { payload } = await peer.expect({ type: 'error', sender_id: null, room_id: room.room_id });
    expect(payload).toMatchObject({ code });
    const { details } = payload as { details: Frame | null };
    expect(details === null ? null : Object.keys(details)).toEqual(fields);
    peer.send(voice.offer('', 'bert', 'v=0'));
    await bert.expect({ type: 'sdp', senderId: 'hostile' });
  });

  test('[W1] whom a frame says it is from is overwritten', async () => {
    const receiver = await seated(server, voice, room, 'receiver', guest);
    opened.push(receiver);
    peer.send(
      voice.offer('', 'receiver', 'v=0', { sender_id: 'anna', room_id: 'elsewhere', timestamp: 'never' }),
    );
    let heard = await receiver.next();
    while (heard['type'] !== 'offer') heard = await receiver.next();
    expect(heard).toMatchObject({ sender_id: 'hostile', room_id: room.room_id });
    expect(heard['timestamp']).not.toBe('never');
    peer.send({ type: 'chat-message', payload: { user_id: 'anna', content: 'x' } });
    const chat = await receiver.expect({ type: 'chat-message', sender_id: 'hostile' });
    expect(chat['payload']).toMatchObject({ user_id: 'hostile' });
  });

  test('[W1] [T7] 64 levels with the envelope pass', async () => {
    peer.send(voice.offer('', 'bert', 'v=0', { x: JSON.parse(nested(62)) as unknown }));
    await bert.expect({ type: 'sdp', senderId: 'hostile' });
  });
});

describe('random frames', () => {
  const words = ['offer', 'sdp', 'ice', 'kick', 'auth', 'chat_message', 'ice-candidate', 'register', 'join_room', 'ack',
    'leave', 'leave_room', 'role-updated', 'host-change', 'transfer_host', 'peer_message', '__proto__', 'constructor']; // prettier-ignore
  const fields = ['senderId', 'targetId', 'sender', 'target', 'to', 'id', 'payload', 'sdp', 'ice', 'candidate', 'reason',
    'timestamp', 'newHostId', 'token', 'room_id', 'peer_id', 'metadata', 'count', 'resume', '__proto__', 'constructor']; // prettier-ignore
  const value = fc.oneof(
    fc.constantFrom<unknown>(
      'hostile',
      'nobody',
      '',
      '\u0001',
      '\ud800',
      '__proto__',
      null,
      true,
      0,
      -1,
      1e308,
      [],
      {},
    ),
    fc.constantFrom<unknown>(
      { type: 'offer', sdp: '' },
      { sdp: '', target_user_id: 'hostile' },
      { user_id: 'nobody', role: 'host' },
    ),
    fc.jsonValue({ maxDepth: 3 }),
  );
  const object = fc
    .tuple(
      fc.constantFrom(...words),
      fc.boolean(),
      fc.dictionary(fc.constantFrom(...fields), value, { maxKeys: 6 }),
    )
    .map(([type, isOwn, rest]) =>
      JSON.stringify({
        type,
        ...(isOwn ? { senderId: 'hostile', targetId: 'hostile', payload: {} } : {}),
        ...rest,
      }),
    );
  const frame = fc.oneof(
    { weight: 6, arbitrary: object },
    { weight: 1, arbitrary: fc.string({ unit: 'binary' }) },
    { weight: 1, arbitrary: fc.jsonValue().map((json) => JSON.stringify(json)) },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 64 }).map((bytes) => Buffer.from(bytes)) },
    {
      weight: 1,
      arbitrary: fc
        .integer({ min: 1, max: 6_000 })
        .map((depth) => `{"type":"offer","payload":${nested(depth)}}`),
    },
  );

  test.each(voices)('[T7] to $name close nobody else’s socket and throw out of no handler', async (voice) => {
    const isOpen = { anna: true, bert: true };
    void anna.closed.then(() => (isOpen.anna = false));
    void bert.closed.then(() => (isOpen.bert = false));
    await fc.assert(
      fc.asyncProperty(fc.array(frame, { minLength: 1, maxLength: 40 }), async (frames) => {
        const peer = await seated(server, voice, room, 'hostile', guest);
        for (const one of frames) peer.send(one);
        peer.socket.close();
        await peer.closed;
        serial += 1;
        anna.send({ type: 'offer', sender: 'anna', target: 'bert', sdp: `v=0 ${serial}` });
        for (;;) {
          const heard = await bert.next();
          // What it said to everybody is no fault.
          if (heard['senderId'] === 'anna') {
            expect(heard['sdp']).toEqual({ type: 'offer', sdp: `v=0 ${serial}` });
            break;
          }
          expect(heard['senderId']).not.toBe('bert');
        }
        bert.send({
          type: 'sdp',
          senderId: 'bert',
          targetId: 'anna',
          sdp: { type: 'answer', sdp: `${serial}` },
        });
        for (;;) {
          const heard = await anna.next();
          if (heard['sender'] === 'bert') break;
          expect(heard['sender']).not.toBe('anna');
        }
        expect(isOpen).toEqual({ anna: true, bert: true });
        expect(server.tally.handler_failures).toBe(0);
      }),
      { numRuns: 60 },
    );
  });
});
