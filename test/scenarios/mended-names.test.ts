/** Names that the server makes up, names that are just being taken, and names whose sockets broke. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Presence } from '../../src/ports/presence.js';
import { DialectPeer, doorOf, makeOpenRoom, type Whereto } from '../support/dialect-peers.js';
import { MemoryNodes } from '../support/memory-nodes.js';
import { TestServer, type Room, type User } from '../support/server.js';
import { TestPeer, type Frame } from '../support/test-peer.js';
import { signingKey, turn } from '../support/timed-server.js';
import { topologies, type Place } from '../support/topology.js';

const ice = { candidate: '', sdpMid: null, sdpMLineIndex: null };

describe('[G2] a name that looks like one that the server makes up', () => {
  let server: TestServer;
  let owner: User;
  let room: Room;
  let witness: TestPeer;
  beforeEach(async () => {
    server = await TestServer.start(signingKey);
    owner = await server.signIn();
    room = await server.createRoom(owner);
    witness = await server.join(room, 'witness', {}, owner);
  });
  afterEach(() => server.stop());

  test('[P4] [P5] a parity peer that has it keeps it, and is told nothing', async () => {
    const peer = await server.register(room, 'unnamed-w');
    await witness.expect({ type: 'user_joined', peer_id: 'unnamed-w' });
    for (const type of ['offer', 'candidate', 'peer_message'])
      peer.send({ type, sender: 'somebody', from_peer_id: 'somebody', target: 'witness', sdp: 'v=0' });
    peer.send({ type: 'offer', sender: 'unnamed-w', target: 'witness', sdp: 'own' });
    await witness.expect({ type: 'offer', sender: 'unnamed-w', sdp: 'own' });
    await witness.expectNothing();
  });

  test('[F4] a full session that has it keeps it, and is refused another', async () => {
    const peer = await server.join(room, 'unnamed-f');
    await witness.expect({ type: 'user_joined', peer_id: 'unnamed-f' });
    peer.send({ type: 'offer', sender: 'somebody', target: 'witness', sdp: 'v=0', id: '1' });
    await peer.expect({ type: 'error', code: 'SENDER_MISMATCH', reply_to: '1' });
    peer.send({ type: 'kick', sender: 'somebody', target: 'witness', id: '2' });
    await peer.expect({ type: 'error', code: 'SENDER_MISMATCH', reply_to: '2' });
    peer.send({ type: 'offer', target: 'witness', sdp: 'own' });
    await witness.expect({ type: 'offer', sender: 'unnamed-f' });
    await witness.expectNothing();
  });

  test('a gateway peer that came by it keeps it', async () => {
    const address = `/signal/${room.room_id}?room_token=${room.token}&token=${owner.id_token}&peer_id=unnamed-g`;
    const peer = await server.connect(server.ws + address);
    await witness.expect({ type: 'user_joined', peer_id: 'unnamed-g' });
    peer.send({ type: 'ice', senderId: 'somebody', ice });
    await peer.expect({ code: 'SENDER_MISMATCH' });
    await witness.expectNothing();
  });

  test('a nameless one may not take one, again and again; but another, once', async () => {
    const address = `/signal/${room.room_id}?room_token=${room.token}&token=${owner.id_token}`;
    const peer = await server.connect(server.ws + address);
    const { peer_id: made } = await witness.expect({ type: 'user_joined' });
    for (const name of ['unnamed-0', 'unnamed-1', 'unnamed-']) {
      peer.send({ type: 'ice', senderId: name, targetId: 'witness', ice });
      await peer.expect({ code: 'SENDER_MISMATCH' });
    }
    await witness.expectNothing();
    peer.send({ type: 'ice', senderId: 'gwen', targetId: 'witness', ice });
    await witness.expect({ type: 'user_left', peer_id: made });
    await witness.expect({ type: 'user_joined', peer_id: 'gwen' });
    await witness.expect({ type: 'candidate', sender: 'gwen' });
    peer.send({ type: 'ice', senderId: 'other', targetId: 'witness', ice });
    await peer.expect({ code: 'SENDER_MISMATCH' });
    await witness.expectNothing();
  });
});

describe('[A3] [G2] [A5] a peer that is removed under the name that it is just taking', () => {
  let nodes: MemoryNodes;
  let open: () => void;
  let isHeld: boolean;

  beforeEach(() => {
    nodes = new MemoryNodes();
    isHeld = false;
  });
  afterEach(() => nodes.stop());

  /** Whoever takes the name bert has it in the room at once, and knows of it later. */
  function slowAnswer(presence: Presence): Presence {
    const gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    const enter: Presence['enter'] = async (claim, terms) => {
      const entered = await presence.enter(claim, terms);
      if (claim.peerId !== 'bert') return entered;
      isHeld = true;
      await gate;
      return entered;
    };
    return new Proxy(presence, {
      get: (target, name) => {
        if (name === 'enter') return enter;
        const value: unknown = Reflect.get(target, name, target);
        return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      },
    });
  }

  test.each(['left', 'right'] as const)('on the %s: is told, and closed 4403', async (side) => {
    const slow = await nodes.start('slow', {}, slowAnswer);
    const other = side === 'left' ? slow : await nodes.start('other');
    const room = { room_id: 'lobby' };
    const host = await DialectPeer.ask('gateway with presence', other.node, room, 'host');
    await host.until({ type: 'welcome' });
    const witness = await DialectPeer.ask('webrtc', slow.node, room, 'witness', await slow.node.signIn());
    await host.meets('witness');
    const bert = await slow.server.connect(slow.node.ws + doorOf('gateway with presence', room.room_id));
    const { senderId: made } = await bert.expect({ type: 'welcome' });
    await host.meets(String(made));
    bert.send({ type: 'ice', senderId: 'bert', ice });
    while (!isHeld) await turn();
    host.kick('bert', 'noise');
    // It is done when somebody who is there has been told; one on its own node hears of it there.
    if (side === 'right') await host.until({ type: 'peer-left', senderId: 'bert', reason: 'kicked' });
    else for (let n = 0; n < 20; n += 1) await turn();
    open();
    await bert.expect({ code: 'KICKED' });
    expect((await bert.closed).code).toBe(4403);
    // Nothing is left of it, under no name.
    await host.until({ type: 'peer-left', senderId: made });
    host.offer('to all');
    expect(await witness.nextSignal()).toMatchObject({ sdp: 'to all' });
    await host.expectQuiet();
    const late = await DialectPeer.ask('gateway with presence', other.node, room, 'late');
    const [welcome] = await late.until({ type: 'welcome' });
    expect((welcome?.['peers'] as Frame[]).map(({ id }) => id)).toEqual(['host', 'witness']);
    // And it stays out.
    const again = await DialectPeer.ask('gateway', slow.node, room, 'bert');
    await again.until({ code: 'KICKED' });
    for (const peer of [host, witness, late]) peer.cut();
  });
});

