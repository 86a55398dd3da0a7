/** Pairs on two nodes, as the faults of the table find them. */
import { evidence } from './evidence.mjs';
import { Scene } from './scene.mjs';
import { pause } from './timing.mjs';
import { judge, whatIsUnsettled } from './verdict.mjs';

/**
 * @typedef {object} StageOptions
 * @property {string} entry @property {number} pairs @property {number} rate @property {string} [logs]
 * @property {boolean} isShort everything that only takes time takes less
 * @property {number} downSeconds how long Redis is away in the row that is about that
 * @property {number} watchSeconds how long a false leave is waited for
 * @property {boolean} isTogether both of each pair sit on the receiver's node, to tell what crossing nodes changes
 */
export class Stage {
  /** @type {{ a: SessionClient, b: SessionClient, isAcross: boolean }[]} */
  pairs = [];
  scene;
  room;

  /** @param {StageOptions} options @param {{ nodes?: number, env?: Record<string, string>, label: string }} own */
  constructor(options, { nodes = 2, env = {}, label }) {
    this.options = options;
    this.scene = new Scene({ ...options, nodes, redis: true, env, label });
  }

  /**
   * Seats everybody in one room and lets them talk for a while.
   * @param {(pair: number, nodes: number) => [number, number]} place on which nodes a pair sits
   */
  async open(place, calmMs = this.ms(2000, 700), pairs = this.options.pairs) {
    await this.scene.start();
    this.room = await this.scene.openRoom();
    const nodes = this.scene.nodes.length;
    for (let i = 0; i < pairs; i += 1) {
      const [first, other] = place(i, nodes);
      const one = this.options.isTogether ? other : first;
      const [a, b] = await Promise.all([
        this.scene.join(`a${i}`, this.room, one),
        this.scene.join(`b${i}`, this.room, other),
      ]);
      this.pairs.push({ a, b, isAcross: one !== other });
      this.scene.traffic.between(a, b);
    }
    await pause(calmMs);
  }

  /** @returns {number} a duration, the second one in the short form */
  ms(long, short) {
    return this.options.isShort ? short : long;
  }

  /** @param {(pair: object) => boolean} [which] @returns both directions of these pairs */
  streams(which = () => true) {
    const { ledger } = this.scene;
    return this.pairs
      .filter(which)
      .flatMap(({ a, b }) => [ledger.stream(a.name, b.name), ledger.stream(b.name, a.name)]);
  }

  /** Messages to the `b` of each pair. */
  get inbound() {
    return this.pairs.map(({ a, b }) => this.scene.ledger.stream(a.name, b.name));
  }

  /** No more traffic; waits for what is under way. @returns the counts, and what is wrong in words */
  async finish({ mostMs = 40_000, freshStarts = 0 } = {}) {
    this.scene.traffic.stop();
    const isSettled = await this.scene.settle(mostMs);
    await pause(this.ms(1500, 700));
    const counts = judge(this.scene.ledger);
    const wrong = isSettled ? [] : [`not settled after ${mostMs / 1000} s`];
    wrong.push(...whatIsUnsettled(this.scene.ledger).slice(0, 5));
    if (counts.freshStarts !== freshStarts) wrong.push(`${counts.freshStarts} sessions were not resumed`);
    for (const { name, crashes } of this.scene.nodes) if (crashes > 0) wrong.push(`${name} ended by itself`);
    return { counts, wrong, cases: evidence(this.scene.ledger) };
  }

  /** The `a` of each pair on the first node, the `b` on the second. */
  static across = () => [0, 1];
  /** Half of the pairs so, the others on one node, a quarter on each. */
  static mixed = (pair) =>
    [
      [0, 1],
      [0, 0],
      [0, 1],
      [1, 1],
    ][pair % 4];
}
