import { afterAll, beforeAll, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { TestServer, type Room, type User } from '../support/server.js';
import type { TestPeer } from '../support/test-peer.js';

let server: TestServer;
let user: User;
let room: Room;
let watchers: { readonly parity: TestPeer; readonly full: TestPeer };
let serial = 0;

beforeAll(async () => {
  server = await TestServer.start({ GRACE_MS: '0' });
  user = await server.signIn();
  room = await server.createRoom(user);
  watchers = {
    parity: await server.register(room, 'parity', user),
    full: await server.join(room, 'full', {}, user),
  };
});
afterAll(() => server.stop());

const verbs = [
  'register',
  'join_room',
  'leave_room',
  'heartbeat',
  'offer',
  'answer',
  'candidate',
  'webrtc_offer',
  'discover_peers',
  'update_metadata',
  'peer_message',
  'constructor',
  '__proto__',
  'toString',
  'hasOwnProperty',
];
const names = ['hostile', 'nobody', '', '\u0001', '\u0001"x"', '__proto__', 'x'.repeat(5_000)];

/** Values that look like what the field wants, and values that do not. Never a watcher's own name. */
function value(): fc.Arbitrary<unknown> {
  return fc.oneof(
    fc.constantFrom<unknown>(...names, null, true, false, 0, 1, -1, 1e308, [], {}, ['hostile']),
    fc.jsonValue({ maxDepth: 3 }),
  );
}

function objectFrame(): fc.Arbitrary<string> {
  const good = { ...room, id_token: user.id_token, peer_id: 'hostile', sender: 'hostile', target: 'hostile' };
  const fields = [
    'peer_id',
    'room_id',
    'token',
    'id_token',
    'sender',
    'target',
    'senderId',
    'to',
    'id',
    'role',
    'metadata',
    'from_peer_id',
    'to_peer_id',
    'payload',
    'filters',
    'sdp',
    'candidate',
    'resume',
    '__proto__',
  ];
  const odd = fc.dictionary(fc.constantFrom(...fields), value(), { maxKeys: 6 });
  return fc
    .tuple(fc.constantFrom(...verbs), fc.boolean(), odd)
    .map(([type, isGood, extra]) => JSON.stringify({ type, ...(isGood ? good : {}), ...extra }));
}

function frame(): fc.Arbitrary<string | Buffer> {
  return fc.oneof(
    { weight: 6, arbitrary: objectFrame() },
    { weight: 1, arbitrary: fc.string({ unit: 'binary' }) },
    { weight: 1, arbitrary: fc.jsonValue().map((json) => JSON.stringify(json)) },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 64 }).map((bytes) => Buffer.from(bytes)) },
    { weight: 1, arbitrary: fc.integer({ min: 1, max: 6_000 }).map((depth) => '['.repeat(depth)) },
    {
      weight: 1,
      arbitrary: fc
        .integer({ min: 1, max: 2_500 })
        .map((depth) => `{"type":"offer","target":"hostile","x":${'['.repeat(depth)}${']'.repeat(depth)}}`),
    },
  );
}

/** Both watchers still hear each other, and nobody has sent them anything else but news of the hostile peer. */
async function watchersAreWell(): Promise<void> {
  serial += 1;
  watchers.parity.send({ type: 'offer', sender: 'parity', target: 'full', serial });
  for (;;) {
    const heard = await watchers.full.next();
    if (heard['type'] === 'offer' && heard['serial'] === serial) break;
    expect(String(heard['sender'] ?? heard['peer_id'])).not.toMatch(/^(parity|full)$/);
  }
  watchers.full.send({ type: 'answer', target: 'parity', serial });
  for (;;) {
    const heard = await watchers.parity.next();
    expect(heard['type']).toMatch(/^(offer|answer|candidate|peer_message)$/);
    if (heard['sender'] === 'full') break;
  }
}

test('[T7] random frames close no other session, leak no session, and throw out of no handler', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(frame(), { minLength: 1, maxLength: 40 }), async (frames) => {
      const hostile = await server.connect();
      for (const one of frames) hostile.send(one);
      // The close handshake comes after all frames were handled, or the server was quicker.
      hostile.socket.close();
      await hostile.closed;
      await watchersAreWell();
      expect(server.tally.handler_failures).toBe(0);
    }),
    { numRuns: 150 },
  );
  const metrics = await (
    await fetch(`${server.http}/metrics`, { headers: { accept: 'application/json' } })
  ).json();
  expect(metrics).toMatchObject({ active_connections: 2 });
  // Nor is anybody left in the room but those who have a socket.
  const roster = await server.connect();
  roster.send({ type: 'join_room', ...room, id_token: user.id_token, peer_id: 'roster' });
  const { peers } = await roster.expect({ type: 'room_joined' });
  expect(peers).toMatchObject([{ peer_id: 'parity' }, { peer_id: 'full' }]);
  roster.drop();
});

test('[T7] 2 MB of nesting, of keys and of text from a joined peer harm nobody', async () => {
  const frames = [
    '['.repeat(1_000_000),
    `{"type":"offer","target":"nobody","x":${'['.repeat(400_000)}${']'.repeat(400_000)}}`,
    `{"type":"webrtc_offer","to":"full","x":${'['.repeat(400_000)}${']'.repeat(400_000)}}`,
    `{${Array.from({ length: 60_000 }, (_, n) => `"k${n}":1`).join()},"type":"offer","target":"nobody"}`,
    `{"__proto__":{"sender":"parity"},"constructor":1,"type":"offer","target":"full"}`,
  ];
  for (const one of frames) {
    const hostile = await server.join(room, 'hostile', {}, user);
    hostile.send(one);
    hostile.socket.close();
    await hostile.closed;
    await watchersAreWell();
    expect(server.tally.handler_failures).toBe(0);
  }
});
