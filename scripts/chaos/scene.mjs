/** Redis, the nodes, and the clients on them: what both the chaos test and the fault table need. */
import { mkdirSync } from 'node:fs';

import { Ledger } from './ledger.mjs';
import { NodeProcess } from './node-process.mjs';
import { RedisProcess } from './redis-process.mjs';
import { SessionClient } from './session-client.mjs';
import { until } from './timing.mjs';
import { Traffic } from './traffic.mjs';
import { isSettled } from './verdict.mjs';

/**
 * @typedef {object} SceneOptions
 * @property {string} entry the server's main module
 * @property {number} nodes how many
 * @property {boolean} redis one for all nodes, or none
 * @property {number} rate messages a second, each way of each pair
 * @property {Record<string, string>} [env] settings of every node
 * @property {string} [logs] a folder for their logs
 * @property {string} [label] in front of the nodes' names, when several scenes run at once
 */
export class Scene {
  ledger = new Ledger();
  /** @type {NodeProcess[]} */
  nodes = [];
  /** @type {RedisProcess | undefined} */
  redis;
  traffic;
  #options;

  /** @param {SceneOptions} options */
  constructor(options) {
    this.#options = options;
    this.traffic = new Traffic(this.ledger, options.rate);
  }

  /** Starts everything. Call `close` even when this fails. */
  async start() {
    const { entry, nodes, redis, env = {}, logs, label = '' } = this.#options;
    if (logs !== undefined) mkdirSync(logs, { recursive: true });
    if (redis) this.redis = await RedisProcess.start();
    for (let index = 0; index < nodes; index += 1) {
      const name = `${label}node-${index}`;
      const own = {
        ...(this.redis === undefined ? {} : { REDIS_URL: this.redis.url }),
        NODE_ID: name,
      };
      this.nodes.push(await NodeProcess.create({ name, entry, logs, env: { ...own, ...env } }));
    }
    await Promise.all(this.nodes.map((node) => node.start()));
  }

  get clients() {
    return [...this.ledger.clients.values()];
  }

  /** Any node that is up, for what can be asked of each. */
  get anyNode() {
    return this.nodes.find((node) => node.isUp) ?? this.nodes[0];
  }

  async openRoom() {
    const { id_token: idToken } = await this.anyNode.post('/anonymous-signin');
    return this.anyNode.post('/create-room', idToken);
  }

  signIn() {
    return this.anyNode.post('/anonymous-signin').then(({ id_token: idToken }) => idToken);
  }

  /** Lets a new client in; resolves when it is. @param {object} [options] `mostMs`: so long it tries; the rest goes to SessionClient */
  async join(name, room, node, { mostMs = 20_000, ...timing } = {}) {
    const idToken = await this.signIn();
    const urls = this.nodes.map(({ ws }) => ws);
    const client = new SessionClient({ name, room, idToken }, urls, node, this.ledger, timing);
    this.ledger.add(client);
    client.connect();
    if (await until(() => client.isIn, mostMs, 10)) return client;
    this.ledger.ending(client);
    client.vanish();
    throw new Error(`${name} could not join: ${JSON.stringify(client.stats)}`);
  }

  /** Waits until nothing is under way. @returns {Promise<boolean>} false: something still was after `mostMs` */
  settle(mostMs) {
    return until(() => isSettled(this.ledger), mostMs);
  }

  /** Ends everything that was started, in whatever state it is. */
  async close() {
    this.traffic.stop();
    for (const client of this.clients) client.dispose();
    await Promise.all(this.nodes.map((node) => node.kill()));
    await this.redis?.close();
  }
}
