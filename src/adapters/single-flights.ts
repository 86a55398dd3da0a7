interface Lane<Answer> {
  /** All who ask while one is under way share the next. */
  next: Promise<Answer> | undefined;
}

/**
 * One question at a time for each key, however many ask. Nobody is given the answer to a question that was put before
 * they asked: it may be older than what they know.
 */
export class SingleFlights<Key, Answer> {
  private readonly lanes = new Map<Key, Lane<Answer> & { readonly current: Promise<Answer> }>();

  constructor(private readonly put: (key: Key) => Promise<Answer>) {}

  /** Rejects as the question does; who waits for the next one is not made to wait through another failure. */
  ask(key: Key): Promise<Answer> {
    const lane = this.lanes.get(key);
    if (lane === undefined) return this.begin(key);
    lane.next ??= lane.current.then(() => this.begin(key));
    return lane.next;
  }

  private begin(key: Key): Promise<Answer> {
    const current = this.put(key);
    const lane = { current, next: undefined as Promise<Answer> | undefined };
    this.lanes.set(key, lane);
    current.then(
      () => {
        if (lane.next === undefined) this.lanes.delete(key);
      },
      () => {
        this.lanes.delete(key);
      },
    );
    return current;
  }
}
