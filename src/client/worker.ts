import { setTimeout as delay } from 'node:timers/promises';
import { ClientError, asClientError } from './client-error.js';
import type { FileTransfer } from './file-transfer.js';
import { addCandidate, sdpOf, withTransfer } from './peer-exchange.js';
import { PeerLink } from './peer-link.js';
import { checkDisk, type PeerOptions } from './peer-options.js';
import { RoomMember } from './room-member.js';
import { formatSession } from './session-string.js';
import type { Signal } from './signaling-client.js';
import type { Terminal } from './terminal.js';
import { readTerms, termsField, type TransferTerms } from './transfer-terms.js';
import { interrupted } from './waiting.js';
import { loadWebRtc, type WebRtc } from './webrtc.js';

/** A client that does not say how many files it has is given this long to begin one before ours are sent. */
const patienceMs = 2_000;
/** S3's clients delete the room about this long after they have left. */
const afterLeaveMs = 3_000;
const maxClients = 8;

export interface WorkerOptions extends PeerOptions {
  /** Ends after the first client. */
  readonly once: boolean;
}

/**
 * Opens a room, prints its session string and serves whoever comes, until `stop` fires or, with `once`, the first
 * client has left. Clients of S3 delete the room when they leave: then it opens another one and prints that.
 * @throws ClientError with the exit code of what went wrong
 */
export async function runWorker(
  options: WorkerOptions,
  terminal: Terminal,
  stop: AbortSignal,
): Promise<void> {
  await checkDisk(options);
  const webRtc = await loadWebRtc();
  for (;;) {
    const service = new WorkerService(options, webRtc, terminal, stop);
    if ((await service.run()) === 'finished') return;
    terminal.note('the last client deleted the room; here is a new one');
  }
}

/** One room and its clients, each with a connection of its own. */
class WorkerService {
  readonly #options: WorkerOptions;
  readonly #webRtc: WebRtc;
  readonly #terminal: Terminal;
  readonly #stop: AbortSignal;
  readonly #links = new Map<string, PeerLink>();
  readonly #served = new Set<Promise<void>>();
  #end: (ending: 'finished' | 'room_gone' | ClientError) => void = () => undefined;

  constructor(options: WorkerOptions, webRtc: WebRtc, terminal: Terminal, stop: AbortSignal) {
    this.#options = options;
    this.#webRtc = webRtc;
    this.#terminal = terminal;
    this.#stop = stop;
  }

  async run(): Promise<'finished' | 'room_gone'> {
    const ended = new Promise<'finished' | 'room_gone' | ClientError>((resolve) => {
      this.#end = resolve;
    });
    const member = await RoomMember.join(this.#options, (signal) => {
      this.#receive(signal, member);
    });
    void member.lost.then((reason) => {
      this.#end(reason);
    });
    const onStop = (): void => {
      this.#end(this.#options.once ? interrupted() : 'finished');
    };
    this.#stop.addEventListener('abort', onStop);
    if (this.#stop.aborted) onStop();
    else this.#terminal.result(formatSession(member.session));
    try {
      const ending = await ended;
      // A connection outlives the socket: a transfer that runs is finished.
      await Promise.all(this.#served);
      if (ending instanceof ClientError) throw ending;
      return ending;
    } finally {
      this.#stop.removeEventListener('abort', onStop);
      await member.leave('room').catch((error: unknown) => {
        this.#terminal.note(`could not clean up: ${asClientError(error).line}`);
      });
    }
  }

  #receive(signal: Signal, member: RoomMember): void {
    const link = this.#links.get(signal.sender);
    if (signal.type === 'candidate' && link !== undefined) addCandidate(link, signal, this.#terminal);
    if (signal.type !== 'offer' || this.#stop.aborted) return;
    if (link === undefined && this.#links.size >= maxClients) {
      this.#terminal.note('too many clients at once: one is ignored');
      return;
    }
    const served = this.#serve(signal, member, link);
    this.#served.add(served);
    void served.finally(() => this.#served.delete(served));
  }

  /** @param earlier the same client's connection before it offered anew, to be replaced */
  async #serve(offer: Signal, member: RoomMember, earlier: PeerLink | undefined): Promise<void> {
    const link = new PeerLink(this.#webRtc, this.#options.stunUrls);
    this.#links.set(offer.sender, link);
    await earlier?.close();
    let failure: ClientError | undefined;
    try {
      await this.#answer(offer, member, link);
    } catch (error) {
      failure = asClientError(error);
    }
    await link.close();
    if (this.#links.get(offer.sender) !== link) return;
    this.#links.delete(offer.sender);
    if (this.#options.once) {
      this.#end(failure ?? 'finished');
      return;
    }
    this.#terminal.note(failure === undefined ? 'a client has left' : `a client was lost: ${failure.line}`);
    if (readTerms(offer) === undefined) await this.#lookForRoom(member);
  }

  async #answer(offer: Signal, member: RoomMember, link: PeerLink): Promise<void> {
    const { once, send } = this.#options;
    const terms = readTerms(offer);
    const sdp = await link.answer(sdpOf(offer));
    member.signal('answer', offer.sender, sdp, termsField({ files: send.length, stays: !once }));
    const exchange = { link, options: this.#options, terminal: this.#terminal, stop: this.#stop };
    await withTransfer({ ...exchange, isConfirmed: terms !== undefined }, async (transfer) => {
      await this.#exchange(transfer, terms);
    });
  }

  /** The client's files first, then ours: S3's clients take what comes back for the answer to what they sent. */
  async #exchange(transfer: FileTransfer, terms: TransferTerms | undefined): Promise<void> {
    if (terms === undefined) await transfer.firstFile(patienceMs);
    else await transfer.received(terms.files);
    await transfer.send(this.#options.send);
    await transfer.closed();
  }

  async #lookForRoom(member: RoomMember): Promise<void> {
    await delay(afterLeaveMs, undefined, { signal: this.#stop }).catch(asClientError);
    if (this.#stop.aborted || this.#links.size > 0) return;
    if (!(await member.isRoomThere())) this.#end('room_gone');
  }
}
