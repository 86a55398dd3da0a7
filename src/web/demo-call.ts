/** One stay in a room: who is there, what is said, and media either directly or through the Media Service. */
import { Device } from 'mediasoup-client';
import type { Frame } from '../client/frames.js';
import { RoomSession } from '../client/room-session.js';
import { SfuBridge, type Incoming } from '../client/sfu-bridge.js';
import type { RoomKey } from './demo-rooms.js';
import { errorText } from './error-text.js';
import { Mesh } from './mesh.js';
import { People, type Person } from './people.js';

export type RoomMode = 'P2P' | 'SFU';
/** How the line to the server is. */
export type Line = 'connected' | 'reconnecting' | 'resumed';

export interface Said {
  readonly id: string;
  readonly from: string;
  readonly content: string;
  readonly atMs: number;
}

export interface DemoCallListener {
  onLine(line: Line): void;
  /** Somebody has come, gone, or become host. */
  onPeople(): void;
  onMode(mode: RoomMode, why: string): void;
  onSaid(said: Said): void;
  onTrack(peerId: string, track: MediaStreamTrack): void;
  /** Nothing comes from there any more; without a name, from nobody. */
  onSilence(peerId?: string): void;
  onCallState(peerId: string, state: string): void;
  onNotice(text: string): void;
}

export interface DemoCallOptions {
  readonly room: RoomKey;
  readonly idToken: string;
  readonly name: string;
  readonly stream: MediaStream;
}

export class DemoCall {
  readonly people: People;
  readonly #session: RoomSession;
  readonly #listener: DemoCallListener;
  readonly #stream: MediaStream;
  readonly #mesh: Mesh;
  readonly #consumers = new Map<string, Incoming>();
  #hasBridge = false;
  #mode: RoomMode = 'P2P';
  #wasRemoved = false;

