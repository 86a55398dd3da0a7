/** Numbered messages at a steady rate, one SDP-sized offer to nine candidates. */
const sdp = `v=0\r\n${'a=candidate:1 1 udp 2122260223 192.0.2.1 54321 typ host\r\n'.repeat(40)}`;
const candidate = 'candidate:842163049 1 udp 1677729535 198.51.100.7 46154 typ srflx raddr 0.0.0.0 rport 0';

export class Traffic {
  #ledger;
  #everyMs;
  /** @type {Map<string, NodeJS.Timeout>} */
  #timers = new Map();

  /** @param {import('./ledger.mjs').Ledger} ledger @param {number} rate messages a second, each way of each pair */
  constructor(ledger, rate) {
    this.#ledger = ledger;
    this.#everyMs = 1000 / rate;
  }

  /** Both ways, from now on. */
  between(a, b) {
    this.from(a, b);
    this.from(b, a);
  }

  /** One way. The first message waits for a part of the period, so that not all come at once. */
  from(client, target) {
    const key = `${client.name}>${target.name}`;
    const start = setTimeout(() => {
      this.#timers.set(
        key,
        setInterval(() => this.#send(client, target), this.#everyMs),
      );
    }, Math.random() * this.#everyMs);
    this.#timers.set(key, start);
  }

  /** Nothing more to or from this client. */
  end(client) {
    for (const [key, timer] of this.#timers) {
      if (!key.split('>').includes(client.name)) continue;
      clearInterval(timer);
      this.#timers.delete(key);
    }
  }

  stop() {
    for (const timer of this.#timers.values()) clearInterval(timer);
    this.#timers.clear();
  }

  #send(client, target) {
    const isOffer = this.#ledger.stream(client.name, target.name).sentAtMs.length % 10 === 0;
    this.#ledger.send(
      client,
      isOffer ? 'offer' : 'candidate',
      target.name,
      isOffer ? { sdp } : { candidate },
    );
  }
}
