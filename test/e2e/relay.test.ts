import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { TurnIceServers } from '../../src/adapters/turn/turn-ice-servers.js';
import { SystemClock } from '../../src/adapters/system/system-clock.js';
import { loadWebRtc, type DataChannel, type PeerConnection } from '../../src/client/webrtc.js';
import type { IceServer } from '../../src/protocol/ice.js';
import { Coturn } from '../support/coturn.js';

/** The part of W3C's interfaces that only this test uses. */
interface IceCandidateEvent {
  readonly candidate: { readonly candidate: string; readonly type: string } | null;
}
interface StatsEntry {
  readonly type: string;
  readonly selectedCandidatePairId?: string;
  readonly localCandidateId?: string;
  readonly remoteCandidateId?: string;
  readonly candidateType?: string;
}
interface RelayedConnection extends PeerConnection {
  addEventListener: PeerConnection['addEventListener'] &
    ((type: 'icecandidate', listener: (event: IceCandidateEvent) => void) => void);
}
type Connect = new (configuration: {
  readonly iceServers: readonly IceServer[];
  readonly iceTransportPolicy: 'all' | 'relay';
}) => RelayedConnection;

let coturn: Coturn;
const connections: PeerConnection[] = [];

beforeEach(async () => {
  coturn = await Coturn.start();
});

afterEach(async () => {
  for (const connection of connections.splice(0)) connection.close();
  await coturn.stop();
});

/** A peer that may only go through the relay, and the kinds of candidates that it found. */
class RelayedPeer {
  readonly kinds: string[] = [];

  private constructor(readonly connection: RelayedConnection) {
    connections.push(connection);
    connection.addEventListener('icecandidate', ({ candidate }) => {
      if (candidate !== null && candidate.candidate !== '') this.kinds.push(candidate.type);
    });
  }

  static async open(user: string, secret = coturn.secret): Promise<RelayedPeer> {
    const source = new TurnIceServers(
      {
        stunUrls: [coturn.stunUrl],
        turnUrls: [coturn.turnUrl],
        sharedSecret: secret,
        ttlS: 3600,
        transportPolicy: 'relay',
      },
      new SystemClock(),
    );
    const { servers, transportPolicy } = source.configFor(user);
    const { RTCPeerConnection } = (await loadWebRtc()) as unknown as { RTCPeerConnection: Connect };
    return new RelayedPeer(
      new RTCPeerConnection({ iceServers: servers, iceTransportPolicy: transportPolicy }),
    );
  }

  /** Sets the description and resolves with it when it holds all candidates. */
  async describe(description: { type: 'offer' | 'answer'; sdp: string }): Promise<typeof description> {
    const { connection } = this;
    const gathered = new Promise<void>((resolve) => {
      connection.addEventListener('icegatheringstatechange', () => {
        if (connection.iceGatheringState === 'complete') resolve();
      });
    });
    await connection.setLocalDescription(description);
    if (connection.iceGatheringState !== 'complete') await gathered;
    return connection.localDescription ?? description;
  }

  /** Of the pair of candidates that carries the data: ours and theirs. */
  async selectedKinds(): Promise<readonly (string | undefined)[]> {
    const stats = (await this.connection.getStats()) as ReadonlyMap<string, StatsEntry>;
    const transport = [...stats.values()].find(({ type }) => type === 'transport');
    const pair = stats.get(transport?.selectedCandidatePairId ?? '');
    return [pair?.localCandidateId, pair?.remoteCandidateId].map((id) => stats.get(id ?? '')?.candidateType);
  }
}

function opened(channel: DataChannel): Promise<DataChannel> {
  if (channel.readyState === 'open') return Promise.resolve(channel);
  return new Promise((resolve) => {
    channel.addEventListener('open', () => {
      resolve(channel);
    });
  });
}

function nextMessage(channel: DataChannel): Promise<string | ArrayBuffer> {
  return new Promise((resolve) => {
    channel.addEventListener('message', ({ data }) => {
      resolve(data);
    });
  });
}

test('[I8] two peers that may only use the relay talk to each other with the credentials they are given', async () => {
  const [alice, bob] = [await RelayedPeer.open('alice'), await RelayedPeer.open('bob')];
  const incoming = new Promise<DataChannel>((resolve) => {
    bob.connection.addEventListener('datachannel', ({ channel }) => {
      resolve(channel);
    });
  });
  const outgoing = alice.connection.createDataChannel('talk');
  await bob.connection.setRemoteDescription(await alice.describe(await alice.connection.createOffer()));
  await alice.connection.setRemoteDescription(await bob.describe(await bob.connection.createAnswer()));

  const [ofAlice, ofBob] = await Promise.all([opened(outgoing), incoming.then(opened)]);
  const [atAlice, atBob] = [nextMessage(ofAlice), nextMessage(ofBob)];
  ofAlice.send('from alice');
  ofBob.send('from bob');
  expect([await atAlice, await atBob]).toEqual(['from bob', 'from alice']);

  expect([await alice.selectedKinds(), await bob.selectedKinds()]).toEqual([
    ['relay', 'relay'],
    ['relay', 'relay'],
  ]);
  expect(new Set([...alice.kinds, ...bob.kinds])).toEqual(new Set(['relay']));
});

test('[I8] a peer with credentials of another secret finds no way at all', async () => {
  const mallory = await RelayedPeer.open('mallory', 'not the secret');
  mallory.connection.createDataChannel('talk');
  await mallory.describe(await mallory.connection.createOffer());
  expect(mallory.kinds).toEqual([]);
});
