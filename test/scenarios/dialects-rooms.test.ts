/** How clients of S2 and S4 come into a room, what they are told of it, and how they leave: on one node and over two. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { DialectPeer, doorOf, makeOpenRoom, type Whereto } from '../support/dialect-peers.js';
import { TestServer, type User } from '../support/server.js';
import { TestPeer, type Frame } from '../support/test-peer.js';
import { topologies, upTo, type Place } from '../support/topology.js';
import type { TestNode } from '../support/test-node.js';

const text: unknown = expect.any(String);
const list: unknown = expect.any(Array);
const frames = async (peer: Pick<TestPeer, 'next'>, count: number): Promise<Frame[]> => {
  const got: Frame[] = [];
  while (got.length < count) got.push(await peer.next());
  return got;
};

describe.each(topologies)('$name', ({ start }) => {
  let place: Place;
  let owner: User;
  beforeAll(async () => {
    place = await start();
    owner = await place.left.signIn();
  });
  afterAll(() => place.stop());

  const open = (): Promise<Whereto> => makeOpenRoom(place.right, owner);

  test('[G2] who has not said its name hears everybody, and what is for a name that nobody has', async () => {
    const room = await open();
    const gwen = await DialectPeer.join('gateway with presence', place.left, room, 'gwen');
    const full = await DialectPeer.join('full', place.right, room, 'full', owner);
    await gwen.meets('full');
    const shy: TestPeer[] = [];
    const names: string[] = [];
    for (const node of [place.left, place.right]) {
      shy.push(await TestPeer.open(node.ws + doorOf('gateway', room.room_id)));
      const [, { peer_id: name } = {}] = await Promise.all([
        gwen.until({ type: 'peer-joined' }),
        full.until({ type: 'user_joined' }).then((told) => told.at(-1)),
      ]);
      expect(name).toMatch(/^unnamed-/);
      names.push(String(name));
    }
    gwen.offer('to all');
    gwen.offer('to a name', 'zoe');
    for (const peer of shy) {
      const sdp = { type: 'sdp', senderId: 'gwen' };
      await peer.expect({ ...sdp, sdp: { type: 'offer', sdp: 'to all' } });
      await peer.expect({ ...sdp, targetId: 'zoe', sdp: { type: 'offer', sdp: 'to a name' } });
    }
    // That is the gateway's own way: the others' peers have names.
    full.send({ type: 'offer', target: 'zoe', sdp: 'to a name', id: '1' });
    await full.until({ reply_to: '1', code: 'PEER_NOT_FOUND' });

    const [first, second] = shy;
    if (first === undefined || second === undefined) throw new Error('nobody came');
    second.send({ type: 'sdp', senderId: 'zoe', targetId: 'gwen', sdp: { type: 'answer', sdp: 'v=0' } });
    // Another node hears of the new name first, its own of the old one's end.
    const renamed = [
      ['peer-left', names[1]],
      ['peer-joined', 'zoe'],
      ['sdp', 'zoe'],
    ];
    const told = (await frames(gwen, 3)).map(({ type, senderId }) => [type, senderId]);
    expect(told).toEqual(expect.arrayContaining(renamed));
    expect(told.findIndex(([type]) => type === 'sdp')).toBeGreaterThan(
      told.findIndex(([type]) => type === 'peer-joined'),
    );
    const changes = [
      { type: 'user_left', peer_id: names[1], reason: 'left' },
      expect.objectContaining({ type: 'user_joined', peer_id: 'zoe' }),
    ];
    expect(await frames(full, 2)).toEqual(expect.arrayContaining(changes));
    gwen.offer('to zoe alone', 'zoe');
    await second.expect({ type: 'sdp', sdp: { type: 'offer', sdp: 'to zoe alone' } });
    first.send('{');
    expect(await first.next()).toEqual({ error: 'Failed to process message' });

    // From now on it is zoe, and nobody else is.
    second.send({ type: 'sdp', senderId: 'eve', targetId: 'gwen', sdp: { type: 'answer', sdp: 'v=0' } });
    expect(await second.next()).toEqual({
      error: 'Invalid message format',
      code: 'SENDER_MISMATCH',
      details: { formErrors: [], fieldErrors: { senderId: [text] } },
    });
    first.send({ type: 'sdp', senderId: 'zoe', targetId: 'gwen', sdp: { type: 'answer', sdp: 'v=0' } });
    expect(await first.next()).toMatchObject({ error: text, code: 'PEER_ID_TAKEN' });
    gwen.offer('to a name', 'yan');
    await first.expect({ type: 'sdp', targetId: 'yan' });
    first.send({ type: 'sdp', senderId: 'yan', targetId: 'gwen', sdp: { type: 'answer', sdp: 'v=0' } });
    await gwen.until({ type: 'sdp', senderId: 'yan' });
  });

  test('[G3] each frame that is no message is answered in S2’s words, and the socket stays', async () => {
    const room = await open();
    const full = await DialectPeer.join('full', place.right, room, 'full', owner);
    const gwen = await DialectPeer.join('gateway', place.left, room, 'gwen');
    for (const frame of ['{', '', 'NaN']) {
      gwen.send(frame);
      expect(await gwen.next()).toEqual({ error: 'Failed to process message' });
    }
    const shape = { error: 'Invalid message format' };
    for (const [frame, fields] of [
      [{ type: 'offer', senderId: 'gwen' }, ['type']],
      [{ type: 'ice', senderId: 'gwen', ice: { candidate: '' } }, ['ice']],
      [{ type: 'kick' }, ['senderId', 'targetId']],
    ] as const) {
      gwen.send(frame);
      const details = { formErrors: [], fieldErrors: Object.fromEntries(fields.map((name) => [name, list])) };
      expect(await gwen.next()).toEqual({ ...shape, details });
    }
    gwen.send('[]');
    expect(await gwen.next()).toEqual({ ...shape, details: { formErrors: [text], fieldErrors: {} } });
    gwen.offer('v=0', 'nobody');
    expect(await gwen.next()).toEqual({
      error: text,
      code: 'PEER_NOT_FOUND',
      details: { formErrors: [text], fieldErrors: {} },
    });
    gwen.offer('v=0');
    expect(await full.nextSignal()).toEqual({ kind: 'offer', from: 'gwen', sdp: 'v=0' });
  });

  test('[G2] what is for a name that is being said just then reaches the one who says it, once', async () => {
    const room = await open();
    const gwen = await DialectPeer.join('gateway with presence', place.left, room, 'gwen');
    const bystander = await TestPeer.open(place.right.ws + doorOf('gateway', room.room_id));
    await gwen.until({ type: 'peer-joined' });
    for (const round of upTo(8)) {
      const name = `shy ${String(round)}`;
      const shy = await TestPeer.open(place.right.ws + doorOf('gateway', room.room_id));
      await gwen.until({ type: 'peer-joined' });
      shy.send({ type: 'sdp', senderId: name, targetId: 'gwen', sdp: { type: 'offer', sdp: 'here' } });
      gwen.offer('early', name);
      await gwen.until({ type: 'sdp', senderId: name });
      gwen.offer('late', name);
      await shy.expect({ type: 'sdp', targetId: name, sdp: { type: 'offer', sdp: 'early' } });
      await shy.expect({ type: 'sdp', targetId: name, sdp: { type: 'offer', sdp: 'late' } });
      shy.drop();
    }
    bystander.drop();
  });

  test('[G2] [G4] a name in the address is had at once, and refused with it', async () => {
    const room = await open();
    const gwen = await DialectPeer.join('gateway', place.left, room, 'gwen');
    const other = await DialectPeer.ask('gateway', place.right, room, 'gwen');
    expect(await other.next()).toMatchObject({
      error: text,
      code: 'PEER_ID_TAKEN',
      details: { fieldErrors: {} },
    });
    expect(await other.socket.closed).toMatchObject({ code: 4403 });
    await gwen.expectQuiet();
  });

  test.each(['gateway', 'webrtc'] as const)(
    '[G5] a room with a token asks who comes to its %s door for it, but not its creator',
    async (kind) => {
      const room = await place.left.createRoom(owner);
      const guest = await place.left.signIn();
      for (const room_token of [undefined, 'wrong']) {
        const fields = { token: guest.id_token, room_token };
        const peer = await TestPeer.open(place.right.ws + doorOf(kind, room.room_id, fields));
        const refusal = { code: 'INVALID_ROOM_TOKEN' };
        await peer.expect(kind === 'gateway' ? refusal : { type: 'error', payload: refusal });
        expect(await peer.closed).toMatchObject({ code: 4403 });
      }
      await DialectPeer.join(kind, place.right, room, 'guest', guest);
      await DialectPeer.join(kind, place.left, { room_id: room.room_id }, 'creator', owner);
    },
  );

  test('[G5] [G6] who proves nothing is in an open room, and not its creator in one with a token', async () => {
    const { room_id: roomId } = await place.left.createRoom(owner);
    const stranger = await DialectPeer.ask('gateway', place.right, { room_id: roomId }, 'stranger');
    expect(await stranger.next()).toMatchObject({ code: 'INVALID_ROOM_TOKEN' });
    expect(await stranger.socket.closed).toMatchObject({ code: 4403 });
    const bad = await TestPeer.open(place.left.ws + doorOf('gateway', 'any-room', { token: 'bad' }));
    expect(await bad.next()).toMatchObject({ error: text, code: 'INVALID_TOKEN' });
    expect(await bad.closed).toMatchObject({ code: 4401 });
  });

  test('[W4] who joins is told the room and itself, everybody each change, in order', async () => {
    const { room_id: roomId } = await open();
    const tabs: TestPeer[] = [];
    const participants = (names: readonly string[]): Frame[] =>
      names.map((name) => ({ user_id: name, username: name, joined_at: text }));
    const state = (names: readonly string[]): Frame => ({
      type: 'room-state',
      payload: { room_id: roomId, participants: participants(names), participant_count: names.length },
      sender_id: null,
      room_id: roomId,
      timestamp: null,
    });
    const change = (type: string, name: string): Frame => ({
      type,
      payload: { user_id: name, username: name, timestamp: text },
      sender_id: null,
      room_id: roomId,
      timestamp: null,
    });
    const names = ['anna', 'bert', 'carl'];
    for (const [at, name] of names.entries()) {
      const node = at === 1 ? place.right : place.left;
      const { id_token: token } = await node.signIn();
      const path = doorOf('webrtc', roomId, { peer_id: name, token });
      // Both pairs of paths.
      tabs.push(
        await TestPeer.open(node.ws + (at === 2 ? path.replace('/ws/webrtc/', '/webrtc/ws/') : path)),
      );
      const there = names.slice(0, at + 1);
      for (const tab of tabs) {
        expect(await tab.next()).toEqual(state(there));
        expect(await tab.next()).toEqual(change('user-joined', name));
      }
    }
    const [anna, bert, carl] = tabs;
    bert?.send({ type: 'leave', payload: {} });
    expect(await bert?.next()).toMatchObject({ type: 'room-left' });
    expect(await bert?.closed).toEqual({ code: 1000, reason: '' });
    for (const tab of [anna, carl]) {
      expect(await tab?.next()).toEqual(state(['anna', 'carl']));
      expect(await tab?.next()).toEqual(change('user-left', 'bert'));
    }
  });

  test.each(['/ws/webrtc/', '/webrtc/ws/'])(
    '[W6] %s refuses bad tokens and bad rooms in S4’s way',
    async (path) => {
      const { room_id: roomId } = await open();
      const enter = (query: string, room = roomId): Promise<TestPeer> =>
        TestPeer.open(`${place.left.ws}${path}${room}?${query}`);
      for (const query of ['', 'token=bad']) {
        const peer = await enter(query);
        await peer.expect({
          type: 'error',
          payload: { code: 'INVALID_TOKEN', message: text, details: null },
        });
        expect(await peer.closed).toEqual({ code: 4003, reason: 'not authenticated' });
        await expect(enter(`${query}&reject=http`)).rejects.toThrow('403');
      }
      const good = await enter(`token=${owner.id_token}&reject=http`);
      await good.expect({ type: 'room-state' });
      for (const room of ['a.b', 'a%20b', 'x'.repeat(101)]) {
        const peer = await enter(`token=${owner.id_token}`, room);
        await peer.expect({ type: 'error', payload: { code: 'INVALID_MESSAGE' } });
        const reason = 'Room ID must be alphanumeric, with - and _, 1 to 100 characters';
        expect(await peer.closed).toEqual({ code: 1008, reason });
      }
    },
  );

  test('[W6] an address that is malformed beside its room is refused for what it is', async () => {
    const { room_id: roomId } = await open();
    const claim = { session_id: 's', resume_token: 't', count: 'many' };
    for (const [kind, fields, field] of [
      ['webrtc', { peer_id: '' }, 'peer_id'],
      ['webrtc extended', claim, 'count'],
      ['gateway', { peer_id: 'x'.repeat(129) }, 'peer_id'],
    ] as const) {
      const path = doorOf(kind, roomId, { token: owner.id_token, ...fields });
      const peer = await TestPeer.open(place.right.ws + path);
      const told = await peer.next();
      const details = { [field]: [text] };
      expect(told).toMatchObject(
        kind === 'gateway' ? { details: { fieldErrors: details } } : { type: 'error', payload: { details } },
      );
      expect(await peer.closed).toEqual({ code: 4400, reason: 'malformed address' });
    }
  });

  test('[W7] two tabs of one user are two peers: they hear each other, and one leaving leaves the other', async () => {
    const { room_id: roomId } = await open();
    const user = await place.left.signIn();
    const names = [user.username, `${user.username}~2`];
    const tabs: TestPeer[] = [];
    for (const [at, node] of [place.left, place.right].entries()) {
      const tab = await TestPeer.open(node.ws + doorOf('webrtc', roomId, { token: user.id_token }));
      tabs.push(tab);
      for (const each of tabs) {
        await each.expect({ type: 'room-state', payload: { participant_count: at + 1 } });
        await each.expect({ type: 'user-joined', payload: { user_id: names[at] } });
      }
    }
    const [first, second] = tabs;
    if (first === undefined || second === undefined) throw new Error('nobody came');
    for (const [from, to, name] of [
      [first, second, names[0]],
      [second, first, names[1]],
    ] as const) {
      from.send({ type: 'reaction', payload: { emoji: 'x' } });
      expect(await to.next()).toMatchObject({ type: 'reaction', sender_id: name, payload: { emoji: 'x' } });
    }
    second.send({ type: 'leave', payload: {} });
    await first.expect({ type: 'room-state', payload: { participant_count: 1 } });
    await first.expect({ type: 'user-left', payload: { user_id: names[1] } });
    first.send({ type: 'ping', payload: {} });
    await first.expect({ type: 'heartbeat-ack' });
  });

  test('[W8] with resume=1 a session goes on by its address, on whichever node, with the mail of its window', async () => {
    const room = await open();
    const user = await place.left.signIn();
    const bert = await DialectPeer.join('full', place.right, room, 'bert', owner);
    const enter = (node: TestNode, claim: Record<string, string> = {}): Promise<TestPeer> =>
      TestPeer.open(
        node.ws +
          doorOf('webrtc extended', room.room_id, { token: user.id_token, peer_id: 'anna', ...claim }),
      );
    let socket = await enter(place.left);
    let { payload } = (await socket.expect({ type: 'room-state' })) as { payload: Frame };
    expect(payload).toMatchObject({
      user_id: 'anna',
      session_id: text,
      resume_token: text,
      host_id: 'bert',
      participants: [
        { user_id: 'bert', polite: true },
        { user_id: 'anna', joined_at: text },
      ],
      ice_servers: [],
      grace_ms: 5000,
      heartbeat_ms: 10_000,
      limits: { max_peers_per_room: 256 },
    });
    expect(payload).not.toHaveProperty('reconnected');
    await socket.expect({ type: 'user-joined', payload: { user_id: 'anna' } });
    await bert.meets('anna');
    let count = 1;
    for (const [round, node] of [place.left, place.right, place.left].entries()) {
      socket.drop();
      await bert.until({ type: 'user_disconnecting', peer_id: 'anna' });
      for (const n of upTo(3)) {
        const sdp = `${String(round)}.${String(n)}`;
        bert.send({ type: 'offer', target: 'anna', sdp, id: sdp });
        // Its node has it.
        await bert.until({ type: 'accepted', reply_to: sdp });
      }
      const { session_id: session, resume_token: token } = payload as Record<string, string>;
      socket = await enter(node, {
        session_id: session ?? '',
        resume_token: token ?? '',
        count: String(count),
      });
      ({ payload } = (await socket.expect({ type: 'room-state' })) as { payload: Frame });
      expect(payload).toMatchObject({ reconnected: true, missed_message_count: 3, last_sequence: 0 });
      expect(payload).toMatchObject({ session_id: session, user_id: 'anna', participant_count: 2 });
      expect(payload['resume_token']).not.toBe(token);
      expect((await frames(socket, 3)).map((frame) => (frame['payload'] as Frame)['sdp'])).toEqual(
        upTo(3).map((n) => `${String(round)}.${String(n)}`),
      );
      await bert.until({ type: 'user_resumed', peer_id: 'anna' });
      count += 3;
      // It is there, and hears nothing twice.
      bert.offer('now', 'anna');
      await socket.expect({ type: 'offer', payload: { sdp: 'now' } });
      count += 1;
    }
    socket.send({ type: 'offer', id: '7', payload: { sdp: 'v=0', target_user_id: 'bert' } });
    await socket.expect({ type: 'accepted', reply_to: '7' });
  });

  test('[W8] without resume=1 a client of S4 is told nothing that S4’s server does not say', async () => {
    const room = await open();
    const plain = await DialectPeer.join('webrtc', place.left, room, 'plain', owner);
    const other = await DialectPeer.join(
      'webrtc extended',
      place.right,
      room,
      'other',
      await place.left.signIn(),
    );
    await plain.meets('other');
    plain.send({ type: 'offer', id: '1', payload: { sdp: 'v=0', target_user_id: 'other' } });
    expect(await other.nextSignal()).toEqual({ kind: 'offer', from: 'plain', sdp: 'v=0' });
    plain.send({ type: 'nonsense', id: '2', payload: {} });
    const { payload, ...envelope } = await plain.next();
    expect(envelope).toEqual({ type: 'error', sender_id: null, room_id: room.room_id, timestamp: null });
    expect(payload).toEqual({ code: 'UNKNOWN_MESSAGE_TYPE', message: text, details: null });
    other.cut();
    // Nobody says that it is away: what is said next reaches it first.
    const third = await DialectPeer.join('full', place.right, room, 'third', await place.left.signIn());
    expect((await plain.until({ type: 'user-joined' })).map(({ type }) => type)).toEqual([
      'room-state',
      'user-joined',
    ]);
    third.cut();
  });

  test('[W8] [X4] two who came by doors, and one who resumed, agree on who is polite', async () => {
    const room = await open();
    const first = await DialectPeer.join('gateway with presence', place.left, room, 'first', owner);
    const user = await place.left.signIn();
    const second = await TestPeer.open(
      place.right.ws + doorOf('webrtc extended', room.room_id, { token: user.id_token, peer_id: 'second' }),
    );
    const polite = { payload: { participants: [{ user_id: 'first', polite: true }, { user_id: 'second' }] } };
    const { payload } = (await second.expect(polite)) as { payload: Frame };
    const [{ polite: isFirst } = {}] = await first.until({ type: 'peer-joined' });
    expect(isFirst).toBe(false);
    second.drop();
    await first.until({ type: 'peer-disconnecting' });
    const { session_id: session, resume_token: token } = payload as Record<string, string>;
    const claim = { session_id: session, resume_token: token, count: '0' };
    const again = await TestPeer.open(
      place.left.ws +
        doorOf('webrtc extended', room.room_id, { token: user.id_token, peer_id: 'second', ...claim }),
    );
    await again.expect({ payload: { reconnected: true, ...polite.payload } });
  });

  test('[C6] [W4] deleting a room closes the sockets that came by its doors', async () => {
    const room = await place.left.createRoom(owner);
    const kinds = ['gateway', 'gateway with presence', 'webrtc', 'webrtc extended'] as const;
    const peers: DialectPeer[] = [];
    for (const [at, kind] of kinds.entries()) {
      const node = at % 2 === 0 ? place.left : place.right;
      peers.push(await DialectPeer.join(kind, node, room, kind, await node.signIn()));
    }
    const done = await place.right.post('/delete-peers-and-room', { room_id: room.room_id }, owner.id_token);
    expect(done.text).toBe('{"status":"peer deleted successfully"}');
    for (const { kind, socket } of peers) {
      if (kind === 'gateway with presence') await untilType(socket, 'room-closed');
      if (kind === 'webrtc extended') await untilType(socket, 'room-closed');
      expect(await socket.closed).toEqual({ code: 4404, reason: 'no such room' });
    }
  });
});

async function untilType(socket: TestPeer, type: string): Promise<void> {
  while ((await socket.next())['type'] !== type);
}

describe.each(topologies)('few seats, $name', ({ start }) => {
  let place: Place;
  beforeAll(async () => {
    place = await start({ MAX_PEERS_PER_ROOM: '4' });
  });
  afterAll(() => place.stop());

  test('[W6] [W7] of twelve who come at once as many get in as there are seats, and nobody is said to have left', async () => {
    const { room_id: roomId } = await makeOpenRoom(place.left, await place.left.signIn());
    const user = await place.left.signIn();
    const tries = await Promise.all(
      upTo(12).map(async (n) => {
        const node = n % 2 === 0 ? place.left : place.right;
        // All of one user: each is another peer. Every third comes by the other door.
        const kind = n % 3 === 2 ? 'gateway with presence' : 'webrtc';
        const fields = { token: user.id_token, ...(n % 3 === 2 ? { peer_id: `p${String(n)}` } : {}) };
        const socket = await TestPeer.open(node.ws + doorOf(kind, roomId, fields));
        return { kind, socket, first: await socket.next() };
      }),
    );
    const isIn = ({ type }: Frame): boolean => type === 'room-state' || type === 'welcome';
    const seated = tries.filter(({ first }) => isIn(first));
    expect(seated).toHaveLength(4);
    for (const { kind, socket, first } of tries.filter((each) => !isIn(each.first))) {
      if (kind === 'webrtc') {
        expect(first).toMatchObject({ type: 'error', payload: { code: 'ROOM_FULL' } });
        expect(await socket.closed).toEqual({ code: 1008, reason: 'Room full' });
      } else {
        expect(first).toMatchObject({ code: 'ROOM_FULL' });
        expect(await socket.closed).toMatchObject({ code: 4010 });
      }
    }
    // The next change that is told is that one goes, and only one has gone.
    const leaver = seated.find(({ kind }) => kind === 'webrtc')?.socket;
    leaver?.send({ type: 'leave', payload: {} });
    for (const { kind, socket } of seated) {
      if (socket === leaver) continue;
      const told: Frame[] = [];
      const gone = kind === 'webrtc' ? 'user-left' : 'peer-left';
      while (told.at(-1)?.['type'] !== gone) told.push(await socket.next());
      for (let isAll = false; !isAll;) {
        socket.send(kind === 'webrtc' ? { type: 'ping', payload: {} } : '{');
        const { type, error } = await socket.next();
        isAll = type === 'heartbeat-ack' || error !== undefined;
        // The one who has gone may have been the host.
        if (!isAll) expect(type).toMatch(/^(role-updated|host-change|heartbeat-ack)$/);
      }
    }
  });
});

describe('who is there', () => {
  const server = async (
    env: Record<string, string>,
    run: (server: TestServer) => Promise<void>,
  ): Promise<void> => {
    const started = await TestServer.start(env);
    try {
      await run(started);
    } finally {
      await started.stop();
    }
  };
  const kinds = ['gateway', 'webrtc'] as const;
  type Door = (typeof kinds)[number];
  /** Is it in? Otherwise the code that it was closed with. */
  const outcome = async (kind: Door, socket: TestPeer): Promise<'in' | number> => {
    socket.send(kind === 'gateway' ? '{' : { type: 'ping', payload: {} });
    for (;;) {
      const frame = await socket.next();
      if (frame['error'] === 'Failed to process message' || frame['type'] === 'heartbeat-ack') return 'in';
      const { code } = (kind === 'gateway' ? frame : frame['payload']) as Frame;
      if (code !== undefined) return code === 'INVALID_TOKEN' ? (await socket.closed).code : Number.NaN;
    }
  };
  const refused: Readonly<Record<Door, number>> = { gateway: 4401, webrtc: 4003 };
  const ways: readonly (readonly [
    string,
    (token: string) => [Frame, Parameters<typeof TestPeer.open>[1]],
  ])[] = [
    ['the Authorization header', (token) => [{}, { headers: { authorization: `Bearer ${token}` } }]],
    ['the cookie', (token) => [{}, { headers: { cookie: `a=b; access_token=${token}` } }]],
    ['two subprotocols', (token) => [{}, { protocols: ['bearer', token] }]],
    ['one subprotocol', (token) => [{}, { protocols: [`access_token.${token}`] }]],
    ['the query', (token) => [{ token }, {}]],
  ];

  test('[G6] [U1] where a token is needed it may come in every way', async () => {
    await server({ ALLOW_ANONYMOUS_GATEWAY: '0' }, async (started) => {
      const { id_token: token } = await started.signIn();
      for (const kind of kinds) {
        const enter = (fields: Frame, options?: Parameters<typeof TestPeer.open>[1]): Promise<TestPeer> =>
          TestPeer.open(started.ws + doorOf(kind, 'room', fields as Record<string, string>), options);
        expect(await outcome(kind, await enter({}))).toBe(refused[kind]);
        for (const [way, how] of ways) {
          expect([way, await outcome(kind, await enter(...how(token)))]).toEqual([way, 'in']);
          expect([way, await outcome(kind, await enter(...how('a.b.c')))]).toEqual([way, refused[kind]]);
        }
        const shown = async (text: string): Promise<TestPeer> => {
          const socket = await enter({ auth: 'message' });
          socket.send(
            kind === 'gateway' ? { type: 'auth', token: text } : { type: 'auth', payload: { token: text } },
          );
          return socket;
        };
        expect(await outcome(kind, await shown(token))).toBe('in');
        expect(await outcome(kind, await shown('bad'))).toBe(refused[kind]);
      }
    });
  });

  test('[G6] [U1] a token in the first message: before it nothing is done, and nobody is let in without', async () => {
    await server({}, async (started) => {
      const { id_token: token } = await started.signIn();
      const socket = await TestPeer.open(
        started.ws + doorOf('gateway with presence', 'room', { auth: 'message' }),
      );
      socket.send({ type: 'sdp', senderId: 'anna', sdp: { type: 'offer', sdp: 'v=0' } });
      await socket.expect({ code: 'NOT_IN_ROOM' });
      socket.send({ type: 'auth', token });
      await socket.expect({ type: 'welcome', senderId: expect.stringMatching(/^unnamed-/) });
      socket.drop();
      // Who may be anonymous may still not show a bad token.
      for (const [, how] of ways) {
        const [fields, options] = how('a.b.c');
        const peer = await TestPeer.open(
          started.ws + doorOf('gateway', 'room', fields as Record<string, string>),
          options,
        );
        expect(await outcome('gateway', peer)).toBe(4401);
      }
    });
  });

  test('[U1] with ALLOW_QUERY_TOKEN=0 a token in the address is none', async () => {
    await server({ ALLOW_QUERY_TOKEN: '0', ALLOW_ANONYMOUS_GATEWAY: '0' }, async (started) => {
      const { id_token: token } = await started.signIn();
      for (const kind of kinds) {
        const url = started.ws + doorOf(kind, 'room', { token });
        expect(await outcome(kind, await TestPeer.open(url))).toBe(refused[kind]);
        const headers = { authorization: `Bearer ${token}` };
        expect(await outcome(kind, await TestPeer.open(url, { headers }))).toBe('in');
      }
    });
  });

  test.each<[string, string, string | undefined, 'counts' | 'is ignored' | 'is not let in']>([
    ['any, from no browser', '', undefined, 'counts'],
    ['none, from a page of this host', '', 'http://127.0.0.1:9', 'counts'],
    ['none, from a foreign page', '', 'https://evil.example', 'is not let in'],
    ['one, from its page', 'https://app.example', 'https://app.example', 'counts'],
    ['one, from another page', 'https://app.example', 'https://evil.example', 'is not let in'],
    ['all, from any page', '*', 'https://evil.example', 'is ignored'],
    ['all and one, from its page', '*,https://app.example', 'https://app.example', 'counts'],
    ['all and one, from another page', '*,https://app.example', 'https://evil.example', 'is ignored'],
  ])('[U2] the cookie, where the operator names %s', async (_what, allowed, origin, expected) => {
    await server({ ALLOWED_ORIGINS: allowed, ALLOW_ANONYMOUS_GATEWAY: '0' }, async (started) => {
      const { id_token: token } = await started.signIn();
      for (const kind of kinds) {
        const entered = TestPeer.open(started.ws + doorOf(kind, 'room'), {
          headers: { cookie: `access_token=${token}` },
          ...(origin === undefined ? {} : { origin }),
        });
        if (expected === 'is not let in') await expect(entered).rejects.toThrow('403');
        else expect(await outcome(kind, await entered)).toBe(expected === 'counts' ? 'in' : refused[kind]);
      }
    });
  });
});
