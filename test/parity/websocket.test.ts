/** Replays the recorded WebSocket cases against the server on emulated Cognito and DynamoDB. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { FakeClock } from '../support/fake-clock.js';
import { Lab, register, type Names, type RoomKey, type User } from './lab.js';
import type { Peer } from './peer.js';
import { cases, expectRecorded, forwarded, told } from './recording.js';

interface Replay extends Names {
  readonly result: unknown;
}

/** What is left unread, which in most cases is nothing. */
const rest = async (peer: Peer): Promise<unknown[]> => (await peer.rest()).map(told);

function offer(sender: unknown, target: unknown, sdp: string): Record<string, unknown> {
  return { type: 'offer', sender, target, sdp };
}

/** Two registered peers of one room: `a` sends in most cases, `b` receives. */
async function pair(lab: Lab): Promise<{ room: RoomKey; a: Peer; b: Peer; userA: User; userB: User }> {
  const [userA, userB] = [lab.user(), lab.user()];
  const room = await lab.createRoom(userA);
  return { room, userA, userB, a: await lab.join(room, userA), b: await lab.join(room, userB) };
}

/** One `register` with fields replaced, and its answer. */
async function attempt(lab: Lab, fields: (room: RoomKey) => Record<string, unknown>): Promise<Replay> {
  const [user, room] = [lab.user(), await lab.createRoom()];
  const peer = await lab.connect();
  peer.send(register(room, user, fields(room)));
  return { result: told(await peer.next()), users: [user], room };
}

/** w02: the field left out, empty, null and 0, all on one socket, which can still register afterwards. */
const missing =
  (field: string) =>
  async (lab: Lab): Promise<Replay> => {
    const [user, room] = [lab.user(), await lab.createRoom()];
    const peer = await lab.connect();
    const reply = async (fields: Record<string, unknown>): Promise<unknown> => {
      peer.send(register(room, user, fields));
      return told(await peer.next());
    };
    return {
      room,
      result: {
        missing: await reply({ [field]: undefined }),
        empty: await reply({ [field]: '' }),
        nul: await reply({ [field]: null }),
        zero: await reply({ [field]: 0 }),
        stillUsable: await reply({ peer_id: `P-${field}` }),
      },
    };
  };

const badIdentity =
  (token: (lab: Lab) => string) =>
  async (lab: Lab): Promise<Replay> => {
    const [user, room] = [lab.user(), await lab.createRoom()];
    const peer = await lab.connect();
    peer.send(register(room, user, { id_token: token(lab) }));
    const out = told(await peer.next());
    const alive = await rest(peer);
    expect(peer.isOpen).toBe(true);
    return { result: { out, alive } };
  };

/** Sends one frame from `a` to `b`; what came back and what arrived. */
async function handOn(a: Peer, b: Peer, message: unknown): Promise<{ self: unknown[]; got: unknown[] }> {
  const sent = a.send(message);
  const self = await rest(a);
  return { self, got: (await b.rest()).map((text) => forwarded(text, sent)) };
}

