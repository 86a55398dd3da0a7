import { WebSocket } from 'ws';

/** A client must acknowledge at least every 16 frames. */
const framesPerAck = 16;

/** One full session, over as many sockets as it takes. */
export class LoadPeer {
  #room;
  #token;
  #counts;
  #socket;
  #session;
  #had = 0;
  #asked = 0;
  #isLeaving = false;

  /**
   * @param {string} name
   * @param {{ room_id: string, token: string }} room
   * @param {string} token an identity token
   * @param {Record<string, number>} counts shared by all
   */
  constructor(name, room, token, counts) {
    this.name = name;
    this.#room = room;
    this.#token = token;
    this.#counts = counts;
  }

  get isIn() {
    return this.#socket?.readyState === WebSocket.OPEN;
  }

  /** Comes in at that server, or back. Rejects when it is refused. */
  join(url) {
    const socket = new WebSocket(url.replace(/^http/, 'ws'), { perMessageDeflate: false });
    this.#socket = socket;
    return new Promise((resolve, reject) => {
      socket.on('open', () => {
        const resume = this.#session === undefined ? {} : { resume: this.#claim };
        this.#say({ type: 'join_room', ...this.#room, id_token: this.#token, peer_id: this.name, ...resume });
      });
      socket.on('message', (data) => {
        const frame = JSON.parse(data.toString());
        if (this.#socket !== socket) return;
        if (frame.type === 'room_joined') {
          this.#joined(frame);
          resolve();
        } else if (this.#session === undefined) {
          reject(new Error(`${this.name} was not let in: ${frame.code ?? frame.type}`));
        } else {
          this.#hear(frame);
        }
      });
      socket.on('error', reject);
      socket.on('close', (code) => {
        reject(new Error(`${this.name}'s socket was closed with ${code}`));
        if (this.#socket !== socket || this.#session === undefined || this.#isLeaving) return;
        // Nobody asked for it: the next time it is its turn it comes back.
        this.#counts.cut_by_server += 1;
      });
    });
  }

  /** Breaks off without a word, and goes on at that server. */
  async moveTo(url) {
    const { isIn } = this;
    const old = this.#socket;
    this.#socket = undefined;
    old?.terminate();
    this.#counts[isIn ? 'broken_off' : 'came_back'] += 1;
    try {
      await this.join(url);
    } catch {
      this.#counts.lost += 1;
    }
  }

  /** Something that is answered. */
  ask(frame) {
    this.#asked += 1;
    this.#counts.sent += 1;
    this.#say({ ...frame, id: `${this.name}-${this.#asked}` });
  }

  leave() {
    this.#isLeaving = true;
    this.#socket?.terminate();
  }

  get #claim() {
    const { session_id, resume_token } = this.#session;
    return { session_id, resume_token, count: this.#had };
  }

  #joined(frame) {
    if (this.#session !== undefined) this.#counts[frame.resumed ? 'resumed' : 'lost'] += 1;
    if (!frame.resumed) this.#had = 0;
    this.#session = frame;
  }

  #hear({ type }) {
    this.#had += 1;
    if (type === 'accepted' || type === 'delivered' || type === 'error') this.#counts[type] += 1;
    else this.#counts.heard += 1;
    if (this.#had % framesPerAck === 0) this.#say({ type: 'ack', count: this.#had });
  }

  #say(frame) {
    if (this.isIn) this.#socket.send(JSON.stringify(frame));
  }
}
