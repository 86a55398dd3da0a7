/** A node is cut off, or dies; the memory that the nodes share is lost. Time is in the test's hand. */
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { NodeId } from '../../src/protocol/ids.js';
import { MemoryNodes } from '../support/memory-nodes.js';
import type { RoamingPeer } from '../support/roaming-peer.js';
import { Scene, signal, upTo } from '../support/topology.js';
import type { TestNode } from '../support/test-node.js';

const graceMs = 5_000;
/** A lease, and two rounds until somebody looks. */
const noticeMs = 6_000 + 2 * 2_000;
const minuteMs = 60_000;

let nodes: MemoryNodes;
let left: { readonly id: NodeId; readonly node: TestNode };
let right: typeof left;
let place: { readonly left: TestNode; readonly right: TestNode };
let scene: Scene;
let anna: RoamingPeer;
let bert: RoamingPeer;

beforeEach(async () => {
  nodes = new MemoryNodes();
  left = await nodes.start('left');
  right = await nodes.start('right');
  place = { left: left.node, right: right.node };
  scene = await Scene.open(left.node);
  anna = await scene.join(left.node, 'anna');
  bert = await scene.join(right.node, 'bert');
  // Who is to judge others has held its own lease for a whole term.
  await nodes.pass(noticeMs);
});
afterEach(() => nodes.stop());

async function call(from: RoamingPeer, to: RoamingPeer, id: string): Promise<void> {
  from.send(signal('offer', to.name, 1, id));
  await to.expect({ type: 'offer', sender: from.name, id });
  await from.expect({ type: 'accepted', reply_to: id });
}

test('[C1] time alone changes nothing', async () => {
  await nodes.pass(minuteMs);
  await anna.expectNothing();
  await bert.expectNothing();
  await call(anna, bert, '1');
});

describe('a node that dies', () => {
  test('[C8] [F3] [A2] the peers that do not come back have left, once, on every node; a parity peer’s name is kept', async () => {
    const third = await nodes.start('third');
    const carl = await scene.join(third.node, 'carl');
    await right.node.register(scene.room, 'worker', scene.owner);
    for (const peer of [anna, bert, carl])
      await peer.expect({ type: 'user_joined', peer_id: 'worker' }, { type: 'host_changed', host: 'worker' });
    await nodes.pass(noticeMs);
    nodes.cluster.kill(right.id);
    await nodes.pass(noticeMs + graceMs);
    for (const peer of [anna, carl]) {
      const told = await peer.told();
      const left = told.filter(({ type }) => type === 'user_left').map(({ peer_id: name }) => name);
      expect(left.sort()).toEqual(['bert', 'worker']);
      const changes = told.filter(({ type }) => type === 'host_changed');
      expect(changes).toEqual([{ type: 'host_changed', host: 'anna', previous: 'worker' }]);
      expect(told).toHaveLength(3);
    }
    await nodes.pass(minuteMs);
    for (const peer of [anna, carl]) await peer.expectNothing();
    const worker = await left.node.register(scene.room, 'worker', await left.node.signIn());
    for (const peer of [anna, carl]) await peer.expect({ type: 'user_joined', peer_id: 'worker' });
    await worker.expectNothing();
  });

  test('[C8] a parity peer of a dead node has left for those on the node that finds out, too', async () => {
    await right.node.register(scene.room, 'worker', scene.owner);
    await anna.expect({ type: 'user_joined', peer_id: 'worker' }, { type: 'host_changed', host: 'worker' });
    nodes.cluster.kill(right.id);
    await nodes.pass(noticeMs + graceMs);
    expect(await anna.told()).toEqual([
      { type: 'user_left', peer_id: 'bert', reason: 'disconnected' },
      { type: 'user_left', peer_id: 'worker', reason: 'disconnected' },
      { type: 'host_changed', host: 'anna', previous: 'worker' },
    ]);
  });

  test('[C3] a session goes on at once, and the others hear nothing of it, then or later', async () => {
    nodes.cluster.kill(right.id);
    anna.send(signal('offer', 'bert', 1, 'm1'));
    await bert.resume(left.node);
    await bert.expect({ type: 'offer', id: 'm1' });
    await anna.expect({ type: 'accepted', reply_to: 'm1' });
    await nodes.pass(minuteMs);
    await anna.expectNothing();
    await bert.expectNothing();
  });

  test('[C3] [C11] what is sent to it is refused within a second, and goes on once when it is sent again', async () => {
    nodes.cluster.kill(right.id);
    anna.send(signal('offer', 'bert', 1, 'm1'));
    await nodes.pass(1_000);
    await anna.expect({ type: 'error', retryable: true, reply_to: 'm1' });
    await bert.resume(left.node);
    anna.send(signal('offer', 'bert', 1, 'm1'));
    await bert.expect({ type: 'offer', id: 'm1' });
    await anna.expect({ type: 'accepted', reply_to: 'm1' });
    await bert.expectNothing();
  });
});

