import { setTimeout as delay } from 'node:timers/promises';
import { ClientError } from './client-error.js';
import type { Message } from './file-framing.js';
import type { DataChannel } from './webrtc.js';

const highWaterBytes = 1_048_576;
const lowWaterBytes = 262_144;

/** The sending end of a channel, with backpressure: `write` waits while too much is buffered. */
export class ChannelOutlet {
  readonly #channel: DataChannel;
  #writtenBytes = 0;

  constructor(channel: DataChannel) {
    this.#channel = channel;
  }

  /** Everything written so far, in bytes. */
  get writtenBytes(): number {
    return this.#writtenBytes;
  }

  /** @throws ClientError `transfer` when the other end has closed the channel */
  async write(message: Message): Promise<void> {
    this.post(message);
    if (this.#channel.bufferedAmount <= highWaterBytes) return;
    // The engine has neither bufferedAmountLowThreshold nor its event (wrtc 0.10), so this is looked up.
    while (this.#channel.bufferedAmount > lowWaterBytes) {
      this.#assertOpen();
      await delay(4);
    }
  }

  /** Sends something short at once, whatever is buffered. */
  post(message: Message): void {
    this.#assertOpen();
    this.#channel.send(message);
    this.#writtenBytes += message.length;
  }

  #assertOpen(): void {
    if (this.#channel.readyState !== 'open') {
      throw new ClientError('transfer', 'the other peer left or was lost before everything was sent');
    }
  }
}
