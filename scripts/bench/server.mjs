import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';

import { startChild } from './child.mjs';
import { Peer } from './peer.mjs';

/** The room limit of the server is 256; the rest leaves space for late joiners. */
const peersPerRoom = 250;
/** A server that does not say within this time where it listens is given up. */
const startMs = 120_000;

/**
 * Puts this process, the load generator, on one core and tells which other core is for the servers.
 * @returns {number | undefined} undefined when nothing can be pinned here
 */
export function pinLoadGenerator() {
  try {
    const list = /^Cpus_allowed_list:\s*(\S+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))[1];
    const cores = list.split(',').flatMap((range) => {
      const [first, last = first] = range.split('-').map(Number);
      return Array.from({ length: last - first + 1 }, (_, i) => first + i);
    });
    if (cores.length < 2) return undefined;
    execFileSync('taskset', ['-a', '-p', '-c', String(cores[1]), String(process.pid)], { stdio: 'ignore' });
    return cores[0];
  } catch {
    return undefined; // no Linux, or no taskset: the ratios still hold, with more spread
  }
}

async function post(url, body, idToken) {
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(idToken === undefined ? {} : { authorization: `Bearer ${idToken}` }),
    },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`${url}: ${response.status} ${await response.text()}`);
  return response.json();
}

/** A server under test, in a process of its own. */
export class Server {
  #child;
  /** Rejects when the process ends by itself. */
  #ended;
  #idToken;
  /** @type {Promise<unknown>} */
  #asked = Promise.resolve();

  constructor(name, child, ended, addresses) {
    this.name = name;
    this.#child = child;
    this.#ended = ended;
    this.addresses = addresses;
  }

  /**
   * @param {string} script a module that calls `report`
   * @param {number} [core] where to pin it
   * @param {string[]} [args] of the script
   */
  static async start(name, script, core, args = []) {
    const command = [process.execPath, '--expose-gc', script, ...args];
    const child = startChild(command, core, ['ignore', 'ignore', 'inherit', 'ipc']);
    const ended = once(child, 'exit').then(([code, signal]) => {
      throw new Error(`the server ${name} ended by itself (${code ?? signal})`);
    });
    ended.catch(() => {}); // whoever waits for an answer is told
    const timer = setTimeout(() => child.kill('SIGKILL'), startMs);
    const [{ addresses }] = await Promise.race([once(child, 'message'), ended]);
    clearTimeout(timer);
    return new Server(name, child, ended, addresses);
  }

  get pid() {
    return this.#child.pid;
  }

  /** @returns {Promise<{ cpuUs: number, rssBytes: number }>} since the process began */
  usage() {
    return this.#request('usage');
  }

  collectGarbage() {
    return this.#request('collect');
  }

  /** One after another: answers do not say what they answer. */
  #request(question) {
    const ask = async () => {
      const answer = once(this.#child, 'message');
      this.#child.send(question);
      return (await Promise.race([answer, this.#ended]))[0];
    };
    const asked = this.#asked.then(ask);
    this.#asked = asked.catch(() => {}); // whoever asked is told
    return asked;
  }

  /**
   * Lets peers in, into one room for each 250 of them.
   * @param {string[]} peerIds
   * @param {{ full?: boolean }} [options] `full`: the first one by `join_room`, as it must be to broadcast
   * @returns {Promise<Peer[]>} in the order of the ids
   */
  async admit(peerIds, { full = false } = {}) {
    const peers = [];
    for (let first = 0; first < peerIds.length; first += peersPerRoom) {
      const room = await this.openRoom();
      for (const peerId of peerIds.slice(first, first + peersPerRoom)) {
        peers.push(await this.join(peerId, room, full && peers.length === 0));
      }
    }
    return peers;
  }

  /** @returns what a peer must send along to join a new room; nothing where no sign-in is needed */
  async openRoom() {
    const { http } = this.addresses;
    if (http === undefined) return {};
    this.#idToken ??= (await post(`${http}/anonymous-signin`, {})).id_token;
    const room = await post(`${http}/create-room`, {}, this.#idToken);
    return { room_id: room.room_id, token: room.token, id_token: this.#idToken };
  }

  /** @param {typeof Peer} [type] what the socket becomes */
  async join(peerId, room, full = false, type = Peer) {
    const peer = await type.open(this.addresses.ws);
    const answer = await peer.ask({ type: full ? 'join_room' : 'register', peer_id: peerId, ...room });
    if (answer.type !== 'registered_auth' && answer.type !== 'room_joined') {
      throw new Error(`${this.name} did not let a peer join: ${JSON.stringify(answer)}`);
    }
    return peer;
  }

  async stop() {
    const ended = once(this.#child, 'exit');
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    if (this.#child.connected) this.#child.disconnect();
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), 5000);
    await ended;
    clearTimeout(timer);
  }
}
