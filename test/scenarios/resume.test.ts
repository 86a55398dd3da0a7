/** Sockets break; sessions of those who count go on (SPEC S1 to S10). */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { FakeClock } from '../support/fake-clock.js';
import { ResumingPeer } from '../support/resuming-peer.js';
import { TestServer, type Room, type User } from '../support/server.js';
import type { Frame, TestPeer } from '../support/test-peer.js';

const clock = new FakeClock();
let server: TestServer;
let annas: User;
let berts: User;
let room: Room;
let anna: ResumingPeer;
let bert: ResumingPeer;

beforeAll(async () => {
  server = await TestServer.start({ PRE_JOIN_MS: '600000', PING_MS: '600000' }, { clock });
  [annas, berts] = [await server.signIn(), await server.signIn()];
});
afterAll(() => server.stop());
beforeEach(async () => {
  room = await server.createRoom(annas);
  anna = new ResumingPeer(server, room, 'anna', annas);
  bert = new ResumingPeer(server, room, 'bert', berts);
  await anna.join();
  await bert.join();
  expect(await anna.next()).toMatchObject({ type: 'user_joined', peer_id: 'bert' });
});

function offer(n: number): Frame {
  return { type: 'offer', target: 'bert', n, id: `m${n}` };
}

/** Bert's socket breaks, and Anna is told. */
async function cutBert(): Promise<void> {
  bert.cut();
  expect(await anna.next()).toEqual({ type: 'user_disconnecting', peer_id: 'bert' });
}

async function expectNothing(peer: ResumingPeer): Promise<void> {
  await peer.peer.expectNothing();
  peer.count += 1;
}

