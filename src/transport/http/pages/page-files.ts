import { readFile } from 'node:fs/promises';
import path from 'node:path';

/** No separators and no dots but the one: what it names lies in the folder. */
const plainName = /^[a-z-]{1,32}\.(html|css|js)$/;

/** The built pages, each read once. */
export class PageFiles {
  readonly #folder: string;
  readonly #texts = new Map<string, string>();

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** `undefined`: there is no such file. Rejects when it cannot be read. */
  async read(name: string): Promise<string | undefined> {
    if (!plainName.test(name)) return undefined;
    const known = this.#texts.get(name);
    if (known !== undefined) return known;
    try {
      const text = await readFile(path.join(this.#folder, name), 'utf8');
      this.#texts.set(name, text);
      return text;
    } catch (error) {
      if ((error as { readonly code?: unknown } | null)?.code === 'ENOENT') return undefined;
      throw error;
    }
  }
}
