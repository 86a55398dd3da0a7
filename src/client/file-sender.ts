import { createHash } from 'node:crypto';
import { open, type FileHandle } from 'node:fs/promises';
import { basename } from 'node:path';
import type { ChannelOutlet } from './channel-outlet.js';
import { ClientError, diskError } from './client-error.js';
import { chunkMessages, digestMessage, endMessage, headerMessage } from './file-framing.js';

export interface OutgoingFile {
  readonly name: string;
  readonly sizeBytes: number;
  readonly handle: FileHandle;
}

/** @throws ClientError `disk` when the path is no readable file */
export async function openOutgoing(path: string): Promise<OutgoingFile> {
  try {
    const handle = await open(path, 'r');
    const facts = await handle.stat();
    if (facts.isFile()) return { name: basename(path), sizeBytes: facts.size, handle };
    await handle.close();
  } catch (error) {
    throw diskError(`read ${path}`, error);
  }
  throw new ClientError('disk', `cannot read ${path}: it is no file`, 'pack a folder into one file first');
}

/** How a file is to be sent: chunk size in bytes, whether the SHA-256 follows it, and who watches. */
export interface SendingOptions {
  readonly chunkBytes: number;
  readonly withDigest: boolean;
  readonly onProgress: (sentBytes: number) => void;
}

/**
 * Sends one file: its announcement, its bytes, its end. Memory stays the same whatever its size.
 * @returns its SHA-256, lower-case hex
 * @throws ClientError `disk` when it cannot be read or shrinks meanwhile, `transfer` when the channel closes
 */
export async function sendFile(
  file: OutgoingFile,
  outlet: ChannelOutlet,
  options: SendingOptions,
): Promise<string> {
  const hash = createHash('sha256');
  let sentBytes = 0;
  await outlet.write(headerMessage(file.name, file.sizeBytes));
  while (sentBytes < file.sizeBytes) {
    const bytes = await readChunk(file, Math.min(options.chunkBytes, file.sizeBytes - sentBytes));
    hash.update(bytes);
    for (const message of chunkMessages(bytes)) await outlet.write(message);
    sentBytes += bytes.length;
    options.onProgress(sentBytes);
  }
  const sha256 = hash.digest('hex');
  await outlet.write(endMessage);
  if (options.withDigest) await outlet.write(digestMessage(sha256));
  return sha256;
}

async function readChunk(file: OutgoingFile, lengthBytes: number): Promise<Uint8Array> {
  const buffer = new Uint8Array(lengthBytes);
  const { bytesRead } = await file.handle.read(buffer, 0, lengthBytes, null).catch((error: unknown) => {
    throw diskError(`read ${file.name}`, error);
  });
  if (bytesRead === 0) throw new ClientError('disk', `${file.name} became shorter while it was sent`);
  return buffer.subarray(0, bytesRead);
}
