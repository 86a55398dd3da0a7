/** News of a kick that does not come. Time is in the test's hand. */
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { MemoryNodes } from '../support/memory-nodes.js';
import type { RoamingPeer } from '../support/roaming-peer.js';
import { Scene } from '../support/topology.js';

const fewSecondsMs = 3_000;

let nodes: MemoryNodes;
let left: Awaited<ReturnType<MemoryNodes['start']>>;
let right: typeof left;
let anna: RoamingPeer;
let bert: RoamingPeer;
let carl: RoamingPeer;

beforeEach(async () => {
  nodes = new MemoryNodes();
  left = await nodes.start('left');
  right = await nodes.start('right');
  const scene = await Scene.open(left.node);
  anna = await scene.join(left.node, 'anna');
  bert = await scene.join(right.node, 'bert');
  carl = await scene.join(right.node, 'carl');
});
afterEach(() => nodes.stop());

test('[A5] [A3] a node that was cut off learns of the kick when it is back, and the peer does not come back with it', async () => {
  nodes.cluster.cut(right.id);
  anna.send({ type: 'kick', target: 'bert', reason: 'noise', id: 'k' });
  await anna.expect(
    { type: 'user_left', peer_id: 'bert', reason: 'kicked' },
    { type: 'accepted', reply_to: 'k' },
  );
  nodes.cluster.mend(right.id);
  await nodes.pass(fewSecondsMs);
  await bert.expect({ type: 'kicked', by: 'anna', reason: 'noise' });
  expect(await bert.socket.closed).toEqual({ code: 4403, reason: 'noise' });
  await carl.expect({ type: 'user_left', peer_id: 'bert', reason: 'kicked' });
  await nodes.pass(fewSecondsMs);
  await anna.expectNothing();
  await carl.expectNothing();
});

test('[A5] what came before the kick does not bring the peer back: its seat is written no more', async () => {
  nodes.cluster.cut(right.id);
  bert.send({ type: 'update_metadata', peer_id: 'bert', metadata: { tags: ['x'] } });
  await bert.expect({ type: 'metadata_updated' });
  anna.send({ type: 'kick', target: 'bert', id: 'k' });
  await anna.expect(
    { type: 'user_left', peer_id: 'bert', reason: 'kicked' },
    { type: 'accepted', reply_to: 'k' },
  );
  nodes.cluster.mend(right.id);
  await nodes.pass(fewSecondsMs);
  expect((await bert.socket.closed).code).toBe(4403);
  anna.send({ type: 'discover_peers', from_peer_id: 'anna', filters: {} });
  const [roster] = await anna.expect({ type: 'peer_list', count: 1 });
  expect(roster?.['peers']).toMatchObject([{ peer_id: 'carl' }]);
});