describe.each(topologies)('[G2] a gateway peer whose socket broke, $name', ({ start }) => {
  let place: Place;
  let owner: User;
  beforeAll(async () => {
    place = await start({ GRACE_MS: '60000' });
    owner = await place.left.signIn();
  });
  afterAll(() => place.stop());

  test.each(['left', 'right'] as const)(
    'and who proved nothing has its name again at once, on the %s',
    async (side) => {
      const room: Whereto = await makeOpenRoom(place.left, owner);
      const keep = await DialectPeer.join('gateway with presence', place.left, room, 'keep');
      const anna = await DialectPeer.join('gateway with presence', place.left, room, 'anna');
      await keep.meets('anna');
      anna.cut();
      await keep.until({ type: 'peer-disconnecting', senderId: 'anna' });
      const back = await DialectPeer.join('gateway with presence', place[side], room, 'anna');
      await keep.until({ type: 'peer-left', senderId: 'anna', reason: 'replaced' });
      await keep.meets('anna');
      keep.offer('hello', 'anna');
      expect(await back.nextSignal()).toMatchObject({ sdp: 'hello' });
      // The same by its first message.
      back.cut();
      await keep.until({ type: 'peer-disconnecting', senderId: 'anna' });
      const unnamed = await TestPeer.open(place[side].ws + doorOf('gateway', room.room_id));
      unnamed.send({ type: 'sdp', senderId: 'anna', targetId: 'keep', sdp: { type: 'offer', sdp: 'me' } });
      await keep.until({ type: 'sdp', senderId: 'anna', sdp: { type: 'offer', sdp: 'me' } });
      for (const peer of [keep, back]) peer.cut();
      unnamed.drop();
    },
  );

  test.each(['left', 'right'] as const)(
    '[S7] [C4] and who proved who it is keeps its name for its user, on the %s',
    async (side) => {
      const room: Whereto = await makeOpenRoom(place.left, owner);
      const user = await place.left.signIn();
      const keep = await DialectPeer.join('gateway with presence', place.left, room, 'keep');
      const anna = await DialectPeer.join('gateway', place.left, room, 'anna', user);
      await keep.meets('anna');
      anna.cut();
      await keep.until({ type: 'peer-disconnecting', senderId: 'anna' });
      const thief = await DialectPeer.ask('gateway', place[side], room, 'anna');
      await thief.until({ code: 'PEER_ID_TAKEN' });
      const back = await DialectPeer.join('gateway', place[side], room, 'anna', user);
      for (const peer of [keep, back]) peer.cut();
    },
  );
});
