/** What `RedisPresence` writes, for how long, and what it does with what it did not write. */
import { randomUUID } from 'node:crypto';
import { setImmediate as turn } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { keys } from '../../src/adapters/redis/keys.js';
import { RedisRoomSteps } from '../../src/adapters/redis/redis-room-steps.js';
import { RedisTime } from '../../src/adapters/redis/redis-time.js';
import { seatLines } from '../../src/adapters/redis/room-seat.js';
import { toLine } from '../../src/adapters/redis/room-text.js';
import type { RoomChange, SeatClaim } from '../../src/ports/presence.js';
import { asNodeId, asPeerId, asRoomId, asSessionId, type RoomId } from '../../src/protocol/ids.js';
import type { SeatRecord } from '../../src/protocol/records.js';
import { RedisServer } from '../support/redis.js';
import { RedisNodes, type RedisNode } from '../support/redis-nodes.js';

const NOW_S = Math.floor(Date.now() / 1000);
const terms = { maxPeers: 10, expiresAtS: NOW_S + 7200, createdBy: 'creator' };
const known = { ...terms, host: undefined };
let server: RedisServer;
let nodes: RedisNodes;
let one: RedisNode;

beforeAll(async () => {
  server = await RedisServer.start();
  nodes = new RedisNodes({ REDIS_URL: server.url });
  one = await nodes.open(asNodeId('one'));
});
afterAll(async () => {
  nodes.close();
  await server.stop();
});

function claim(roomId: RoomId, peer: string): SeatClaim {
  const peerId = asPeerId(peer);
  return {
    roomId,
    peerId,
    sessionId: asSessionId(randomUUID()),
    identity: { sub: peer, username: peer },
    card: { peerId, role: 'peer', metadata: {}, connectedAtMs: 0 },
    isQuiet: false,
    standing: 'here',
    tokenHashes: ['hash'],
  };
}

async function enter(node: RedisNode, seat: SeatClaim, more = {}): Promise<SeatRecord> {
  const outcome = await node.presence.enter(seat, { ...terms, ...more });
  if (outcome.outcome !== 'seated') throw new Error(outcome.outcome);
  return outcome.seat;
}

/** Key -> seconds that it has left, of keys that name any of these texts. */
async function ttls(...texts: readonly string[]): Promise<Record<string, number>> {
  return server.ask(async (redis) => {
    const names = (await redis.keys('*')).filter((key) => texts.some((text) => key.includes(text))).sort();
    const left = await Promise.all(names.map(async (name) => [name, await redis.ttl(name)] as const));
    return Object.fromEntries(left);
  });
}

async function eventually(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await turn();
}

test('[N8] keys have their names, their values and their ends', async () => {
  const roomId = asRoomId('r1');
  const seat = await enter(one, claim(roomId, 'anna'));
  await enter(one, claim(roomId, 'ben'));
  await server.ask(async (redis) => {
    await expect(redis.hgetall('room:{r1}:nodes')).resolves.toEqual({ one: '2' });
    await expect(redis.hgetall('user:{anna}:node')).resolves.toEqual({ r1: 'one' });
    await expect(redis.get('presence:{r1}:anna')).resolves.toBe('one');
  });
  await one.presence.update({ ...seat, standing: 'away' });
  await eventually(() => server.ask(async (redis) => (await redis.get('disconnecting:{anna}')) === 'r1'));
  const left = await ttls('r1', 'anna', 'node:{one}');
  expect(Object.keys(left)).toEqual(
    [
      'disconnecting:{anna}',
      'node:{one}:rooms',
      'presence:{r1}:anna',
      'presence:{r1}:ben',
      'room:{r1}:nodes',
      'room:{r1}:seats',
      'user:{anna}:node',
    ].filter((key) => key !== 'presence:{r1}:anna'),
  );
  for (const [key, seconds] of Object.entries(left)) {
    const most = key.startsWith('disconnecting') ? 5 : key.startsWith('presence') ? 30 : 7200 + 3600 + 2;
    expect(seconds).toBeGreaterThan(0);
    expect(seconds).toBeLessThanOrEqual(most);
  }
  await one.presence.update(seat);
  await eventually(() => server.ask(async (redis) => (await redis.exists('disconnecting:{anna}')) === 0));
  await one.presence.leave(seat, 'left');
  await eventually(() => server.ask(async (redis) => (await redis.exists('user:{anna}:node')) === 0));
  await server.ask(async (redis) => {
    await expect(redis.hgetall('room:{r1}:nodes')).resolves.toEqual({ one: '1' });
    await expect(redis.exists('presence:{r1}:anna')).resolves.toBe(0);
  });
});

