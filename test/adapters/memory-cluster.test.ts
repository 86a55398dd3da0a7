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
  const terms = { maxPeers: 10, expiresAtS: START_S + 100 };

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
