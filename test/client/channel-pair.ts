import type { Message } from '../../src/client/file-framing.js';
import type { DataChannel } from '../../src/client/webrtc.js';

type Listener = (event: { readonly data: string | ArrayBuffer }) => void;

/** One end of a pair of data channels in memory: ordered and reliable, as the real ones are. */
export class MemoryChannel implements DataChannel {
  readyState: DataChannel['readyState'] = 'open';
  readonly bufferedAmount = 0;
  binaryType = 'arraybuffer' as const;
  /** Changes what goes through, or drops it. */
  tamper: (message: Message) => Message | undefined = (message) => message;
  #other: MemoryChannel | undefined;
  readonly #listeners = { open: [] as Listener[], close: [] as Listener[], message: [] as Listener[] };

  static pair(): readonly [MemoryChannel, MemoryChannel] {
    const [a, b] = [new MemoryChannel(), new MemoryChannel()];
    a.#other = b;
    b.#other = a;
    return [a, b];
  }

  send(message: Message): void {
    const changed = this.tamper(typeof message === 'string' ? message : Uint8Array.from(message));
    if (changed === undefined) return;
    const data = typeof changed === 'string' ? changed : changed.slice().buffer;
    setImmediate(() => {
      const other = this.#other;
      if (other !== undefined) other.#emit('message', data);
    });
  }

  close(): void {
    setImmediate(() => {
      this.#end();
      const other = this.#other;
      if (other !== undefined) other.#end();
    });
  }

  addEventListener(type: 'open' | 'close' | 'message', listener: Listener): void {
    this.#listeners[type].push(listener);
  }

  /** For FileTransfer: every message of this end. */
  listen(listener: (message: Message) => void): void {
    this.addEventListener('message', ({ data }) => {
      listener(typeof data === 'string' ? data : new Uint8Array(data));
    });
  }

  #emit(type: 'close' | 'message', data: string | ArrayBuffer): void {
    if (type === 'message' && this.readyState !== 'open') return;
    for (const listener of this.#listeners[type]) listener({ data });
  }

  #end(): void {
    if (this.readyState === 'closed') return;
    this.readyState = 'closed';
    this.#emit('close', '');
  }
}
