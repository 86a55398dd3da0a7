/** Where a scenario runs: on one node, or with its peers spread over two that share nothing but Redis. */
import { RedisServer } from './redis.js';
import { ProcessBuild } from './process-build.js';
import { RoamingPeer } from './roaming-peer.js';
import { ServerProcess } from './server-process.js';
import { TestServer, type Room, type User } from './server.js';
import { TestNode } from './test-node.js';
import type { Frame } from './test-peer.js';

type Settings = Readonly<Record<string, string>>;

export interface Place {
  /** Two nodes, or the same one twice. */
  readonly left: TestNode;
  readonly right: TestNode;
  stop(): Promise<void>;
}

export interface Topology {
  readonly name: string;
  readonly start: (settings?: Settings) => Promise<Place>;
}

export const topologies: readonly Topology[] = [
  { name: 'on one node', start: startOneNode },
  { name: 'on two processes over Redis', start: (settings) => ProcessPair.start(settings) },
];

async function startOneNode(settings: Settings = {}): Promise<Place> {
  const server = await TestServer.start({ ...settings });
  const node = new TestNode(server.http, server.ws);
  return {
    left: node,
    right: node,
    async stop() {
      node.hangUp();
      await server.stop();
    },
  };
}

/** Two server processes and a Redis; each process may end and be started anew. */
export class ProcessPair implements Place {
  #left: ServerProcess | undefined;
  #right: ServerProcess | undefined;

  private constructor(
    readonly redis: RedisServer,
    private readonly made: ProcessBuild,
    private readonly settings: Settings,
  ) {}

  static async start(settings: Settings = {}): Promise<ProcessPair> {
    const [redis, made] = await Promise.all([RedisServer.start(), ProcessBuild.make('src/main.ts')]);
    const pair = new ProcessPair(redis, made, { REDIS_URL: redis.url, ...settings });
    try {
      [pair.#left, pair.#right] = await Promise.all([pair.#launch('left'), pair.#launch('right')]);
    } catch (error) {
      await pair.stop();
      throw error;
    }
    return pair;
  }

  get left(): TestNode {
    return running(this.#left).node;
  }

  get right(): TestNode {
    return this.rightProcess.node;
  }

  get rightProcess(): ServerProcess {
    return running(this.#right);
  }

  /** Where scenes go on when the right one has ended. */
  get survivors(): Pick<Place, 'left' | 'right'> {
    return { left: this.left, right: this.left };
  }

  /**
   * A new process in the place of the one on the right, which is killed if it has not ended. The new one runs before that: who
   * was there has only its grace to come back, and a busy machine takes its time to start a process.
   */
  async replaceRight(): Promise<void> {
    const { rightProcess } = this;
    const next = await this.#launch('right');
    await rightProcess.kill();
    await rightProcess.stop();
    this.#right = next;
  }

  async stop(): Promise<void> {
    await this.#left?.stop();
    await this.#right?.stop();
    await this.redis.stop();
    this.made.remove();
  }

  #launch(name: string): Promise<ServerProcess> {
    return ServerProcess.start(this.made.entry, { NODE_ID: name, ...this.settings });
  }
}

function running(server: ServerProcess | undefined): ServerProcess {
  if (server === undefined) throw new Error('the server was not started');
  return server;
}

/** A room and the full sessions of a test in it; each has seen the arrival of all that came later. */
export class Scene {
  readonly #peers: RoamingPeer[] = [];

  private constructor(
    readonly owner: User,
    readonly room: Room,
    /** Of somebody who makes no difference to who is host. */
    private readonly usher: User,
  ) {}

  /** `owner` is the room's creator, signed in and the room made at `node`: where it comes, it is the host. */
  static async open(node: TestNode): Promise<Scene> {
    const owner = await node.signIn();
    return new Scene(owner, await node.createRoom(owner), await node.signIn());
  }

  /** A full session of a user of its own. */
  async join(node: TestNode, name: string, extra: Frame = {}, user?: User): Promise<RoamingPeer> {
    const peer = new RoamingPeer(this.room, name, user ?? (await node.signIn()));
    await peer.join(node, extra);
    for (const other of this.#peers) await other.expect({ type: 'user_joined', peer_id: name });
    this.#peers.push(peer);
    return peer;
  }

  /** Anna on the left and Bert on the right. */
  async pair({ left, right }: Place): Promise<readonly [RoamingPeer, RoamingPeer]> {
    return [await this.join(left, 'anna'), await this.join(right, 'bert')];
  }

  /**
   * Changes of a room are told in order, whichever node makes them: when somebody has come and gone on each node,
   * whatever was to be told before has been told. Returns what `peer` was told meanwhile.
   */
  async settle({ left, right }: Pick<Place, 'left' | 'right'>, peer: RoamingPeer): Promise<Frame[]> {
    const told: Frame[] = [];
    for (const [node, name] of [
      [left, 'usher'],
      [right, 'second usher'],
    ] as const) {
      const usher = new RoamingPeer(this.room, name, this.usher);
      await usher.join(node);
      usher.send({ type: 'leave_room' });
      await usher.until({ type: 'room_left' });
      told.push(...(await peer.until({ type: 'user_left', peer_id: name })));
    }
    return told.filter(({ peer_id: name }) => name !== 'usher' && name !== 'second usher');
  }
}

/** A numbered signal. Without `id` it is one that nobody answers for. */
export function signal(type: string, target: string, n: number, id?: string): Frame {
  return { type, target, n, ...(id === undefined ? {} : { id }) };
}

export function upTo(count: number): number[] {
  return Array.from({ length: count }, (_, n) => n);
}
