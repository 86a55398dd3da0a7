import type { Room, User } from './server.js';
import { noteSecretsIn } from './test-logs.js';
import type { Frame } from './test-peer.js';
import { TestPeer } from './test-peer.js';

export interface Answer {
  readonly status: number;
  readonly text: string;
}

/** One node as its clients see it: two addresses, whatever process is behind them. */
export class TestNode {
  readonly #sockets: TestPeer[] = [];

  constructor(
    readonly http: string,
    readonly ws: string,
  ) {}

  async post(path: string, body?: Frame, bearer?: string): Promise<Answer> {
    const response = await fetch(this.http + path, {
      method: 'POST',
      headers: {
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    noteSecretsIn(text);
    return { status: response.status, text };
  }

  async signIn(): Promise<User> {
    return JSON.parse((await this.post('/anonymous-signin')).text) as User;
  }

  async createRoom(user: User): Promise<Room> {
    return JSON.parse((await this.post('/create-room', undefined, user.id_token)).text) as Room;
  }

  /** A socket that has said nothing yet. */
  async connect(): Promise<TestPeer> {
    const socket = await TestPeer.open(this.ws);
    this.#sockets.push(socket);
    return socket;
  }

  /** A parity peer that has registered. */
  async register(room: Room, name: string, user: User, extra: Frame = {}): Promise<TestPeer> {
    const socket = await this.connect();
    socket.send({ type: 'register', peer_id: name, ...room, id_token: user.id_token, ...extra });
    await socket.expect({ type: 'registered_auth' });
    return socket;
  }

  /** Ends every socket that was opened here. */
  hangUp(): void {
    for (const socket of this.#sockets.splice(0)) socket.drop();
  }
}
