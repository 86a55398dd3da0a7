/** A process of the server ends, told to or not; its peers go on with the other one. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { RoamingPeer } from '../support/roaming-peer.js';
import { ProcessPair, Scene, signal, upTo } from '../support/topology.js';
import type { Frame, TestPeer } from '../support/test-peer.js';

let place: ProcessPair;
beforeAll(async () => {
  place = await ProcessPair.start({ GRACE_MS: '5000', DRAIN_MS: '4000' });
});
afterAll(() => place.stop());
// Each test ends the process on the right.
afterEach(() => place.replaceRight());

/** Reads signals until the last one is there, each id once: what came again with its id is the same message. */
async function hear(peer: RoamingPeer, last: number, seen: Frame[] = []): Promise<Frame[]> {
  while (seen.at(-1)?.['n'] !== last) {
    const frame = await peer.next();
    if ('n' in frame && !seen.some(({ id }) => id === frame['id'])) seen.push(frame);
  }
  return seen;
}

/** What is told of a peer up to its leave, without what comes of windows. */
async function untilGone(peer: RoamingPeer, ...names: readonly string[]): Promise<Frame[]> {
  const told: Frame[] = [];
  while (told.filter(({ type }) => type === 'user_left').length < names.length) told.push(await peer.next());
  return told.filter(({ type }) => type === 'user_left');
}

/** As a client does: what is refused and may be sent again is, in order, until all of it is accepted. */
async function insist(peer: RoamingPeer, frames: readonly Frame[]): Promise<void> {
  const waiting = new Map(frames.map((frame) => [frame['id'], frame]));
  while (waiting.size > 0) {
    const { type, reply_to: id } = await peer.next();
    const frame = waiting.get(id);
    if (type === 'accepted') waiting.delete(id);
    if (type === 'error' && frame !== undefined) peer.send(frame);
  }
}

describe('SIGTERM', () => {
  test('[C7] [S2] [T8] its sessions are told to go, and go on elsewhere without a gap; it exits with 0', async () => {
    const scene = await Scene.open(place.left);
    const [anna, bert] = await scene.pair(place);
    const carl = await scene.join(place.right, 'carl');
    const worker = await place.left.register(scene.room, 'worker', scene.owner);
    const total = 300;
    const frames = upTo(total).map((n) => signal('candidate', 'bert', n, `m${n}`));
    let isOver = false;
    const speak = async (): Promise<void> => {
      for (const [n, frame] of frames.entries()) {
        anna.send(frame);
        worker.send({ type: 'answer', sender: 'worker', target: 'bert', n });
        // The last ones find it elsewhere.
        while (n === total - 10 && !isOver) await turn();
        await turn();
      }
    };
    const got = { anna: [] as unknown[], worker: [] as unknown[] };
    const listen = async (): Promise<void> => {
      const take = (told: readonly Frame[]): void => {
        for (const { type, n } of told) {
          if (type === 'candidate') got.anna.push(n);
          if (type === 'answer') got.worker.push(n);
        }
      };
      const told = await bert.until({ type: 'go_away' });
      expect(told.at(-1)).toEqual({ type: 'go_away', retry_in_ms: expect.any(Number) });
      take(told);
      expect((await bert.socket.closed).code).toBe(4000);
      await bert.resume(place.left);
      while (got.anna.at(-1) !== total - 1 || got.worker.at(-1) !== total - 1) take([await bert.next()]);
    };
    const follow = async (): Promise<void> => {
      await carl.until({ type: 'go_away' });
      expect((await carl.socket.closed).code).toBe(4000);
      await carl.resume(place.left);
    };
    const end = async (): Promise<void> => {
      expect(await place.rightProcess.terminate()).toEqual({ code: 0, signal: null });
      isOver = true;
    };
    await Promise.all([speak(), insist(anna, frames), listen(), follow(), end()]);
    expect(got).toEqual({ anna: upTo(total), worker: upTo(total) });
    carl.send(signal('offer', 'anna', 1, 'c'));
    expect((await anna.until({ type: 'offer' })).at(-1)).toMatchObject({ sender: 'carl' });
    await carl.until({ type: 'accepted', reply_to: 'c' });
    for (const peer of [anna, carl]) {
      const told = await scene.settle(place.survivors, peer);
      expect(told.filter(({ type }) => type === 'user_left')).toEqual([]);
    }
  });

  test('[C7] [C8] [T8] of its parity peers, which are closed 1001, who stays away has left, once', async () => {
    const scene = await Scene.open(place.left);
    const anna = await scene.join(place.left, 'anna');
    const idle = await place.right.register(scene.room, 'idle', scene.owner);
    const worker = await place.right.register(scene.room, 'worker', scene.owner);
    await anna.expect(
      { type: 'user_joined', peer_id: 'idle' },
      { type: 'host_changed', host: 'idle' },
      { type: 'user_joined', peer_id: 'worker' },
    );
    const ended = place.rightProcess.terminate();
    expect([(await idle.closed).code, (await worker.closed).code]).toEqual([1001, 1001]);
    await place.left.register(scene.room, 'worker', scene.owner);
    expect(await ended).toEqual({ code: 0, signal: null });
    expect(await untilGone(anna, 'worker', 'idle')).toEqual([
      { type: 'user_left', peer_id: 'worker', reason: 'replaced' },
      { type: 'user_left', peer_id: 'idle', reason: 'disconnected' },
    ]);
    const told = await scene.settle(place.survivors, anna);
    expect(told.filter(({ type }) => type === 'user_left')).toEqual([]);
  });
});

