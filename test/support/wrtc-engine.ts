/** A peer connection of a real WebRTC stack in this process, with the events that tests look at. */
import {
  loadWebRtc,
  type DataChannel,
  type PeerConnection,
  type SessionDescription,
} from '../../src/client/webrtc.js';
import type { IceServer } from '../../src/protocol/ice.js';
import type { Candidate } from './wrtc-line.js';

/** The part of W3C's interfaces that only tests use. */
interface LocalCandidate extends Candidate {
  readonly type: string;
}
interface StatsEntry {
  readonly type: string;
  readonly selectedCandidatePairId?: string;
  readonly localCandidateId?: string;
  readonly remoteCandidateId?: string;
  readonly candidateType?: string;
}
interface FullConnection extends PeerConnection {
  addEventListener: PeerConnection['addEventListener'] &
    ((
      type: 'icecandidate',
      listener: (event: { readonly candidate: LocalCandidate | null }) => void,
    ) => void);
}
export interface IceSettings {
  readonly iceServers: readonly IceServer[];
  readonly iceTransportPolicy: 'all' | 'relay';
}
type Connect = new (configuration: IceSettings) => FullConnection;

const noServers: IceSettings = { iceServers: [], iceTransportPolicy: 'all' };

export class WrtcEngine {
  /** Of the candidates that it found: `host`, `relay`, … */
  readonly kinds: string[] = [];
  /** The channel of whichever end opens one. */
  readonly channel: Promise<WrtcChannel>;
  #resolveChannel: (channel: WrtcChannel) => void = () => undefined;

  private constructor(
    private readonly connection: FullConnection,
    onCandidate: (candidate: Candidate) => void,
  ) {
    this.channel = new Promise((resolve) => {
      this.#resolveChannel = resolve;
    });
    connection.addEventListener('datachannel', ({ channel }) => {
      this.#resolveChannel(new WrtcChannel(channel));
    });
    connection.addEventListener('icecandidate', ({ candidate: found }) => {
      if (found === null || found.candidate === '') {
        onCandidate({ candidate: '', sdpMid: null, sdpMLineIndex: null });
        return;
      }
      this.kinds.push(found.type);
      const { candidate, sdpMid, sdpMLineIndex, usernameFragment } = found;
      onCandidate({ candidate, sdpMid, sdpMLineIndex, usernameFragment: usernameFragment ?? null });
    });
  }

  static async open(
    ice: IceSettings = noServers,
    onCandidate: (candidate: Candidate) => void = () => undefined,
  ): Promise<WrtcEngine> {
    const { RTCPeerConnection } = (await loadWebRtc()) as unknown as { RTCPeerConnection: Connect };
    return new WrtcEngine(new RTCPeerConnection(ice), onCandidate);
  }

  /** Opens a channel and makes the offer for it. `isWhole`: with all candidates in it. */
  async offer(isWhole = false): Promise<SessionDescription> {
    this.#resolveChannel(new WrtcChannel(this.connection.createDataChannel('talk')));
    return this.#describe(await this.connection.createOffer(), isWhole);
  }

  async answer(offer: SessionDescription, isWhole = false): Promise<SessionDescription> {
    await this.connection.setRemoteDescription(offer);
    return this.#describe(await this.connection.createAnswer(), isWhole);
  }

  accept(answer: SessionDescription): Promise<void> {
    return this.connection.setRemoteDescription(answer);
  }

  add(candidate: Candidate): Promise<void> {
    return this.connection.addIceCandidate(candidate);
  }

  /** Of the pair of candidates that carries the data: ours and theirs. */
  async selectedKinds(): Promise<readonly (string | undefined)[]> {
    const stats = (await this.connection.getStats()) as ReadonlyMap<string, StatsEntry>;
    const transport = [...stats.values()].find(({ type }) => type === 'transport');
    const pair = stats.get(transport?.selectedCandidatePairId ?? '');
    return [pair?.localCandidateId, pair?.remoteCandidateId].map((id) => stats.get(id ?? '')?.candidateType);
  }

  close(): void {
    this.connection.close();
  }

  async #describe(description: SessionDescription, isWhole: boolean): Promise<SessionDescription> {
    const { connection } = this;
    const gathered = new Promise<void>((resolve) => {
      connection.addEventListener('icegatheringstatechange', () => {
        if (connection.iceGatheringState === 'complete') resolve();
      });
    });
    await connection.setLocalDescription(description);
    if (!isWhole) return description;
    if (connection.iceGatheringState !== 'complete') await gathered;
    const { type, sdp } = connection.localDescription ?? description;
    return { type, sdp };
  }
}

/** A data channel whose messages wait until they are asked for. */
export class WrtcChannel {
  readonly #inbox: (string | ArrayBuffer)[] = [];
  #notify: () => void = () => undefined;

  constructor(private readonly channel: DataChannel) {
    channel.binaryType = 'arraybuffer';
    channel.addEventListener('message', ({ data }) => {
      this.#inbox.push(data);
      this.#notify();
    });
  }

  /** Resolves when it is open. */
  async opened(): Promise<this> {
    if (this.channel.readyState === 'open') return this;
    await new Promise<void>((resolve) => {
      this.channel.addEventListener('open', resolve);
    });
    return this;
  }

  send(data: string | Uint8Array): void {
    this.channel.send(data);
  }

  async next(): Promise<string | ArrayBuffer> {
    for (;;) {
      const message = this.#inbox.shift();
      if (message !== undefined) return message;
      await new Promise<void>((resolve) => {
        this.#notify = resolve;
      });
    }
  }

  close(): void {
    this.channel.close();
  }
}