describe('within the grace window', () => {
  test('[S1] [S2] the session goes on: what was missed follows in order, and nobody has left', async () => {
    anna.send(offer(1));
    expect(await bert.next()).toMatchObject({ n: 1 });
    expect(await anna.next()).toEqual({ type: 'accepted', reply_to: 'm1' });
    await cutBert();
    for (const n of [2, 3]) {
      anna.send(offer(n));
      expect(await anna.next()).toEqual({ type: 'accepted', reply_to: `m${n}` });
    }
    const before = bert.claim;
    const joined = await bert.resume();
    expect(joined).toMatchObject({
      resumed: true,
      peer_id: 'bert',
      session_id: before['session_id'],
      grace_ms: 5_000,
    });
    expect(joined['resume_token']).not.toBe(before['resume_token']);
    expect([await bert.next(), await bert.next()]).toMatchObject([{ n: 2 }, { n: 3 }]);
    expect(await anna.next()).toEqual({ type: 'user_resumed', peer_id: 'bert' });
    // Claiming one frame acknowledged it.
    expect(await anna.next()).toEqual({ type: 'delivered', reply_to: 'm1' });
    anna.send(offer(4));
    expect(await bert.next()).toMatchObject({ n: 4 });
    expect(await anna.next()).toEqual({ type: 'accepted', reply_to: 'm4' });
    clock.advance(60_000);
    await expectNothing(anna);
  });

  test('[X4] of two peers the one who came later is polite, also after a resume of either', async () => {
    const carl = new ResumingPeer(server, room, 'carl', berts);
    expect(await carl.join()).toMatchObject({
      peers: [
        { peer_id: 'anna', polite: true },
        { peer_id: 'bert', polite: true },
      ],
    });
    for (const peer of [anna, bert])
      expect(await peer.next()).toMatchObject({ type: 'user_joined', peer_id: 'carl', polite: false });
    expect(await bert.resume()).toMatchObject({
      resumed: true,
      peers: [
        { peer_id: 'anna', polite: true },
        { peer_id: 'carl', polite: false },
      ],
    });
    expect(await anna.resume()).toMatchObject({
      resumed: true,
      peers: [
        { peer_id: 'bert', polite: false },
        { peer_id: 'carl', polite: false },
      ],
    });
    // Who begins afresh comes after everybody who is there.
    expect(await bert.join()).toMatchObject({
      resumed: false,
      peers: [
        { peer_id: 'anna', polite: true },
        { peer_id: 'carl', polite: true },
      ],
    });
    for (const peer of [anna, carl]) {
      expect(await peer.next()).toMatchObject({ type: 'user_left', peer_id: 'bert', reason: 'replaced' });
      expect(await peer.next()).toMatchObject({ type: 'user_joined', peer_id: 'bert', polite: false });
    }
  });

  test('[S3] an old socket that is still open is replaced, and the others hear nothing of it', async () => {
    const old = bert.peer;
    expect(await bert.resume()).toMatchObject({ resumed: true });
    expect((await old.closed).code).toBe(4409);
    clock.advance(60_000);
    await expectNothing(anna);
  });

  test('[S4] the count goes on where it was, over any number of sockets', async () => {
    for (let n = 0; n < 5; n += 1) {
      anna.send(offer(n));
      expect(await bert.next()).toMatchObject({ n });
      bert.cut();
      expect(await bert.resume()).toMatchObject({ resumed: true });
    }
    expect(bert.count).toBe(5);
    bert.acknowledge();
    await expectNothing(bert);
  });

  test('[S5] delivered is told when the receiver has acknowledged, and not before', async () => {
    anna.send(offer(1));
    expect(await anna.next()).toEqual({ type: 'accepted', reply_to: 'm1' });
    await bert.next();
    await expectNothing(anna);
    bert.acknowledge();
    expect(await anna.next()).toEqual({ type: 'delivered', reply_to: 'm1' });
  });

  test('[S6] the same id twice is one message: accepted again, and delivered again when it was', async () => {
    anna.send(offer(1));
    anna.send(offer(1));
    anna.send(offer(2));
    expect([await bert.next(), await bert.next()]).toMatchObject([{ n: 1 }, { n: 2 }]);
    for (const id of ['m1', 'm1', 'm2'])
      expect(await anna.next()).toEqual({ type: 'accepted', reply_to: id });
    bert.acknowledge();
    for (const id of ['m1', 'm2']) expect(await anna.next()).toEqual({ type: 'delivered', reply_to: id });
    anna.send(offer(1));
    expect([await anna.next(), await anna.next()]).toEqual([
      { type: 'accepted', reply_to: 'm1' },
      { type: 'delivered', reply_to: 'm1' },
    ]);
    await expectNothing(bert);
  });

  test('[S6] an id is its session’s own: one that begins anew may use it again, and so may another sender', async () => {
    const carl = new ResumingPeer(server, room, 'carl', annas);
    await carl.join();
    expect([await anna.next(), await bert.next()]).toMatchObject([{ peer_id: 'carl' }, { peer_id: 'carl' }]);
    anna.send(offer(1));
    carl.send({ ...offer(1), n: 'carl' });
    expect([await bert.next(), await bert.next()]).toMatchObject([{ n: 1 }, { n: 'carl' }]);
    await anna.join();
    for (const type of ['user_left', 'user_joined']) expect(await bert.next()).toMatchObject({ type });
    anna.send({ ...offer(1), n: 'anew' });
    expect(await bert.next()).toMatchObject({ n: 'anew' });
  });

  test('[S6] the latest 1,024 are remembered, whatever others send', async () => {
    const carl = new ResumingPeer(server, room, 'carl', annas);
    await carl.join();
    await anna.next();
    await bert.next();
    for (let n = 0; n < 1_024; n += 1) anna.send(offer(n));
    for (let n = 0; n < 1_100; n += 1) carl.send({ ...offer(n), n: 'carl' });
    for (let n = 0; n < 1_024; n += 1) anna.send(offer(n));
    const got = { anna: [] as unknown[], carl: 0 };
    while (got.anna.length < 1_024 || got.carl < 1_100) {
      const { n } = await bert.next();
      if (n === 'carl') got.carl += 1;
      else got.anna.push(n);
      if (bert.count % 16 === 0) bert.acknowledge();
    }
    expect(got.anna).toEqual(Array.from({ length: 1_024 }, (_, n) => n));
    // Every one of them was answered: none is under way any more.
    let answers = 0;
    while (answers < 2_048) if ((await anna.next())['type'] === 'accepted') answers += 1;
    await expectNothing(bert);
  });

  test('[S6] it holds for application messages and for parity peers too', async () => {
    const worker = await server.register(room, 'worker', annas);
    expect([await anna.next(), await bert.next()]).toMatchObject([
      { peer_id: 'worker' },
      { peer_id: 'worker' },
    ]);
    for (let again = 0; again < 2; again += 1) {
      anna.send({ type: 'offer', target: 'worker', sdp: 's', id: 'o' });
      anna.send({ type: 'peer_message', from_peer_id: 'anna', to_peer_id: 'worker', payload: 1, id: 'p' });
      for (const id of ['o', 'p'])
        expect(await anna.next()).toMatchObject({ type: 'accepted', reply_to: id });
    }
    await worker.expect({ type: 'offer' });
    await worker.expect({ type: 'peer_message' });
    await worker.expectNothing();
  });

  test('[S6] a message to everybody is known by its id too, and nobody in particular acknowledges it', async () => {
    for (let again = 0; again < 2; again += 1) {
      anna.send({ type: 'candidate', id: 'all', candidate: null });
      expect(await anna.next()).toEqual({ type: 'accepted', reply_to: 'all' });
    }
    expect(await bert.next()).toMatchObject({ type: 'candidate', id: 'all', sender: 'anna' });
    bert.acknowledge();
    await expectNothing(bert);
    await expectNothing(anna);
  });

  test('[S7] the name is its user’s: another is refused at once', async () => {
    await cutBert();
    const thief = await server.connect();
    thief.send({ type: 'join_room', ...room, id_token: annas.id_token, peer_id: 'bert' });
    await thief.expect({ type: 'error', code: 'PEER_ID_TAKEN' });
    expect(await bert.resume()).toMatchObject({ resumed: true });
  });

  test('[S7] it is in the roster of who comes meanwhile', async () => {
    await cutBert();
    const carl = new ResumingPeer(server, room, 'carl', annas);
    expect(await carl.join()).toMatchObject({ peers: [{ peer_id: 'anna' }, { peer_id: 'bert' }] });
  });
});