const replays: Readonly<Record<string, (lab: Lab) => Promise<Replay>>> = {
  w01: async (lab) => {
    const [user, room] = [await lab.signIn(), await lab.createRoom()];
    const peer = await lab.connect();
    peer.send(register(room, user));
    return { result: { out: told(await peer.next()), more: await rest(peer) }, users: [user], room };
  },
  'w02-peer_id': missing('peer_id'),
  'w02-room_id': missing('room_id'),
  'w02-token': missing('token'),
  'w02-id_token': missing('id_token'),
  'w03-expired': badIdentity((lab) => lab.aws.forge.flawed('expired')),
  'w03-wrongIss': badIdentity((lab) => lab.aws.forge.flawed('wrongIss')),
  'w03-order': (lab) =>
    attempt(lab, () => ({ id_token: lab.aws.forge.flawed('expired'), room_id: 'ffffffff' })),
  w04: (lab) => attempt(lab, () => ({ room_id: 'ffffffff' })),
  w05: async (lab) => {
    const wrong = async (token: unknown): Promise<unknown> => (await attempt(lab, () => ({ token }))).result;
    return { result: { out: await wrong('zzzzzz'), out2: await wrong(123456), out3: await wrong(['x']) } };
  },
  w06: async (lab) => {
    const [user, room] = [lab.user(), await lab.createRoom()];
    await lab.expire(room);
    const peer = await lab.connect();
    peer.send(register(room, user, { token: 'zzzzzz' }));
    const wrongTokenFirst = told(await peer.next());
    peer.send(register(room, user));
    return { result: { wrongTokenFirst, out: told(await peer.next()) } };
  },
  w06c: async (lab) => {
    const { room, a, b, userA, userB } = await pair(lab);
    await lab.expire(room);
    const handed = await handOn(a, b, offer(userA.username, userB.username, 'x'));
    const late = await lab.connect();
    late.send(register(room, lab.user()));
    return { result: { ...handed, rereg: told(await late.next()) }, users: [userA, userB], room };
  },
  w12: async (lab) => {
    const { room, a, b, userA, userB } = await pair(lab);
    const { self, got } = await handOn(a, b, {
      ...offer(userA.username, userB.username, 'v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\n'),
      zeta: 1,
      alpha: { nested: [1, 2.5, null, true, { k: 'v' }] },
      extra: 'Ünïcödé ☃ 😀 "q" \\ / \u2028',
    });
    const answer = { type: 'answer', sender: userB.username, target: userA.username, sdp: 'v=0 answer' };
    const { self: back, got: got2 } = await handOn(b, a, answer);
    return { result: { self, got, back, got2 }, users: [userA, userB], room };
  },
  w12b: async (lab) => {
    const { a, b, userA, userB } = await pair(lab);
    const names = `"sender":"${userA.username}","target":"${userB.username}"`;
    const odd = String.raw`"a":1.0,"b":1e3,"c":12345678901234567890,"d":"é\/","e":[ ],"f":{ },"dup":1`;
    const text = `{"sdp":"a","type":"offer",${odd},${names},"g":0,"h":0.1,"dup":2}`;
    return { result: await handOn(a, b, text), users: [userA, userB] };
  },
  w12c: async (lab) => {
    const { a, b, userA, userB } = await pair(lab);
    const message = { type: 'offer', sender: userA.username, target: userB.username };
    return { result: await handOn(a, b, message), users: [userA, userB] };
  },
  w13: async (lab) => {
    const { a, b, userA, userB } = await pair(lab);
    const dropped = async (sender: unknown, target: unknown): Promise<unknown> => {
      const { self, got: other } = await handOn(a, b, offer(sender, target, 'x'));
      return { self, other };
    };
    return {
      result: {
        noSender: await dropped(undefined, userB.username),
        noTarget: await dropped(userA.username, undefined),
        emptySender: await dropped('', userB.username),
        emptyTarget: await dropped(userA.username, ''),
        nullTarget: await dropped(userA.username, null),
        zeroTarget: await dropped(userA.username, 0),
      },
    };
  },
  w19: async (lab) => {
    const { room, a, b, userA, userB } = await pair(lab);
    await b.leave();
    a.send(offer(userA.username, userB.username, 'x'));
    const self = await rest(a);
    const again = await lab.connect();
    again.send(register(room, userB));
    const re = told(await again.next());
    const { self: self2, got } = await handOn(a, again, offer(userA.username, userB.username, 'y'));
    return { result: { self, re, self2, got }, users: [userB, userA], room };
  },
  w22: (lab) => attempt(lab, () => ({ role: 'worker', metadata: { tags: ['x'] }, anything: [1], id: 'q1' })),
  w22b: async (lab) => {
    const [first, second] = [lab.user(), lab.user()];
    const room = await lab.createRoom(first);
    const early = await lab.join(room, first);
    const late = await lab.connect();
    late.send(register(room, second));
    const out = told(await late.next());
    const told1 = await rest(early);
    await late.leave();
    return { result: { out, first: told1, afterLeave: await rest(early) }, users: [second], room };
  },
  w23b: async (lab) => {
    const [user, target] = [lab.user(), lab.user()];
    const room = await lab.createRoom(target);
    const worker = await lab.join(room, target);
    const client = await lab.connect();
    client.send(register(room, user));
    const sent = client.send(offer(user.username, target.username, 'piped'));
    const first = told(await client.next());
    const got = [forwarded(await worker.next(), sent)];
    return { result: { first, rest: await rest(client), got }, users: [user, target], room };
  },
  w25: async (lab) => {
    const users = [await lab.signIn(), await lab.signIn()] as const;
    const room = await lab.createRoom(users[0]);
    for (const peer of [await lab.join(room, users[0]), await lab.join(room, users[1])]) await peer.leave();
    const del = await lab.deletePeersAndRoom(users[0].username);
    const found = await Promise.all(users.map(({ username }) => lab.aws.userExists(username)));
    const del2 = await lab.deletePeersAndRoom(users[1].username);
    const ddbRoom = (await lab.isStored(room)) ? 'still in DynamoDB' : 'deleted';
    return { result: { del, cognito: found.map((exists) => (exists ? 'exists' : 'absent')), del2, ddbRoom } };
  },
  w29: async (lab) => {
    const { a, b, userA, userB } = await pair(lab);
    const sent = Array.from({ length: 50 }, (_, n) =>
      a.send(offer(userA.username, userB.username, `sdp ${String(n)}`)),
    );
    await a.rest();
    const got = await b.rest();
    return { result: { count: got.length, inOrder: JSON.stringify(got) === JSON.stringify(sent) } };
  },
  w30: async (lab) => {
    const { room, a, b, userA, userB } = await pair(lab);
    const third = await lab.join(room, lab.user());
    const { self, got: W } = await handOn(a, b, offer(userA.username, userB.username, '3'));
    return { result: { self, W, C: await rest(third) }, users: [userA, userB] };
  },
  w31: async (lab) => {
    const [user, room] = [lab.user(), await lab.createRoom()];
    const peer = await lab.connect();
    peer.send(register(room, user));
    const a = told(await peer.next());
    peer.send(register(room, user));
    return { result: { a, b: told(await peer.next()) }, users: [user], room };
  },
  // 45 seconds on a clock of the test's own, with the server's own period of 20 s.
  w40: async (lab) => {
    const clock = new FakeClock(Date.now());
    const app = await lab.another({ clock });
    const peer = await lab.join(await lab.createRoom(), lab.user(), app);
    for (let second = 1; second <= 45; second += 1) {
      clock.advance(1_000);
      await peer.rest();
    }
    expect(peer.isOpen).toBe(true);
    return { result: { pings: peer.pings } };
  },
};

describe('The recorded WebSocket cases', () => {
  let lab: Lab;
  beforeAll(async () => {
    lab = await Lab.start();
  });
  afterEach(() => lab.clear());
  afterAll(() => lab.stop());

  const recorded = cases.filter(({ id }) => !id.startsWith('h'));

  test('are all replayed', () => {
    expect(Object.keys(replays).sort()).toEqual(recorded.map(({ id }) => id).sort());
    expect(recorded).toHaveLength(25);
  });

  test.each(recorded.map(({ id, title }) => [id, title]))('%s (%s) goes as recorded', async (id) => {
    const replay = await replays[id]?.(lab);
    expectRecorded(id, replay?.result, replay);
  });
});
