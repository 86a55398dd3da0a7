/** A leave is told once, although what the presence says may be older than what a node has heard. */
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import type { Presence } from '../../src/ports/presence.js';
import { SignalingError } from '../../src/protocol/errors.js';
import { MemoryNodes } from '../support/memory-nodes.js';
import { RoamingPeer } from '../support/roaming-peer.js';
import { Scene } from '../support/topology.js';
import type { Frame } from '../support/test-peer.js';

/** Until what could not be written is written again, with time to spare. */
const retriedMs = 5_000;
const minuteMs = 60_000;

let nodes: MemoryNodes;
beforeEach(() => {
  nodes = new MemoryNodes();
});
afterEach(() => nodes.stop());

/** Some steps of a node are done in another way; all else is its own. */
const instead =
  (steps: (presence: Presence) => Partial<Presence>) =>
  (presence: Presence): Presence => {
    const others = steps(presence);
    return new Proxy(presence, {
      get: (target, name) => Reflect.get(name in others ? others : target, name) as unknown,
    });
  };

/** What is told of one peer's coming and going. */
const about = (name: string, frames: readonly Frame[]): Frame[] =>
  frames
    .filter(({ type, peer_id: peer }) => peer === name && /^user_(joined|left)$/.test(String(type)))
    .map(({ type, reason }) => ({ type, ...(reason === undefined ? {} : { reason }) }));

const left = { type: 'user_left', reason: 'left' };

test('[C8] [C14] an answer that was under way while somebody left does not bring them back', async () => {
  let answers: Promise<void> = Promise.resolve();
  const late = instead((presence) => ({
    reconcile: async (...asked) => {
      const view = await presence.reconcile(...asked);
      await answers;
      return view;
    },
  }));
  const here = await nodes.start('here', {}, late);
  const there = await nodes.start('there');
  const scene = await Scene.open(here.node);
  const anna = await scene.join(here.node, 'anna');
  const carl = await scene.join(there.node, 'carl');
  nodes.cluster.cut(here.id);
  // What is missed is what makes the next change one that does not follow.
  await new RoamingPeer(scene.room, 'dora', await there.node.signIn()).join(there.node);
  let letGo = (): void => undefined;
  answers = new Promise((resolve) => {
    letGo = resolve;
  });
  nodes.cluster.mend(here.id);
  await nodes.pass(100);
  carl.send({ type: 'leave_room' });
  await carl.until({ type: 'room_left' });
  await nodes.pass(100);
  expect(about('carl', await anna.told())).toEqual([left]);
  letGo();
  await nodes.pass(minuteMs);
  const told = await anna.told();
  expect(about('carl', told)).toEqual([]);
  expect(about('dora', told)).toEqual([{ type: 'user_joined' }]);
});

test('[C2] [C14] a node that does not answer while an outage ends is not dead, and what it told is not told again', async () => {
  let isMute = true;
  const mute = instead((presence) => ({
    leave: (...asked) =>
      isMute ? Promise.reject(new SignalingError('STORE_UNAVAILABLE')) : presence.leave(...asked),
  }));
  let onRead = (): void => undefined;
  const isRead = new Promise<void>((resolve) => {
    onRead = resolve;
  });
  const back = instead((presence) => ({
    isInterrupted: true,
    view: (roomId) => {
      onRead();
      return presence.view(roomId);
    },
  }));
  const [first, second] = [await nodes.start('first', {}, mute), await nodes.start('second', {}, back)];
  const scene = await Scene.open(first.node);
  const anna = await scene.join(first.node, 'anna');
  const carl = await scene.join(first.node, 'carl');
  const witness = await scene.join(second.node, 'witness');
  carl.send({ type: 'leave_room' });
  await carl.until({ type: 'room_left' });
  expect(about('carl', await anna.told())).toEqual([left]);
  nodes.cluster.cut(first.id);
  const resumed = anna.resume(second.node);
  await nodes.passUntil(isRead);
  await nodes.pass(200);
  nodes.cluster.mend(first.id);
  const { peers } = await nodes.passUntil(resumed);
  expect(peers).toMatchObject([{ peer_id: 'witness' }]);
  isMute = false;
  await nodes.pass(retriedMs);
  for (const peer of [anna, witness]) {
    const told = about('carl', await peer.told());
    expect(told).toEqual(peer === anna ? [] : [expect.objectContaining({ type: 'user_left' })]);
  }
});

test('[C3] a node that does not answer when an outage has ended is dead after a second', async () => {
  const back = instead(() => ({ isInterrupted: true }));
  const [first, second] = [await nodes.start('first'), await nodes.start('second', {}, back)];
  const scene = await Scene.open(first.node);
  const anna = await scene.join(first.node, 'anna');
  nodes.cluster.kill(first.id);
  const fromMs = nodes.clock.now();
  await nodes.passUntil(anna.resume(second.node));
  expect(nodes.clock.now() - fromMs).toBeLessThan(1_500);
});

test('[C2] [C7] [C14] who left a node that cannot say so stays gone wherever sessions of that node go on', async () => {
  let isMute = true;
  const mute = instead((presence) => ({
    leave: (...asked) =>
      isMute ? Promise.reject(new SignalingError('STORE_UNAVAILABLE')) : presence.leave(...asked),
  }));
  const first = await nodes.start('first', {}, mute);
  const [second, third] = [await nodes.start('second'), await nodes.start('third')];
  const scene = await Scene.open(first.node);
  const anna = await scene.join(first.node, 'anna');
  const bert = await scene.join(first.node, 'bert');
  const carl = await scene.join(first.node, 'carl');
  const witness = await scene.join(second.node, 'witness');
  carl.send({ type: 'leave_room' });
  await carl.until({ type: 'room_left' });
  for (const peer of [anna, bert]) expect(about('carl', await peer.told())).toEqual([left]);
  for (const peer of [anna, bert]) {
    const { peers } = await peer.resume(second.node);
    expect(peers).not.toContainEqual(expect.objectContaining({ peer_id: 'carl' }));
  }
  expect(about('carl', await witness.told())).toEqual([left]);
  const { peers } = await anna.resume(third.node);
  expect(peers).not.toContainEqual(expect.objectContaining({ peer_id: 'carl' }));
  isMute = false;
  await nodes.pass(retriedMs);
  for (const peer of [anna, bert, witness]) expect(about('carl', await peer.told())).toEqual([]);
  // The name is free, and whoever takes it is told of.
  await carl.join(first.node);
  for (const peer of [anna, bert, witness]) await peer.until({ type: 'user_joined', peer_id: 'carl' });
});
