import { FullPeer } from './full-peer.mjs';
import { Peer } from './peer.mjs';
import { RedisProcess } from './redis.mjs';
import { Server } from './server.mjs';

const probeMs = 100;
const patienceMs = 10_000;

/** Two nodes of one system with a Redis of their own. Of each pair of peers, one sits on either node. */
export class NodePair {
  /** Rooms of one system are told apart by their number where the system itself does not name them. */
  #rooms = 0;

  /** @param {{ name: string, redis: RedisProcess, nodes: Server[], isFull: boolean }} parts */
  constructor({ name, redis, nodes, isFull }) {
    this.name = name;
    this.redis = redis;
    this.nodes = nodes;
    this.isFull = isFull;
  }

  /**
   * @param {{ name: string, script: string, args?: string[] }} spec the script is given the URL of Redis, then `args`
   * @param {number | undefined} core where to pin all three processes
   * @param {boolean} isFull peers are full sessions
   */
  static async start({ name, script, args = [] }, core, isFull) {
    const redis = await RedisProcess.start(core);
    const pair = new NodePair({ name, redis, nodes: [], isFull });
    try {
      for (const node of ['A', 'B']) {
        pair.nodes.push(await Server.start(`${name} ${node}`, script, core, [redis.url, ...args]));
      }
    } catch (error) {
      await pair.stop();
      throw error;
    }
    return pair;
  }

  /** @returns {Promise<{ cpuUs: number, parts: Record<string, number> }>} CPU time of all three since they began */
  async usage() {
    const [a, b] = await Promise.all(this.nodes.map((node) => node.usage()));
    const parts = { nodeA: a.cpuUs, nodeB: b.cpuUs, redis: this.redis.cpuUs };
    return { cpuUs: parts.nodeA + parts.nodeB + parts.redis, parts };
  }

  /**
   * Lets pairs of peers in, a room for each pair.
   * @param {string[]} peerIds who belong together follow each other
   * @returns {Promise<Peer[]>} in the order of the ids, when each can be reached by the other of its pair
   */
  async admit(peerIds) {
    const peers = [];
    let room;
    for (const [index, peerId] of peerIds.entries()) {
      if (index % 2 === 0) {
        this.#rooms += 1;
        room = { room_id: `room-${this.#rooms}`, ...(await this.nodes[0].openRoom()) };
      }
      const type = this.isFull ? FullPeer : Peer;
      peers.push(await this.nodes[index % 2].join(peerId, room, this.isFull, type));
    }
    await introduce(peers, peerIds);
    return peers;
  }

  async stop() {
    await Promise.all(this.nodes.map((node) => node.stop()));
    await this.redis.stop();
  }
}

/**
 * Sends probes until each peer can be reached by the other of its pair: a node may learn a little later than the peer
 * itself who has joined. Who is not reached is sent the next one, and is done with the latest, so none is left over.
 */
async function introduce(peers, peerIds) {
  const reached = peers.map(() => false);
  const deadline = performance.now() + patienceMs;
  for (let round = 1; reached.includes(false); round += 1) {
    if (performance.now() > deadline) throw new Error('the peers of the two nodes do not reach each other');
    await new Promise((resolve) => {
      const timer = setTimeout(resolve, probeMs);
      for (const [index, peer] of peers.entries()) {
        if (reached[index]) continue;
        const partner = index ^ 1;
        peer.onText = (buffer, start, end) => {
          reached[index] = JSON.parse(buffer.toString('utf8', start, end)).probe === round;
          if (reached.includes(false)) return;
          clearTimeout(timer);
          resolve();
        };
        peers[partner].send({
          type: 'candidate',
          sender: peerIds[partner],
          target: peerIds[index],
          candidate: { candidate: '' },
          probe: round,
        });
      }
    });
  }
}
