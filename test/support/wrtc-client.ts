/** A client with a real WebRTC stack that calls and is called over the server, in the dialect that it is told. */
import type { SessionDescription } from '../../src/client/webrtc.js';
import { TestPeer, type Frame } from './test-peer.js';
import { WrtcEngine, type IceSettings } from './wrtc-engine.js';
import { lines, type CallPart, type Candidate, type Line, type LineName } from './wrtc-line.js';

export interface WrtcClientSettings {
  /** Base of the WebSocket addresses. */
  readonly ws: string;
  readonly dialect: LineName;
  readonly name: string;
  readonly room: { readonly room_id: string; readonly token?: string };
  readonly idToken: string;
  /** What its engine is told, once the server has said its first word: `room_joined`, `welcome` or `room-state`. */
  readonly ice?: (welcome: Frame) => IceSettings;
  /** Its descriptions hold all candidates, for peers that take none later. */
  readonly isWhole?: boolean;
}

export class WrtcClient {
  /** What it said and was told of calls, in order. */
  readonly said: CallPart[] = [];
  readonly told: CallPart[] = [];
  readonly #engine: WrtcEngine;
  readonly #socket: TestPeer;
  readonly #line: Line;
  /** Candidates must not go out before the description that they belong to. */
  #held: Candidate[] | undefined = [];
  /** Theirs may come before their description was taken. */
  #early: Candidate[] | undefined = [];
  #other: string | undefined;
  /** Rejects when the server refuses something, or the call cannot go on. */
  readonly #failure: Promise<never>;
  #fail: (error: Error) => void = () => undefined;
  readonly #endOfCandidates: Promise<void>;
  #ended: () => void = () => undefined;

  private constructor(
    private readonly settings: WrtcClientSettings,
    socket: TestPeer,
    engine: (onCandidate: (candidate: Candidate) => void) => WrtcEngine,
  ) {
    this.#socket = socket;
    this.#line = lines[settings.dialect];
    this.#failure = new Promise<never>((_, reject) => {
      this.#fail = reject;
    });
    // Who waits for the call hears of it.
    this.#failure.catch(() => undefined);
    this.#endOfCandidates = new Promise((resolve) => {
      this.#ended = resolve;
    });
    this.#engine = engine((candidate) => {
      if (this.#held === undefined) this.#say({ candidate });
      else this.#held.push(candidate);
    });
  }

  /** Resolves when it sits in the room. */
  static async join(settings: WrtcClientSettings): Promise<WrtcClient> {
    const { socket, welcome } = await enter(settings);
    // The engine needs the client's ear before there is a client.
    let hear: (candidate: Candidate) => void = () => undefined;
    const engine = await WrtcEngine.open(settings.ice?.(welcome), (candidate) => {
      hear(candidate);
    });
    const client = new WrtcClient(settings, socket, (onCandidate) => {
      hear = onCandidate;
      return engine;
    });
    client.#listen().catch((error: unknown) => {
      client.#fail(error instanceof Error ? error : new Error(String(error)));
    });
    return client;
  }

  get engine(): WrtcEngine {
    return this.#engine;
  }

  get name(): string {
    return this.settings.name;
  }

  /** Calls that peer. Resolves when the offer is on its way. */
  async call(target: string): Promise<void> {
    this.#other = target;
    this.#describe(await this.#engine.offer(this.settings.isWhole));
  }

  /** Resolves with the channel when it is open, whoever called. */
  async channel(): ReturnType<WrtcClient['openChannel']> {
    return Promise.race([this.openChannel(), this.#failure]);
  }

  /** Resolves when the other end has said that there are no more candidates. */
  async toldAll(): Promise<void> {
    return Promise.race([this.#endOfCandidates, this.#failure]);
  }

  close(): void {
    this.#engine.close();
    this.#socket.drop();
  }

  private async openChannel() {
    return (await this.#engine.channel).opened();
  }

  async #listen(): Promise<void> {
    for (;;) {
      let frame: Frame;
      try {
        frame = await this.#socket.next();
      } catch {
        // The socket is closed: what was said before counts.
        return;
      }
      if (frame['type'] === 'error' || 'error' in frame) throw new Error(JSON.stringify(frame));
      const heard = this.#line.hear(frame);
      if (heard !== undefined) await this.#take(heard.from, heard.part);
    }
  }

  async #take(from: string, part: CallPart): Promise<void> {
    this.#other ??= from;
    if (from !== this.#other) throw new Error(`${from} is not the other end of this call`);
    this.told.push(part);
    if ('candidate' in part) {
      const { candidate } = part;
      if (candidate.candidate === '') this.#ended();
      if (this.#early === undefined) await this.#engine.add(candidate);
      else this.#early.push(candidate);
      return;
    }
    const { description } = part;
    if (description.type === 'answer') await this.#engine.accept(description);
    else this.#describe(await this.#engine.answer(description, this.settings.isWhole));
    const early = this.#early ?? [];
    this.#early = undefined;
    for (const candidate of early) await this.#engine.add(candidate);
  }

  #describe(description: SessionDescription): void {
    this.#say({ description });
    const held = this.#held ?? [];
    this.#held = undefined;
    if (this.settings.isWhole === true) return;
    for (const candidate of held) this.#say({ candidate });
  }

  #say(part: CallPart): void {
    const { name, isWhole } = this.settings;
    if (this.#other === undefined) throw new Error('nobody to say it to');
    if (isWhole === true && 'candidate' in part) return;
    this.said.push(part);
    this.#socket.send(this.#line.say(name, this.#other, part));
  }
}

/** Opens the socket and waits until the server shows that the peer sits in the room. */
async function enter({ ws, dialect, name, room, idToken }: WrtcClientSettings): Promise<Entered> {
  if (dialect === 'flat') {
    const socket = await TestPeer.open(ws);
    socket.send({ type: 'join_room', ...room, peer_id: name, id_token: idToken });
    return { socket, welcome: await socket.expect({ type: 'room_joined', peer_id: name }) };
  }
  const query = new URLSearchParams({ token: idToken, peer_id: name });
  if (room.token !== undefined) query.set('room_token', room.token);
  if (dialect === 'gateway') {
    query.set('presence', '1');
    const socket = await TestPeer.open(`${ws}/signal/${room.room_id}?${query.toString()}`);
    return { socket, welcome: await socket.expect({ type: 'welcome', senderId: name }) };
  }
  const socket = await TestPeer.open(`${ws}/ws/webrtc/${room.room_id}?${query.toString()}`);
  return { socket, welcome: await socket.expect({ type: 'room-state' }) };
}

interface Entered {
  readonly socket: TestPeer;
  readonly welcome: Frame;
}
