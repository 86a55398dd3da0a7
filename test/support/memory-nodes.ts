/** Several nodes in this process, over a memory that the test can cut and lose, with time in the test's hand. */
import { generateKeyPairSync } from 'node:crypto';
import { MemoryChatLog, MemoryChatMemory } from '../../src/adapters/memory/memory-chat-log.js';
import { MemoryMediaPlacement } from '../../src/adapters/memory/memory-media-placement.js';
import { MemoryCluster } from '../../src/adapters/memory/memory-cluster.js';
import { MemoryRoomStore } from '../../src/adapters/memory/memory-room-store.js';
import type { Ports } from '../../src/core/context.js';
import type { Presence } from '../../src/ports/presence.js';
import { asNodeId, type NodeId } from '../../src/protocol/ids.js';
import { FakeClock } from './fake-clock.js';
import { TestServer } from './server.js';
import { StoppableArchive } from './stoppable-archive.js';
import { TestNode } from './test-node.js';

const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
/** Nothing that this process does in one go takes longer. */
const stepMs = 100;

export class MemoryNodes {
  readonly clock = new FakeClock();
  readonly cluster = new MemoryCluster(this.clock);
  readonly #store = new MemoryRoomStore(this.clock);
  /** What is said survives here whatever befalls the presence. */
  readonly chat = new MemoryChatMemory(this.clock);
  readonly archive = new StoppableArchive();
  readonly placement = new MemoryMediaPlacement(this.clock);
  #gate: Promise<void> = Promise.resolve();
  readonly #started: { readonly server: TestServer; readonly node: TestNode }[] = [];

  /** `wrap`: a presence of its own for this node, made of the one that it would have. */
  async start(
    name: string,
    settings: Readonly<Record<string, string>> = {},
    wrap: (presence: Presence) => Presence = (presence) => presence,
  ): Promise<{
    readonly id: NodeId;
    readonly node: TestNode;
    readonly server: TestServer;
    /** As this node sees what is said: to be cut and mended. */
    readonly chatLog: MemoryChatLog;
  }> {
    const id = asNodeId(name);
    const { clock, cluster } = this;
    // Sockets are not what this is about: nobody is pinged, nobody is late.
    const env = { PRE_JOIN_MS: '86400000', PING_MS: '86400000', LOCAL_SIGNING_KEY: key, ...settings };
    const presence = wrap(this.#delayed(cluster.presence(id)));
    const shared = { store: this.#store, chatArchive: this.archive, placement: this.placement };
    const chatLog = new MemoryChatLog(this.chat);
    const ports: Partial<Ports> = { clock, ...shared, chatLog, presence, bus: cluster.bus(id) };
    const server = await TestServer.start(env, ports);
    const node = new TestNode(server.http, server.ws);
    this.#started.push({ server, node });
    return { id, node, server, chatLog };
  }

  /** From now on sessions that move must wait until the returned function is called. */
  holdMoves(): () => void {
    let release = (): void => undefined;
    this.#gate = new Promise((resolve) => {
      release = resolve;
    });
    return release;
  }

  /** Lets time pass, and what it sets off happen as it passes. */
  async pass(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= stepMs) {
      this.clock.advance(Math.min(stepMs, left));
      await turns();
    }
  }

  /** The same until it is done. */
  async passUntil<Result>(done: Promise<Result>): Promise<Result> {
    const progress = { isDone: false };
    const watch = (): void => {
      progress.isDone = true;
    };
    done.then(watch, watch);
    while (!progress.isDone) await this.pass(stepMs);
    return done;
  }

  #delayed(presence: Presence): Presence {
    const move: Presence['move'] = async (key, to) => {
      await this.#gate;
      return presence.move(key, to);
    };
    // All else is its own.
    return new Proxy(presence, {
      get: (target, name) => {
        if (name === 'move') return move;
        const value: unknown = Reflect.get(target, name, target);
        return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      },
    });
  }

  /** Ends what its tests opened, and takes the time that closing takes. */
  async stop(): Promise<void> {
    for (const { node } of this.#started) node.hangUp();
    await this.passUntil(Promise.all(this.#started.map(({ server }) => server.stop())));
  }
}

/** Sockets are read and promises settle between the steps. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 4; turn += 1) {
    await new Promise<void>((resolve) => {
      setImmediate(resolve);
    });
  }
}