test('[N8] no key is without an end, whatever was done, even in a room that has expired', async () => {
  const two = await nodes.open(asNodeId('two'));
  const roomId = asRoomId('expired');
  const seat = await enter(one, claim(roomId, 'anna'), { expiresAtS: NOW_S - 9000 });
  await two.presence.move(seat, { tokenHashes: [] });
  await two.presence.leave({ ...seat, roomId: asRoomId('never was') }, 'left');
  await two.presence.update({ ...seat, nodeId: two.presence.nodeId, roomId: asRoomId('was lost') });
  await two.presence.reconcile(asRoomId('was empty'), () => [], { ...known, expiresAtS: NOW_S });
  const [host] = (await two.presence.view(roomId)).seats;
  if (host === undefined) throw new Error('nobody is there');
  const guest = await enter(one, claim(roomId, 'ben'), { expiresAtS: NOW_S - 9000 });
  await two.presence.transferHost(host, guest.peerId);
  await one.presence.kick(guest, host.peerId, { banMs: 1 });
  await two.presence.kick({ ...seat, roomId: asRoomId('had no host') }, guest.peerId, { banMs: 1 });
  await two.presence.setMode(roomId, 'SFU', { reason: 'size' });
  await two.presence.setMode(asRoomId('had no mode'), 'SFU', { reason: 'size' });
  await two.presence.reconcile(asRoomId('was SFU'), () => [], { ...known, expiresAtS: NOW_S, mode: 'SFU' });
  await two.presence.view(asRoomId('was only looked at'));
  await two.presence.renewLease(60_000);
  await one.presence.sweep(two.presence.nodeId, 0);
  await one.presence.touch([seat]);
  const left = await ttls('');
  expect(Object.entries(left).filter(([, seconds]) => seconds < 0)).toEqual([]);
  expect(left['room:{expired}:seats']).toBeGreaterThan(3500);
});

test('touching keeps peers, and the room that they are in', async () => {
  const roomId = asRoomId('touched');
  const seat = await enter(one, claim(roomId, 'anna'));
  await server.ask(async (redis) => {
    for (const key of [keys.seats(roomId), keys.nodes(roomId), keys.presence(roomId, seat.peerId)])
      await redis.expire(key, 10);
    await one.presence.touch([seat]);
    await expect(redis.ttl(keys.presence(roomId, seat.peerId))).resolves.toBeGreaterThan(20);
    await expect(redis.ttl(keys.seats(roomId))).resolves.toBeGreaterThan(3500);
    await expect(redis.ttl(keys.nodes(roomId))).resolves.toBeGreaterThan(3500);
  });
});

test('[N1] [N2] a call that is made again because its answer was lost is answered as the first time', async () => {
  const roomId = asRoomId('again');
  const steps = new RedisRoomSteps(one.redis, new RedisTime(), asNodeId('one'));
  const seat = claim(roomId, 'anna');
  const enterArgs = [10, '', toLine('anna'), 'ticket', 1, ...seatLines(seat), 'creator', 0, 0, '', 0, 'P2P'];
  const step = { step: 'enter', roomId, peerId: seat.peerId, args: () => enterArgs } as const;
  const first = await steps.run(step, '0');
  // Hashes have no order.
  expect([...(await steps.run(step, '0'))].sort()).toEqual([...first].sort());
  const [{ generation } = { generation: 0 }] = (await one.presence.view(roomId)).seats;
  const moveArgs = [toLine('anna'), generation, 'another ticket', 2, '[]', '-'];
  const move = { ...step, step: 'move', args: () => moveArgs } as const;
  const moved = await steps.run(move, '0');
  expect(moved[0]).toBe('seated');
  expect([...(await steps.run(move, '0'))].sort()).toEqual([...moved].sort());
});

