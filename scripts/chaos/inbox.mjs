/** So many ids of a sender are remembered. */
const rememberedIds = 512;

/** Tells a message that came again, by its sender and its id. */
export class Inbox {
  repeats = 0;
  /** @type {Map<string, Set<string>>} */
  #seen = new Map();

  /** @param {{ sender: string, id: string }} frame */
  isNew({ sender, id }) {
    let ids = this.#seen.get(sender);
    if (ids === undefined) this.#seen.set(sender, (ids = new Set()));
    if (ids.has(id)) {
      this.repeats += 1;
      return false;
    }
    ids.add(id);
    if (ids.size > rememberedIds) ids.delete(ids.values().next().value);
    return true;
  }
}
