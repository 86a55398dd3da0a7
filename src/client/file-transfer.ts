import { ChannelOutlet } from './channel-outlet.js';
import { ClientError } from './client-error.js';
import {
  keepAliveMessage,
  parseReceipt,
  receiptMessage,
  type Message,
  type Receipt,
} from './file-framing.js';
import { FileReceiver, type ReceivedFile } from './file-receiver.js';
import { openOutgoing, sendFile, type OutgoingFile } from './file-sender.js';
import type { TransferObserver } from './transfer-observer.js';
import { Changes } from './waiting.js';
import type { DataChannel } from './webrtc.js';

const keepAliveMs = 15_000;

export interface TransferOptions {
  readonly outFolder: string;
  readonly chunkBytes: number;
  /** Both ends exchange hashes and receipts. */
  readonly isConfirmed: boolean;
  readonly observer: TransferObserver;
}

/** The files of one open channel, both ways at once. */
export class FileTransfer {
  readonly #outlet: ChannelOutlet;
  readonly #options: TransferOptions;
  readonly #receiver: FileReceiver;
  readonly #receipts: Receipt[] = [];
  readonly #keepAlive: NodeJS.Timeout;
  #receivedFiles = 0;
  #beganAtMs = 0;
  #isClosed = false;
  #failure: ClientError | undefined;
  readonly #changes = new Changes();

  /** @param listen how the channel's messages are had, the earliest included */
  constructor(
    channel: DataChannel,
    listen: (listener: (message: Message) => void) => void,
    options: TransferOptions,
  ) {
    this.#outlet = new ChannelOutlet(channel);
    this.#options = options;
    this.#receiver = new FileReceiver(options.outFolder, options.isConfirmed, {
      onBegin: (name, sizeBytes) => {
        this.#beganAtMs = Date.now();
        options.observer.began('received', name, sizeBytes);
      },
      onProgress: (doneBytes) => {
        options.observer.progressed('received', doneBytes);
      },
      onFile: (file) => {
        this.#received(file);
      },
      onFailure: (error) => {
        this.#refuse(error);
      },
    });
    this.#keepAlive = setInterval(() => {
      if (channel.readyState === 'open') this.#outlet.post(keepAliveMessage);
    }, keepAliveMs);
    this.#keepAlive.unref();
    listen((message) => {
      this.#accept(message);
    });
    channel.addEventListener('close', () => {
      void this.#end();
    });
    if (channel.readyState === 'closed') void this.#end();
  }

  /** Everything written to the channel, in bytes. */
  get writtenBytes(): number {
    return this.#outlet.writtenBytes;
  }

  get receivedFiles(): number {
    return this.#receivedFiles;
  }

  /** Sends the files one after another; with confirmation, each is waited for. @throws ClientError */
  async send(paths: readonly string[]): Promise<void> {
    for (const path of paths) {
      const file = await openOutgoing(path);
      try {
        await this.#sendOne(path, file);
      } finally {
        await file.handle.close();
      }
    }
  }

  /** Waits until that many files are on the disk. @throws ClientError when the channel closes before */
  async received(files: number): Promise<void> {
    await this.#until(() => this.#receivedFiles >= files);
  }

  /** Waits until the other end has sent a file, or has not begun one within `patienceMs`, or has left. */
  async firstFile(patienceMs: number): Promise<void> {
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      this.#changes.notify();
    }, patienceMs);
    try {
      await this.#until(
        () => this.#receivedFiles > 0 || this.#isClosed || (isLate && !this.#receiver.isInsideFile),
      );
    } finally {
      clearTimeout(timer);
    }
  }

  /** Waits until the other end closes the channel. @throws ClientError `transfer` when that cuts a file short */
  async closed(): Promise<void> {
    await this.#until(() => this.#isClosed);
    if (this.#receiver.isInsideFile) throw cutShort();
  }

  /** Ends all waiting with this failure. */
  fail(error: ClientError): void {
    this.#failure ??= error;
    this.#changes.notify();
  }

  /** Stops the keep-alives and waits for the disk. Call it at the end, whatever the end was. */
  async dispose(): Promise<void> {
    clearInterval(this.#keepAlive);
    await this.#receiver.close();
  }

  async #sendOne(path: string, file: OutgoingFile): Promise<void> {
    const { observer, chunkBytes, isConfirmed } = this.#options;
    const beganAtMs = Date.now();
    const earlier = this.#receipts.length;
    observer.began('sent', file.name, file.sizeBytes);
    const sha256 = await sendFile(file, this.#outlet, {
      chunkBytes,
      withDigest: isConfirmed,
      onProgress: (doneBytes) => {
        // Lets a failure told by the other end, or an interrupt, end a long file.
        if (this.#failure !== undefined) throw this.#failure;
        observer.progressed('sent', doneBytes);
      },
    });
    if (isConfirmed) {
      await this.#until(() => this.#receipts.length > earlier);
      this.#check(this.#receipts[earlier], sha256, file.name);
    }
    const durationMs = Date.now() - beganAtMs;
    observer.finished({
      direction: 'sent',
      path,
      sizeBytes: file.sizeBytes,
      sha256,
      durationMs,
      isConfirmed,
    });
  }

  #check(receipt: Receipt | undefined, sha256: string, name: string): void {
    if (receipt?.ok === true && receipt.sha256 === sha256) return;
    const reason = receipt?.ok === false ? receipt.reason : 'it holds other bytes than were sent';
    throw new ClientError('transfer', `the other peer could not take ${name}: ${reason}`);
  }

  #accept(message: Message): void {
    const receipt = this.#options.isConfirmed ? parseReceipt(message) : undefined;
    if (receipt === undefined) {
      this.#receiver.accept(message);
      return;
    }
    this.#receipts.push(receipt);
    if (!receipt.ok)
      this.fail(new ClientError('transfer', `the other peer could not take a file: ${receipt.reason}`));
    this.#changes.notify();
  }

  #received(file: ReceivedFile): void {
    const { isConfirmed, observer } = this.#options;
    this.#receivedFiles += 1;
    if (isConfirmed && !this.#isClosed) this.#tell({ ok: true, sha256: file.sha256 });
    const durationMs = Date.now() - this.#beganAtMs;
    observer.finished({ direction: 'received', ...file, durationMs, isConfirmed });
    this.#changes.notify();
  }

  #refuse(error: ClientError): void {
    if (this.#options.isConfirmed)
      this.#tell({ ok: false, reason: error.kind === 'disk' ? 'disk error' : error.message });
    this.fail(error);
  }

  /** A receipt that cannot be sent any more is told by the closed channel itself. */
  #tell(receipt: Receipt): void {
    try {
      this.#outlet.post(receiptMessage(receipt));
    } catch (error) {
      if (!(error instanceof ClientError)) throw error;
      this.#changes.notify();
    }
  }

  async #end(): Promise<void> {
    clearInterval(this.#keepAlive);
    await this.#receiver.close();
    this.#isClosed = true;
    this.#changes.notify();
  }

  async #until(holds: () => boolean): Promise<void> {
    for (;;) {
      if (this.#failure !== undefined) throw this.#failure;
      if (holds()) return;
      if (this.#isClosed) throw this.#receiver.isInsideFile ? cutShort() : closedEarly();
      await this.#changes.next;
    }
  }
}

const cutShort = (): ClientError =>
  new ClientError(
    'transfer',
    'the other peer left in the middle of a file',
    'the incomplete file was removed',
  );

const closedEarly = (): ClientError =>
  new ClientError(
    'transfer',
    'the other peer left or was lost before everything was transferred',
    'try again',
  );