test('[N13] [N14] a kick or a transfer that is made again because its answer was lost is not carried out again', async () => {
  const roomId = asRoomId('kicked again');
  const steps = new RedisRoomSteps(one.redis, new RedisTime(), asNodeId('one'));
  const host = await enter(one, claim(roomId, 'anna'));
  await enter(one, claim(roomId, 'ben'));
  const kickArgs = [toLine('anna'), host.generation, toLine('ben'), 0, '-', 'kick ticket'];
  const kick = { step: 'kick', roomId, peerId: asPeerId('ben'), args: () => kickArgs } as const;
  expect(await steps.run(kick, '0')).toEqual(['done', 'one']);
  const again = await enter(one, claim(roomId, 'ben'));
  expect(await steps.run(kick, '0')).toEqual(['done', '']);
  const giveArgs = [toLine('anna'), host.generation, toLine('ben'), 'gift ticket'];
  const give = { step: 'transfer', roomId, args: () => giveArgs } as const;
  expect(await steps.run(give, '0')).toEqual(['done']);
  const view = await one.presence.view(roomId);
  expect(await steps.run(give, '0')).toEqual(['done']);
  expect(await one.presence.view(roomId)).toEqual(view);
  expect(view).toMatchObject({ host: 'ben', seats: { length: 2 } });
  await expect(one.presence.transferHost(again, host.peerId)).resolves.toBe('done');
  expect(await steps.run(give, '0')).toEqual(['done']);
});

test('[O1] a mode that is set again because its answer was lost does not undo what was set since', async () => {
  const roomId = asRoomId('set again');
  const steps = new RedisRoomSteps(one.redis, new RedisTime(), asNodeId('one'));
  await enter(one, claim(roomId, 'anna'));
  const args = ['SFU', 'size', '-', 0, 'mode ticket'];
  const step = { step: 'setMode', roomId, args: () => args } as const;
  expect(await steps.run(step, '0')).toEqual(['done']);
  expect((await one.presence.view(roomId)).mode).toBe('SFU');
  for (const mode of ['P2P', 'SFU', 'P2P'] as const)
    await one.presence.setMode(roomId, mode, { reason: 'host' });
  const view = await one.presence.view(roomId);
  expect(await steps.run(step, '0')).toEqual(['done']);
  expect(await one.presence.view(roomId)).toEqual(view);
  expect(view.mode).toBe('P2P');
});

test('[N8] [N14] a kick leaves nothing of the seat behind', async () => {
  const two = await nodes.open(asNodeId('served by two'));
  const roomId = asRoomId('left behind');
  const host = await enter(one, claim(roomId, 'host'));
  const guest = await enter(two, claim(roomId, 'kicked peer'));
  const userNode = keys.userNode(guest.peerId);
  await eventually(() => server.ask(async (redis) => (await redis.exists(userNode)) === 1));
  await expect(one.presence.kick(host, guest.peerId, { banMs: 1000 })).resolves.toBe('done');
  await eventually(() => server.ask(async (redis) => (await redis.exists(userNode)) === 0));
  await server.ask(async (redis) => {
    await expect(redis.exists(keys.presence(roomId, guest.peerId))).resolves.toBe(0);
    await expect(redis.hgetall(keys.nodes(roomId))).resolves.toEqual({ one: '1' });
  });
});

test('[N14] a kick is forgotten when it holds no more', async () => {
  const roomId = asRoomId('forgotten');
  const host = await enter(one, claim(roomId, 'anna'));
  for (const peer of ['ben', 'carl']) {
    await enter(one, claim(roomId, peer));
    await one.presence.kick(host, asPeerId(peer), { banMs: 60_000 });
  }
  const field = (): Promise<string | null> => server.ask((redis) => redis.hget(keys.seats(roomId), 'kicks'));
  const past = ((await field()) ?? '').replace(/^(ben\t\d+\tanna\t-\t)\d+\t\d+/, '$11000\t1000');
  await server.ask((redis) => redis.hset(keys.seats(roomId), 'kicks', past));
  expect((await one.presence.view(roomId)).kicked).toMatchObject([{ peerId: 'carl' }]);
  expect(await field()).not.toContain('ben');
  await enter(one, claim(roomId, 'ben'));
});

/** Writes one line of what is noted of a room's host. */
async function noteOfHost(roomId: RoomId, line: number, text: string): Promise<void> {
  await server.ask(async (redis) => {
    const lines = ((await redis.hget(keys.seats(roomId), 'host')) ?? '').split('\n');
    await redis.hset(keys.seats(roomId), 'host', lines.with(line, text).join('\n'));
  });
}

