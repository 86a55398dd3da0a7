/** One room, any dialect: calls between every two kinds of clients, on one node and over two. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { DialectPeer, makeOpenRoom, type Whereto } from '../support/dialect-peers.js';
import { endOfCandidates, peerKinds, type Candidate, type PeerKind } from '../support/dialect-words.js';
import type { User } from '../support/server.js';
import type { Frame } from '../support/test-peer.js';
import { topologies, type Place } from '../support/topology.js';

const line = 'candidate:1 1 udp 2122260223 192.0.2.1 56143 typ host generation 0 ufrag EsAw';

const candidates: readonly Candidate[] = [
  { candidate: line, sdpMid: 'audio', sdpMLineIndex: 1, usernameFragment: 'EsAw' },
  { candidate: line, sdpMid: null, sdpMLineIndex: null, usernameFragment: null },
  endOfCandidates,
];

const pairs = peerKinds.flatMap((one) => peerKinds.map((other) => [one, other] as const));

const withNotices: readonly PeerKind[] = ['full', 'webrtc', 'webrtc extended', 'webrtc with underscores'];

async function call(caller: DialectPeer, callee: DialectPeer): Promise<void> {
  const [from, to] = [caller.name, callee.name];
  const sdp = 'v=0\r\ns=- é 😀\r\n';
  caller.offer(sdp, to);
  for (const candidate of candidates) caller.say({ kind: 'candidate', candidate }, to);
  expect(await callee.nextSignal()).toEqual({ kind: 'offer', from, sdp });
  // At once: whoever is heard can be answered.
  callee.say({ kind: 'answer', sdp }, from);
  for (const candidate of candidates) {
    expect(await callee.nextSignal()).toEqual({ kind: 'candidate', from, candidate });
    callee.say({ kind: 'candidate', candidate }, from);
  }
  expect(await caller.nextSignal()).toEqual({ kind: 'answer', from: to, sdp });
  for (const candidate of candidates) {
    expect(await caller.nextSignal()).toEqual({ kind: 'candidate', from: to, candidate });
  }
  await Promise.all([caller.expectQuiet(), callee.expectQuiet()]);
}

describe.each(topologies)('$name', ({ start }) => {
  let place: Place;
  let users: readonly [User, User];
  beforeAll(async () => {
    place = await start({ ALLOW_ANONYMOUS_GATEWAY: '1' });
    users = [await place.left.signIn(), await place.right.signIn()];
  });
  afterAll(() => place.stop());

  test.each(pairs)('[X1] [G1] [W1] [W3] %s calls %s', async (one, other) => {
    // Made by the callee, who comes first: it is the host throughout.
    const made = await place.left.createRoom(users[1]);
    for (const room of [made, await makeOpenRoom(place.right, users[1])]) {
      const callee = await DialectPeer.join(other, place.right, room, 'callee', users[1]);
      const caller = await DialectPeer.join(one, place.left, room, 'caller', users[0]);
      await call(caller, callee);
      for (const peer of [caller, callee]) peer.cut();
    }
  });

  /** One of each kind, alternately on each node, all of whom know each other; they are named as their kind. */
  async function everybody(room: Whereto): Promise<ReadonlyMap<PeerKind, DialectPeer>> {
    const peers = new Map<PeerKind, DialectPeer>();
    for (const [at, kind] of peerKinds.entries()) {
      const node = at % 2 === 0 ? place.left : place.right;
      const peer = await DialectPeer.join(kind, node, room, kind, await node.signIn());
      for (const other of peers.values()) await other.meets(kind);
      peers.set(kind, peer);
    }
    return peers;
  }

  test.each(peerKinds.filter((kind) => kind !== 'parity'))(
    '[X2] [F4] [G1] [W3] what %s says to nobody by name, everybody else is told, with what else it said',
    async (kind) => {
      const peers = await everybody(await makeOpenRoom(place.right, users[0]));
      const speaker = peers.get(kind);
      const said = { kind: 'offer', sdp: 'v=0' } as const;
      const extra = { deep: [1, null, 'é'] };
      speaker?.say(said, undefined, extra);
      speaker?.say({ kind: 'candidate', candidate: endOfCandidates });
      for (const peer of peers.values()) {
        if (peer !== speaker) {
          expect(await peer.nextSignal()).toEqual({ ...said, from: kind, extra });
          expect(await peer.nextSignal()).toEqual({
            kind: 'candidate',
            from: kind,
            candidate: endOfCandidates,
          });
        }
        await peer.expectQuiet();
      }
      for (const peer of peers.values()) peer.cut();
    },
  );

  /** That kind's frame of a notice, and what it looks like to who has a word for it. */
  const notice = (kind: PeerKind, more: Frame = {}): Frame =>
    kind === 'full'
      ? { type: 'hand_raise', payload: { raised: true }, ...more }
      : { type: spelled(kind), payload: { raised: true, ...more } };
  const spelled = (kind: PeerKind): string =>
    kind === 'webrtc with underscores' ? 'hand_raise' : 'hand-raise';

  test.each(withNotices)(
    '[X3] [W2] [W5] [P4] a raised hand of %s reaches those who have a word for it, and nobody else',
    async (kind) => {
      const room = await makeOpenRoom(place.right, users[0]);
      const peers = await everybody(room);
      const speaker = peers.get(kind);
      speaker?.send(notice(kind));
      // A signal behind it: what comes first was not told.
      speaker?.offer('v=0');
      for (const peer of peers.values()) {
        if (peer === speaker) continue;
        if (peer.kind === 'full') {
          const [told] = (await peer.until({ type: 'hand_raise' })).slice(-1);
          expect(told).toEqual({ type: 'hand_raise', sender: kind, payload: { raised: true } });
        } else if (withNotices.includes(peer.kind)) {
          const type = spelled(peer.kind);
          const [told] = (await peer.until({ type })).slice(-1);
          expect(told).toMatchObject({
            type,
            sender_id: kind,
            room_id: room.room_id,
            payload: { raised: true },
          });
        }
        expect(await peer.nextSignal()).toEqual({ kind: 'offer', from: kind, sdp: 'v=0' });
        await peer.expectQuiet();
      }
      await speaker?.expectQuiet();
      for (const peer of peers.values()) peer.cut();
    },
  );

  test.each(['full', 'webrtc extended'] as const)(
    '[X3] %s learns that its notice does not reach a peer which has no word for it',
    async (kind) => {
      const room = await makeOpenRoom(place.right, users[0]);
      for (const deaf of ['parity', 'gateway', 'gateway with presence'] as const) {
        const target = await DialectPeer.join(deaf, place.right, room, deaf, await place.right.signIn());
        const speaker = await DialectPeer.join(kind, place.left, room, 'speaker', users[0]);
        const to = kind === 'full' ? { target: deaf } : { target_user_id: deaf };
        speaker.send({ ...notice(kind, to), id: 'n' });
        const [told] = (await speaker.until({ reply_to: 'n' })).slice(-1);
        const refusal = { code: 'PEER_NOT_FOUND' };
        expect(told).toMatchObject({ type: 'error', ...(kind === 'full' ? refusal : { payload: refusal }) });
        speaker.offer('v=0', deaf);
        expect(await target.nextSignal()).toEqual({ kind: 'offer', from: 'speaker', sdp: 'v=0' });
        for (const peer of [target, speaker]) peer.cut();
      }
    },
  );
});
