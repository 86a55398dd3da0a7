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
    const others = new Map<string | symbol, unknown>(Object.entries(steps(presence)));
    return new Proxy(presence, {
      get: (target, name) => others.get(name) ?? (Reflect.get(target, name) as unknown),
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
