import { setTimeout as delay } from 'node:timers/promises';
import { ClientError } from './client-error.js';
import type { Message } from './file-framing.js';
import type { DataChannel } from './webrtc.js';

/**
 * A pause behind every message. A burst overruns the receiver's UDP buffer (208 KB on Linux), and the engine then
 * sends again one packet a timeout: of 60 transfers of 6 MB, 4 stalled (the worst seen took 8 s); with the pause none
 * of 60 did, at 36 instead of 40 MB/s (wrtc 0.10, both peers on 2 cores).
 */
const pauseMs = 1;
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
    await delay(pauseMs);
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
