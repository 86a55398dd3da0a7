/** Peers that change nodes while they are spoken to: nothing is lost, nothing comes twice, nothing overtakes. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { RoamingPeer } from '../support/roaming-peer.js';
import { Scene, signal, topologies, upTo, type Place } from '../support/topology.js';
import type { TestNode } from '../support/test-node.js';
import type { Frame } from '../support/test-peer.js';

const perLeg = 40;

/** The numbers of all signals up to the last one. */
async function hear(peer: RoamingPeer, last: number): Promise<unknown[]> {
  const frames = await peer.until({ n: last });
  return frames.filter((frame) => 'n' in frame).map(({ n }) => n);
}

/** Lets the event loop turn once, so that what is sent is spread over many turns. */
function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

describe.each(topologies)('$name', ({ start }) => {
  let place: Place;
  beforeAll(async () => {
    place = await start();
  });
  afterAll(() => place.stop());

  /** From the right to the left and back, now with the old socket open, now without. */
  async function roam(peer: RoamingPeer, got: unknown[]): Promise<void> {
    for (const [leg, node] of [place.left, place.right, place.left, place.right].entries()) {
      got.push(...(await hear(peer, leg * perLeg + perLeg / 2)));
      peer.acknowledge();
      if (leg % 2 === 0) peer.cut();
      await peer.resume(node);
    }
  }

  const legs = 4;

  test('[C2] [F9] a parity peer, and signals without an id, to a full session that moves', async () => {
    const scene = await Scene.open(place.left);
    const bert = await scene.join(place.right, 'bert');
    const worker = await place.left.register(scene.room, 'worker', scene.owner);
    await bert.expect({ type: 'user_joined', peer_id: 'worker' });
    const send = async (): Promise<void> => {
      for (const n of upTo(legs * perLeg)) {
        worker.send({ type: 'candidate', sender: 'worker', target: 'bert', n });
        await turn();
      }
    };
    const got: unknown[] = [];
    await Promise.all([send(), roam(bert, got)]);
    got.push(...(await hear(bert, legs * perLeg - 1)));
    expect(got).toEqual(upTo(legs * perLeg));
    expect(await scene.settle(place, bert)).toEqual([]);
    await worker.expectNothing();
  });

  test('[C2] [S10] with ids and without, from the node that it comes to and from the one that it leaves', async () => {
    const scene = await Scene.open(place.left);
    const [anna, bert] = await scene.pair(place);
    const carl = await scene.join(place.right, 'carl');
    const told = new Map<unknown, unknown[]>([
      ['anna', []],
      ['carl', []],
    ]);
    const total = legs * perLeg;
    const speak = async (peer: RoamingPeer): Promise<void> => {
      for (const n of upTo(total)) {
        peer.send(signal('candidate', 'bert', n, n % 3 === 0 ? undefined : `m${n}`));
        await turn();
      }
    };
    const listen = async (): Promise<void> => {
      const moves: TestNode[] = [place.left, place.right, place.left, place.right];
      for (let heard = 0; heard < 2 * total; heard += 1) {
        let frame: Frame = await bert.next();
        while (!('n' in frame)) frame = await bert.next();
        told.get(frame['sender'])?.push(frame['n']);
        const node = heard % (2 * perLeg) === perLeg ? moves.shift() : undefined;
        if (node === undefined) continue;
        if (moves.length % 2 === 0) bert.cut();
        await bert.resume(node);
      }
    };
    await Promise.all([speak(anna), speak(carl), listen()]);
    const hasId = (n: unknown): boolean => Number(n) % 3 !== 0;
    for (const numbers of told.values()) {
      expect(numbers.filter(hasId)).toEqual(upTo(total).filter(hasId));
      expect(numbers.filter((n) => !hasId(n))).toEqual(upTo(total).filter((n) => !hasId(n)));
    }
    bert.acknowledge();
    const ids = upTo(total).flatMap((n) => (n % 3 === 0 ? [] : [`m${n}`]));
    for (const peer of [anna, carl]) {
      const accepted: unknown[] = [];
      const delivered: unknown[] = [];
      while (delivered.length < ids.length) {
        const { type, reply_to: id } = await peer.next();
        if (type === 'accepted') accepted.push(id);
        if (type === 'delivered') delivered.push(id);
      }
      expect(accepted).toEqual(ids);
      expect(delivered).toEqual(ids);
    }
  });

  test('[C2] [S10] a sender that moves and sends again what was not accepted', async () => {
    const scene = await Scene.open(place.left);
    const [anna, bert] = await scene.pair(place);
    const unaccepted: Frame[] = [];
    const heard = hear(bert, legs * perLeg - 1);
    for (const [leg, node] of [place.right, place.left, place.right, place.left].entries()) {
      for (const n of upTo(perLeg)) {
        const at = leg * perLeg + n;
        const frame = signal('candidate', 'bert', at, `m${at}`);
        unaccepted.push(frame);
        anna.send(frame);
      }
      // Half of it is answered before the connection breaks.
      while (unaccepted.length > perLeg / 2) drop(unaccepted, await anna.next());
      anna.cut();
      await anna.resume(node);
      for (const frame of unaccepted) anna.send(frame);
    }
    while (unaccepted.length > 0) drop(unaccepted, await anna.next());
    expect(await heard).toEqual(upTo(legs * perLeg));
  });

  test('[C2] [S10] both ends move at the same time, again and again', async () => {
    const scene = await Scene.open(place.left);
    const [anna, bert] = await scene.pair(place);
    for (const round of upTo(10)) {
      const id = `m${round}`;
      anna.send(signal('offer', 'bert', round, id));
      bert.send(signal('offer', 'anna', round, id));
      const [there, here] = round % 2 === 0 ? [place.left, place.right] : [place.right, place.left];
      await Promise.all([anna.resume(here), bert.resume(there)]);
      // What the old socket did not take is sent again.
      anna.send(signal('offer', 'bert', round, id));
      bert.send(signal('offer', 'anna', round, id));
      const [annas, berts] = await Promise.all([
        anna.until({ type: 'offer' }),
        bert.until({ type: 'offer' }),
      ]);
      expect([annas.at(-1), berts.at(-1)]).toMatchObject([{ n: round }, { n: round }]);
    }
    anna.send(signal('offer', 'bert', -1));
    bert.send(signal('offer', 'anna', -1));
    for (const peer of [anna, bert]) {
      const { type, n } = (await peer.until({ type: 'offer' })).at(-1) ?? {};
      expect({ type, n }).toEqual({ type: 'offer', n: -1 });
    }
  });
});

function drop(unaccepted: Frame[], frame: Frame): void {
  const at = unaccepted.findIndex(({ id }) => frame['type'] === 'accepted' && id === frame['reply_to']);
  if (at >= 0) unaccepted.splice(at, 1);
}