describe('what the window protects', () => {
  test('[S2] the reply to a resume may be lost: the token before it is good until something is acknowledged', async () => {
    await cutBert();
    anna.send(offer(1));
    await anna.next();
    const claim = bert.claim;
    for (let lost = 0; lost < 3; lost += 1) {
      const socket = await server.connect();
      socket.send({ type: 'join_room', ...room, id_token: berts.id_token, peer_id: 'bert', resume: claim });
      expect(await anna.next()).toMatchObject({ type: 'user_resumed' });
      socket.drop();
      expect(await anna.next()).toMatchObject({ type: 'user_disconnecting' });
    }
    expect(await bert.join(claim)).toMatchObject({ resumed: true });
    expect(await bert.next()).toMatchObject({ n: 1 });
  });

  test('[S4] [P4] what a left seat is still owed reaches nobody, whatever its socket became', async () => {
    anna.send(offer(1));
    expect(await anna.next()).toMatchObject({ type: 'accepted' });
    expect(await bert.next()).toMatchObject({ n: 1 });
    anna.send({ type: 'leave_room' });
    expect(await anna.next()).toEqual({ type: 'room_left' });
    const register = { type: 'register', peer_id: 'anna', ...room, id_token: annas.id_token };
    anna.send(register);
    expect(await anna.next()).toMatchObject({ type: 'registered_auth' });
    // Anna made the room: it is hers again.
    bert.count += 4;
    await bert.peer.expect({ type: 'user_left' });
    await bert.peer.expect({ type: 'host_changed', host: 'bert', previous: 'anna' });
    await bert.peer.expect({ type: 'user_joined' });
    await bert.peer.expect({ type: 'host_changed', host: 'anna', previous: 'bert' });
    bert.acknowledge();
    await expectNothing(bert);
    await anna.peer.expectNothing();
  });

  test('[S4] what cannot be written is not counted, here or in the window', async () => {
    const deep = `{"type":"webrtc_offer","to":"bert","id":"d","x":${'['.repeat(60_000)}${']'.repeat(60_000)}}`;
    const refused = async (): Promise<void> => {
      anna.peer.send(deep);
      expect(await anna.next()).toMatchObject({ type: 'error', code: 'INVALID_MESSAGE', reply_to: 'd' });
    };
    await refused();
    await cutBert();
    await refused();
    anna.send(offer(1));
    expect(await anna.next()).toMatchObject({ type: 'accepted' });
    expect(await bert.resume()).toMatchObject({ resumed: true });
    expect(await bert.next()).toMatchObject({ n: 1 });
  });

  test('[S7] a full session that does not answer a ping gets its window, and another user does not get its name', async () => {
    const old = bert.peer;
    old.socket.pause();
    const thief = await server.connect();
    const timers = clock.pending;
    thief.send({ type: 'join_room', ...room, id_token: annas.id_token, peer_id: 'bert' });
    // The holder is pinged, and has two seconds.
    while (clock.pending === timers) await new Promise(setImmediate);
    clock.advance(2_000);
    await thief.expect({ type: 'error', code: 'PEER_ID_TAKEN' });
    expect(await anna.next()).toEqual({ type: 'user_disconnecting', peer_id: 'bert' });
    expect(await bert.resume()).toMatchObject({ resumed: true });
    expect(await anna.next()).toEqual({ type: 'user_resumed', peer_id: 'bert' });
  });
});

