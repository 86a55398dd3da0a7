/** From joining to leaving: one call after the other, over ends of the server and of rooms. */
import { RequestRefused } from '../client/frames.js';
import { DemoCall, type DemoCallListener } from './demo-call.js';
import {
  DemoRefused,
  findRoom,
  followerOf,
  linkTo,
  roomInAddress,
  settleIn,
  signIn,
  type FoundRoom,
} from './demo-rooms.js';

const retryMs = 2_000;
/** The room is not there any more, or not for us: another one takes its place. */
const goneCodes: readonly string[] = ['ROOM_NOT_FOUND', 'ROOM_EXPIRED', 'INVALID_ROOM_TOKEN'];

export interface DemoStayOptions {
  readonly name: string;
  readonly stream: MediaStream;
  /** The room is found: this link leads others there. */
  readonly onLink: (link: string) => void;
}

export class DemoStay {
  readonly #options: DemoStayOptions;
  readonly #listener: DemoCallListener;
  readonly #left: Promise<string>;
  #leave: (text: string) => void = () => undefined;
  #call: DemoCall | undefined;
  #isOver = false;
  #wasIn = false;

  /** `listener` is told nothing any more once the user has left. */
  constructor(options: DemoStayOptions, listener: (stay: DemoStay) => DemoCallListener) {
    this.#options = options;
    this.#listener = listener(this);
    this.#left = new Promise((resolve) => {
      this.#leave = resolve;
    });
  }

  /** Between two calls there is none. */
  get call(): DemoCall | undefined {
    return this.#call;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** Resolves to what is to be said at the end: at once when the user leaves, whoever has not answered yet. */
  async run(): Promise<string> {
    const text = await Promise.race([this.#left, this.#stay()]);
    this.#isOver = true;
    return text;
  }

  leave(): void {
    this.#isOver = true;
    this.#leave('');
    void this.#call?.leave();
  }

  async #stay(): Promise<string> {
    while (!this.#isOver) {
      let pauseMs = retryMs;
      try {
        await this.#enter();
        const how = await this.#call?.ended();
        this.#call = undefined;
        if (how === 'removed') return 'The host has removed you, or closed the room.';
        if (how !== 'gone') break;
      } catch (error) {
        if (error instanceof RequestRefused || error instanceof DemoRefused) {
          // Who was in waits for better times, as for a server that does not answer; who comes is told.
          if (!this.#wasIn || !error.retryable) return `The server refused: ${error.message}`;
          pauseMs = Math.max(retryMs, error.retryAfterMs);
        }
      }
      this.#listener.onLine('reconnecting');
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
    return '';
  }

  /** Joins the room, or the one that takes its place. */
  async #enter(): Promise<void> {
    const idToken = await signIn();
    const wasAsked = roomInAddress() !== undefined;
    const first = await findRoom(idToken);
    const { call, found } = await this.#join(first, idToken);
    if (this.#isOver) {
      await call.leave();
      return;
    }
    this.#call = call;
    this.#wasIn = true;
    settleIn(found.room);
    this.#options.onLink(linkTo(found.room));
    if (wasAsked && found !== first)
      this.#listener.onNotice('That room is gone. This is another one: send its link again.');
    call.begin();
  }

  /** Follows from room to room: the one that took the place of a room may be gone too. */
  async #join(
    first: FoundRoom,
    idToken: string,
  ): Promise<{ readonly call: DemoCall; readonly found: FoundRoom }> {
    const { name, stream } = this.#options;
    let found = first;
    for (;;) {
      try {
        const call = await DemoCall.enter({ room: found.room, idToken, name, stream }, this.#listener);
        return { call, found };
      } catch (error) {
        const isGone = error instanceof RequestRefused && goneCodes.includes(error.code);
        if (found.isNew || !isGone) throw error;
        found = await followerOf(found.room, idToken);
      }
    }
  }
}
