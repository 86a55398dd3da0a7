/** Who is in the room as far as a client knows. The application is told of one join and one leave for each stay. */
export class Roster {
  /** @type {Set<string>} */
  peers = new Set();
  #onJoined;
  #onLeft;
  #onStray;
  /** Who has left -> whether the word for it may still come: its leave was seen by comparing rosters. */
  #gone = new Map();

  /**
   * @param {(peerId: string) => void} onJoined
   * @param {(peerId: string, how: 'told' | 'reconciled') => void} onLeft
   * @param {(peerId: string) => void} onStray its leave was told already
   */
  constructor(onJoined, onLeft, onStray) {
    this.#onJoined = onJoined;
    this.#onLeft = onLeft;
    this.#onStray = onStray;
  }

  add(peerId) {
    if (this.peers.has(peerId)) return;
    this.peers.add(peerId);
    this.#gone.delete(peerId);
    this.#onJoined(peerId);
  }

  remove(peerId) {
    if (this.peers.delete(peerId)) {
      this.#gone.set(peerId, false);
      this.#onLeft(peerId, 'told');
    } else if (this.#gone.get(peerId) === true) {
      this.#gone.set(peerId, false);
    } else if (this.#gone.has(peerId)) {
      this.#onStray(peerId);
    }
  }

  /** Takes the roster of a `room_joined` for the truth. @param {string[]} peerIds */
  reconcile(peerIds) {
    const there = new Set(peerIds);
    for (const peerId of [...this.peers]) {
      if (there.has(peerId)) continue;
      this.peers.delete(peerId);
      this.#gone.set(peerId, true);
      this.#onLeft(peerId, 'reconciled');
    }
    for (const peerId of peerIds) this.add(peerId);
  }
}
