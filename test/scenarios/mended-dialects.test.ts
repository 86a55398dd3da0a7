/** What crosses from one dialect to another, and what a door is. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { noticeNames } from '../../src/dialects/notice-names.js';
import { DialectPeer } from '../support/dialect-peers.js';
import type { Candidate, PeerKind } from '../support/dialect-words.js';
import { TestServer, type Room, type User } from '../support/server.js';
import { TestNode } from '../support/test-node.js';
import type { Frame, TestPeer } from '../support/test-peer.js';
import { signingKey } from '../support/timed-server.js';
import { topologies, upTo, type Place } from '../support/topology.js';

describe.each(topologies)('[P4] [F9] what is for everybody, $name', ({ start }) => {
  let place: Place;
  beforeAll(async () => {
    place = await start();
  });
  afterAll(() => place.stop());

  const speakers = ['full', 'gateway', 'webrtc', 'webrtc extended'] as const;

  test.each(speakers.flatMap((kind) => (['left', 'right'] as const).map((side) => [kind, side] as const)))(
    'reaches a parity peer from a %s peer on the %s as what is for it',
    async (kind, side) => {
      const owner = await place.left.signIn();
      const room = await place.left.createRoom(owner);
      const worker = await place.left.register(room, 'worker', owner);
      const second = await place.right.register(room, 'second', owner);
      const speaker = await DialectPeer.join(kind, place[side], room, 'speaker', owner);
      const candidate: Candidate = { candidate: 'c', sdpMid: '0', sdpMLineIndex: 0 };
      speaker.say({ kind: 'offer', sdp: 'v=0' });
      speaker.say({ kind: 'answer', sdp: 'v=1' });
      speaker.say({ kind: 'candidate', candidate });
      // The Python server's peers read these fields.
      const sender = 'speaker';
      for (const [peer, target] of [
        [worker, 'worker'],
        [second, 'second'],
      ] as const) {
        await peer.expect({ type: 'offer', sender, target, sdp: 'v=0' });
        await peer.expect({ type: 'answer', sender, target, sdp: 'v=1' });
        await peer.expect({ type: 'candidate', sender, target, candidate });
      }
      speaker.cut();
    },
  );

  test.each([
    ['with its sender', { sender: 'speaker' }],
    ['with an id', { id: 'm' }],
    ['with both', { sender: 'speaker', id: 'm' }],
  ])('also from a full session that sends it %s; a full one is told of no target', async (_what, more) => {
    const owner = await place.left.signIn();
    const room = await place.left.createRoom(owner);
    const worker = await place.right.register(room, 'worker', owner);
    const full = await DialectPeer.join('full', place.right, room, 'full', owner);
    const speaker = await DialectPeer.join('full', place.left, room, 'speaker', owner);
    await full.meets('speaker');
    speaker.send({ type: 'offer', ...more, sdp: 'v=0' });
    const text = await worker.nextRaw();
    expect(JSON.parse(text)).toMatchObject({
      type: 'offer',
      sender: 'speaker',
      target: 'worker',
      sdp: 'v=0',
    });
    expect(text.match(/"sender"/g)).toHaveLength(1);
    expect(await full.next()).not.toHaveProperty('target');
    for (const peer of [full, speaker]) peer.cut();
  });
});

describe('on one node', () => {
  let server: TestServer;
  let node: TestNode;
  let owner: User;
  let room: Room;
  const peers: DialectPeer[] = [];

  beforeEach(async () => {
    server = await TestServer.start(signingKey);
    node = new TestNode(server.http, server.ws);
    owner = await server.signIn();
    room = await server.createRoom(owner);
  });
  afterEach(async () => {
    for (const peer of peers.splice(0)) peer.cut();
    await server.stop();
  });

  async function join(kind: PeerKind, name: string): Promise<DialectPeer> {
    const peer = await DialectPeer.join(kind, node, room, name, owner);
    peers.push(peer);
    return peer;
  }

  test('[P5] [F4] a parity peer’s own signal without a target still vanishes', async () => {
    const worker = await server.register(room, 'worker');
    const other = await server.register(room, 'other');
    worker.send({ type: 'offer', sender: 'worker', sdp: 'v=0' });
    worker.send({ type: 'offer', sender: 'worker', target: 'other', n: 1 });
    await other.expect({ n: 1 });
  });

  test.each([...noticeNames].flatMap(([name, { own }]) => (own === true ? [name] : [])))(
    '[W5] [D1] %s that says it is another’s is refused, and nobody is told of it',
    async (type) => {
      const mallory = await join('full', 'mallory');
      const others = [await join('full', 'bob'), await join('gateway', 'gwen'), await join('webrtc', 'web')];
      const victim = { user_id: 'victim' };
      const lies: Frame[] = [
        { payload: victim },
        { payload: { content: 'x', ...victim }, user_id: 'mallory' },
        { payload: { user_id: 'mallory' }, ...victim },
        victim,
        { sender: 'mallory', payload: victim },
        { sender: 'mallory', ...victim },
        { sender: 'mallory', payload: victim, target: 'bob' },
        { senderId: 'mallory', payload: victim },
      ];
      await mallory.toldByNow();
      for (const [at, lie] of lies.entries()) {
        const id = String(at);
        mallory.send({ type, ...lie, id });
        expect(await mallory.next()).toMatchObject({
          type: 'error',
          reply_to: id,
          code: expect.stringMatching(/^(SENDER_MISMATCH|INVALID_MESSAGE)$/),
        });
      }
      for (const peer of others) await peer.expectQuiet();
      // Its own is told, with or without a word of whose it is.
      const [bob] = others;
      for (const own of [{}, { payload: { user_id: 'mallory' } }, { user_id: 'mallory' }]) {
        mallory.send({ type, ...own });
        await bob?.until({ type, sender: 'mallory' });
      }
    },
  );

  test('[W4] everybody who is there is told of all before of the one who came, up to 50 peers', async () => {
    const first = await join('webrtc', 'first');
    const second = await join('webrtc extended', 'second');
    const told = async (peer: DialectPeer): Promise<readonly (readonly unknown[])[]> =>
      (await peer.toldByNow()).map(({ type, payload }) => {
        const { participant_count: count, user_id: user } = payload as Frame;
        return type === 'room-state' ? [type, count] : [type, user];
      });
    expect(await told(first)).toEqual([
      ['room-state', 2],
      ['user-joined', 'second'],
    ]);
    for (const n of upTo(47)) await server.join(room, `full ${n}`, {}, owner);
    for (const peer of [first, second]) {
      const news = await told(peer);
      expect(news).toEqual(
        upTo(47).flatMap((n) => [
          ['room-state', n + 3],
          ['user-joined', `full ${n}`],
        ]),
      );
    }
    // The 50th and the 51st; a newcomer is told of everybody always.
    const last = await server.join(room, 'full 47', {}, owner);
    await server.join(room, 'full 48', {}, owner);
    for (const peer of [first, second])
      expect(await told(peer)).toEqual([
        ['room-state', 50],
        ['user-joined', 'full 47'],
        ['user-joined', 'full 48'],
      ]);
    const late = await DialectPeer.ask('webrtc', node, room, 'late', owner);
    peers.push(late);
    expect(await told(late)).toEqual([
      ['room-state', 52],
      ['user-joined', 'late'],
    ]);
    for (const peer of [late, last]) {
      if (peer === late) late.send({ type: 'leave', payload: {} });
      else last.send({ type: 'leave_room' });
    }
    await last.expect({ type: 'user_joined', peer_id: 'full 48' });
    await first.until({ type: 'user-left', payload: { user_id: 'full 47' } });
    await server.join(room, 'once more', {}, owner);
    expect(await told(second)).toEqual(
      expect.arrayContaining([
        ['user-joined', 'late'],
        ['user-left', 'late'],
        ['room-state', 50],
        ['user-left', 'full 47'],
        ['user-joined', 'once more'],
      ]),
    );
  });

  describe('?auth=message', () => {
    const connect = (path: string): Promise<TestPeer> => server.connect(server.ws + path);

    test.each(['/', '/?auth=message'])('[U6] at %s is no door: refresh_token is answered', async (path) => {
      const peer = await connect(path);
      peer.send({ type: 'refresh_token', token: owner.id_token, id: '1' });
      await peer.expect({ type: 'error', code: 'NOT_IN_ROOM', reply_to: '1' });
      peer.send({ type: 'join_room', ...room, id_token: owner.id_token, peer_id: 'anna' });
      await peer.expect({ type: 'room_joined' });
      peer.send({ type: 'refresh_token', token: owner.id_token, id: '2' });
      await peer.expect({ type: 'token_refreshed', reply_to: '2' });
    });

    test.each([
      ['/ws/webrtc/bad%20id', 1008],
      ['/webrtc/ws/bad%20id', 1008],
      ['/signal/bad%20id', 4400],
      [`/ws/webrtc/room?resume=1&session_id=a&resume_token=b&count=x`, 4400],
      [`/ws/webrtc/room?peer_id=`, 4400],
      [`/signal/room?peer_id=`, 4400],
    ] as const)('[W6] [U1] at %s is refused at once, before any token', async (path, code) => {
      const peer = await connect(`${path}${path.includes('?') ? '&' : '?'}auth=message`);
      const refused = await peer.next();
      expect([refused['type'], refused['error']]).toEqual(
        path.startsWith('/signal') ? [undefined, expect.any(String)] : ['error', undefined],
      );
      expect((await peer.closed).code).toBe(code);
      // The same as without it.
      const plain = await connect(path);
      await plain.next();
      expect((await plain.closed).code).toBe(code);
    });

    test('[U1] at a door that can be had, the first message brings the token', async () => {
      const peer = await connect(`/ws/webrtc/${room.room_id}?room_token=${room.token}&auth=message`);
      peer.send({ type: 'auth', payload: { token: owner.id_token } });
      await peer.expect({ type: 'room-state' });
    });
  });
});