describe('a node that is cut off', () => {
  test('[C11] what is sent to it is refused within a second and can be sent again, in order', async () => {
    nodes.cluster.cut(right.id);
    for (const n of [1, 2]) anna.send(signal('offer', 'bert', n, `m${n}`));
    await nodes.pass(1_000);
    await anna.expect(...['m1', 'm2'].map((id) => ({ type: 'error', retryable: true, reply_to: id })));
    nodes.cluster.mend(right.id);
    for (const n of [1, 2]) anna.send(signal('offer', 'bert', n, `m${n}`));
    await nodes.passUntil(bert.expect({ type: 'offer', n: 1 }, { type: 'offer', n: 2 }));
    await anna.expect(...['m1', 'm2'].map((id) => ({ type: 'accepted', reply_to: id })));
    await bert.expectNothing();
  });

  test('[C11] what was on its way when it was cut off arrives once when it is back, and nobody has left', async () => {
    anna.send(signal('candidate', 'bert', 0));
    await bert.expect({ n: 0 });
    nodes.cluster.cut(right.id);
    anna.send(signal('candidate', 'bert', 1));
    bert.send(signal('candidate', 'anna', 1, 'b1'));
    await nodes.pass(500);
    nodes.cluster.mend(right.id);
    await nodes.passUntil(Promise.all([anna.expect({ n: 1 }), bert.until({ n: 1 })]));
    await nodes.pass(minuteMs);
    await anna.expectNothing();
  });

  test('[C11] peers on it go on among themselves', async () => {
    const carl = await scene.join(right.node, 'carl');
    nodes.cluster.cut(right.id);
    await call(bert, carl, '1');
    bert.cut();
    await carl.expect({ type: 'user_disconnecting', peer_id: 'bert' });
    await bert.resume(right.node);
    await carl.expect({ type: 'user_resumed', peer_id: 'bert' });
    await call(carl, bert, '2');
  });

  test('[C9] taken for dead while it lives, it comes back, and its sessions with it', async () => {
    nodes.cluster.cut(right.id);
    await nodes.pass(noticeMs + graceMs);
    await anna.expect({ type: 'user_left', peer_id: 'bert', reason: 'disconnected' });
    nodes.cluster.mend(right.id);
    await nodes.passUntil(anna.expect({ type: 'user_joined', peer_id: 'bert' }));
    await call(anna, bert, '1');
    await call(bert, anna, '2');
    await nodes.pass(minuteMs);
    await anna.expectNothing();
    await bert.expectNothing();
    await bert.resume(left.node);
    await anna.expect({ type: 'delivered', reply_to: '1' });
    await call(anna, bert, '3');
  });

  test('[C9] [X4] who was there first does not yield when it comes back: the other one still does', async () => {
    nodes.cluster.cut(left.id);
    await nodes.pass(noticeMs + graceMs);
    await bert.expect({ type: 'user_left', peer_id: 'anna' }, { type: 'host_changed', host: 'bert' });
    nodes.cluster.mend(left.id);
    await nodes.passUntil(bert.expect({ type: 'user_joined', peer_id: 'anna', polite: true }));
    expect(await nodes.passUntil(anna.resume(left.node))).toMatchObject({
      peers: [{ peer_id: 'bert', polite: false }],
    });
  });

  test('[C9] a session that has gone on elsewhere meanwhile is not taken back', async () => {
    nodes.cluster.cut(right.id);
    const old = bert.socket;
    await nodes.passUntil(bert.resume(left.node));
    nodes.cluster.mend(right.id);
    await nodes.passUntil(old.closed);
    expect((await old.closed).code).toBe(4409);
    await nodes.pass(minuteMs);
    await anna.expectNothing();
    await call(anna, bert, '1');
  });
});

