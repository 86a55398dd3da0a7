/** Nodes without sockets over one memory, and peers in a room of theirs, with time in the test's hand. */
import { expect } from '@jest/globals';
import { HttpMediaService } from '../../src/adapters/http/http-media-service.js';
import { MemoryCluster } from '../../src/adapters/memory/memory-cluster.js';
import { MemoryMediaPlacement } from '../../src/adapters/memory/memory-media-placement.js';
import { MemoryRoomStore } from '../../src/adapters/memory/memory-room-store.js';
import { SignalingNode } from '../../src/core/signaling-node.js';
import type { Ports } from '../../src/core/context.js';
import type { Session } from '../../src/core/session.js';
import type { EventSink } from '../../src/ports/event-sink.js';
import type { MediaService } from '../../src/ports/media-service.js';
import { createTally } from '../../src/ports/runtime.js';
import { asNodeId, asPeerId, type NodeId } from '../../src/protocol/ids.js';
import type { MediaReply, MediaRequest } from '../../src/protocol/media-messages.js';
import type { Ask, Command, CommandOf, Event } from '../../src/protocol/messages.js';
import type { RoomMode, RoomRecord } from '../../src/protocol/records.js';
import { FakeClock } from './fake-clock.js';
import type { FakeMediaService } from './fake-media-service.js';
import { memoryPorts, unlimitedCore } from './memory-core.js';
import { Secret } from '../../src/protocol/secret.js';

const stepMs = 100;

interface Told {
  readonly event: Event;
  readonly ask: Ask | undefined;
}

/** What was written, wherever it is kept meanwhile: a frame is its number. */
const written: Told[] = [];

class PeerSink implements EventSink {
  readonly dialect = 'none';
  readonly wantsRoomState = false;
  readonly hearsItself = true;
  readonly #hear: (told: Told) => void;

  constructor(hear: (told: Told) => void) {
    this.#hear = hear;
  }

  encode(event: Event, ask?: Ask): Buffer {
    const frame = Buffer.alloc(4);
    frame.writeUInt32BE(written.push({ event, ask }) - 1);
    return frame;
  }

  write(frame: Buffer): boolean {
    const told = written[frame.readUInt32BE()];
    if (told !== undefined) this.#hear(told);
    return true;
  }

  send(event: Event, ask?: Ask): boolean {
    return this.write(this.encode(event, ask));
  }

  close(): void {
    this.isClosed = true;
  }

  isClosed = false;

  probe(): Promise<boolean> {
    return Promise.resolve(true);
  }
}

type MediaEvent = Exclude<Event, { type: 'joined' | 'media' | 'refused' }>;
const aboutMedia: ReadonlySet<Event['type']> = new Set([
  'producer_opened',
  'producer_closed',
  'media_restarted',
  'media_unavailable',
  'mode_changed',
]);

/** A session, and what it was told. */
export class MediaPeer {
  readonly told: Told[] = [];
  /** Frames since it joined. */
  count = 0;
  session: Session;
  sink: PeerSink;
  #asks = 0;
  #looks = new Set<() => void>();

  constructor(
    readonly world: MediaNodes,
    public node: SignalingNode,
    readonly name: string,
    readonly idToken: string,
  ) {
    [this.session, this.sink] = this.#open(node);
  }

  get joined(): Extract<Event, { type: 'joined' }> {
    const last = this.told.findLast(({ event }) => event.type === 'joined')?.event;
    if (last?.type !== 'joined') throw new Error(`${this.name} has not joined`);
    return last;
  }

  /** What it was told of media, its replies aside. */
  get news(): MediaEvent[] {
    return this.told
      .map(({ event }) => event)
      .filter((event): event is MediaEvent => aboutMedia.has(event.type));
  }

  async join(extra: Partial<CommandOf<'join'>> = {}): Promise<void> {
    const { roomId, token: roomToken } = this.world.room;
    await this.do({
      type: 'join',
      roomId,
      roomToken: new Secret(roomToken),
      idToken: new Secret(this.idToken),
      peerId: asPeerId(this.name),
      role: 'peer',
      metadata: {},
      quiet: false,
      isCounted: true,
      ...extra,
    });
  }

  /** Goes on by another socket, on whichever node. */
  async resume(node: SignalingNode): Promise<void> {
    const { sessionId, resumeToken: token } = this.joined;
    const { count } = this;
    this.node = node;
    [this.session, this.sink] = this.#open(node);
    await this.join({ resume: { sessionId, token: new Secret(token), count } });
    expect(this.joined).toMatchObject({ resumed: true });
  }

  /** The socket is gone. */
  drop(): void {
    this.node.disconnected(this.session);
  }

  do(command: Command, id?: string): Promise<void> | undefined {
    const ask = { verb: command.type, answered: true, ...(id === undefined ? {} : { id }) };
    return this.node.receive(this.session, command, ask);
  }

  /** Asks, and resolves to the id of that. */
  send(request: MediaRequest): string {
    this.#asks += 1;
    const id = `ask-${String(this.#asks)}`;
    void this.do({ type: 'media', request }, id);
    return id;
  }

  answer(id: string): Promise<Event> {
    return this.find(({ ask }) => ask?.id === id);
  }

  /** Rejects unless it is answered. */
  async ask<Op extends MediaRequest['op']>(
    request: Extract<MediaRequest, { op: Op }>,
  ): Promise<Extract<MediaReply, { op: Op }>> {
    const event = await this.answer(this.send(request));
    if (event.type !== 'media') throw new Error(`${this.name} got ${JSON.stringify(event)}`);
    return event.reply as Extract<MediaReply, { op: Op }>;
  }