test('[N17] a host whose seat was lost is waited for, and then another is chosen by any step', async () => {
  const two = await nodes.open(asNodeId('node of the guest'));
  const roomId = asRoomId('half lost');
  const host = await enter(one, claim(roomId, 'anna'));
  const guest = await enter(two, claim(roomId, 'ben'));
  // As a replica that had not heard of it yet, and then became the master.
  const lose = (): Promise<number> => server.ask((redis) => redis.hdel(keys.seats(roomId), 's:anna'));
  await lose();
  const waiting = await two.presence.reconcile(roomId, () => [guest], { ...known, host: host.peerId });
  expect(waiting).toMatchObject({ host: 'anna', seats: [{ peerId: 'ben' }] });
  await expect(two.presence.kick(guest, host.peerId, { banMs: 0 })).resolves.toBe('not host');
  await one.presence.reconcile(roomId, () => [host], { ...known, host: host.peerId });
  await expect(one.presence.kick(host, asPeerId('nobody'), { banMs: 0 })).resolves.toBe('absent');
  await lose();
  await two.presence.reconcile(roomId, () => [guest], known);
  await noteOfHost(roomId, 3, '1000');
  await expect(two.presence.kick(guest, asPeerId('nobody'), { banMs: 0 })).resolves.toBe('absent');
  expect((await two.presence.view(roomId)).host).toBe('ben');
});

test('[N17] after memory was lost the host is waited for, and then another is chosen', async () => {
  const roomId = asRoomId('all lost');
  await enter(one, claim(roomId, 'anna'));
  const guest = await enter(one, claim(roomId, 'ben'));
  await server.ask((redis) => redis.flushall());
  const terms = { ...known, host: asPeerId('anna') };
  expect((await one.presence.reconcile(roomId, () => [guest], terms)).host).toBe('anna');
  await noteOfHost(roomId, 3, '1000');
  expect((await one.presence.reconcile(roomId, () => [guest], terms)).host).toBe('ben');
});

test('[N3] an edit that is overtaken by a later one of the same seat is void', async () => {
  const roomId = asRoomId('overtaken');
  const steps = new RedisRoomSteps(one.redis, new RedisTime(), asNodeId('one'));
  const seat = await enter(one, claim(roomId, 'anna'));
  const update = (edit: number, standing: SeatRecord['standing']): Promise<readonly string[]> => {
    const args = [toLine('anna'), seat.generation, edit, 0, ...seatLines({ ...seat, standing }), seat.since];
    return steps.run({ step: 'update', roomId, peerId: seat.peerId, args: () => args }, '0');
  };
  expect(await update(1001, 'away')).toEqual(['yes']);
  const view = await one.presence.view(roomId);
  expect(await update(1000, 'here')).toEqual(['yes']);
  await expect(one.presence.view(roomId)).resolves.toEqual(view);
});

test('[N6] a sweep that is overtaken by a new life of its node ends nothing in rooms that were reconciled', async () => {
  const roomId = asRoomId('revived');
  const two = await nodes.open(asNodeId('revived node'));
  const seat = await enter(two, claim(roomId, 'anna'));
  await two.presence.renewLease(60_000);
  const steps = new RedisRoomSteps(one.redis, new RedisTime(), asNodeId('one'));
  const sweep = { step: 'sweep', roomId, args: () => [toLine('revived node'), '0'] } as const;
  await two.presence.reconcile(roomId, () => [seat], known);
  expect(await steps.run(sweep, '0')).toEqual(['swept']);
  expect((await one.presence.view(roomId)).seats).toEqual([seat]);
});

test('[N10] a wrong idea of the time of Redis is corrected by its answer', async () => {
  const time = new RedisTime();
  time.learn(1000, performance.now());
  const steps = new RedisRoomSteps(one.redis, time, asNodeId('one'));
  const args = (): string[] => [toLine('nobody'), '1', 'left', '0'];
  await expect(
    steps.run({ step: 'leave', roomId: asRoomId('late'), peerId: asPeerId('nobody'), args }, '0'),
  ).resolves.toEqual(['yes', '']);
  expect(Math.abs(time.deadline(0) - Date.now())).toBeLessThan(60_000);
});

