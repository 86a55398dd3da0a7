/** Direct connections to everybody in the room. */
import { RequestLost, RequestRefused, type Frame } from '../client/frames.js';
import type { RoomSession } from '../client/room-session.js';
import { PeerCall, type IceTerms } from './peer-call.js';

export interface MeshOptions {
  readonly stream: MediaStream;
  readonly onTrack: (peerId: string, track: MediaStreamTrack) => void;
  readonly onState: (peerId: string, state: RTCPeerConnectionState) => void;
  readonly onError: (error: unknown) => void;
}

export class Mesh {
  readonly #session: RoomSession;
  readonly #options: MeshOptions;
  readonly #calls = new Map<string, PeerCall>();
  readonly #stopListening: (() => void)[];
  readonly #prefix = `call-${Math.random().toString(36).slice(2)}`;
  #lastId = 0;
  #ice: IceTerms;

  constructor(session: RoomSession, options: MeshOptions) {
    this.#session = session;
    this.#options = options;
    this.#ice = iceOf(session.welcome);
    const hear = (frame: Frame): void => {
      this.#calls.get(String(frame['sender']))?.hear(frame).catch(options.onError);
    };
    this.#stopListening = [
      ...['offer', 'answer', 'candidate'].map((type) => session.on(type, hear)),
      session.on('ice_servers', (frame) => {
        this.#ice = iceOf(frame);
        this.#restart(() => true);
      }),
      session.on('resumed', (frame) => {
        this.#ice = iceOf(frame);
        // What was said between two sockets was not heard.
        this.#restart(({ state }) => state !== 'connected');
      }),
    ];
  }

  /** Calls a peer that is in the room, afresh if it was called before. */
  call(peerId: string, isPolite: boolean): void {
    this.hangUp(peerId);
    const { stream, onTrack, onState, onError } = this.#options;
    const call = new PeerCall({
      isPolite,
      ice: this.#ice,
      stream,
      say: (frame) => {
        const isCurrent = (): boolean => this.#calls.get(peerId) === call;
        this.#say({ ...frame, target: peerId }, isCurrent).catch(onError);
      },
      onTrack: (track) => {
        onTrack(peerId, track);
      },
      onState: (state) => {
        onState(peerId, state);
      },
      onError,
    });
    this.#calls.set(peerId, call);
  }

  hangUp(peerId: string): void {
    this.#calls.get(peerId)?.close();
    this.#calls.delete(peerId);
  }

  hangUpAll(): void {
    for (const peerId of [...this.#calls.keys()]) this.hangUp(peerId);
  }

  /** `undefined`: there is no call to that peer. */
  async stats(peerId: string): Promise<RTCStatsReport | undefined> {
    return this.#calls.get(peerId)?.stats();
  }

  close(): void {
    for (const stop of this.#stopListening) stop();
    this.hangUpAll();
  }

  /** Descriptions arrive, once: one that was lost would leave both waiting for the other. */
  async #say(frame: Frame, isCurrent: () => boolean): Promise<void> {
    if (frame.type === 'candidate') {
      this.#session.send(frame);
      return;
    }
    this.#lastId += 1;
    const id = `${this.#prefix}-${this.#lastId}`;
    while (isCurrent()) {
      try {
        await this.#session.request({ ...frame, id });
        return;
      } catch (error) {
        // Whoever has just left needs no answer; between two sockets it is said again, by the same name.
        if (error instanceof RequestRefused && error.code === 'PEER_NOT_FOUND') return;
        if (!(error instanceof RequestLost)) throw error;
      }
    }
  }

  #restart(isWanted: (call: PeerCall) => boolean): void {
    for (const call of this.#calls.values()) if (isWanted(call)) call.restart(this.#ice);
  }
}

function iceOf(frame: Frame): IceTerms {
  return {
    iceServers: frame['ice_servers'] as RTCIceServer[],
    iceTransportPolicy: frame['ice_transport_policy'] === 'relay' ? 'relay' : 'all',
  };
}
