import { RequestLost, RequestRefused, type Frame } from './frames.js';

interface Pending {
  readonly verb: string;
  readonly settle: (answer: Frame | Error) => void;
}

/** Requests that wait for their answer, by the `id` that they were given. */
export class PendingRequests {
  readonly #timeoutMs: number;
  /**
   * What a message of chat is known by is its `id`, also to the next session of the same user: counted from one by both,
   * the new message would be taken for the old one.
   */
  readonly #prefix = Math.random().toString(36).slice(2);
  readonly #pending = new Map<string, Pending>();
  #last = 0;

  constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs;
  }

  /** Sends it with an `id`, its own or a new one. Resolves with the first frame that quotes it. */
  ask(frame: Frame, send: (frame: Frame) => void): Promise<Frame> {
    this.#last += 1;
    const id = typeof frame['id'] === 'string' ? frame['id'] : `${this.#prefix}-${this.#last}`;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        settle(new RequestLost(frame.type, 'it took too long'));
      }, this.#timeoutMs);
      const settle = (answer: Frame | Error): void => {
        clearTimeout(timer);
        this.#pending.delete(id);
        if (answer instanceof Error) reject(answer);
        else if (answer.type === 'error') reject(new RequestRefused(answer));
        else resolve(answer);
      };
      this.#pending.set(id, { verb: frame.type, settle });
      send({ ...frame, id });
    });
  }

  answer(id: string, frame: Frame): void {
    this.#pending.get(id)?.settle(frame);
  }

  /** Nothing will be answered any more. */
  lose(why: string): void {
    for (const { verb, settle } of [...this.#pending.values()]) settle(new RequestLost(verb, why));
  }
}
