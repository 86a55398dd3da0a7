import { setTimeout as pause } from 'node:timers/promises';

import { LoadPeer } from './load-peer.mjs';

/** About what a trickled candidate has. */
const filler = 'x'.repeat(160);
/** So many come in at the same time. */
const atOnce = 20;

/** What a peer does, one after the other and again. */
const habits = ['one', 'one', 'all', 'one', 'chat', 'one', 'one', 'all', 'nobody', 'one', 'one', 'break'];

/** Peers in rooms, each room's on all servers in turn. */
export class Crowd {
  #options;
  /** @type {LoadPeer[][]} */
  #rooms = [];
  #moves = 0;
  counts = {
    sent: 0,
    heard: 0,
    accepted: 0,
    delivered: 0,
    error: 0,
    refused: 0,
    broken_off: 0,
    cut_by_server: 0,
    came_back: 0,
    resumed: 0,
    lost: 0,
  };

  /** @param {{ urls: string[], peers: number, roomSize: number, seconds: number, rate: number, token?: string, isSfu: boolean }} options */
  constructor(options) {
    this.#options = options;
  }

  /** Everybody comes in. Rejects when somebody is not let in. */
  async gather() {
    const { urls, peers, roomSize, isSfu } = this.#options;
    for (let first = 0; first < peers; first += roomSize) {
      const token = await this.#token(urls[0]);
      const room = await post(`${urls[0]}/create-room`, token);
      const names = Array.from(
        { length: Math.min(roomSize, peers - first) },
        (_, at) => `load-${first + at}`,
      );
      const members = [];
      for (let at = 0; at < names.length; at += atOnce) {
        const some = names.slice(at, at + atOnce).map(async (name, index) => {
          const isHost = at + index === 0;
          const peer = new LoadPeer(name, room, isHost ? token : await this.#token(urls[0]), this.counts);
          members.push(peer);
          await peer.join(urls[(first + at + index) % urls.length]);
        });
        await Promise.all(some);
      }
      if (isSfu) members[0]?.ask({ type: 'set_room_mode', mode: 'SFU' });
      this.#rooms.push(members);
    }
  }

  /** Everybody does something a few times a second, until the time is over. */
  async live() {
    const { seconds, rate, urls } = this.#options;
    const endsAt = performance.now() + seconds * 1000;
    await Promise.all(urls.map((url) => this.#knock(url)));
    for (let round = 0; performance.now() < endsAt; round += 1) {
      const moves = this.#rooms.flatMap((members) =>
        members.map((peer, at) => this.#act(peer, members, round + at)),
      );
      await Promise.all([...moves, pause(1000 / rate)]);
    }
  }

  disperse() {
    for (const peer of this.#rooms.flat()) peer.leave();
  }

  async #act(peer, members, turn) {
    const { urls, isSfu } = this.#options;
    const others = members.filter((other) => other !== peer);
    const target = others[turn % Math.max(1, others.length)]?.name;
    // In turn, so that not all of a room break off at once.
    const habit = peer.isIn ? habits[turn % habits.length] : 'break';
    const candidate = { type: 'candidate', sender: peer.name, candidate: filler };
    if (habit === 'break') {
      this.#moves += 1;
      await peer.moveTo(urls[this.#moves % urls.length]);
    }
    if (habit === 'chat') {
      peer.ask({ type: 'chat_message', content: `message of turn ${turn}` });
      if (isSfu) peer.ask({ type: 'sfu_get_router_capabilities' });
    } else if (habit === 'nobody') peer.ask({ ...candidate, target: 'nobody' });
    else if (habit === 'all') peer.ask(candidate);
    else if (target !== undefined) peer.ask({ ...candidate, target });
  }

  /** What strangers do: a path that is none, and a token that is none. */
  async #knock(url) {
    const [nowhere, forged] = await Promise.all([
      outcomeOf(new LoadPeer('stranger', {}, '', this.counts), `${url}/nowhere`),
      outcomeOf(
        new LoadPeer('stranger', { room_id: '00000000', token: '000000' }, 'forged', this.counts),
        url,
      ),
    ]);
    this.counts.refused += Number(nowhere === 'refused') + Number(forged === 'refused');
  }

  async #token(url) {
    if (this.#options.token !== undefined) return this.#options.token;
    return (await post(`${url}/anonymous-signin`)).id_token;
  }
}

async function outcomeOf(stranger, url) {
  try {
    await stranger.join(url);
    return 'let in';
  } catch {
    return 'refused';
  } finally {
    stranger.leave();
  }
}

async function post(url, token) {
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const response = await fetch(url, { method: 'POST', headers });
  if (!response.ok) throw new Error(`${new URL(url).pathname} answered ${response.status}`);
  return response.json();
}