describe('[S8] a claim that does not hold begins afresh', () => {
  test.each([
    ['another token', (claim: Frame) => ({ ...claim, resume_token: 'x'.repeat(21) })],
    ['another session', (claim: Frame) => ({ ...claim, session_id: 'x' })],
    ['more than was told', (claim: Frame) => ({ ...claim, count: 1_000 })],
  ])('%s', async (_what, change) => {
    await cutBert();
    anna.send(offer(1));
    await anna.next();
    expect(await bert.join(change(bert.claim))).toMatchObject({
      resumed: false,
      peers: [{ peer_id: 'anna' }],
    });
    expect(await anna.next()).toEqual({ type: 'user_left', peer_id: 'bert', reason: 'replaced' });
    expect(await anna.next()).toMatchObject({ type: 'user_joined', peer_id: 'bert' });
    await expectNothing(bert);
  });

  test('less than was acknowledged', async () => {
    anna.send(offer(1));
    await bert.next();
    bert.acknowledge();
    expect(await anna.next()).toEqual({ type: 'accepted', reply_to: 'm1' });
    expect(await anna.next()).toEqual({ type: 'delivered', reply_to: 'm1' });
    bert.count = 0;
    expect(await bert.resume()).toMatchObject({ resumed: false });
  });

  test('another user with the right token', async () => {
    await cutBert();
    const thief = new ResumingPeer(server, room, 'thief', annas);
    expect(await thief.join(bert.claim)).toMatchObject({ resumed: false, peer_id: 'thief' });
    expect(await bert.resume()).toMatchObject({ resumed: true });
  });

  test('a token that was used says so, once the peer has acknowledged something with the new one: it takes nothing over', async () => {
    const first = bert.claim;
    expect(await bert.resume()).toMatchObject({ resumed: true });
    bert.acknowledge();
    await expectNothing(bert);
    const late = await server.connect();
    late.send({ type: 'join_room', ...room, id_token: berts.id_token, peer_id: 'bert', resume: first });
    await late.expect({ type: 'error', code: 'SESSION_SUPERSEDED', retryable: false });
    await expectNothing(bert);
    await anna.peer.expectNothing();
  });

  test('the window is over: the leave is told once', async () => {
    await cutBert();
    clock.advance(4_999);
    await expectNothing(anna);
    clock.advance(1);
    expect(await anna.next()).toEqual({ type: 'user_left', peer_id: 'bert', reason: 'disconnected' });
    expect(await bert.resume()).toMatchObject({ resumed: false });
    expect(await anna.next()).toMatchObject({ type: 'user_joined' });
    clock.advance(60_000);
    await expectNothing(anna);
  });

  test('a claim of the wrong shape is refused, and names the fields', async () => {
    const peer = await server.connect();
    peer.send({ type: 'join_room', ...room, id_token: annas.id_token, resume: { session_id: 1 } });
    const { message } = await peer.expect({ type: 'error', code: 'INVALID_MESSAGE' });
    expect(message).toMatch(/session_id.*resume_token.*count/);
  });
});

describe('[S9] what is kept is bounded', () => {
  const sdp = 'x'.repeat(200_000);

  test('who never acknowledges is not closed, and begins afresh', async () => {
    for (let n = 0; n < 10; n += 1) {
      anna.send({ ...offer(n), sdp });
      expect(await bert.next()).toMatchObject({ n });
    }
    bert.cut();
    expect(await bert.resume()).toMatchObject({ resumed: false });
  });

  test('who has everything again can resume again', async () => {
    for (let n = 0; n < 5; n += 1) {
      anna.send({ ...offer(n), sdp });
      expect(await bert.next()).toMatchObject({ n });
    }
    bert.acknowledge();
    await expectNothing(bert);
    bert.cut();
    expect(await bert.resume()).toMatchObject({ resumed: true });
  });

  test('bytes are counted as they are written, in every spelling', async () => {
    await cutBert();
    const told: unknown[] = [];
    for (let n = 0; n < 3; n += 1) {
      anna.send({ type: 'webrtc_offer', to: 'bert', sdp, id: `w${n}` });
      told.push((await anna.next())['type']);
    }
    expect(told).toEqual(['accepted', 'error', 'error']);
    // What was refused was not remembered as sent.
    anna.send({ type: 'webrtc_offer', to: 'bert', sdp, id: 'w1' });
    expect(await anna.next()).toMatchObject({ type: 'error', code: 'PEER_NOT_FOUND' });
  });

  test('who acknowledges and then falls behind is a slow consumer', async () => {
    anna.send(offer(0));
    await bert.next();
    bert.acknowledge();
    const old = bert.peer;
    for (let n = 1; n < 30; n += 1) anna.send({ ...offer(n), sdp });
    expect((await old.closed).code).toBe(4008);
  });

  test('who is away longer than the bound allows is no longer there to be told', async () => {
    await cutBert();
    const told: unknown[] = [];
    for (let n = 0; n < 10; n += 1) {
      anna.send({ ...offer(n), sdp });
      told.push((await anna.next())['type']);
    }
    expect(told[0]).toBe('accepted');
    expect(told.at(-1)).toBe('error');
    expect(await bert.resume()).toMatchObject({ resumed: false });
  });
});

