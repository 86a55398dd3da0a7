/** Carries a plan out on a scene. */
import { pause } from './timing.mjs';

/** A guest that is not let in goes elsewhere. */
const guestJoinMs = 6_000;

/** @typedef {import('./plan.mjs').HeavyFault} HeavyFault */

export class Mayhem {
  /** What was done, for the report. @type {{ kind: string, fromMs: number, toMs: number }[]} */
  events = [];
  /** Guests that were not let in. */
  guestsRefused = 0;
  #scene;
  #rooms;
  #residents;
  #guests = 0;
  #isOver = false;

  /**
   * @param {import('./scene.mjs').Scene} scene @param {object[]} rooms
   * @param {import('./session-client.mjs').SessionClient[]} residents those of the first room first
   */
  constructor(scene, rooms, residents) {
    this.#scene = scene;
    this.#rooms = rooms;
    this.#residents = residents;
  }

  /** Resolves when all of it has happened and every node and Redis are up. */
  async run({ heavy, cuts, guests }) {
    const light = [
      ...cuts.map((cut) => this.#at(cut.atMs, () => this.#cut(cut))),
      ...guests.map((guest) => this.#at(guest.atMs, () => this.#guest(guest))),
    ];
    try {
      for (const fault of heavy) {
        await this.#timed(fault.kind, (event) => this.#strike(fault, event));
        await pause(fault.thenMs);
      }
      await Promise.all(light);
    } finally {
      this.#isOver = true;
    }
  }

  async #at(atMs, act) {
    await pause(atMs);
    if (!this.#isOver) await act();
  }

  async #timed(kind, act) {
    const event = { kind, fromMs: performance.now(), toMs: Number.POSITIVE_INFINITY };
    this.events.push(event);
    await act(event);
    event.toMs = performance.now();
  }

  /** @param {HeavyFault} fault */
  async #strike({ kind, node: index, room, forMs }, event) {
    const node = this.#scene.nodes[index];
    const { redis } = this.#scene;
    if (kind === 'node-kill') {
      const guest = await this.#admit(this.#rooms[room], index);
      if (guest !== undefined) this.#end(guest, 'vanish');
      await node.kill();
      await pause(forMs);
      await node.start();
    } else if (kind === 'node-pause') {
      node.stop();
      await pause(forMs);
      node.proceed();
    } else if (kind === 'node-drain') {
      const { code, ms } = await node.drain();
      event.note = `exit ${code} after ${(ms / 1000).toFixed(1)} s`;
      await pause(forMs);
      await node.start();
    } else if (kind === 'redis-kill') {
      await redis.kill();
      await pause(forMs);
      await redis.start();
    } else {
      redis.stop();
      await pause(forMs);
      redis.proceed();
    }
  }

  #cut({ client: index, kind, backMs, stays }) {
    const client = this.#residents[index];
    this.events.push({ kind, client: client.name, fromMs: performance.now(), toMs: performance.now() });
    if (kind === 'freeze') client.freeze();
    else client.cut(stays ? { backMs, node: client.node } : { backMs });
  }

  /** Comes, talks with somebody, and goes for good. */
  async #guest({ forMs, room: index, node, partner, end }) {
    const guest = await this.#admit(this.#rooms[index], node);
    if (guest === undefined) return;
    const inRoom = this.#residents.filter(({ roomId }) => roomId === guest.roomId);
    this.#scene.traffic.between(guest, inRoom[partner]);
    await pause(forMs);
    this.#end(guest, end);
  }

  async #admit(room, node) {
    this.#guests += 1;
    try {
      return await this.#scene.join(`guest${this.#guests}`, room, node, { mostMs: guestJoinMs });
    } catch {
      this.guestsRefused += 1; // reported
      return undefined;
    }
  }

  #end(guest, how) {
    const { ledger, traffic } = this.#scene;
    ledger.ending(guest);
    traffic.end(guest);
    for (const { name, roomId, outgoing } of ledger.clients.values()) {
      if (roomId === guest.roomId && name !== guest.name) outgoing.forget(guest.name);
    }
    if (how === 'leave') void guest.leave();
    else guest.vanish();
  }
}
