import type { Socket } from 'node:net';
import { MessageBudget } from '../../core/message-budget.js';
import type { Clock } from '../../ports/runtime.js';
import { pingFrame } from './frame.js';

/** Pings and pongs of the far end, a second and at once: clients send one in some seconds. ws itself ends a socket at 60 unanswered. */
const controlsPerSecond = 10;
const controlBurst = 50;

/**
 * Is there somebody at the far end? Asks by pings; whatever is heard is an answer. Counts the far end's own: each has to be
 * answered, whether or not the answers are read.
 */
export class Pulse {
  readonly #stream: Socket;
  readonly #clock: Clock;
  readonly #controls = new MessageBudget(controlsPerSecond, controlBurst);
  #heardSincePing = true;
  #probes: ((answered: boolean) => void)[] = [];

  constructor(stream: Socket, clock: Clock) {
    this.#stream = stream;
    this.#clock = clock;
  }

  heard(): void {
    this.#heardSincePing = true;
    if (this.#probes.length > 0) this.settle(true);
  }

  /** One more ping or pong has come. False: that was too many. */
  allowsControl(): boolean {
    return this.#controls.take(this.#clock.now()) === 0;
  }

  /** Does the far end answer within that time? */
  probe(withinMs: number): Promise<boolean> {
    return new Promise((resolve) => {
      this.#ping();
      const backlogBytes = this.#stream.writableLength;
      const cancel = this.#clock.after(withinMs, () => {
        // The ping waits behind mail. A full pipe that moves has somebody at its other end.
        resolve(backlogBytes > 0 && this.#stream.writableLength < backlogBytes);
      });
      this.#probes.push((answered) => {
        cancel();
        resolve(answered);
      });
    });
  }

  /** False when nothing was heard since the last call; else asks again. */
  beat(): boolean {
    if (!this.#heardSincePing) return false;
    this.#heardSincePing = false;
    this.#ping();
    return true;
  }

  /** Answers those who asked. */
  settle(answered: boolean): void {
    const probes = this.#probes;
    this.#probes = [];
    for (const settle of probes) settle(answered);
  }

  #ping(): void {
    if (this.#stream.writable) this.#stream.write(pingFrame);
  }
}
