import { describe, expect, test } from '@jest/globals';
import { MemoryCluster } from '../../src/adapters/memory/memory-cluster.js';
import { SystemClock } from '../../src/adapters/system/system-clock.js';
import type { SeatClaim } from '../../src/ports/presence.js';
import { asNodeId, asPeerId, asRoomId, asSessionId } from '../../src/protocol/ids.js';
import { busContract, Inbox } from '../contracts/bus-contract.js';
import { presenceContract } from '../contracts/presence-contract.js';
import { FakeClock } from '../support/fake-clock.js';

presenceContract('MemoryCluster', () => {
  const cluster = new MemoryCluster(new SystemClock());
  return Promise.resolve({
    node: (nodeId) => Promise.resolve(cluster.presence(nodeId)),
    lose: () => {
      cluster.forget();
      return Promise.resolve();
    },
    stop: () => Promise.resolve(),
  });
});

busContract('MemoryCluster', () => {
  const cluster = new MemoryCluster(new SystemClock());
  return Promise.resolve({
    node: (nodeId) => Promise.resolve(cluster.bus(nodeId)),
    stop: () => Promise.resolve(),
  });
});

describe('MemoryCluster', () => {
  const START_S = 1_700_000_000;
  const [one, two] = [asNodeId('one'), asNodeId('two')];
  const roomId = asRoomId('room');
  const claim = (name: string, isQuiet = false): SeatClaim => ({
    roomId,
    peerId: asPeerId(name),
    sessionId: asSessionId(`session of ${name}`),
    identity: { sub: name, username: name },
    card: { peerId: asPeerId(name), role: 'peer', metadata: {}, connectedAtMs: 0 },
    isQuiet,
    standing: 'here',
    tokenHashes: [],
  });
  const terms = { maxPeers: 10, expiresAtS: START_S + 100, createdBy: 'creator' };

  test('a node that is cut off can do nothing, hears nothing, and is told when it is back', async () => {
    const cluster = new MemoryCluster(new FakeClock(START_S * 1000));
    const [presence, heard] = [cluster.presence(two), [] as string[]];
    const inbox = await Inbox.open(two, cluster.bus(two));
    presence.onChange(() => heard.push('change'));
    presence.onRestored(() => heard.push('restored'));
    inbox.bus.onRestored(() => heard.push('bus restored'));
    await presence.watch(roomId);
    cluster.cut(two);
    await expect(presence.enter(claim('anna'), terms)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    await expect(inbox.bus.post(one, Buffer.from('x'))).rejects.toThrow('cut off');
    await expect(cluster.bus(one).post(two, Buffer.from('lost'))).resolves.toBe(false);
    await cluster.presence(one).enter(claim('ben'), terms);
    expect(heard).toEqual([]);
    cluster.mend(two);
    await expect(cluster.bus(one).post(two, Buffer.from('again'))).resolves.toBe(true);
    expect(await inbox.texts(1)).toEqual(['again']);
    expect(heard).toEqual(['restored', 'bus restored']);
    await presence.enter(claim('anna'), terms);
    expect(heard).toEqual(['restored', 'bus restored', 'change']);
  });

  test('what was on its way to a node that is cut off is lost', async () => {
    const cluster = new MemoryCluster(new FakeClock(START_S * 1000));
    const inbox = await Inbox.open(two, cluster.bus(two));
    const posted = cluster.bus(one).post(two, Buffer.from('lost'));
    cluster.cut(two);
    await posted;
    cluster.mend(two);
    await cluster.bus(one).post(two, Buffer.from('later'));
    expect(await inbox.texts(1)).toEqual(['later']);
  });

  test('a node that was killed stays silent, and is swept when its lease has ended', async () => {
    const clock = new FakeClock(START_S * 1000);
    const cluster = new MemoryCluster(clock);
    await cluster.presence(two).renewLease(1000);
    await cluster.presence(two).enter(claim('anna'), terms);
    cluster.kill(two);
    cluster.mend(two);
    await expect(cluster.presence(two).view(roomId)).rejects.toThrow();
    await expect(cluster.presence(one).lapsedNodes()).resolves.toEqual([]);
    clock.advance(1000);
    await expect(cluster.presence(one).lapsedNodes()).resolves.toEqual([two]);
    await expect(cluster.presence(one).sweep(two, 5000)).resolves.toBe(0);
    clock.advance(4000);
    await expect(cluster.presence(one).sweep(two, 5000)).resolves.toBe(1);
    await expect(cluster.presence(one).lapsedNodes()).resolves.toEqual([]);
  });

  test('[N14] [N15] a kick is known for ten seconds, and for as long as its ban', async () => {
    const clock = new FakeClock(START_S * 1000);
    const presence = new MemoryCluster(clock).presence(one);
    const host = await presence.enter(claim('anna'), terms);
    if (host.outcome !== 'seated') throw new Error(host.outcome);
    for (const [name, banMs] of [
      ['ben', 0],
      ['carl', 1000],
      ['dora', 20_000],
    ] as const) {
      await presence.enter(claim(name), terms);
      await presence.kick(host.seat, asPeerId(name), { banMs });
    }
    const kicked = async (): Promise<string[]> =>
      (await presence.view(roomId)).kicked.map(({ peerId }) => peerId);
    clock.advance(999);
    await expect(presence.enter(claim('carl'), terms)).resolves.toEqual({
      outcome: 'banned',
      retryAfterMs: 1,
    });
    clock.advance(1);
    await expect(presence.enter(claim('carl'), terms)).resolves.toMatchObject({ outcome: 'seated' });
    clock.advance(8999);
    expect(await kicked()).toEqual(['ben', 'carl', 'dora']);
    clock.advance(1);
    expect(await kicked()).toEqual(['dora']);
    clock.advance(10_000);
    expect(await kicked()).toEqual([]);
    await expect(presence.enter(claim('dora'), terms)).resolves.toMatchObject({ outcome: 'seated' });
  });

  test('[N17] a host whose seat was lost is waited for, and then another is chosen', async () => {
    const clock = new FakeClock(START_S * 1000);
    const cluster = new MemoryCluster(clock);
    const presence = cluster.presence(one);
    await presence.enter(claim('anna'), terms);
    const guest = await presence.enter(claim('ben'), terms);
    if (guest.outcome !== 'seated') throw new Error(guest.outcome);
    const known = { ...terms, host: asPeerId('anna') };
    cluster.forget();
    const again = async (): Promise<string | undefined> =>
      (await presence.reconcile(roomId, () => [guest.seat], known)).host;
    expect(await again()).toBe('anna');
    clock.advance(10_000);
    expect(await again()).toBe('anna');
    await expect(presence.transferHost(guest.seat, asPeerId('anna'))).resolves.toBe('not host');
    clock.advance(1);
    await expect(presence.transferHost(guest.seat, asPeerId('anna'))).resolves.toBe('absent');
    expect(await again()).toBe('ben');
  });

  test('forgets kept names an hour after the end of their room, and who is here never', async () => {
    const clock = new FakeClock(START_S * 1000);
    const cluster = new MemoryCluster(clock);
    const presence = cluster.presence(one);
    for (const name of ['kept', 'here']) {
      const outcome = await presence.enter({ ...claim(name, true), roomId: asRoomId(name) }, terms);
      if (outcome.outcome === 'seated' && name === 'kept')
        await presence.update({ ...outcome.seat, standing: 'kept' });
    }
    const enterElsewhere = async (): Promise<void> => {
      for (let count = 0; count < 10; count += 1)
        await presence.enter(
          { ...claim('x'), roomId: asRoomId('other') },
          { ...terms, expiresAtS: START_S + 99_999 },
        );
    };
    clock.advance(3600_000);
    await enterElsewhere();
    expect((await presence.view(asRoomId('kept'))).seats).toHaveLength(1);
    clock.advance(200_000);
    await enterElsewhere();
    expect((await presence.view(asRoomId('kept'))).seats).toEqual([]);
    expect((await presence.view(asRoomId('here'))).seats).toHaveLength(1);
  });
});