describe('the memory of who sits where is lost', () => {
  test('[C10] and written again: nobody has left, on any node', async () => {
    nodes.cluster.forget();
    await nodes.pass(minuteMs);
    await anna.expectNothing();
    await bert.expectNothing();
    await call(anna, bert, '1');
    await bert.resume(left.node);
    await anna.expect({ type: 'delivered', reply_to: '1' });
    await call(bert, anna, '2');
    await nodes.pass(minuteMs);
    await anna.expectNothing();
  });

  test('[C10] while one node is cut off: its sessions come back with it, without a false leave', async () => {
    nodes.cluster.cut(right.id);
    await nodes.pass(500);
    nodes.cluster.forget();
    await nodes.pass(2_000);
    nodes.cluster.mend(right.id);
    await nodes.pass(minuteMs);
    await anna.expectNothing();
    await bert.expectNothing();
    await call(anna, bert, '1');
    await call(bert, anna, '2');
  });

  test('[C10] who leaves meanwhile has left', async () => {
    nodes.cluster.forget();
    bert.send({ type: 'leave_room' });
    await bert.expect({ type: 'room_left' });
    await nodes.pass(minuteMs);
    await anna.expect({ type: 'user_left', peer_id: 'bert' });
    await anna.expectNothing();
  });

  test('[C10] [C8] and a node with it: its peers have left, once', async () => {
    nodes.cluster.kill(right.id);
    nodes.cluster.forget();
    await nodes.pass(minuteMs);
    await anna.expect({ type: 'user_left', peer_id: 'bert', reason: 'disconnected' });
    await anna.expectNothing();
  });
});

describe('a session that takes its time to move', () => {
  test.each([
    ['without an id', (n: number) => signal('candidate', 'bert', n)],
    ['with an id', (n: number) => signal('candidate', 'bert', n, `m${n}`)],
    ['with and without', (n: number) => signal('candidate', 'bert', n, n % 2 === 0 ? `m${n}` : undefined)],
  ])('[C2] [S10] is told what comes meanwhile in order: %s', async (_what, write) => {
    const release = nodes.holdMoves();
    const resumed = bert.resume(left.node);
    for (const n of upTo(100)) {
      anna.send(write(n));
      // Half a second in all, less than a sender is kept waiting. What is sent again meets what is on its way.
      nodes.clock.advance(5);
      await new Promise(setImmediate);
    }
    release();
    await resumed;
    await nodes.pass(1_000);
    const told = (await bert.told()).filter((frame) => 'n' in frame);
    expect(told.map(({ n }) => n)).toEqual(upTo(100));
  });
});

test('[C4] [S3] a session that has gone on elsewhere past a half-open socket has not left a minute later', async () => {
  const old = bert.socket;
  old.socket.pause();
  await bert.resume(left.node);
  await nodes.pass(minuteMs);
  await anna.expectNothing();
  await call(anna, bert, '1');
  expect(await scene.settle(place, anna)).toEqual([]);
  old.socket.resume();
  expect((await old.closed).code).toBe(4409);
});
