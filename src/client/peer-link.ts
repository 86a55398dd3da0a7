import { setTimeout as delay } from 'node:timers/promises';
import { ClientError } from './client-error.js';
import type { Message } from './file-framing.js';
import type { DataChannel, PeerConnection, WebRtc } from './webrtc.js';

/** The label that the peers of S3 use. */
const channelLabel = 'my-data-channel';
/** What any peer can take in one message when it does not say (RFC 8831), and what aiortc says. */
const maxChunkBytes = 65_536;

const quietMs = 1_000;
const closeMs = 5_000;

/** One peer connection with its one data channel. Descriptions are complete: they hold all candidates. */
export class PeerLink {
  readonly #connection: PeerConnection;
  readonly #opened: Promise<DataChannel>;
  readonly #earlyCandidates: unknown[] = [];
  readonly #earlyMessages: Message[] = [];
  #listener: ((message: Message) => void) | undefined;
  #hasRemote = false;
  #channel: DataChannel | undefined;
  #settle: { resolve: (channel: DataChannel) => void; reject: (error: Error) => void } | undefined;

  /** @param stunUrls none by default: host candidates are enough on one network */
  constructor(webRtc: WebRtc, stunUrls: readonly string[]) {
    this.#connection = new webRtc.RTCPeerConnection({ iceServers: stunUrls.map((urls) => ({ urls })) });
    this.#opened = new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
    });
    // Nobody may be waiting yet when the connection fails.
    this.#opened.catch(() => undefined);
    this.#connection.addEventListener('datachannel', ({ channel }) => {
      this.#adopt(channel);
    });
    this.#connection.addEventListener('connectionstatechange', () => {
      if (this.#connection.connectionState === 'failed') this.#fail();
    });
  }

  /** The channel once it is open. @throws ClientError `peer` when the connection failed or was closed before */
  get opened(): Promise<DataChannel> {
    return this.#opened;
  }

  /** Hands over every message of the channel, beginning with those that came before anybody listened. */
  listen(listener: (message: Message) => void): void {
    this.#listener = listener;
    for (const message of this.#earlyMessages.splice(0)) listener(message);
  }

  /** The largest chunk that the other end takes, in bytes. Known once the descriptions are exchanged. */
  get chunkBytes(): number {
    const said = this.#connection.sctp?.maxMessageSize ?? maxChunkBytes;
    return said > 0 ? Math.min(said, maxChunkBytes) : maxChunkBytes;
  }

  /** Opens the channel and returns the offer's SDP. */
  async offer(): Promise<string> {
    this.#adopt(this.#connection.createDataChannel(channelLabel));
    return this.#describe(await this.#connection.createOffer());
  }

  /** Takes an offer and returns the answer's SDP. */
  async answer(offerSdp: string): Promise<string> {
    await this.#setRemote({ type: 'offer', sdp: offerSdp });
    return this.#describe(await this.#connection.createAnswer());
  }

  async acceptAnswer(sdp: string): Promise<void> {
    await this.#setRemote({ type: 'answer', sdp });
  }

  /** A candidate of a peer that trickles; those that come before the description wait for it. */
  async addCandidate(candidate: unknown): Promise<void> {
    if (this.#hasRemote) await this.#connection.addIceCandidate(candidate);
    else if (this.#earlyCandidates.length < 64) this.#earlyCandidates.push(candidate);
  }

  /**
   * Waits until what was sent is on its way, for a peer that confirms nothing. `bufferedAmount` is not enough: the
   * engine's SCTP queue behind it holds up to 2 MB, and closing the channel throws away what is still in it
   * (measured: 1.6 of 10 MB lost). So it waits until the transport has sent that much and then nothing for a second;
   * what is lost on the way would have been sent again within that time.
   * @param payloadBytes all that was written to the channel
   * @throws ClientError `transfer` when the other end was lost before
   */
  async drained(payloadBytes: number): Promise<void> {
    let lastBytes = -1;
    let quietSinceMs = Date.now();
    const deadlineMs = Date.now() + 30_000;
    for (;;) {
      const sentBytes = await this.#sentBytes();
      if (this.#channel?.readyState !== 'open') {
        // A peer may close as soon as it has everything, and that is fine.
        if (sentBytes >= payloadBytes && this.#connection.connectionState !== 'failed') return;
        throw new ClientError('transfer', 'the other peer was lost before everything was sent', 'try again');
      }
      if (sentBytes !== lastBytes) quietSinceMs = Date.now();
      lastBytes = sentBytes;
      const nowMs = Date.now();
      if (this.#channel.bufferedAmount === 0 && sentBytes >= payloadBytes) {
        // A peer that never stops talking keeps our acknowledgements flowing: do not wait for silence for ever.
        if (nowMs - quietSinceMs >= quietMs || nowMs >= deadlineMs) return;
      }
      await delay(50);
    }
  }

  /** Closes the channel, lets the other end see that, then closes the connection. Safe to call twice. */
  async close(): Promise<void> {
    const channel = this.#channel;
    if (channel?.readyState === 'open' && this.#connection.connectionState === 'connected') {
      const closed = new Promise<void>((resolve) => {
        channel.addEventListener('close', resolve);
      });
      channel.close();
      await Promise.race([closed, delay(closeMs, undefined, { ref: false })]);
    }
    this.#settle?.reject(new ClientError('peer', 'the connection was closed before it was open'));
    this.#connection.close();
  }

  #adopt(channel: DataChannel): void {
    if (this.#channel !== undefined) return;
    this.#channel = channel;
    channel.binaryType = 'arraybuffer';
    channel.addEventListener('message', ({ data }) => {
      const message = typeof data === 'string' ? data : new Uint8Array(data);
      if (this.#listener === undefined) this.#earlyMessages.push(message);
      else this.#listener(message);
    });
    if (channel.readyState === 'open') this.#settle?.resolve(channel);
    else channel.addEventListener('open', () => this.#settle?.resolve(channel));
  }

  #fail(): void {
    const remedy = 'both peers must reach each other over UDP; across networks try --stun';
    this.#settle?.reject(new ClientError('peer', 'no direct connection to the other peer', remedy));
    // The channel may take a minute to notice; whoever waits on it should not.
    this.#channel?.close();
  }

  async #setRemote(description: { type: 'offer' | 'answer'; sdp: string }): Promise<void> {
    try {
      await this.#connection.setRemoteDescription(description);
    } catch (error) {
      throw new ClientError('peer', `the other peer's ${description.type} cannot be used`, undefined, {
        cause: error,
      });
    }
    this.#hasRemote = true;
    for (const candidate of this.#earlyCandidates.splice(0))
      await this.#connection.addIceCandidate(candidate);
  }

  async #describe(description: { type: 'offer' | 'answer'; sdp: string }): Promise<string> {
    const connection = this.#connection;
    const gathered = new Promise<void>((resolve) => {
      connection.addEventListener('icegatheringstatechange', () => {
        if (connection.iceGatheringState === 'complete') resolve();
      });
    });
    await connection.setLocalDescription(description);
    // The state can be complete already: the event is dispatched later than the state is set.
    if (connection.iceGatheringState !== 'complete') await gathered;
    return connection.localDescription?.sdp ?? description.sdp;
  }

  async #sentBytes(): Promise<number> {
    for (const entry of (await this.#connection.getStats()).values()) {
      if (entry.type === 'transport') return entry.bytesSent ?? 0;
    }
    return 0;
  }
}
