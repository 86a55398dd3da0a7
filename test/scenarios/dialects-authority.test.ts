/** Who decides in a room, in whatever dialect: hosts, kicks, and who is kept out, on one node and over two. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { farewell, newsFor, newsIn, refusalOf, type Happening } from '../support/dialect-news.js';
import { DialectPeer, doorOf, makeOpenRoom, type Whereto } from '../support/dialect-peers.js';
import { peerKinds, type PeerKind } from '../support/dialect-words.js';
import type { User } from '../support/server.js';
import { TestPeer, type Frame } from '../support/test-peer.js';
import { topologies, upTo, type Place } from '../support/topology.js';

const speakers = peerKinds.filter((kind) => kind !== 'parity');
const isFlat = (kind: PeerKind): boolean => kind === 'parity' || kind === 'full';

/** All that it is told of it from now on, the last of `happenings` included, is that and nothing else, in that order. */
async function expectStory(peer: DialectPeer, happenings: readonly Happening[]): Promise<void> {
  const { kind, name } = peer;
  const expected = happenings.flatMap((each) => newsFor(kind, name, each));
  const told: string[] = [];
  while (told.length < expected.length) {
    const news = newsIn(await peer.next());
    if (news !== undefined) told.push(news);
  }
  const more = (await peer.toldByNow()).flatMap((frame) => newsIn(frame) ?? []);
  expect([kind, ...told, ...more]).toEqual([kind, ...expected]);
}

/** A room and who is in it; each who hears of others has heard of all. */
class Company {
  readonly peers: DialectPeer[] = [];

  constructor(
    readonly place: Place,
    readonly room: Whereto,
  ) {}

  static async of(place: Place, host: PeerKind, creator: User): Promise<readonly [Company, DialectPeer]> {
    const company = new Company(place, await place.right.createRoom(creator));
    return [company, await company.join(host, 'host', 0, creator)];
  }

  /** On the left for even numbers, else on the right. */
  async join(kind: PeerKind, name: string, side: number, user?: User): Promise<DialectPeer> {
    const node = side % 2 === 0 ? this.place.left : this.place.right;
    const peer = await DialectPeer.join(kind, node, this.room, name, user ?? (await node.signIn()));
    for (const other of this.peers) await other.meets(name);
    this.peers.push(peer);
    return peer;
  }

  disperse(): void {
    for (const peer of this.peers) peer.cut();
  }
}

async function expectRefused(asked: Promise<DialectPeer>): Promise<void> {
  const { kind, socket } = await asked;
  const told = await socket.expect(refusalOf(kind, 'KICKED'));
  const { retry_after_ms: retryAfterMs } = (kind.startsWith('webrtc') ? told['payload'] : told) as Frame;
  expect(retryAfterMs).toBeGreaterThan(200_000);
  expect(retryAfterMs).toBeLessThanOrEqual(300_000);
  if (isFlat(kind)) socket.drop();
  else expect(await socket.closed).toEqual({ code: 4403, reason: 'removed by the host' });
}

/** It is told why, then nothing more, and its socket is closed. */
async function expectRemoved(peer: DialectPeer, by: string, reason: string | undefined): Promise<void> {
  const { kind, name, socket } = peer;
  const last = farewell(kind, name, by, reason);
  if (last !== undefined) {
    const [told] = (await peer.until(last)).slice(-1);
    expect(told).toMatchObject(last);
  }
  await expect(socket.next()).rejects.toThrow('the socket closed');
  expect(await socket.closed).toEqual({ code: 4403, reason: reason ?? 'removed by the host' });
}

