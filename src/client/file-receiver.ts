import { ClientError } from './client-error.js';
import { FrameReader, type FileEvent, type Message } from './file-framing.js';
import { IncomingFile } from './incoming-file.js';

/** A data channel cannot be told to wait, so a disk that is slower than the network by this much is a failure. */
const maxBacklogBytes = 64 * 1_048_576;

export interface ReceivedFile {
  readonly path: string;
  readonly sizeBytes: number;
  readonly sha256: string;
}

/** Told of what comes in. */
export interface ReceiverEvents {
  readonly onBegin: (name: string, sizeBytes: number) => void;
  readonly onProgress: (receivedBytes: number) => void;
  readonly onFile: (file: ReceivedFile) => void;
  readonly onFailure: (error: ClientError) => void;
}

/** Writes the files of one channel into a folder, strictly in the order of the messages. */
export class FileReceiver {
  readonly #folder: string;
  readonly #reader: FrameReader;
  readonly #events: ReceiverEvents;
  #tail: Promise<void> = Promise.resolve();
  #backlogBytes = 0;
  #hasFailed = false;
  #file: IncomingFile | undefined;
  #receivedBytes = 0;

  constructor(folder: string, withDigest: boolean, events: ReceiverEvents) {
    this.#folder = folder;
    this.#reader = new FrameReader(withDigest);
    this.#events = events;
  }

  /** Whether a file was begun and not finished. */
  get isInsideFile(): boolean {
    return this.#reader.isInsideFile;
  }

  /** Takes one message of the channel. Never throws: `onFailure` is told, once. */
  accept(message: Message): void {
    if (this.#hasFailed) return;
    try {
      for (const event of this.#reader.read(message)) this.#queue(event);
    } catch (error) {
      this.#fail(new ClientError('transfer', error instanceof Error ? error.message : String(error)));
    }
  }

  /** Finishes what came, then removes a file that did not become complete. */
  async close(): Promise<void> {
    await this.#tail;
    this.#hasFailed = true;
    await this.#file?.discard();
    this.#file = undefined;
  }

  #queue(event: FileEvent): void {
    const bytes = event.type === 'data' ? event.bytes.length : 0;
    this.#backlogBytes += bytes;
    if (this.#backlogBytes > maxBacklogBytes) {
      this.#fail(
        new ClientError('disk', 'the disk is slower than the network', 'choose a faster disk with --out'),
      );
      return;
    }
    this.#tail = this.#tail.then(async () => {
      try {
        if (!this.#hasFailed) await this.#handle(event);
      } catch (error) {
        this.#fail(error instanceof ClientError ? error : new ClientError('internal', String(error)));
      } finally {
        this.#backlogBytes -= bytes;
      }
    });
  }

  async #handle(event: FileEvent): Promise<void> {
    if (event.type === 'begin') {
      this.#receivedBytes = 0;
      this.#events.onBegin(event.name, event.sizeBytes);
      this.#file = await IncomingFile.create(this.#folder, event.name);
    } else if (event.type === 'data') {
      await this.#file?.write(event.bytes);
      this.#receivedBytes += event.bytes.length;
      this.#events.onProgress(this.#receivedBytes);
    } else if (this.#file !== undefined) {
      await this.#finish(this.#file, event.sha256);
    }
  }

  async #finish(file: IncomingFile, announced: string | undefined): Promise<void> {
    const sha256 = file.digest();
    if (announced !== undefined && announced !== sha256) {
      throw new ClientError(
        'transfer',
        'the SHA-256 of the received file is not what the sender computed',
        'try again',
      );
    }
    const path = await file.keep();
    this.#file = undefined;
    this.#events.onFile({ path, sizeBytes: this.#receivedBytes, sha256 });
  }

  #fail(error: ClientError): void {
    if (this.#hasFailed) return;
    this.#hasFailed = true;
    this.#events.onFailure(error);
  }
}
