/** A session is not lost to a presence that has just come back without it. */
import { afterEach, beforeEach, test } from '@jest/globals';
import type { Presence, RoomView } from '../../src/ports/presence.js';
import { MemoryNodes } from '../support/memory-nodes.js';
import { Scene } from '../support/topology.js';

let nodes: MemoryNodes;
beforeEach(() => {
  nodes = new MemoryNodes();
});
afterEach(() => nodes.stop());

test('[S2] [C10] while an outage ends, a claim that the presence does not know is to be made again', async () => {
  let isBack = false;
  /** As Redis is between its restart and the moment in which the nodes have written their seats again. */
  const forgetful = (presence: Presence): Presence =>
    new Proxy(presence, {
      get: (target, name) => {
        if (name === 'isInterrupted') return !isBack;
        if (name !== 'view' || isBack) return Reflect.get(target, name) as unknown;
        return async (...asked: Parameters<Presence['view']>): Promise<RoomView> => ({
          ...(await presence.view(...asked)),
          seats: [],
        });
      },
    });
  const [first, second] = [await nodes.start('first'), await nodes.start('second', {}, forgetful)];
  const scene = await Scene.open(first.node);
  const anna = await scene.join(first.node, 'anna');
  const socket = await second.node.connect();
  const join = { type: 'join_room', ...scene.room, id_token: anna.user.id_token, peer_id: 'anna' };
  socket.send({ ...join, resume: anna.claim });
  await socket.expect({ type: 'error', code: 'STORE_UNAVAILABLE', retryable: true });
  isBack = true;
  await anna.resume(second.node);
});
