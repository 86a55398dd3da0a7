/** A peer of a room in any dialect: it comes, says signals and is told them, and the test need not know in which words. */
import { expect } from '@jest/globals';
import { wordsOf, type PeerKind, type Said, type Told, type Words } from './dialect-words.js';
import type { User } from './server.js';
import type { TestNode } from './test-node.js';
import { TestPeer, type Frame } from './test-peer.js';

/** A room; one without a token is open. */
export interface Whereto {
  readonly room_id: string;
  readonly token?: string;
}

type Fields = Readonly<Record<string, string | undefined>>;

/** The address of a room's door. */
export function doorOf(kind: PeerKind, roomId: string, fields: Fields = {}): string {
  const query = new URLSearchParams();
  if (kind === 'gateway with presence') query.set('presence', '1');
  if (kind === 'webrtc extended') query.set('resume', '1');
  for (const [name, value] of Object.entries(fields)) if (value !== undefined) query.set(name, value);
  const path = kind.startsWith('gateway') ? 'signal' : 'ws/webrtc';
  return `/${path}/${roomId}?${query.toString()}`;
}

let rooms = 0;

/** An open room, made by the first who came to its door; who has left it again. */
export async function makeOpenRoom(node: TestNode, maker: User): Promise<Whereto> {
  rooms += 1;
  const room = { room_id: `open-${String(rooms)}` };
  const first = await DialectPeer.join('webrtc', node, room, 'maker', maker);
  first.send({ type: 'leave', payload: {} });
  expect(await first.socket.closed).toEqual({ code: 1000, reason: '' });
  return room;
}

export class DialectPeer {
  /** What came before the answer to a barrier, and is still to be read. */
  readonly #seen: Frame[] = [];

  private constructor(
    readonly kind: PeerKind,
    readonly name: string,
    readonly socket: TestPeer,
  ) {}

  /** Opens a socket and asks to be let in. Without a user it proves nothing, where that is enough. */
  static async ask(
    kind: PeerKind,
    node: TestNode,
    room: Whereto,
    name: string,
    user?: User,
  ): Promise<DialectPeer> {
    const { room_id: roomId, token } = room;
    const isFlat = kind === 'parity' || kind === 'full';
    const fields = { peer_id: name, room_token: token, token: user?.id_token };
    const socket = await TestPeer.open(node.ws + (isFlat ? '/' : doorOf(kind, roomId, fields)));
    const peer = new DialectPeer(kind, name, socket);
    const join = { room_id: roomId, peer_id: name, id_token: user?.id_token };
    if (kind === 'full') socket.send({ type: 'join_room', ...join, token });
    // The Python server's clients always have a token to say.
    if (kind === 'parity') socket.send({ type: 'register', ...join, token: token ?? 'none' });
    return peer;
  }

  /** The same, and is in. */
  static async join(
    kind: PeerKind,
    node: TestNode,
    room: Whereto,
    name: string,
    user?: User,
  ): Promise<DialectPeer> {
    const peer = await DialectPeer.ask(kind, node, room, name, user);
    await peer.#welcomed(user);
    return peer;
  }

  get words(): Words {
    return wordsOf[this.kind];
  }

  /** Is it told who comes and goes? */
  get hearsOfOthers(): boolean {
    return this.words.presence.size > 0;
  }

  async #welcomed(user: User | undefined): Promise<void> {
    const { socket, name } = this;
    switch (this.kind) {
      case 'parity':
        await socket.expect({ type: 'registered_auth', peer_id: name });
        return;
      case 'full':
        await socket.expect({ type: 'room_joined', peer_id: name });
        return;
      case 'gateway with presence':
        await socket.expect({ type: 'welcome', senderId: name });
        return;
      case 'gateway':
        // It is told nothing: what it asks now is answered when it is in.
        expect(await this.toldByNow()).toEqual([]);
        return;
      default:
        await socket.expect({ type: 'room-state' });
        await socket.expect({ type: 'user-joined', payload: { user_id: name } });
    }
    // Its first underscore is what tells how it spells.
    if (this.kind !== 'webrtc with underscores') return;
    this.send({ type: 'refresh_token', payload: { token: user?.id_token } });
    await this.until({ type: 'token_refreshed' });
  }

  send(frame: Frame | string): void {
    this.socket.send(frame);
  }

  say(said: Said, to?: string, extra?: unknown): void {
    this.send(this.words.say(this.name, said, to, extra));
  }

  offer(sdp: string, to?: string): void {
    this.say({ kind: 'offer', sdp }, to);
  }

  kick(target: string, reason?: string): void {
    this.send(this.words.kick(this.name, target, reason));
  }

  transfer(to: string): void {
    this.send(this.words.transfer(this.name, to));
  }

  async next(): Promise<Frame> {
    return this.#seen.shift() ?? (await this.socket.next());
  }

  /** The next frame that does not say who is in the room; it must be a signal. */
  async nextSignal(): Promise<Told> {
    for (;;) {
      const frame = await this.next();
      const told = this.words.read(frame);
      if (told !== undefined) return told;
      if (!this.words.presence.has(frame['type']))
        throw new Error(`${this.kind} was told ${JSON.stringify(frame)}`);
    }
  }

  /** All frames up to the first that has at least these fields, that one included. */
  async until(fields: Frame): Promise<Frame[]> {
    const got: Frame[] = [];
    for (;;) {
      const frame = await this.next();
      got.push(frame);
      if (hasFields(frame, fields)) return got;
    }
  }

  /** All that its node has told it by now; what is not signals or presence must be looked at by the caller. */
  async toldByNow(): Promise<Frame[]> {
    this.send(this.words.barrier);
    const got = this.#seen.splice(0);
    for (;;) {
      const frame = await this.socket.next();
      if (this.words.isBarrierAnswer(frame)) return got;
      got.push(frame);
    }
  }

  /** It was told of nothing but who is in the room. */
  async expectQuiet(): Promise<void> {
    const told = await this.toldByNow();
    expect(told.filter(({ type }) => !this.words.presence.has(type))).toEqual([]);
  }

  /** Its node knows that peer. */
  async meets(name: string): Promise<void> {
    if (!this.hearsOfOthers) return;
    const isIt = ({ type, peer_id: id, senderId, payload }: Frame): boolean =>
      /^(user|peer).joined$/.test(String(type)) &&
      [id, senderId, (payload as Frame | undefined)?.['user_id']].includes(name);
    while (!isIt(await this.next()));
  }

  cut(): void {
    this.socket.drop();
  }
}

function hasFields(frame: Frame, fields: Frame): boolean {
  return Object.entries(fields).every(([name, value]) => {
    const had = frame[name];
    if (typeof value !== 'object' || value === null) return had === value;
    return typeof had === 'object' && had !== null && hasFields(had as Frame, value as Frame);
  });
}