test('what is no change is dropped, and one line tells of it', async () => {
  const node = await nodes.open(asNodeId('three'));
  const roomId = asRoomId('odd');
  const heard: RoomChange[] = [];
  let wake: () => void = () => undefined;
  node.presence.onChange((change) => {
    heard.push(change);
    wake();
  });
  await node.presence.watch(roomId);
  const head = ['1', 'epoch', '1', '2', 'origin'];
  const card = JSON.stringify({ username: 'x', role: 'peer', metadata: {}, connectedAtMs: 0 });
  const seatText = ['5', '1', 't', 'n', 's', 'here', '0', 'sub', '[]', card, '5'];
  const odd = [
    '',
    'hello',
    '{}',
    head.join('\n'),
    ['2', ...head.slice(1), 'gone', 'left', 'anna', 'session', '5'].join('\n'),
    [...head, 'gone', 'bored', 'anna', 'session', '5'].join('\n'),
    [...head, 'gone', 'left', 'anna', 'session', '-5'].join('\n'),
    [...head, 'gone', 'left', 'an"na', 'session', '5'].join('\n'),
    [...head, 'gone', 'left', 'anna', 'session', '5', 'ben', '-'].join('\n'),
    [...head, 'gone', 'kicked', 'anna', 'session', '5', 'ben'].join('\n'),
    [...head, 'gone', 'kicked', 'anna', 'session', '5', 'ben', 'no plus'].join('\n'),
    [...head, 'gone', 'kicked', 'anna', 'session', '5', 'b"en', '-'].join('\n'),
    [...head, 'host'].join('\n'),
    [...head, 'host', 'an"na'].join('\n'),
    [...head, 'host', 'anna', 'ben'].join('\n'),
    [...head, 'mode', 'SFU'].join('\n'),
    [...head, 'mode', 'SFU', 'host'].join('\n'),
    [...head, 'mode', 'MCU', 'host', '-'].join('\n'),
    [...head, 'mode', 'SFU', 'whim', '-'].join('\n'),
    [...head, 'mode', 'SFU', 'host', 'no plus'].join('\n'),
    [...head, 'mode', 'SFU', 'host', '-', 'more'].join('\n'),
    [...head, 'seat', '-', 'anna', '5'].join('\n'),
    [...head, 'seat', 'no plus', 'anna', ...seatText].join('\n'),
    [...head, 'seat', '-', 'anna', ...seatText.slice(0, -1)].join('\n'),
    [...head, 'seat', '-', 'anna', ...seatText.slice(0, -1), 'x'].join('\n'),
    [...head, 'seat', '-', 'anna', '5', '1', 't', 'n', 's', 'gone', '0', 'sub', '[]', '{}', '5'].join('\n'),
    [...head, 'seat', '-', 'anna', '5', '1', 't', 'n', 's', 'here', '0', 'sub', '[1]', '{}', '5'].join('\n'),
  ];
  for (const text of odd) await server.ask((redis) => redis.publish(keys.roomChannel(roomId), text));
  const seat = await enter(node, claim(roomId, 'anna'));
  while (heard.length < 2)
    await new Promise<void>((resolve) => {
      wake = resolve;
    });
  expect(heard.map(({ what }) => what)).toEqual([
    { kind: 'seat', seat },
    { kind: 'host', host: 'anna' },
  ]);
  expect(node.log.count('redis_change_malformed')).toBe(1);
});

test('a kick of another form makes its room unavailable, and quotes nothing', async () => {
  const roomId = asRoomId('foreign kick');
  await enter(one, claim(roomId, 'anna'));
  for (const kick of ['secret', 'ben\t1\tan"na\tsecret\t9999999999999\t0\tsub\tticket']) {
    await server.ask((redis) => redis.hset(keys.seats(roomId), 'kicks', kick));
    const failure: unknown = await one.presence.view(roomId).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'STORE_UNAVAILABLE' });
    expect(String((failure as Error).cause)).not.toContain('secret');
  }
});

test('a seat of another form makes its room unavailable, and quotes nothing', async () => {
  const roomId = asRoomId('foreign');
  await server.ask((redis) =>
    redis.hset(keys.seats(roomId), 's:anna', '1\n1\nt\nn\ns\nhere\n0\nsub\n[]\nsecret\n1'),
  );
  const failure: unknown = await one.presence.view(roomId).catch((error: unknown) => error);
  expect(failure).toMatchObject({ code: 'STORE_UNAVAILABLE' });
  expect(String((failure as Error).cause)).not.toContain('secret');
});
