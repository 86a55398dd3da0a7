/** What one client says in its room, and what it hears: as our SDK does it, a message is said until it was answered. */
const sayAgainMs = 1_500;
const lookMs = 250;

export class ChatVoice {
  /** Said and not answered: id -> when it was last said. @type {Map<string, number>} */
  waiting = new Map();
  /** Ids that were answered. @type {Set<string>} */
  answered = new Set();
  /** Refused for good: that is a fault. @type {string[]} */
  refused = [];
  /** In the order of their coming. @type {{ sender: string, id: string, seq: number, epoch: number }[]} */
  heard = [];
  saidAgain = 0;
  #client;
  #number = 0;
  #speaking;
  #looking;

  /** @param {import('./session-client.mjs').SessionClient} client */
  constructor(client) {
    this.#client = client;
    client.onFrame = (frame) => this.#hear(frame);
    this.#looking = setInterval(() => this.#look(), lookMs);
  }

  get name() {
    return this.#client.name;
  }

  get client() {
    return this.#client;
  }

  /** From now on, so many a second. */
  speak(rate) {
    const everyMs = 1000 / rate;
    this.#speaking = setInterval(() => this.#say(`${this.name}-${(this.#number += 1)}`), everyMs);
  }

  hush() {
    clearInterval(this.#speaking);
  }

  close() {
    this.hush();
    clearInterval(this.#looking);
  }

  #say(id) {
    this.waiting.set(id, performance.now());
    this.#client.say({ type: 'chat_message', id, content: contentOf(id) });
  }

  #look() {
    const nowMs = performance.now();
    for (const [id, saidAtMs] of this.waiting) {
      if (!this.#client.isIn || nowMs - saidAtMs < sayAgainMs) continue;
      this.saidAgain += 1;
      this.#say(id);
    }
  }

  #hear(frame) {
    if (frame.type === 'error' && this.waiting.has(frame.reply_to)) this.#refuse(frame);
    if (frame.type !== 'chat_message') return;
    const { sender, id, seq, content } = frame;
    this.heard.push({ sender, id, seq, epoch: this.#client.epoch });
    if (content !== contentOf(id)) this.refused.push(`${id} came with another content`);
    this.#client.resumeExtras.chat_seq = Math.max(this.#client.resumeExtras.chat_seq ?? 0, seq);
    if (sender !== this.name) return;
    this.waiting.delete(id);
    this.answered.add(id);
  }

  #refuse({ reply_to: id, retryable, code, message }) {
    // It is said again when it has waited as long as an unanswered one.
    if (retryable) return;
    this.waiting.delete(id);
    this.refused.push(`${id}: ${code} ${message}`);
  }
}

/** Something that tells whether it is whole. */
export function contentOf(id) {
  return `${id} says: ${'ä€𝄞 '.repeat(id.length)}`;
}
