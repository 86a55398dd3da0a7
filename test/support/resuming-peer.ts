import type { Room, TestServer, User } from './server.js';
import type { Frame, TestPeer } from './test-peer.js';

/** A full session that counts what it is told, acknowledges it, and goes on over another socket when one breaks. */
export class ResumingPeer {
  #peer: TestPeer | undefined;
  #session: Frame = {};
  /** Frames had since `room_joined`. */
  count = 0;

  constructor(
    readonly server: TestServer,
    readonly room: Room,
    readonly name: string,
    readonly user: User,
  ) {}

  get peer(): TestPeer {
    if (this.#peer === undefined) throw new Error('not joined');
    return this.#peer;
  }

  /** Opens a socket and joins; with `resume`, goes on with the session before. Returns `room_joined`. */
  async join(resume?: Frame): Promise<Frame> {
    this.#peer = await this.server.connect();
    this.#peer.send({
      type: 'join_room',
      ...this.room,
      id_token: this.user.id_token,
      peer_id: this.name,
      ...(resume === undefined ? {} : { resume }),
    });
    this.#session = await this.#peer.expect({ type: 'room_joined' });
    if (this.#session['resumed'] !== true) this.count = 0;
    return this.#session;
  }

  /** What proves a claim to this session. */
  get claim(): Frame {
    const { session_id: sessionId, resume_token: token } = this.#session;
    return { session_id: sessionId, resume_token: token, count: this.count };
  }

  resume(): Promise<Frame> {
    return this.join(this.claim);
  }

  async next(): Promise<Frame> {
    const frame = await this.peer.next();
    this.count += 1;
    return frame;
  }

  send(frame: Frame): void {
    this.peer.send(frame);
  }

  acknowledge(): void {
    this.send({ type: 'ack', count: this.count });
  }

  /** The connection breaks, without a word. */
  cut(): void {
    this.peer.drop();
  }
}
