import { createHash } from 'node:crypto';
import { mkdir, open, rename, unlink, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { diskError, systemCode } from './client-error.js';
import { numberedName, safeFileName } from './file-name.js';

const maxSameName = 1_000;

/** A file that is being received: `name.part` until it is complete, so that a half one is never taken for whole. */
export class IncomingFile {
  readonly #folder: string;
  readonly #name: string;
  readonly #partPath: string;
  readonly #handle: FileHandle;
  readonly #hash = createHash('sha256');

  private constructor(folder: string, name: string, partPath: string, handle: FileHandle) {
    this.#folder = folder;
    this.#name = name;
    this.#partPath = partPath;
    this.#handle = handle;
  }

  /** @throws ClientError `disk` */
  static async create(folder: string, announcedName: string): Promise<IncomingFile> {
    const name = safeFileName(announcedName);
    const { path, handle } = await createNew(folder, name, '.part');
    return new IncomingFile(folder, name, path, handle);
  }

  /** @throws ClientError `disk` */
  async write(bytes: Uint8Array): Promise<void> {
    this.#hash.update(bytes);
    try {
      for (let offset = 0; offset < bytes.length;) {
        offset += (await this.#handle.write(bytes, offset)).bytesWritten;
      }
    } catch (error) {
      throw diskError(`write ${this.#partPath}`, error);
    }
  }

  /** The SHA-256 of what was written, lower-case hex. Only once, after the last write. */
  digest(): string {
    return this.#hash.digest('hex');
  }

  /**
   * Gives the file its name, or `name (1)` and so on when that is taken: nothing is overwritten.
   * @returns its path
   * @throws ClientError `disk`
   */
  async keep(): Promise<string> {
    try {
      await this.#handle.close();
    } catch (error) {
      throw diskError(`write ${this.#partPath}`, error);
    }
    // The empty file reserves the name, and renaming over it is atomic on every file system.
    const place = await createNew(this.#folder, this.#name, '');
    await place.handle.close();
    try {
      await rename(this.#partPath, place.path);
    } catch (error) {
      throw diskError(`write ${place.path}`, error);
    }
    return place.path;
  }

  /** Removes what there is of it. */
  async discard(): Promise<void> {
    await this.#handle.close().catch(ignoreGone);
    await unlink(this.#partPath).catch(ignoreGone);
  }
}

/** Makes the output folder before anything is promised to a peer. @throws ClientError `disk` */
export async function prepareFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
  } catch (error) {
    throw diskError(`create ${folder}`, error);
  }
}

async function createNew(
  folder: string,
  name: string,
  suffix: string,
): Promise<{ readonly path: string; readonly handle: FileHandle }> {
  for (let number = 0; ; number += 1) {
    const path = join(folder, numberedName(name, number) + suffix);
    try {
      return { path, handle: await open(path, 'wx') };
    } catch (error) {
      if (systemCode(error) !== 'EEXIST' || number === maxSameName) throw diskError(`create ${path}`, error);
    }
  }
}

/** It is being thrown away: that it is gone already, or cannot be removed, changes nothing. */
const ignoreGone = (): void => undefined;
