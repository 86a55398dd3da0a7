import { randomUUID } from 'node:crypto';
import { DeleteItemCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import {
  AdminGetUserCommand,
  CognitoIdentityProviderClient,
} from '@aws-sdk/client-cognito-identity-provider';
import { createApp, type App } from '../../src/app.js';
import { loadConfig } from '../../src/config.js';
import type { Ports } from '../../src/core/context.js';
import { createTally, type Tally } from '../../src/ports/runtime.js';
import { startAwsEmulators, type AwsEmulators } from '../support/aws-emulators.js';
import { ask, type RawRequest } from '../transport/http/raw-request.js';
import { Peer } from './peer.js';
import { testObservers } from '../support/test-logs.js';

export interface User {
  readonly idToken: string;
  /** The Cognito user name, which real clients use as their `peer_id`. */
  readonly username: string;
}

export interface RoomKey {
  readonly roomId: string;
  readonly token: string;
}

/** An HTTP answer in the form of the recording: only the headers that it kept, the body raw and parsed. */
export interface HttpResult {
  readonly status: number;
  readonly 'content-type'?: string;
  readonly allow?: string;
  readonly location?: string;
  readonly raw: string;
  readonly json?: unknown;
}

const json = { 'content-type': 'application/json' };

/** The real server on emulated Cognito and DynamoDB, and clients for it. */
export class Lab {
  readonly #peers: Peer[] = [];
  readonly #others: App[] = [];
  readonly #dynamo: DynamoDBClient;
  readonly #cognito: CognitoIdentityProviderClient;

  private constructor(
    readonly aws: AwsEmulators,
    readonly app: App,
    /** The server's own counters: what it did without a word. */
    readonly tally: Tally,
  ) {
    this.#dynamo = new DynamoDBClient({ region: aws.region });
    this.#cognito = new CognitoIdentityProviderClient({ region: aws.region });
  }

  static async start(): Promise<Lab> {
    const aws = await startAwsEmulators();
    // The AWS SDK reads its endpoints and credentials from here.
    Object.assign(process.env, aws.env);
    const tally = createTally();
    const app = await Lab.#startApp(aws, { tally });
    return new Lab(aws, app, tally);
  }

  static async #startApp(
    aws: AwsEmulators,
    overrides: Partial<Ports>,
    env: Readonly<Record<string, string>> = {},
  ): Promise<App> {
    const config = {
      HOST: '127.0.0.1',
      HTTP_PORT: '0',
      WS_PORT: '0',
      LOG_LEVEL: 'silent',
      AUDIT_LOG: 'none',
      ...aws.env,
      ...env,
    };
    const app = await createApp(loadConfig(config), { ...testObservers(), ...overrides });
    await app.listen();
    return app;
  }

  /** Another server on the same back ends, for cases that need settings or a clock of their own. */
  async another(overrides: Partial<Ports>, env: Readonly<Record<string, string>> = {}): Promise<App> {
    const app = await Lab.#startApp(this.aws, overrides, env);
    this.#others.push(app);
    return app;
  }

  /** Ends the sockets and servers of one case. */
  async clear(): Promise<void> {
    await Promise.all(this.#peers.splice(0).map((peer) => peer.leave()));
    await Promise.all(this.#others.splice(0).map((app) => app.close()));
  }

  async stop(): Promise<void> {
    await this.clear();
    await this.app.close();
    this.#dynamo.destroy();
    this.#cognito.destroy();
    await this.aws.stop();
  }

  async http(request: RawRequest, app: App = this.app): Promise<HttpResult> {
    const { status, headers, body } = await ask(Number(new URL(app.addresses.http).port), request);
    const { 'content-type': type, allow, location } = headers;
    return {
      status,
      ...(type !== undefined && { 'content-type': type }),
      ...(allow !== undefined && { allow }),
      ...(location !== undefined && { location }),
      raw: body,
      ...(type === 'application/json' && { json: JSON.parse(body) as unknown }),
    };
  }

  post(path: string, body: string, headers: Readonly<Record<string, string>> = json): Promise<HttpResult> {
    return this.http({ path, headers, body });
  }

  deletePeersAndRoom(peerId: string): Promise<HttpResult> {
    return this.post('/delete-peers-and-room', JSON.stringify({ peer_id: peerId }));
  }

  /** A user that Cognito knows. */
  async signIn(): Promise<User> {
    const { json: reply } = await this.http({ path: '/anonymous-signin' });
    const { id_token: idToken, username } = reply as Record<'id_token' | 'username', string>;
    return { idToken, username };
  }

  /** A user whose token is good and whom Cognito does not know: nothing is asked of it unless users are deleted. */
  user(): User {
    const username = randomUUID();
    return { idToken: this.aws.forge.valid({ sub: username, 'cognito:username': username }), username };
  }

  async createRoom({ idToken }: User = this.user()): Promise<RoomKey> {
    const headers = { authorization: `Bearer ${idToken}` };
    const { json: reply } = await this.http({ path: '/create-room', headers });
    const { room_id: roomId, token } = reply as Record<'room_id' | 'token', string>;
    return { roomId, token };
  }

  /** Rewrites a room's expiry in the table, as time would pass it. */
  async expire({ roomId }: RoomKey): Promise<void> {
    const item = await this.aws.getItem(roomId);
    await this.aws.putItem({ ...item, expires_at: { N: String(Math.floor(Date.now() / 1000) - 10) } });
  }

  /** Takes a room out of the table behind the server's back. */
  async dropRoom({ roomId }: RoomKey): Promise<void> {
    const key = { room_id: { S: roomId } };
    await this.#dynamo.send(new DeleteItemCommand({ TableName: this.aws.table, Key: key }));
  }

  async isStored({ roomId }: RoomKey): Promise<boolean> {
    return (await this.aws.getItem(roomId)) !== undefined;
  }

  async userStatus({ username }: User): Promise<string | undefined> {
    const get = new AdminGetUserCommand({ UserPoolId: this.aws.userPoolId, Username: username });
    return (await this.#cognito.send(get)).UserStatus;
  }

  /** Runs `use` while DynamoDB refuses connections or does not answer. */
  async withoutDynamo(kind: 'refuse' | 'hang', use: () => Promise<void>): Promise<void> {
    this.aws.faults.dynamodb.set({ kind });
    try {
      await use();
    } finally {
      this.aws.faults.dynamodb.set({ kind: 'pass' });
    }
  }

  /** Runs `use` while Cognito refuses one operation. */
  async withoutOperation(name: string, use: () => Promise<void>): Promise<void> {
    this.aws.refuseOperation(name);
    try {
      await use();
    } finally {
      this.aws.refuseOperation();
    }
  }

  /** A socket on the WebSocket port; the case's end closes it. */
  async connect(app: App = this.app, path = ''): Promise<Peer> {
    const peer = await Peer.open(`${app.addresses.ws}${path}`);
    this.#peers.push(peer);
    return peer;
  }

  /** A socket that has registered and has read the reply. */
  async join(room: RoomKey, user: User, app: App = this.app): Promise<Peer> {
    const peer = await this.connect(app);
    peer.send(register(room, user));
    const reply = JSON.parse(await peer.next()) as { type?: string };
    if (reply.type !== 'registered_auth') throw new Error(`could not join: ${JSON.stringify(reply)}`);
    return peer;
  }
}

/** A `register` frame, with fields of the case's own over it. */
export function register(
  room: RoomKey,
  user: User,
  fields: Readonly<Record<string, unknown>> = {},
): Record<string, unknown> {
  return {
    type: 'register',
    peer_id: user.username,
    room_id: room.roomId,
    token: room.token,
    id_token: user.idToken,
    ...fields,
  };
}

/** What a case has to do with the recording's masks: the users and the room in the order that it names them. */
export interface Names {
  readonly users?: readonly User[];
  readonly room?: RoomKey;
}