test('[S7] a parity peer has a window too, and misses what it misses', async () => {
  const carl: TestPeer = await server.register(room, 'carl', annas);
  expect(await anna.next()).toMatchObject({ type: 'user_joined', peer_id: 'carl' });
  carl.drop();
  expect(await anna.next()).toEqual({ type: 'user_disconnecting', peer_id: 'carl' });
  anna.send({ type: 'offer', target: 'carl', id: 'm' });
  expect(await anna.next()).toMatchObject({ type: 'error', code: 'PEER_NOT_FOUND' });
  clock.advance(5_000);
  expect(await anna.next()).toEqual({ type: 'user_left', peer_id: 'carl', reason: 'disconnected' });
});

/** Sends as a client of this dialect should: what was not accepted is sent again when its own session goes on. */
class CarefulSender {
  readonly #unaccepted: Frame[] = [];
  #isCut = false;
  sent = 0;

  constructor(readonly peer: ResumingPeer) {}

  async send(): Promise<void> {
    await this.mend();
    const frame = { type: 'offer', target: 'bert', n: this.sent, id: `s${this.sent}` };
    this.#unaccepted.push(frame);
    this.peer.send(frame);
    this.sent += 1;
  }

  async read(): Promise<void> {
    await this.mend();
    const frame = await this.peer.next();
    const at = this.#unaccepted.findIndex(
      ({ id }) => frame['type'] === 'accepted' && id === frame['reply_to'],
    );
    if (at >= 0) this.#unaccepted.splice(at, 1);
  }

  async acknowledge(): Promise<void> {
    await this.mend();
    this.peer.acknowledge();
  }

  get isWaiting(): boolean {
    return this.#unaccepted.length > 0;
  }

  cut(): void {
    this.peer.cut();
    this.#isCut = true;
  }

  async mend(): Promise<void> {
    if (!this.#isCut) return;
    this.#isCut = false;
    expect(await this.peer.resume()).toMatchObject({ resumed: true });
    for (const frame of this.#unaccepted) this.peer.send(frame);
  }
}

test('[S10] whichever socket breaks and whenever, each message arrives once and in order', async () => {
  const action = fc.constantFrom(
    'send',
    'send',
    'send',
    'read',
    'read',
    'hear',
    'ack',
    'thank',
    'cut',
    'drop',
  );
  await fc.assert(
    fc.asyncProperty(fc.array(action, { maxLength: 80 }), async (actions) => {
      const there = await server.createRoom(annas);
      const receiver = new ResumingPeer(server, there, 'bert', berts);
      const sender = new CarefulSender(new ResumingPeer(server, there, 'anna', annas));
      await sender.peer.join();
      await receiver.join();
      const got: unknown[] = [];
      let isCut = false;
      const mend = async (): Promise<void> => {
        if (isCut) expect(await receiver.resume()).toMatchObject({ resumed: true });
        isCut = false;
      };
      const read = async (): Promise<void> => {
        await mend();
        const frame = await receiver.next();
        if (frame['type'] === 'offer') got.push(frame['n']);
      };
      for (const what of actions) {
        if (what === 'send') await sender.send();
        if (what === 'hear' && sender.isWaiting) await sender.read();
        if (what === 'thank') await sender.acknowledge();
        if (what === 'drop') sender.cut();
        if (what === 'read' && got.length < sender.sent - 5) await read();
        if (what === 'cut') {
          receiver.cut();
          isCut = true;
        }
        if (what === 'ack') {
          await mend();
          receiver.acknowledge();
        }
      }
      while (sender.isWaiting) await sender.read();
      while (got.length < sender.sent) await read();
      expect(got).toEqual(Array.from({ length: sender.sent }, (_, n) => n));
      // And nothing more was on its way.
      await mend();
      receiver.send({ type: 'heartbeat' });
      for (
        let type: unknown = 'user_resumed';
        type !== 'heartbeat_ack';
        type = (await receiver.next())['type']
      ) {
        expect(type).toMatch(/^user_(disconnecting|resumed)$/);
      }
    }),
    { numRuns: 100 },
  );
});