  /** The code of what it is refused. */
  async refused(request: MediaRequest): Promise<string> {
    const event = await this.answer(this.send(request));
    return event.type === 'refused' ? event.error.code : event.type;
  }

  /** Resolves to what it was told of that kind, the `count`th. */
  async until<Type extends Event['type']>(type: Type, count = 1): Promise<Extract<Event, { type: Type }>> {
    const event = await this.find(
      (told) =>
        told.event.type === type &&
        this.told.filter((one) => one.event.type === type).indexOf(told) === count - 1,
    );
    return event as Extract<Event, { type: Type }>;
  }

  /** Everything it takes to send: what others get of it is a producer. */
  async produce(): Promise<string> {
    await this.ask({ op: 'capabilities' });
    const { transport } = await this.ask({ op: 'create_transport', direction: 'send' });
    const rtpParameters = { codecs: [{ mimeType: 'audio/opus', payloadType: 100, clockRate: 48_000 }] };
    const { producerId } = await this.ask({
      op: 'produce',
      transportId: transport.id,
      kind: 'audio',
      rtpParameters,
      appData: {},
    });
    return producerId;
  }

  async find(fits: (told: Told) => boolean): Promise<Event> {
    const found = (): Event | undefined => this.told.find(fits)?.event;
    const event = await this.world.until(
      new Promise<Event>((resolve) => {
        const look = (): void => {
          const event = found();
          if (event === undefined) return;
          this.#looks.delete(look);
          resolve(event);
        };
        this.#looks.add(look);
        look();
      }),
    );
    return event;
  }

  #open(node: SignalingNode): [Session, PeerSink] {
    const sink: PeerSink = new PeerSink((told) => {
      if (sink !== this.sink) return;
      this.told.push(told);
      if (told.event.type !== 'joined') this.count += 1;
      for (const look of this.#looks) look();
    });
    this.sink = sink;
    return [node.open(sink, { credential: undefined, address: '192.0.2.1' }), sink];
  }
}

export interface MediaNode {
  readonly id: NodeId;
  readonly node: SignalingNode;
  readonly ports: Ports;
}

export class MediaNodes {
  readonly clock = new FakeClock();
  readonly cluster = new MemoryCluster(this.clock);
  readonly placement = new MemoryMediaPlacement(this.clock);
  readonly store = new MemoryRoomStore(this.clock);
  readonly nodes: MediaNode[] = [];
  #room: RoomRecord | undefined;

  get room(): RoomRecord {
    if (this.#room === undefined) throw new Error('there is no room yet');
    return this.#room;
  }

  /** Makes a room for the peers of this test. */
  async openRoom(mode: RoomMode = 'SFU', roomId = 'room'): Promise<RoomRecord> {
    const expiresAtS = Math.floor(this.clock.now() / 1000) + 864_000;
    const record = {
      roomId: roomId as RoomRecord['roomId'],
      createdBy: 'its maker',
      token: 'abcdef',
      expiresAtS,
      mode,
    };
    await this.store.create(record, 0);
    this.#room = record;
    return record;
  }

  async start(
    name: string,
    services: readonly (FakeMediaService | MediaService)[],
    settings: { readonly sfuAbovePeers?: number; readonly graceMs?: number } = {},
  ): Promise<MediaNode> {
    const ports: Ports = {
      ...(await memoryPorts(this.clock, this.cluster, name)),
      tally: createTally(),
      store: this.store,
      placement: this.placement,
      mediaServices: services.map((service) =>
        'health' in service ? service : new HttpMediaService({ baseUrl: service.url, key: service.key }),
      ),
    };
    const node = new SignalingNode(ports, { ...unlimitedCore, ...settings });
    await this.until(node.start());
    const started = { id: asNodeId(name), node, ports };
    this.nodes.push(started);
    return started;
  }

  async join(on: MediaNode, name: string, extra: Partial<CommandOf<'join'>> = {}): Promise<MediaPeer> {
    const { idToken } = await on.node.signIn();
    const peer = new MediaPeer(this, on.node, name, idToken);
    await this.until(peer.join(extra));
    expect(peer.joined.self.peerId).toBe(name);
    return peer;
  }

  /** Time passes until that has happened, and as much of it as that takes. */
  async until<Result>(done: Promise<Result>): Promise<Result> {
    const progress = { isDone: false };
    const stop = (): void => {
      progress.isDone = true;
    };
    done.then(stop, stop);
    while (!progress.isDone) await this.#step();
    return done;
  }

  /** The same until it is so. */
  async untilTrue(isSo: () => boolean): Promise<void> {
    while (!isSo()) await this.#step();
  }

  /** Lets so much time pass. */
  async pass(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= stepMs) await this.#step();
  }

  /** So many rounds in which the service is asked. */
  async rounds(service: FakeMediaService, count: number, path = '/keep'): Promise<void> {
    for (let round = 0; round < count; round += 1) await this.until(service.call(path));
    await this.settle();
  }

  /** What was set off has happened, as far as it needs neither time nor a service. */
  async settle(): Promise<void> {
    for (let turn = 0; turn < 20; turn += 1) await turns();
  }

  async stop(): Promise<void> {
    await this.until(Promise.all(this.nodes.map(({ node }) => node.drain(0))));
  }

  async #step(): Promise<void> {
    this.clock.advance(stepMs);
    await turns();
  }
}

async function turns(): Promise<void> {
  for (let turn = 0; turn < 4; turn += 1) {
    await new Promise<void>((resolve) => {
      setImmediate(resolve);
    });
  }
}