  private constructor(session: RoomSession, options: DemoCallOptions, listener: DemoCallListener) {
    this.#session = session;
    this.#listener = listener;
    this.#stream = options.stream;
    this.people = new People(session.welcome);
    this.#mesh = new Mesh(session, {
      stream: options.stream,
      onTrack: listener.onTrack.bind(listener),
      onState: listener.onCallState.bind(listener),
      onError: (error) => {
        listener.onNotice(errorText(error));
      },
    });
    this.#listen();
  }

  /** Rejects with `RequestRefused`, or with `RequestLost` when the server does not answer. */
  static async enter(options: DemoCallOptions, listener: DemoCallListener): Promise<DemoCall> {
    const { room, idToken, name } = options;
    let isOver = false;
    const session = await RoomSession.join({
      urls: [new URL('.', window.location.href).href.replace(/^http/, 'ws')],
      roomId: room.roomId,
      token: room.token,
      idToken,
      peerId: `${name}~${Math.random().toString(36).slice(2, 6)}`,
      metadata: { name },
      openSocket: (url) => {
        const socket = new WebSocket(url);
        socket.addEventListener('close', () => {
          if (!isOver) listener.onLine('reconnecting');
        });
        return socket;
      },
    }).catch((error: unknown) => {
      // A refused socket's end is told when the next may be in already.
      isOver = true;
      throw error;
    });
    void session.ended.then(() => {
      isOver = true;
    });
    return new DemoCall(session, options, listener);
  }

  get mode(): RoomMode {
    return this.#mode;
  }

  /** Resolves when it is over. `gone`: the server does not know the session any more; another may be begun. */
  async ended(): Promise<'left' | 'removed' | 'gone'> {
    const how = await this.#session.ended;
    this.#mesh.close();
    this.#listener.onSilence();
    if (this.#wasRemoved) return 'removed';
    return how === 'left' ? 'left' : 'gone';
  }

  /** Rejects with `RequestRefused` or `RequestLost`. */
  async say(content: string): Promise<void> {
    await this.#session.request({ type: 'chat_message', content });
  }

  /** Rejects with `RequestRefused`, which says why not. */
  async setMode(mode: RoomMode): Promise<void> {
    await this.#session.request({ type: 'set_room_mode', mode });
  }

  async stats(peerId: string): Promise<readonly RTCStatsReport[]> {
    const direct = await this.#mesh.stats(peerId);
    const received = [...this.#consumers.values()].filter((incoming) => incoming.peerId === peerId);
    const relayed = received.map(({ consumer }) => (consumer as unknown as RTCRtpReceiver).getStats());
    return [...(direct === undefined ? [] : [direct]), ...(await Promise.all(relayed))];
  }

  leave(): Promise<void> {
    return this.#session.leave();
  }

  /** Once the caller has it: from now on the listener is told. */
  begin(): void {
    this.#listener.onLine('connected');
    this.#setMode(this.#session.welcome['mode'], '');
    this.#session.request({ type: 'chat_history', limit: 50 }).then(
      ({ messages }) => {
        for (const message of messages as readonly Frame[]) this.#heard(message);
      },
      () => {
        this.#listener.onNotice('What was said before could not be read.');
      },
    );
  }

  #listen(): void {
    const session = this.#session;
    session.on('user_joined', (frame) => {
      this.#call(this.people.join(frame));
    });
    session.on('user_left', ({ peer_id: peerId }) => {
      this.people.leave(String(peerId));
      this.#mesh.hangUp(String(peerId));
      this.#listener.onSilence(String(peerId));
      this.#listener.onPeople();
    });
    session.on('user_disconnecting', ({ peer_id: peerId }) => {
      this.#listener.onCallState(String(peerId), 'server lost it; waiting');
    });
    session.on('user_resumed', ({ peer_id: peerId }) => {
      this.#listener.onCallState(String(peerId), 'is back');
    });
    session.on('host_changed', ({ host }) => {
      this.people.host = String(host);
      this.#listener.onPeople();
    });
    session.on('room_mode_changed', ({ mode, reason }) => {
      this.#setMode(mode, String(reason));
    });
    session.on('chat_message', (frame) => {
      this.#heard(frame);
    });
    for (const type of ['kicked', 'room_closed']) {
      session.on(type, () => {
        this.#wasRemoved = true;
      });
    }
    session.on('resumed', () => {
      this.#listener.onLine('resumed');
    });
    session.on('restarted', (frame) => {
      // A new session: everybody else sees somebody new, and calls afresh.
      this.people.replace(frame);
      this.#mesh.hangUpAll();
      this.#listener.onSilence();
      this.#listener.onLine('connected');
      this.#setMode(frame['mode'], '');
    });
  }

  #setMode(mode: unknown, why: string): void {
    this.#mode = mode === 'SFU' ? 'SFU' : 'P2P';
    this.#listener.onSilence();
    if (this.#mode === 'SFU') {
      this.#mesh.hangUpAll();
      // It goes on by itself from then on, also when the room was P2P in between.
      if (!this.#hasBridge) void this.#openBridge();
    } else {
      for (const person of this.people.others) this.#call(person);
    }
    this.#listener.onMode(this.#mode, why);
    this.#listener.onPeople();
  }

  #call({ peerId, isPolite }: Person): void {
    if (this.#mode === 'P2P') this.#mesh.call(peerId, isPolite);
    this.#listener.onPeople();
  }

  async #openBridge(): Promise<void> {
    this.#hasBridge = true;
    let bridge: SfuBridge | undefined;
    try {
      bridge = await SfuBridge.open(this.#session, {
        newDevice: () => new Device(),
        onMedia: (incoming) => {
          this.#consumers.set(incoming.producerId, incoming);
          this.#listener.onTrack(incoming.peerId, incoming.consumer.track as MediaStreamTrack);
          this.#listener.onCallState(incoming.peerId, 'connected');
        },
        onMediaEnded: ({ producerId }) => {
          this.#consumers.delete(producerId);
        },
        onInterrupted: (why) => {
          if (why === 'unavailable') this.#listener.onNotice('The Media Service does not answer.');
        },
        onError: (error) => {
          if (this.#mode === 'SFU') this.#listener.onNotice(errorText(error));
        },
      });
      for (const track of this.#stream.getTracks()) await bridge.produce(track, { source: track.kind });
    } catch (error) {
      bridge?.close();
      this.#hasBridge = false;
      this.#listener.onNotice(errorText(error));
    }
  }

  #heard(frame: Frame): void {
    const { id, sender, content, timestamp } = frame;
    this.#listener.onSaid({
      // Whoever chooses an id chooses among its own.
      id: `${String(sender)} ${String(id)}`,
      from: this.people.nameOf(String(sender)),
      content: String(content),
      atMs: Number(timestamp),
    });
  }
}
