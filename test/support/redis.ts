/** Real Redis processes on free ports of the loopback interface, and what may befall them. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Redis } from 'ioredis';
import { RedisConnection } from '../../src/adapters/redis/redis-connection.js';
import { PinoLogger } from '../../src/adapters/system/pino-logger.js';
import { loadConfig } from '../../src/config.js';
import { freeRedisPort } from './free-port.js';
import { keepLine } from './test-logs.js';
import { Program } from './spawn.js';

/** One process: Redis, or a Sentinel. Its data is in memory only, so a restart is a loss of all of it. */
export class RedisServer {
  #program: Program | undefined;

  private constructor(
    readonly port: number,
    private readonly folder: string,
    private readonly args: readonly string[],
  ) {}

  static async start(...extra: readonly string[]): Promise<RedisServer> {
    const port = await freeRedisPort();
    const folder = mkdtempSync(path.join(os.tmpdir(), 'redis-'));
    const server = new RedisServer(port, folder, ['--save', '', '--appendonly', 'no', ...extra]);
    await server.restart();
    return server;
  }

  /** Watches one master under the name `main` and decides alone. */
  static async startSentinel(masterPort: number): Promise<RedisServer> {
    const port = await freeRedisPort();
    const folder = mkdtempSync(path.join(os.tmpdir(), 'redis-sentinel-'));
    const file = path.join(folder, 'sentinel.conf');
    const lines = [
      `sentinel monitor main 127.0.0.1 ${String(masterPort)} 1`,
      // A busy machine may keep a master that is well from its processor for a while: that is no reason to leave it.
      'sentinel down-after-milliseconds main 2000',
      'sentinel failover-timeout main 5000',
    ];
    writeFileSync(file, lines.join('\n'));
    const server = new RedisServer(port, folder, [file, '--sentinel']);
    await server.restart();
    await server.line(/\+slave slave /);
    return server;
  }

  get address(): string {
    return `127.0.0.1:${String(this.port)}`;
  }

  get url(): string {
    return `redis://${this.address}`;
  }

  /** Starts it (again) on its port; resolves when it takes commands. */
  async restart(): Promise<void> {
    await this.kill();
    const common = ['--port', String(this.port), '--bind', '127.0.0.1', '--dir', this.folder];
    const [first = ''] = this.args;
    const args = first.startsWith('--')
      ? [...common, ...this.args]
      : [first, ...common, ...this.args.slice(1)];
    this.#program = Program.start(binary('redis-server'), args);
    await this.#program.line(/Ready to accept connections|Sentinel ID is|\+monitor master/);
  }

  /** A line of its log. */
  async line(pattern: RegExp): Promise<string> {
    return (await this.#program?.line(pattern)) ?? '';
  }

  /** SIGKILL. Resolves when it is gone. */
  async kill(): Promise<void> {
    await this.#program?.stop();
    this.#program = undefined;
  }

  /** SIGSTOP: connections stay, new ones are taken by the kernel, nothing is answered. */
  pause(): void {
    this.#program?.signal('SIGSTOP');
  }

  resume(): void {
    this.#program?.signal('SIGCONT');
  }

  /** Runs `ask` on a connection of its own, past the code under test. */
  async ask<Result>(ask: (redis: Redis) => Promise<Result>): Promise<Result> {
    const redis = new Redis(this.port, '127.0.0.1');
    try {
      return await ask(redis);
    } finally {
      redis.disconnect();
    }
  }

  async stop(): Promise<void> {
    await this.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Three masters without replicas. */
export class RedisCluster {
  private constructor(readonly servers: readonly RedisServer[]) {}

  static async start(): Promise<RedisCluster> {
    // Nodes wait 15 s for each other: on a busy machine one that is well may be silent for some.
    const servers = await Promise.all([1, 2, 3].map(() => RedisServer.start('--cluster-enabled', 'yes')));
    const addresses = servers.map(({ address }) => address);
    const create = ['--cluster', 'create', ...addresses, '--cluster-yes'];
    const cluster = new RedisCluster(servers);
    const program = Program.start(binary('redis-cli'), create);
    const { code } = await program.exited;
    if (code !== 0) {
      await cluster.stop();
      throw new Error(`redis-cli could not make the cluster:\n${program.output}`);
    }
    await Promise.all(servers.map((server) => server.line(/Cluster state changed: ok/)));
    return cluster;
  }

  /** For `REDIS_CLUSTER_NODES`. */
  get nodes(): string {
    return this.servers.map(({ address }) => address).join(',');
  }

  async stop(): Promise<void> {
    await Promise.all(this.servers.map((server) => server.stop()));
  }
}

/** A master, its replica, and a Sentinel that promotes the replica when the master is gone. */
export class RedisSentinelSet {
  private constructor(
    readonly master: RedisServer,
    readonly replica: RedisServer,
    readonly sentinel: RedisServer,
  ) {}

  static async start(): Promise<RedisSentinelSet> {
    const master = await RedisServer.start('--repl-diskless-sync-delay', '0');
    const replica = await RedisServer.start('--replicaof', '127.0.0.1', String(master.port));
    await replica.line(/sync: Finished with success/);
    return new RedisSentinelSet(master, replica, await RedisServer.startSentinel(master.port));
  }

  async stop(): Promise<void> {
    await Promise.all([this.sentinel, this.replica, this.master].map((server) => server.stop()));
  }
}

const found = new Map<string, string>();

function binary(name: 'redis-server' | 'redis-cli'): string {
  if (!found.has(name) && spawnSync(name, ['--version']).status !== 0) {
    throw new Error(`${name} is missing. On Debian: sudo apt-get install redis-server`);
  }
  found.set(name, name);
  return name;
}

/** What a real logger wrote. */
export class RedisLog {
  readonly lines: string[] = [];
  readonly logger = new PinoLogger({
    level: 'debug',
    stream: {
      write: (line: string) => {
        this.lines.push(line);
        keepLine(line);
        for (const look of this.looks) look();
      },
    },
  });
  private readonly looks = new Set<() => void>();

  /** Resolves when `count` lines tell of that event. */
  async event(name: string, count = 1): Promise<void> {
    await new Promise<void>((resolve) => {
      const look = (): void => {
        if (this.count(name) < count) return;
        this.looks.delete(look);
        resolve();
      };
      this.looks.add(look);
      look();
    });
  }

  count(name: string): number {
    return this.lines.filter((line) => line.includes(`"event":"${name}"`)).length;
  }
}

/** A connection by the settings that an operator would set. It has begun to connect. */
export function openRedis(env: Record<string, string>, log = new RedisLog()): RedisConnection {
  const { redis } = loadConfig(env);
  if (redis === undefined) throw new Error('no Redis is configured');
  return new RedisConnection(redis, log.logger);
}
