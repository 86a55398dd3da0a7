/** A real server on free ports of the loopback interface, and what tests say to it. */
import { createApp, type App } from '../../src/app.js';
import { loadConfig } from '../../src/config.js';
import type { Ports } from '../../src/core/context.js';
import { createTally, type Tally } from '../../src/ports/runtime.js';
import { noteSecretsIn, noteSecretSettings, testObservers } from './test-logs.js';
import { TestPeer } from './test-peer.js';
import { unlimited } from './unlimited.js';

export interface Room {
  readonly room_id: string;
  readonly token: string;
}

export interface User {
  readonly id_token: string;
  readonly username: string;
}

export class TestServer {
  readonly #peers: TestPeer[] = [];

  private constructor(
    readonly app: App,
    readonly tally: Tally,
  ) {}

  static async start(env: Record<string, string> = {}, overrides: Partial<Ports> = {}): Promise<TestServer> {
    const tally = createTally();
    noteSecretSettings(env);
    const config = loadConfig({
      HOST: '127.0.0.1',
      HTTP_PORT: '0',
      WS_PORT: '0',
      LOG_LEVEL: 'silent',
      AUDIT_LOG: 'none',
      ...unlimited,
      ...env,
    });
    const { logger, audit } = testObservers();
    const observers = env['AUDIT_LOG'] === undefined ? { logger, audit } : { logger };
    const app = await createApp(config, { tally, ...observers, ...overrides });
    await app.listen();
    return new TestServer(app, tally);
  }

  get http(): string {
    return this.app.addresses.http;
  }

  get ws(): string {
    return this.app.addresses.ws;
  }

  /** Ends every peer that this server's tests opened, then the server. */
  async stop(): Promise<void> {
    for (const peer of this.#peers) peer.drop();
    await this.app.close();
  }

  async post(path: string, body?: unknown, bearer?: string): Promise<{ status: number; text: string }> {
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

  async createRoom(user?: User): Promise<Room> {
    const { id_token: idToken } = user ?? (await this.signIn());
    return JSON.parse((await this.post('/create-room', undefined, idToken)).text) as Room;
  }

  /** A socket that has said nothing yet. */
  async connect(url = this.ws): Promise<TestPeer> {
    const peer = await TestPeer.open(url);
    this.#peers.push(peer);
    return peer;
  }

  /** A parity peer that has registered; `name` is its user's name unless given. */
  async register(room: Room, name?: unknown, user?: User): Promise<TestPeer> {
    const who = user ?? (await this.signIn());
    const peer = await this.connect();
    peer.send({ type: 'register', peer_id: name ?? who.username, ...room, id_token: who.id_token });
    await peer.expect({ type: 'registered_auth' });
    return peer;
  }

  /** A full session that has joined. */
  async join(room: Room, name: string, extra: object = {}, user?: User): Promise<TestPeer> {
    const who = user ?? (await this.signIn());
    const peer = await this.connect();
    peer.send({ type: 'join_room', peer_id: name, ...room, id_token: who.id_token, ...extra });
    await peer.expect({ type: 'room_joined', peer_id: name });
    return peer;
  }
}
