/** One direct connection to one other peer: perfect negotiation (W3C WebRTC section 10.7), with the role that the server gave. */
import type { Frame } from '../client/frames.js';

export interface IceTerms {
  readonly iceServers: RTCIceServer[];
  readonly iceTransportPolicy: RTCIceTransportPolicy;
}

export interface PeerCallOptions {
  /** Of two that call at once this one yields. */
  readonly isPolite: boolean;
  readonly ice: IceTerms;
  readonly stream: MediaStream;
  /** Sends an offer, an answer or a candidate to the other one. */
  readonly say: (frame: Frame) => void;
  readonly onTrack: (track: MediaStreamTrack) => void;
  readonly onState: (state: RTCPeerConnectionState) => void;
  readonly onError: (error: unknown) => void;
}

/** So long the polite one waits for an offer before it makes one: most calls begin without a collision. */
const patienceMs = 2_000;
/** A call that has not come about is tried anew so often; the polite one leaves the first step to the other. */
const retryMs = { impolite: 8_000, polite: 15_000 };

export class PeerCall {
  readonly #options: PeerCallOptions;
  readonly #connection: RTCPeerConnection;
  readonly #patience: ReturnType<typeof setTimeout> | undefined;
  readonly #watch: ReturnType<typeof setInterval>;
  #sendsTracks = false;
  #isOffering = false;
  #isSettingAnswer = false;
  #ignoresOffer = false;

  constructor(options: PeerCallOptions) {
    this.#options = options;
    const connection = new RTCPeerConnection(options.ice);
    this.#connection = connection;
    connection.onnegotiationneeded = () => {
      this.#offer().catch(options.onError);
    };
    connection.onicecandidate = ({ candidate }) => {
      if (candidate !== null) options.say({ type: 'candidate', candidate: candidate.toJSON() });
    };
    connection.ontrack = ({ track }) => {
      options.onTrack(track);
    };
    connection.onconnectionstatechange = () => {
      options.onState(connection.connectionState);
    };
    this.#watch = setInterval(
      () => {
        if (connection.connectionState !== 'connected') connection.restartIce();
      },
      options.isPolite ? retryMs.polite : retryMs.impolite,
    );
    if (options.isPolite) {
      this.#patience = setTimeout(() => {
        this.#sendTracks();
      }, patienceMs);
    } else {
      this.#sendTracks();
    }
  }

  get state(): RTCPeerConnectionState {
    return this.#connection.connectionState;
  }

  /** Takes what the other one said. Rejects when it cannot be used. */
  async hear(frame: Frame): Promise<void> {
    if (frame.type === 'candidate') {
      await this.#addCandidate(frame['candidate'] as RTCIceCandidateInit | string | null);
      return;
    }
    const type = frame.type === 'offer' ? 'offer' : 'answer';
    const connection = this.#connection;
    const isStable = connection.signalingState === 'stable' || this.#isSettingAnswer;
    this.#ignoresOffer = type === 'offer' && !this.#options.isPolite && (this.#isOffering || !isStable);
    if (this.#ignoresOffer) return;
    this.#isSettingAnswer = type === 'answer';
    try {
      // An offer that comes while ours is open takes it back.
      await connection.setRemoteDescription({ type, sdp: String(frame['sdp']) });
    } finally {
      this.#isSettingAnswer = false;
    }
    if (type === 'answer') return;
    this.#sendTracks();
    await connection.setLocalDescription();
    this.#describe();
  }

  /** Looks for a way anew, with these servers. */
  restart(ice: IceTerms): void {
    this.#connection.setConfiguration(ice);
    this.#connection.restartIce();
  }

  stats(): Promise<RTCStatsReport> {
    return this.#connection.getStats();
  }

  close(): void {
    clearTimeout(this.#patience);
    clearInterval(this.#watch);
    const connection = this.#connection;
    connection.onnegotiationneeded = connection.onicecandidate = null;
    connection.ontrack = connection.onconnectionstatechange = null;
    connection.close();
  }

  /** Makes an offer necessary, unless it goes into an answer. */
  #sendTracks(): void {
    if (this.#sendsTracks) return;
    this.#sendsTracks = true;
    const { stream } = this.#options;
    for (const track of stream.getTracks()) this.#connection.addTrack(track, stream);
  }

  async #offer(): Promise<void> {
    this.#isOffering = true;
    try {
      await this.#connection.setLocalDescription();
      this.#describe();
    } finally {
      this.#isOffering = false;
    }
  }

  #describe(): void {
    const description = this.#connection.localDescription;
    if (description !== null) this.#options.say({ type: description.type, sdp: description.sdp });
  }

  async #addCandidate(candidate: RTCIceCandidateInit | string | null): Promise<void> {
    // Whoever says that there are no more says it in its own way, and needs no answer.
    if (candidate === null || typeof candidate === 'string') return;
    try {
      await this.#connection.addIceCandidate(candidate);
    } catch (error) {
      // Candidates of an offer that was passed over belong to nothing.
      if (!this.#ignoresOffer) throw error;
    }
  }
}