describe('SIGKILL', () => {
  test('[C3] [S6] [S10] sessions go on at once; what was under way is sent again, in order, and known by its id', async () => {
    const scene = await Scene.open(place.left);
    const [anna, bert] = await scene.pair(place);
    for (const n of [0, 1, 2]) anna.send(signal('offer', 'bert', n, `m${n}`));
    const seen = await bert.expect({ n: 0 });
    bert.acknowledge();
    seen.push(...(await bert.expect({ n: 1 })));
    await anna.expectAll(...['m0', 'm1', 'm2'].map((id) => ({ type: 'accepted', reply_to: id })), {
      type: 'delivered',
      reply_to: 'm0',
    });
    bert.send(signal('answer', 'anna', 0, 'b0'));
    await anna.expect({ type: 'answer', n: 0 });
    await bert.until({ type: 'accepted', reply_to: 'b0' });
    await place.rightProcess.kill();
    const late = [3, 4].map((n) => signal('offer', 'bert', n, `m${n}`));
    for (const frame of late) anna.send(frame);
    const before = bert.claim;
    const joined = await bert.resume(place.left);
    expect(joined).toMatchObject({ session_id: before['session_id'], peers: [{ peer_id: 'anna' }] });
    expect(joined['resume_token']).not.toBe(before['resume_token']);
    await insist(anna, late);
    expect((await hear(bert, 4, seen)).map(({ n }) => n)).toEqual(upTo(5));
    bert.acknowledge();
    await anna.expect(...[1, 2, 3, 4].map((n) => ({ type: 'delivered', reply_to: `m${n}` })));
    // The sender that came over sends again what it does not know to be accepted.
    for (const n of [0, 1]) bert.send(signal('answer', 'anna', n, `b${n}`));
    await anna.expect({ type: 'answer', n: 1 });
    await bert.expectAll(...[0, 1].map((n) => ({ type: 'accepted', reply_to: `b${n}` })));
    expect(await scene.settle(place.survivors, anna)).toEqual([]);
  });

  test('[C3] sessions go on at a node that was started in its place', async () => {
    const scene = await Scene.open(place.left);
    const [anna, bert] = await scene.pair(place);
    anna.send(signal('offer', 'bert', 1, 'm1'));
    await anna.expect({ type: 'accepted', reply_to: 'm1' });
    await place.replaceRight();
    await bert.resume(place.right);
    await bert.expect({ type: 'offer', n: 1 });
    bert.acknowledge();
    await anna.until({ type: 'delivered', reply_to: 'm1' });
    bert.send(signal('answer', 'anna', 1, 'b1'));
    await anna.until({ type: 'answer' });
    await bert.expect({ type: 'accepted', reply_to: 'b1' });
  });

  test('[C3] [C4] [D8] names of a dead node: its users have theirs at once, others only those of parity peers', async () => {
    const scene = await Scene.open(place.left);
    const [anna, bert] = await scene.pair(place);
    const carl = await scene.join(place.right, 'carl');
    await place.right.register(scene.room, 'worker', scene.owner);
    await anna.until({ type: 'host_changed', host: 'worker' });
    await place.rightProcess.kill();
    const stranger = await place.left.signIn();
    const thief = await place.left.connect();
    thief.send({ type: 'join_room', ...scene.room, id_token: stranger.id_token, peer_id: 'bert' });
    await thief.expect({ type: 'error', code: 'PEER_ID_TAKEN' });
    await place.left.register(scene.room, 'worker', stranger);
    expect(await carl.join(place.left)).toMatchObject({ resumed: false });
    await bert.resume(place.left);
    await anna.expectAll(
      { type: 'user_left', peer_id: 'worker', reason: 'replaced' },
      { type: 'user_joined', peer_id: 'worker' },
      // The room's creator had that name.
      { type: 'host_changed', host: 'anna', previous: 'worker' },
      { type: 'user_left', peer_id: 'carl', reason: 'replaced' },
      { type: 'user_joined', peer_id: 'carl' },
    );
    expect(await scene.settle(place.survivors, anna)).toEqual([]);
  });

  test('[C8] [F3] [P6] who does not come back has left, once; what parity peers left behind can be cleaned up', async () => {
    const scene = await Scene.open(place.left);
    const [anna, bert] = await scene.pair(place);
    const dora = await scene.join(place.left, 'dora');
    const { owner, room } = scene;
    const worker: TestPeer = await place.right.register(room, owner.username, owner);
    await place.rightProcess.kill();
    await worker.closed;
    const leaves = [
      { type: 'user_left', peer_id: 'bert', reason: 'disconnected' },
      { type: 'user_left', peer_id: owner.username, reason: 'disconnected' },
    ];
    for (const peer of [anna, dora]) {
      const told = await untilGone(peer, 'bert', owner.username);
      expect(told).toHaveLength(2);
      expect(told).toEqual(expect.arrayContaining(leaves));
    }
    for (const peer of [anna, dora]) {
      const told = await scene.settle(place.survivors, peer);
      expect(told.filter(({ type }) => type === 'user_left')).toEqual([]);
    }
    expect(await bert.join(place.left, { resume: bert.claim })).toMatchObject({ resumed: false });
    const deleted = await place.left.post('/delete-peers-and-room', { peer_id: owner.username });
    expect(deleted.text).toBe('{"status":"peer deleted successfully"}');
    await anna.until({ type: 'room_closed' });
  });
});

function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
