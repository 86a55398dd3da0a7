/**
 * How files travel over a data channel, as the peers of S3 do it: the text `name:size` (later ones say
 * `FILE_META::name:size:folder`), binary chunks, the text `END_OF_FILE`. A binary `KEEP_ALIVE` may come at any time.
 * When both ends agreed to it in offer and answer, `SHA256::<hex>` follows and the receiver says whether it has it.
 */
const endOfFile = 'END_OF_FILE';
const keepAlive = Buffer.from('KEEP_ALIVE');
const digestText = /^SHA256::([0-9a-f]{64})$/;
const metaText = /^FILE_META::(.+):(\d{1,16}):.*$/s;
/** Greedy, so that it splits at the last colon: a name may contain colons. */
const headerText = /^(.+):(\d{1,16})$/s;
/** A control character first, which no announced name contains, so that a receipt is never taken for a header. */
const receiptText = /^\u0006(FILE_OK|FILE_FAILED)::(.*)$/s;

export type Message = string | Uint8Array;

export const keepAliveMessage: Uint8Array = keepAlive;
export const endMessage: string = endOfFile;
export const digestMessage = (sha256: string): string => `SHA256::${sha256}`;

/** The announcement of a file; control characters leave the name, colons stay. */
export function headerMessage(name: string, sizeBytes: number): string {
  return `${name.replaceAll(/\p{Cc}/gu, '')}:${String(sizeBytes)}`;
}

/** What to send for one chunk: a chunk that would read as a keep-alive goes in two messages. */
export function chunkMessages(bytes: Uint8Array): readonly Uint8Array[] {
  return keepAlive.equals(bytes) ? [bytes.subarray(0, 5), bytes.subarray(5)] : [bytes];
}

/** What a receiver answers for one file, when both ends agreed on it. */
export type Receipt =
  { readonly ok: true; readonly sha256: string } | { readonly ok: false; readonly reason: string };

export function receiptMessage(receipt: Receipt): string {
  return receipt.ok ? `\u0006FILE_OK::${receipt.sha256}` : `\u0006FILE_FAILED::${receipt.reason}`;
}

export function parseReceipt(message: Message): Receipt | undefined {
  const match = typeof message === 'string' ? receiptText.exec(message) : null;
  if (match === null) return undefined;
  const text = match[2] ?? '';
  return match[1] === 'FILE_OK' ? { ok: true, sha256: text } : { ok: false, reason: text };
}

export type FileEvent =
  | { readonly type: 'begin'; readonly name: string; readonly sizeBytes: number }
  | { readonly type: 'data'; readonly bytes: Uint8Array }
  | { readonly type: 'end'; readonly sha256?: string };

/** What was announced and what came do not agree; the rest of the channel cannot be trusted. */
export class FramingError extends Error {
  override readonly name = 'FramingError';
}

type ReaderState =
  { at: 'idle' } | { at: 'body'; name: string; leftBytes: number; keepAliveHeld: boolean } | { at: 'digest' };

/** Turns the messages of a channel into files, in order. Pure: no files, no channel. */
export class FrameReader {
  readonly #withDigest: boolean;
  #state: ReaderState = { at: 'idle' };

  /** @param withDigest both ends agreed that a SHA-256 follows each file */
  constructor(withDigest: boolean) {
    this.#withDigest = withDigest;
  }

  /** Whether a file was announced and is not complete. */
  get isInsideFile(): boolean {
    return this.#state.at !== 'idle';
  }

  /**
   * The events of one message, none when it is not about files (other texts of S3's workers, keep-alives).
   * @throws FramingError when bytes come without an announcement, too many or too few
   */
  read(message: Message): readonly FileEvent[] {
    return typeof message === 'string' ? this.#readText(message) : this.#readBytes(message);
  }

  #readText(text: string): readonly FileEvent[] {
    const state = this.#state;
    if (state.at === 'body') return text === endOfFile ? this.#endBody(state) : [];
    if (state.at === 'digest') {
      const sha256 = digestText.exec(text)?.[1];
      if (sha256 === undefined) return [];
      this.#state = { at: 'idle' };
      return [{ type: 'end', sha256 }];
    }
    const match = metaText.exec(text) ?? headerText.exec(text);
    const name = match?.[1];
    const sizeBytes = Number(match?.[2]);
    if (name === undefined || !Number.isSafeInteger(sizeBytes)) return [];
    this.#state = { at: 'body', name, leftBytes: sizeBytes, keepAliveHeld: false };
    return [{ type: 'begin', name, sizeBytes }];
  }

  #readBytes(bytes: Uint8Array): readonly FileEvent[] {
    const state = this.#state;
    if (keepAlive.equals(bytes)) {
      // Ten bytes missing and these ten come: a keep-alive, unless the file ends here without them.
      if (state.at === 'body' && state.leftBytes === bytes.length) state.keepAliveHeld = true;
      return [];
    }
    if (bytes.length === 0) return [];
    if (state.at !== 'body') throw new FramingError('bytes came that belong to no announced file');
    if (bytes.length > state.leftBytes)
      throw new FramingError(`more bytes than announced came for ${state.name}`);
    state.leftBytes -= bytes.length;
    return [{ type: 'data', bytes }];
  }

  #endBody(state: Extract<ReaderState, { at: 'body' }>): readonly FileEvent[] {
    const isContent = state.keepAliveHeld && state.leftBytes === keepAlive.length;
    if (state.leftBytes > 0 && !isContent) {
      throw new FramingError(
        `${state.name} ended ${String(state.leftBytes)} bytes short of its announced size`,
      );
    }
    const content: readonly FileEvent[] = isContent ? [{ type: 'data', bytes: keepAlive }] : [];
    this.#state = { at: this.#withDigest ? 'digest' : 'idle' };
    return this.#withDigest ? content : [...content, { type: 'end' }];
  }
}
