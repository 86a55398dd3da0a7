/** A node that ends waits for whom another may take over, and for nobody else. Time is in the test's hand. */
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { DialectPeer } from '../support/dialect-peers.js';
import type { PeerKind } from '../support/dialect-words.js';
import { MemoryNodes } from '../support/memory-nodes.js';

/** Sessions are sent away in the first quarter of it. */
const drainMs = 8_000;
const slicesMs = 2_000;
const settings = { DRAIN_MS: String(drainMs), GRACE_MS: '60000' };

let nodes: MemoryNodes;
let left: Awaited<ReturnType<MemoryNodes['start']>>;
let right: typeof left;
const peers: DialectPeer[] = [];

beforeEach(async () => {
  nodes = new MemoryNodes();
  left = await nodes.start('left', settings);
  right = await nodes.start('right', settings);
});
afterEach(async () => {
  for (const peer of peers.splice(0)) peer.cut();
  await nodes.stop();
});

/** How long the left node takes to end, with one peer of each kind on it. */
async function timeToEnd(kinds: readonly PeerKind[]): Promise<number> {
  const owner = await left.node.signIn();
  const room = await left.node.createRoom(owner);
  const witness = await DialectPeer.join('full', right.node, room, 'witness', owner);
  peers.push(witness);
  for (const kind of kinds) {
    peers.push(await DialectPeer.join(kind, left.node, room, kind, await left.node.signIn()));
    await witness.meets(kind);
  }
  const fromMs = nodes.clock.now();
  await nodes.passUntil(left.server.app.close());
  return nodes.clock.now() - fromMs;
}

const sentAway = ['gateway', 'gateway with presence', 'webrtc', 'webrtc with underscores', 'parity'] as const;

test.each([...sentAway.map((kind) => [kind]), sentAway])(
  '[C7] it does not wait for what cannot go on elsewhere: %s',
  async (...kinds) => {
    expect(await timeToEnd(kinds as PeerKind[])).toBeLessThan(slicesMs + 1_000);
    const code = async ({ socket }: DialectPeer): Promise<number> => (await socket.closed).code;
    for (const peer of peers.slice(1)) expect([1001, 4000]).toContain(await code(peer));
  },
);

test.each(['full', 'webrtc extended'] as const)(
  '[C7] it waits for a %s peer that may be on its way, as long as it may, and no longer',
  async (kind) => {
    const tookMs = await timeToEnd(['gateway', kind]);
    expect(tookMs).toBeGreaterThanOrEqual(drainMs);
    expect(tookMs).toBeLessThan(drainMs + 2_000);
  },
);

test('[C7] [C2] when it has been taken over there is nothing to wait for, whoever else was there', async () => {
  const owner = await left.node.signIn();
  const room = await left.node.createRoom(owner);
  peers.push(await DialectPeer.join('gateway', left.node, room, 'gateway', owner));
  const anna = await left.node.connect();
  const join = { type: 'join_room', ...room, id_token: owner.id_token, peer_id: 'anna' };
  anna.send(join);
  const { session_id: sessionId, resume_token: token } = await anna.expect({ type: 'room_joined' });
  const fromMs = nodes.clock.now();
  const closed = left.server.app.close();
  const goesOn = (async () => {
    let count = 1;
    while ((await anna.next())['type'] !== 'go_away') count += 1;
    const there = await right.node.connect();
    there.send({ ...join, resume: { session_id: sessionId, resume_token: token, count } });
    await there.expect({ type: 'room_joined', resumed: true });
  })();
  await nodes.passUntil(goesOn);
  await nodes.passUntil(closed);
  expect(nodes.clock.now() - fromMs).toBeLessThan(slicesMs + 1_000);
});
