/** What the browser keeps for a page. Where it keeps nothing, as with all cookies blocked, the page knows it while it is open. */
export class BrowserStore {
  readonly #storage: () => Storage;
  readonly #known = new Map<string, string>();

  constructor(storage: () => Storage) {
    this.#storage = storage;
  }

  get(key: string): string | null {
    try {
      return this.#storage().getItem(key);
    } catch {
      // To look at the storage is forbidden already.
      return this.#known.get(key) ?? null;
    }
  }

  set(key: string, value: string): void {
    try {
      this.#storage().setItem(key, value);
    } catch {
      this.#known.set(key, value);
    }
  }

  delete(key: string): void {
    this.#known.delete(key);
    try {
      this.#storage().removeItem(key);
    } catch {
      // Nothing was kept.
    }
  }
}

/** Of all pages of this origin, for good. */
export const ofBrowser = new BrowserStore(() => localStorage);
/** Of this tab, until it is closed. */
export const ofTab = new BrowserStore(() => sessionStorage);
