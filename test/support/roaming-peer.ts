import { expect } from '@jest/globals';
import type { Room, User } from './server.js';
import type { TestNode } from './test-node.js';
import type { Frame, TestPeer } from './test-peer.js';

/** A full session that counts what it is told and goes on, when its socket breaks, on whichever node. */
export class RoamingPeer {
  #socket: TestPeer | undefined;
  #session: Frame = {};
  /** Frames had since `room_joined`. */
  count = 0;

  constructor(
    readonly room: Room,
    readonly name: string,
    readonly user: User,
  ) {}

  get socket(): TestPeer {
    if (this.#socket === undefined) throw new Error('not joined');
    return this.#socket;
  }

  /** What proves a claim to this session. */
  get claim(): Frame {
    const { session_id: sessionId, resume_token: token } = this.#session;
    return { session_id: sessionId, resume_token: token, count: this.count };
  }

  /** Opens a socket on that node and joins. Returns `room_joined`. */
  async join(node: TestNode, extra: Frame = {}): Promise<Frame> {
    const { room, name, user } = this;
    const socket = await node.connect();
    socket.send({ type: 'join_room', ...room, id_token: user.id_token, peer_id: name, ...extra });
    this.#session = await socket.expect({ type: 'room_joined', peer_id: name });
    this.#socket = socket;
    if (this.#session['resumed'] !== true) this.count = 0;
    return this.#session;
  }

  /** Goes on with the session, on that node. */
  async resume(node: TestNode): Promise<Frame> {
    const joined = await this.join(node, { resume: this.claim });
    expect(joined).toMatchObject({ resumed: true });
    return joined;
  }

  async next(): Promise<Frame> {
    const frame = await this.socket.next();
    this.count += 1;
    return frame;
  }

  /** The next frames are these and no others, in this order. */
  async expect(...frames: readonly Frame[]): Promise<Frame[]> {
    const got = await this.#take(frames.length);
    expect(got).toMatchObject([...frames]);
    return got;
  }

  /** The same in whatever order: what comes by different ways may overtake. */
  async expectAll(...frames: readonly Frame[]): Promise<void> {
    const got = await this.#take(frames.length);
    expect(got).toEqual(expect.arrayContaining(frames.map((frame) => expect.objectContaining(frame))));
  }

  /** All frames up to the first that has these fields, that one included. */
  async until(fields: Frame): Promise<Frame[]> {
    const got: Frame[] = [];
    for (;;) {
      const frame = await this.next();
      got.push(frame);
      if (Object.entries(fields).every(([name, value]) => frame[name] === value)) return got;
    }
  }

  /** All that its node has told it by now. */
  async told(): Promise<Frame[]> {
    this.send({ type: 'heartbeat', id: 'told' });
    return (await this.until({ type: 'heartbeat_ack', reply_to: 'told' })).slice(0, -1);
  }

  /** Nothing was on its way to this socket from its own node. */
  async expectNothing(): Promise<void> {
    await this.socket.expectNothing();
    this.count += 1;
  }

  send(frame: Frame): void {
    this.socket.send(frame);
  }

  acknowledge(): void {
    this.send({ type: 'ack', count: this.count });
  }

  /** The connection breaks, without a word. */
  cut(): void {
    this.socket.drop();
  }

  async #take(count: number): Promise<Frame[]> {
    const got: Frame[] = [];
    while (got.length < count) got.push(await this.next());
    return got;
  }
}