describe.each(topologies)('$name', ({ start }) => {
  let place: Place;
  beforeAll(async () => {
    place = await start({ GRACE_MS: '300' });
  });
  afterAll(() => place.stop());

  test.each(speakers.map((kind, at) => [kind, at] as const))(
    '[A1] [A3] [A4] [P4] %s as the host: what it decides is done and told to everybody, what guests decide is refused',
    async (kind, side) => {
      const [company, host] = await Company.of(place, kind, await place.left.signIn());
      const witnesses: DialectPeer[] = [];
      for (const [at, each] of peerKinds.entries()) witnesses.push(await company.join(each, each, at + side));

      for (const guest of witnesses) {
        guest.kick('host', 'out');
        guest.transfer(guest.name === 'full' ? 'gateway' : 'full');
        if (guest.kind !== 'parity')
          for (let asked = 0; asked < 2; asked += 1) await guest.until(refusalOf(guest.kind, 'NOT_HOST'));
        else expect(await guest.toldByNow()).toEqual([]);
      }

      for (const [from, to] of [
        [host, witnesses.find(({ name }) => name === 'full')],
        [witnesses.find(({ name }) => name === 'full'), host],
      ]) {
        if (from === undefined || to === undefined) throw new Error('nobody is there');
        from.transfer(to.name);
        const happening = { host: to.name, before: from.name };
        await Promise.all([host, ...witnesses].map((peer) => expectStory(peer, [happening])));
      }

      for (const [at, each] of peerKinds.entries()) {
        const name = `target ${each}`;
        const reason = at % 2 === 0 ? 'noise' : undefined;
        const node = (at + side) % 2 === 0 ? place.right : place.left;
        const user = await node.signIn();
        const target = await DialectPeer.join(each, node, company.room, name, user);
        host.kick(name, reason);
        await expectRemoved(target, 'host', reason);
        const kicked = { kicked: name, by: 'host', reason };
        await Promise.all([host, ...witnesses].map((peer) => expectStory(peer, [kicked])));
        // Wherever it comes, and whatever it calls itself then.
        await expectRefused(DialectPeer.ask(each, place.left, company.room, name, user));
        await expectRefused(DialectPeer.ask('webrtc', place.right, company.room, 'another', user));
      }

      // All is as it was: the host still decides.
      host.transfer('webrtc');
      await Promise.all(
        [host, ...witnesses].map((peer) => expectStory(peer, [{ host: 'webrtc', before: 'host' }])),
      );
      company.disperse();
    },
  );

  test.each(peerKinds.flatMap((kind) => (['leaves', 'drops'] as const).map((how) => [kind, how] as const)))(
    '[A1] [A2] [P4] when a host that is %s %s, everybody is told once who comes after it, and when it comes back',
    async (kind, how) => {
      const creator = await place.left.signIn();
      const [company, host] = await Company.of(place, kind, creator);
      const witnesses: DialectPeer[] = [];
      for (const [at, each] of peerKinds.entries()) witnesses.push(await company.join(each, each, at + 1));
      const everybody = (...happenings: Happening[]): Promise<unknown> =>
        Promise.all(witnesses.map((peer) => expectStory(peer, happenings)));

      const goodbye: Partial<Record<PeerKind, Frame>> = {
        full: { type: 'leave_room' },
        webrtc: { type: 'leave', payload: {} },
        'webrtc extended': { type: 'leave', payload: {} },
        'webrtc with underscores': { type: 'leave', payload: {} },
      };
      const last = goodbye[kind];
      // Who has no word for it closes its socket: then its window comes first.
      const reason = how === 'leaves' && last !== undefined ? 'left' : 'disconnected';
      if (reason === 'left' && last !== undefined) host.send(last);
      else if (how === 'leaves') host.socket.socket.close();
      else host.cut();
      company.peers.splice(0, 1);
      // The one who has been there longest; a parity peer may decide nothing, but is the host like any other.
      await everybody({ left: 'host', reason }, { host: 'parity', before: 'host' });
      host.cut();

      const back = await company.join('webrtc extended', 'back', 1, creator);
      await everybody({ host: 'back', before: 'parity' });
      back.transfer('gateway');
      await everybody({ host: 'gateway', before: 'back' });
      // It was given away: that the creator is there does not take it back.
      const gateway = witnesses.find(({ name }) => name === 'gateway');
      gateway?.kick('back', 'bye');
      await expectRemoved(back, 'gateway', 'bye');
      await everybody({ kicked: 'back', by: 'gateway', reason: 'bye' });
      await expectRefused(DialectPeer.ask('full', place.left, company.room, 'back', creator));
      company.disperse();
    },
  );

  test('[A1] in an open room whose maker is not there the one who came first is the host', async () => {
    const room = await makeOpenRoom(place.left, await place.left.signIn());
    const first = await DialectPeer.join('gateway', place.right, room, 'first');
    const second = await DialectPeer.join('gateway with presence', place.left, room, 'second');
    first.transfer('second');
    await expectStory(second, [{ host: 'second', before: 'first' }]);
    first.transfer('second');
    await first.until({ code: 'NOT_HOST' });
    for (const peer of [first, second]) peer.cut();
  });

  test('[A3] [G6] who has proved nothing is kept out by its name, however it comes by that', async () => {
    const [company, host] = await Company.of(place, 'gateway', await place.left.signIn());
    const room: Whereto = await makeOpenRoom(place.left, await place.left.signIn());
    const decider = await DialectPeer.join('gateway', place.left, room, 'decider');
    const noisy = await DialectPeer.join('gateway', place.right, room, 'noisy');
    decider.kick('noisy');
    await expectRemoved(noisy, 'decider', undefined);
    await expectRefused(DialectPeer.ask('gateway', place.left, room, 'noisy'));
    const unnamed = await TestPeer.open(place.right.ws + doorOf('gateway', room.room_id));
    unnamed.send({ type: 'sdp', senderId: 'noisy', sdp: { type: 'offer', sdp: 'v=0' } });
    await unnamed.expect({ code: 'KICKED', retry_after_ms: expect.any(Number) });
    expect(await unnamed.closed).toEqual({ code: 4403, reason: 'removed by the host' });
    // The name alone shuts nobody out who has proved who he is, and the ban is this room's.
    const other = await DialectPeer.join('full', place.right, room, 'noisy', await place.right.signIn());
    const elsewhere = await DialectPeer.join(
      'webrtc',
      place.right,
      company.room,
      'noisy',
      await place.left.signIn(),
    );
    for (const peer of [decider, other, elsewhere, host]) peer.cut();
  });

  test('[A1] [A4] a host that is given away and a kick by the new one at once, from two nodes: one truth', async () => {
    for (const round of upTo(8)) {
      const [company, host] = await Company.of(place, 'gateway with presence', await place.left.signIn());
      const heir = await company.join('full', 'heir', 1);
      const witnesses = [await company.join('webrtc', 'left', 0), await company.join('full', 'right', 1)];
      const asked = { type: 'kick', target: 'host', reason: String(round), id: 'kick' };
      // Sometimes the one is first, sometimes the other.
      if (round % 2 === 0) host.transfer('heir');
      for (let waits = 0; waits < round; waits += 1) heir.send({ type: 'heartbeat' });
      heir.send(asked);
      if (round % 2 === 1) host.transfer('heir');
      const [answer] = (await heir.until({ reply_to: 'kick' })).slice(-1);
      const isDone = answer?.['type'] === 'accepted';
      if (!isDone) expect(answer).toMatchObject({ type: 'error', code: 'NOT_HOST' });
      const kicked = { kicked: 'host', by: 'heir', reason: String(round) };
      const given = { host: 'heir', before: 'host' };
      if (isDone) await expectRemoved(host, 'heir', String(round));
      else await expectStory(host, [given]);
      await Promise.all(witnesses.map((peer) => expectStory(peer, isDone ? [given, kicked] : [given])));
      heir.send({ type: 'transfer_host', target: 'right', id: 'on' });
      await heir.until({ type: 'accepted', reply_to: 'on' });
      const on = { host: 'right', before: 'heir' };
      await Promise.all((isDone ? witnesses : [...witnesses, host]).map((peer) => expectStory(peer, [on])));
      company.disperse();
    }
  });

  test('[A4] two hosts there never are: of two who kick each other only the host does', async () => {
    for (const round of upTo(4)) {
      const [company, host] = await Company.of(place, 'webrtc', await place.left.signIn());
      const guest = await company.join('gateway', 'guest', 1);
      const witness = await company.join('full', 'witness', round);
      guest.kick('host', 'I am first');
      host.kick('guest', 'no');
      const last = await guest.until({ type: 'kick' });
      expect(last.slice(0, -1).every(({ code }) => code === 'NOT_HOST')).toBe(true);
      expect(await guest.socket.closed).toEqual({ code: 4403, reason: 'no' });
      host.transfer('witness');
      await expectStory(witness, [
        { kicked: 'guest', by: 'host', reason: 'no' },
        { host: 'witness', before: 'host' },
      ]);
      company.disperse();
    }
  });
});

describe.each(topologies)('with KICK_BAN_S=0, $name', ({ start }) => {
  let place: Place;
  beforeAll(async () => {
    place = await start({ KICK_BAN_S: '0' });
  });
  afterAll(() => place.stop());

  test('[A3] who was removed may come back at once, to either node', async () => {
    const [company, host] = await Company.of(place, 'full', await place.left.signIn());
    for (const [at, kind] of peerKinds.entries()) {
      const user = await place.left.signIn();
      for (const node of [place.left, place.right]) {
        const target = await DialectPeer.join(
          kind,
          at % 2 === 0 ? place.left : node,
          company.room,
          kind,
          user,
        );
        host.kick(kind, 'for a moment');
        await expectRemoved(target, 'host', 'for a moment');
        await expectStory(host, [{ kicked: kind, by: 'host', reason: 'for a moment' }]);
      }
      (await DialectPeer.join(kind, place.right, company.room, kind, user)).cut();
    }
    company.disperse();
  });
});
